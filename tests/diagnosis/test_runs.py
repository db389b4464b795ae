"""Runs and data of every task as subjects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import longshort as ls
from longshort.diagnosis.doctor import subject_of
from longshort.diagnosis.examine import SHORT, STATIC
from longshort.diagnosis.gradients import gradients_of
from longshort.diagnosis.of_run import RunSubject
from longshort.errors import DataError, RunError
from longshort.runs import story
from longshort.runs.thinning import can_thin
from tests.tiny_runs import TASKS, small


def of(task: str) -> RunSubject:
    settings, data = small(task)
    return subject_of(data, settings)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_examined(task: str) -> None:
    subject = of(task)
    before = {name: value.clone() for name, value in subject.module.state_dict().items()}
    for measure in (*STATIC.values(), *SHORT.values()):
        measure(subject)
    rate = subject.changes({"learning_rate": 0.01})
    assert rate == {"train.learning_rate": 0.01}
    assert subject.ground.prepared(rate).config.train.learning_rate == 0.01
    assert len(subject.train(rate, seed=1).scores) >= 2
    after = subject.module.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize("task", TASKS)
def test_less_data_is_trained_on_for_as_many_steps(task: str) -> None:
    subject = of(task)
    part, whole = subject.train_on(0.5, seed=0), subject.train({}, seed=0)
    assert (part is not None) == can_thin(type(subject.ground.task))
    if part is not None:
        is_by_pass = subject.config.train.steps_per_epoch is None
        assert len(part.losses) == len(whole.losses) * (2 if is_by_pass else 1)


def test_a_remedy_is_a_command_that_runs(tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("".join(f"{'ab'[n % 2]} {'no' if n % 2 else 'yes'} {n}\n" for n in range(80)))
    settings = {
        "task": "classify",
        "data": {"path": str(lines)},
        "model": {"hidden": 4},
        "train": {"max_epochs": 2, "threads": 1, "learning_rate": 1e-6},
    }
    run = tmp_path / "run"
    story.run(settings, run)
    subject = subject_of(run)
    assert subject.is_trained
    remedy = subject.remedy(subject.changes({"learning_rate": 0.01, "clip": None}))
    assert remedy == (
        f"longshort run {lines} --config {run}/config.toml --set train.learning_rate=0.01 "
        "--set train.clip_norm=none"
    )


def test_a_dropout_is_lowered_wherever_it_is_above() -> None:
    subject = of("classify")
    changes = subject.changes({"dropout": 0.05})
    assert changes == {"model.dropout": 0.05, "model.word_dropout": 0.05}


def test_gradients_of_cells_stand_beside_the_runs_own() -> None:
    found = gradients_of(of("forecast"), cells=("RNN", "LSTM"))
    assert list(found.slopes)[:2] == ["RNN, untrained", "LSTM, untrained"]
    assert len(found.slopes) == 3
    assert "halves every" in found.lines()[0]
    assert found.svg().startswith("<svg")


def test_short_sequences_have_no_gradient_per_lag() -> None:
    with pytest.raises(DataError, match="no recurrent layer reads sequences of 8 steps"):
        gradients_of(of("classify"))


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run folder"):
        ls.doctor(tmp_path)


def test_data_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"\x00\x01\x02")
    with pytest.raises(DataError, match=r"broken\.csv"):
        ls.doctor(broken)


def test_a_run_on_data_in_memory_says_what_to_do(small_run: Callable[[str], Path]) -> None:
    with pytest.raises(RunError, match=r"data in memory; give the data and the settings"):
        ls.doctor(small_run("classify"))


def test_a_run_that_was_never_trained_says_what_to_do(
    small_run: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    done = small_run("classify")
    for name in ("config.toml", "data.json"):
        (folder / name).write_bytes((done / name).read_bytes())
    with pytest.raises(RunError, match="has not been trained to its end"):
        ls.doctor(folder)


def test_data_in_memory_are_examined() -> None:
    settings, data = small("regress")
    found: Any = ls.doctor(data, settings, steps=2, budget=0.01)
    assert found.steps == 2
    assert found.measured["one batch"].numbers["left"] < 1.0
