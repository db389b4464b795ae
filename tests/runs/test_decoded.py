"""The length penalty of a run: chosen on the validation split, given, or of no use."""

from __future__ import annotations

from typing import Any

import pytest

from longshort.runs import story, trained
from longshort.runs.decoded import PENALTIES, chosen_penalty, length_penalty
from longshort.runs.task import Model, untracked
from longshort.runs.writing import Writing
from longshort.tasks.seq2seq.config import TranslateConfig
from longshort.tasks.seq2seq.written import write
from tests.jobs import trained_job
from tests.tiny_runs import small

TASKS = ("translate", "summarise", "caption")


def chosen(quality: dict[float, float], **write: Any) -> tuple[dict[str, Any], list[str]]:
    """What is kept, and what is said, where texts with these penalties have this quality."""
    said: list[str] = []
    config = TranslateConfig.model_validate({"write": write})
    kept = chosen_penalty(
        Model(config, None, None),
        lambda how: quality[how.length_penalty or 0.0],
        "BLEU",
        "9 pairs",
        said.append,
        untracked,
    )
    return kept, said


def test_the_penalty_with_the_best_texts_is_kept_and_said() -> None:
    low, usual, high = PENALTIES
    kept, said = chosen({low: 10.0, usual: 12.0, high: 12.5})
    assert float(kept["length_penalty"]) == high
    assert said == [f"length penalty: {high:g}, by the BLEU of 9 pairs (10.0 with {low:g}, 12.0 "
                    f"with {usual:g}, 12.5 with {high:g})"]  # fmt: skip


def test_of_equals_the_usual_one_is_kept() -> None:
    kept, _ = chosen(dict.fromkeys(PENALTIES, 5.0))
    assert float(kept["length_penalty"]) == 1.0


@pytest.mark.parametrize("write", [{"length_penalty": 0.7}, {"beam": 1}])
def test_nothing_is_chosen_where_it_is_given_or_without_effect(write: dict[str, Any]) -> None:
    assert chosen({}, **write) == ({}, [])


@pytest.mark.parametrize("task", TASKS)
def test_a_run_keeps_its_penalty(task: str, tmp_path: Any) -> None:
    settings, data = small(task)
    said: list[str] = []
    scores = story.run(settings, tmp_path / "run", data=data, say=said.append)
    (line,) = [line for line in said if line.startswith("length penalty: ")]
    found = length_penalty(trained.load(tmp_path / "run").model)
    assert line.startswith(f"length penalty: {found:g}, by the ")
    assert scores["test"]["model"]["length_penalty"] == found


def test_a_penalty_of_the_settings_is_used() -> None:
    settings, data = small("translate")
    job = trained_job({**settings, "write": {"length_penalty": 0.7}}, data)
    assert job.model.kept == {} and length_penalty(job.model) == 0.7
    arrays = job._validation().arrays
    usual, same = (
        write(job.model, arrays),
        write(job.model, arrays, how=Writing(length_penalty=0.7)),
    )
    assert usual.texts == same.texts
