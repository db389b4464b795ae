"""The questions with their answers, from `questions.toml`, and the search among them."""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_OWN, _ALSO, _ANSWER = 3.0, 3.0, 1.0
"""Weights of a word in the question, in its other wordings, and in the answer."""
_BEGINNING = 5
"""Words with the same beginning of so many letters, such as overfit and overfitting, are alike."""
_COMMON = """
a an and are as at be by can do does for from give has have how i if in is it its me my need of on
or should so that the there this to use was what when which who why will with you your lstm model
network
"""
_SMALL = frozenset(_COMMON.split())
"""Words that every question may have."""


@dataclass(frozen=True)
class Question:
    """A question with its answer.

    id: a word for it. also: other wordings that people search for. command: what answers it on
    one's own data, with placeholders DATA, RUN, FILE, TASK and COLUMN.
    """

    id: str
    question: str
    also: tuple[str, ...]
    answer: str
    command: str


@cache
def all_questions() -> tuple[Question, ...]:
    """Return the questions in the order of their file."""
    text = files("longshort.faq").joinpath("questions.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)["question"]
    return tuple(Question(**{**each, "also": tuple(each["also"])}) for each in found)


def nearest_questions(words: str, most: int = 3) -> list[Question]:
    """Return the questions nearest to these words, the best first; empty if none has any of them.

    Rare words count more. Further questions are returned if they are nearly as near.
    """
    questions = all_questions()
    for each in questions:
        if words.strip().lower() == each.id:
            return [each]
    asked = set(_words([words]))
    parts = [_weights(each) for each in questions]
    counts = Counter(word for part in parts for word in part)
    scored = []
    for question, part in zip(questions, parts, strict=True):
        score = sum(
            part[word] * math.log(1 + len(parts) / counts[word]) for word in asked & {*part}
        )
        wordings = (question.question, *question.also)
        score *= 1.0 + any(_plain(words) in _plain(each) for each in wordings)
        scored.append((score, question))
    scored.sort(key=lambda pair: -pair[0])
    best = scored[0][0]
    return [question for score, question in scored[:most] if score and score >= 0.6 * best]


def _weights(question: Question) -> dict[str, float]:
    """Return the words of a question, each with the highest weight of its places."""
    found: dict[str, float] = {}
    for texts, weight in (
        ([question.answer], _ANSWER),
        (question.also, _ALSO),
        ([question.question, question.id], _OWN),
    ):
        found |= dict.fromkeys(_words(texts), weight)
    return found


def _words(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        for word in re.findall(r"[a-z0-9]+", text.lower()):
            if word not in _SMALL:
                yield word.removesuffix("s")[:_BEGINNING]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))
