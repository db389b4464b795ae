"""The questions: found by people's words, and their commands exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import typer

from longshort.cli.main import app
from longshort.config.settings import assign, build, parse_assignments
from longshort.faq.questions import Question, all_questions, nearest_questions
from longshort.registry import TASKS
from tests.paths import ROOT

QUESTIONS = all_questions()
COMMANDS: Any = typer.main.get_command(app)
PENDING: tuple[str, ...] = ()
"""Commands that are not there yet; each is to be taken off this list when it is."""

ASKED = {
    "how many neurons": "units",
    "hidden size": "units",
    "GRU vs LSTM?": "cell",
    "vanishing gradients over 1000 steps": "long",
    "my validation loss rises": "overfitting",
    "loss is stuck": "loss",
    "loss not falling": "loss",
    "exploding gradients": "loss",
    "how long a sequence": "window",
    "hyperparameters": "rate",
    "why did the model predict that": "why",
    "is 500 samples enough data": "data",
    "how many epochs": "epochs",
    "lr": "rate",
    "number of layers": "layers",
    "bilstm": "bidirectional",
    "lookback": "window",
    "MinMaxScaler": "scaling",
    "bitcoin": "shares",
    "predictions look shifted by one": "yesterday",
    "return_sequences": "return_sequences",
    "h_n and c_n": "hidden_cell",
    "pack_padded_sequence": "padding",
    "transformers": "transformer",
    "class imbalance": "imbalance",
    "onnx": "deploy",
}


@pytest.mark.parametrize("words", ASKED)
def test_words_find_their_question(words: str) -> None:
    assert nearest_questions(words)[0].id == ASKED[words]


def test_words_that_no_question_has_find_none() -> None:
    assert nearest_questions("xyzzy") == []


@pytest.mark.parametrize("each", QUESTIONS, ids=lambda each: each.id)
def test_a_question_finds_itself(each: Question) -> None:
    assert nearest_questions(each.id) == [each]
    assert nearest_questions(each.question)[0] == each


def test_ids_and_questions_are_there_once() -> None:
    for names in ([each.id for each in QUESTIONS], [each.question for each in QUESTIONS]):
        assert len(set(names)) == len(names)


def settings(arguments: list[str]) -> Iterator[str]:
    for flag, value in pairwise(arguments):
        if flag == "--set":
            yield value


@pytest.mark.parametrize("each", QUESTIONS, ids=lambda each: each.id)
def test_the_command_exists_with_its_flags_and_settings(each: Question) -> None:
    program, name, *arguments = shlex.split(each.command)
    assert program == "longshort"
    if name in PENDING:
        assert name not in COMMANDS.commands, f"{name} is there; take it off PENDING"
        return
    for task in ("forecast", "classify") if "TASK" in arguments else ("",):
        given = [task if word == "TASK" else word for word in arguments]
        COMMANDS.commands[name].make_context(name, list(given))
        chosen = given[given.index("--task") + 1] if "--task" in given else TASKS.usual
        nested: dict[str, Any] = {"task": chosen}
        for key, value in parse_assignments(settings(given)).items():
            assign(nested, key, value)
        build(nested)


@pytest.mark.parametrize("each", QUESTIONS, ids=lambda each: each.id)
def test_pages_that_an_answer_names_exist(each: Question) -> None:
    for page in re.findall(r"docs/\S+\.md", each.answer):
        assert (ROOT / page).is_file()
