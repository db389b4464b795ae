"""Trials: rungs of one training, for every task; other settings and data are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longshort.config import assign
from longshort.errors import RunError
from longshort.runs import story
from longshort.runs.lookup import find_task
from longshort.runs.trial import Ground
from tests.tiny_runs import TASKS, small


def ground(task: str, **changes: object) -> Ground[Any, Any, Any, Any]:
    settings, data = small(task)
    for key, value in changes.items():
        assign(settings, key.replace("__", "."), value)
    return Ground(find_task(task), settings, data)


def weights(trial: Any) -> Mapping[str, Any]:
    return {name: each.tolist() for name, each in trial.job.model.network.state_dict().items()}


@pytest.mark.parametrize("task", TASKS)
def test_rungs_are_one_training(task: str, tmp_path: Path) -> None:
    tried = ground(task, train__max_epochs=3)
    at_once = tried.trial({})
    whole = at_once.advance()
    paused = tried.trial({}, tmp_path / "trial").advance(until=1)
    later = tried.trial({}, tmp_path / "trial")
    assert [record["epoch"] for record in paused.history] == [0, 1]
    assert later.advance().history == whole.history
    assert weights(later) == weights(at_once)


def test_a_pause_says_where_it_is(tmp_path: Path) -> None:
    trial = ground("classify", train__max_epochs=3).trial({}, tmp_path / "trial")
    assert trial.advance(until=2).reason == "paused after 2 of 3 epochs"
    assert trial.advance(until=2).reason == "paused after 2 of 3 epochs"
    assert trial.advance().reason == "all 3 epochs were done"


def test_a_trial_becomes_a_run(tmp_path: Path) -> None:
    settings, data = small("classify")
    Ground(find_task("classify"), settings, data).trial({}, tmp_path / "trial").advance(until=0)
    scores = story.resume(tmp_path / "trial", data)
    assert scores["test"] == story.run(settings, tmp_path / "run", data=data)["test"]


@pytest.mark.parametrize("task", TASKS)
def test_changes_stay_out_of_the_shared_settings(task: str) -> None:
    tried = ground(task, model__hidden=4)
    assert tried.prepared({"model.hidden": 5}).config.model.hidden == 5
    assert tried.prepared({}).config.model.hidden == 4


def test_a_trial_is_scored_by_the_tasks_metrics() -> None:
    trial = ground("tag").trial({})
    trial.advance()
    assert set(trial.validate().values) >= {metric.key for metric in trial.job.task.metrics}


def test_a_folder_of_other_settings_is_refused(tmp_path: Path) -> None:
    tried = ground("classify")
    tried.trial({}, tmp_path / "trial")
    with pytest.raises(RunError, match="trial: has a trial of other settings; give another"):
        tried.trial({"model.hidden": 5}, tmp_path / "trial")


def test_a_start_that_was_killed_is_begun_anew(tmp_path: Path) -> None:
    tried = ground("regress")
    tried.trial({}, tmp_path / "trial")
    (tmp_path / "trial" / "config.toml").unlink()
    assert tried.trial({}, tmp_path / "trial").folder is not None


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="holds files that are not a longshort run"):
        ground("regress").trial({}, tmp_path)


def test_a_folder_of_other_data_is_refused(tmp_path: Path) -> None:
    ground("regress").trial({}, tmp_path / "trial")
    fewer = ground("regress")
    fewer.splits = replace(fewer.splits, test=fewer.splits.val)
    with pytest.raises(RunError, match="its content differs"):
        fewer.trial({}, tmp_path / "trial")
