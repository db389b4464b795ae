"""ROUGE against rouge-score and coco-caption, and first sentences as summaries."""

from __future__ import annotations

import random
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer

from longshort.errors import ArgumentError
from longshort.metrics.leads import first_sentence, first_words
from longshort.metrics.porter import stem
from longshort.metrics.rouge import caption_rouge, common_subsequence, rouge

ENDINGS = [
    "", "ing", "ed", "ies", "ied", "s", "es", "er", "ly", "ational", "tional", "izer", "alli", "y",
    "logi", "fulli", "eed", "ll", "ion", "e", "ness", "ment",
]  # fmt: skip
WORDS = [
    "Meeting", "meetings", "the", "of", "plans", "planned", "Q3", "re:", "don't", "2001", "café",
]  # fmt: skip


def texts(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, 12))) for _ in range(count)]


def test_rouge_by_hand() -> None:
    """4 words and 5; in common 3 words, 1 pair, and "the black cat" in order."""
    found = rouge(["The black fat cat"], ["the black dog, the cat"])[0]
    assert found == pytest.approx([100 * 6 / 9, 100 * 2 / 7, 100 * 6 / 9])


def test_order_matters_to_rouge_l_only() -> None:
    assert rouge(["b a"], ["a b"])[0] == pytest.approx([100, 0, 50])


@pytest.mark.parametrize("stemmed", [True, False])
def test_rouge_is_that_of_google(stemmed: bool) -> None:
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=stemmed)
    given, references = texts(200, 0), texts(200, 1)
    for ours, text, reference in zip(
        rouge(given, references, stemmed), given, references, strict=True
    ):
        theirs = [100 * score.fmeasure for score in scorer.score(reference, text).values()]
        assert ours == pytest.approx(theirs)


def test_the_best_of_several_references_counts_in_each_column() -> None:
    given, first, second = texts(50, 0), texts(50, 1), texts(50, 2)
    both = list(zip(first, second, strict=True))
    assert np.array_equal(rouge(given, both), np.maximum(rouge(given, first), rouge(given, second)))


def test_texts_without_a_word_score_0() -> None:
    assert rouge(["", "?", "a"], ["", "a", "!"]).tolist() == [[0, 0, 0]] * 3


def test_common_subsequence_is_that_of_the_table() -> None:
    draw = random.Random(0)
    for _ in range(300):
        first, second = ("".join(draw.choices("abcd", k=draw.randint(0, 80))) for _ in "12")
        row = [0] * (len(second) + 1)
        for letter in first:
            before = row
            row = [0]
            for place, other in enumerate(second):
                longer = before[place] + 1 if letter == other else max(before[place + 1], row[-1])
                row.append(longer)
        assert common_subsequence(first, second) == row[-1]


# -- captions --------------------------------------------------------------------------------------


def test_caption_rouge_by_hand() -> None:
    """Precision 2 / 3 with the first reference, recall 1 with the second."""
    weight = 1.2**2
    score = (1 + weight) * (2 / 3) / (1 + weight * 2 / 3)
    assert caption_rouge(["A dog runs."], [["a dog sits there now", "dog"]]) == pytest.approx(
        [100 * score]
    )


def test_a_caption_with_nothing_in_common_scores_0() -> None:
    assert caption_rouge(["", "a"], [["a"], ["", "b"]]).tolist() == [0, 0]


# -- stems -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "expected"),
    [("meetings", "meet"), ("hopping", "hop"), ("filing", "file"), ("falling", "fall"),
     ("died", "die"), ("happy", "happi"), ("enjoy", "enjoy"), ("relational", "relat"),
     ("adoption", "adopt"), ("controlled", "control"), ("skies", "sky"), ("is", "is")],
)  # fmt: skip
def test_stems(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_stems_are_those_of_nltk() -> None:
    draw, theirs = random.Random(0), PorterStemmer()
    for _ in range(20_000):
        start = "".join(draw.choices("abceilnosty2", k=draw.randint(1, 8)))
        word = start + draw.choice(ENDINGS)
        assert stem(word) == theirs.stem(word), word


# -- leads -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One  two three.\nFour five six.", "One two three."),
        ("It was 3.5 percent! Then", "It was 3.5 percent!"),
        ("This line ends\nhere", "This line ends"),
        ("Dear John,\nplease do come. Bye.", "please do come."),
        ("Too\nshort.", "Too short."),
        ("  ", ""),
    ],
)
def test_first_sentence(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence


def test_a_greeting_is_a_sentence_where_one_word_is_enough() -> None:
    assert first_sentence("Hello!\nHow are you?", least=1) == "Hello!"


def test_a_long_first_sentence_is_cut() -> None:
    assert first_sentence("One two three. Four.", most=2) == "One two"


def test_first_words() -> None:
    assert first_words(" one two\nthree ", 2) == "one two"
    assert first_words("one", 8) == "one"


def test_no_word_is_no_summary() -> None:
    with pytest.raises(ArgumentError, match="must be at least 1; it is 0"):
        first_words("one", 0)


@pytest.mark.parametrize(
    ("lead", "known"),
    [
        (first_words, [12.1, 4.9, 11.6]),
        (first_sentence, [15.8, 6.8, 14.5]),
        (partial(first_sentence, most=12), [14.8, 6.2, 13.8]),
    ],
)
def test_leads_of_mails_are_the_known_numbers(
    real_data: Path, lead: Callable[[str], str], known: list[float]
) -> None:
    bodies, subjects = mails(real_data)
    found = rouge([lead(body) for body in bodies], subjects).mean(0)
    assert found == pytest.approx(known, abs=0.05)


def mails(real_data: Path) -> tuple[list[str], list[str]]:
    """Bodies and subject lines of the test part."""
    found = []
    with tarfile.open(real_data / "aeslc" / "aeslc.tar.gz") as archive:
        for member in archive:
            if "/test/" in member.name and member.isfile():
                text = archive.extractfile(member).read().decode(errors="replace")
                body, rest = text.split("@subject", 1)
                found.append((body, rest.split("@ann0")[0].strip()))
    bodies, subjects = zip(*found, strict=True)
    return list(bodies), list(subjects)
