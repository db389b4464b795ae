"""Whole studies of several tasks: searched, answered, repeated, stopped and refused."""

from __future__ import annotations

import html
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from longshort.config import assign
from longshort.errors import ConfigError, DataError, Interrupted, RunError
from longshort.registry import TASKS
from longshort.runs import story
from longshort.tuning.board import Audience
from longshort.tuning.story import join, tune
from longshort.tuning.study import ANSWER, PAGE, RESULTS, Study
from tests.tiny_runs import TASKS as TASKS_OF_ALL

from .studies import settings_of, texts

SPACE = {"model.hidden": "2..8", "train.learning_rate": "1e-3..1e-1"}
FILE_SETTINGS = {"task": "classify", "split": {"val": 0.2}, "train": {"max_epochs": 9}}


def searched(task: str, out: Path, **more: Any) -> dict[str, Any]:
    settings, data = settings_of(task)
    return tune(settings, out, data=data, search=SPACE, trials=4, **more)


def scores_of(folder: Path) -> dict[tuple[int, int], float | None]:
    """Scores of all trials and rungs, without times."""
    return {key: each.score for key, each in Study.open(folder).results().items()}


@dataclass(frozen=True)
class Ended:
    """A study that has ended: its folder, its answer, and what was said."""

    folder: Path
    found: dict[str, Any]
    said: list[str]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    folder, said = tmp_path_factory.mktemp("ended") / "study", list[str]()
    return Ended(folder, searched("regress", folder, audience=Audience(said.append)), said)


def test_a_search_ends_in_a_whole_run(ended: Ended) -> None:
    assert set(ended.found["settings"]) == set(SPACE)
    scores = json.loads((Path(ended.found["run"]) / "scores.json").read_text())
    assert scores["test"] == ended.found["test"]
    assert len(ended.found["rows"]) == 4
    assert ended.found["cost"]["full_runs"] < 4


def test_texts_are_searched_too(tmp_path: Path) -> None:
    assert set(searched("lm", tmp_path)["settings"]) == set(SPACE)


def test_a_study_is_repeated_by_its_seed(ended: Ended, tmp_path: Path) -> None:
    again = searched("regress", tmp_path)
    assert scores_of(tmp_path) == scores_of(ended.folder)
    assert again["settings"] == ended.found["settings"]


def test_the_winner_is_the_run_of_its_settings(ended: Ended, tmp_path: Path) -> None:
    _, _, config, _ = story.open_run(Path(ended.found["run"]))
    settings, data = settings_of("regress", train__seed=config.train.seed)
    for key, value in ended.found["settings"].items():
        assign(settings, key, value)
    assert story.run(settings, tmp_path / "run", data=data)["test"] == ended.found["test"]


def test_a_finished_study_is_answered_at_once(ended: Ended) -> None:
    said: list[str] = []
    assert searched("regress", ended.folder, audience=Audience(said.append)) == ended.found
    assert not said


def test_a_study_of_other_candidates_is_refused(ended: Ended) -> None:
    with pytest.raises(RunError, match="is another study, as these differ: seed, candidates"):
        searched("regress", ended.folder, seed=1)


def test_the_price_is_told_before_anything_is_trained(ended: Ended) -> None:
    price = "price: 4 trials at first, and at most 2.0 full runs of 3 epochs"
    assert ended.said[0].startswith(price)
    assert ended.said[1].startswith("rung 1 of 3: 4 candidates up to 1/9 of the epochs")
    assert any("left at most" in line for line in ended.said)


def test_the_page_is_whole(ended: Ended) -> None:
    page = (ended.folder / PAGE).read_text()
    assert page.count("<svg") == 2
    assert "The choice was made on the validation split" in page
    assert 'src="http' not in page
    assert ended.found["verdict"][:40] in html.unescape(page)


def test_units_are_answered_with_the_smallest_within_noise(tmp_path: Path) -> None:
    settings, data = settings_of("regress")
    found = tune(settings, tmp_path, data=data, question="units", values=(2, 4, 8), seeds=2)
    assert found["axis"] == "model.hidden"
    assert found["level"] <= found["best_level"]
    assert found["level"] in found["compared_in_full"]
    rows = [row for row in found["rows"] if row["rung"] == 2]
    best = min(row["validation"] for row in rows)
    enough = next(row for row in rows if row["level"] == found["level"])
    assert enough["validation"] <= best + found["standard_error"]


def test_a_given_learning_rate_is_taken_as_it_is(tmp_path: Path) -> None:
    settings, data = settings_of("regress", train__learning_rate=0.02)
    found = tune(settings, tmp_path, data=data, question="units", values=(2, 4), seeds=1)
    assert {row["settings"]["train.learning_rate"] for row in found["rows"]} == {0.02}


def test_the_end_of_the_ladder_is_told(tmp_path: Path) -> None:
    """A linear map of more units is no worse here, so that only the ladder's end can be meant."""
    settings, data = settings_of("regress", train__max_epochs=6)
    found = tune(settings, tmp_path, data=data, question="units", values=(1, 2), seeds=1)
    is_end = found["best_level"] == 2
    assert any("largest of the ladder" in text for text in found["warnings"]) == is_end


def test_a_window_is_answered(tmp_path: Path) -> None:
    settings, data = settings_of("forecast")
    del settings["model"]["context_length"]
    found = tune(settings, tmp_path, data=data, question="window", values=(6, 12, 24), seeds=1)
    assert found["level"] in (6, 12, 24)
    amounts = {
        (row["settings"]["train.batch_size"], row["settings"]["train.steps_per_epoch"])
        for row in found["rows"]
    }
    assert len(amounts) == 1


@pytest.mark.parametrize(("task", "metric"), [("regress", "rmse"), ("lm", "perplexity")])
def test_more_data_is_answered_in_the_tasks_metric(task: str, metric: str, tmp_path: Path) -> None:
    settings, data = settings_of(task)
    shares = (0.25, 0.5, 1.0)
    found = tune(settings, tmp_path, data=data, question="data", values=shares, seeds=1)
    assert found["metric"] == metric
    assert [point["share"] for point in found["points"]] == list(shares)
    assert found["twice"]["low"] <= found["twice"]["score"] <= found["twice"]["high"]


def refused(error: type[Exception], message: str, task: str = "regress", **more: Any) -> None:
    settings, data = settings_of(task)
    with pytest.raises(error, match=message):
        tune(settings, Path("never"), data=data, **more)
    assert not Path("never").exists()


@pytest.mark.parametrize("name", list(TASKS.own))
def test_a_window_is_refused_where_a_task_has_none(name: str) -> None:
    if not hasattr(TASKS.load(name), "window_key") and name != "classify":
        message = rf"the task '{name}' does not have it \(tasks that do: forecast, anomaly, lm\)"
        refused(ConfigError, message, name, question="window")


def test_bad_questions_are_refused() -> None:
    refused(ConfigError, "'unit' is not known; did you mean 'units'", question="unit")
    refused(ConfigError, "has a ladder of its own", question="units", search=SPACE)
    refused(ConfigError, "at least two whole numbers", question="units", values=(8,))
    refused(ConfigError, "at least three shares", question="data", values=(0.5, 1.0))
    refused(ConfigError, "is the ladder of a --question", search=SPACE, values=(8, 16))


def test_too_few_samples_for_a_learning_curve_are_counted() -> None:
    refused(
        DataError,
        "0.125 of 48 training samples, has 6, and 10 are needed; give 80 training samples or more",
        question="data",
    )


def test_no_validation_split_is_refused() -> None:
    refused(ConfigError, "there is none; give --set split.val", "classify", search=SPACE)


def test_a_cell_that_does_not_exist_is_refused_before_the_start() -> None:
    search = {"model.cell": "lstm,gruu"}
    refused(ConfigError, "model.cell = gruu: .*did you mean 'GRU'", search=search)


def test_a_diverging_trial_is_told_and_left_out(tmp_path: Path) -> None:
    settings, data = settings_of(
        "regress", train__optimizer="sgd", train__schedule="none", train__clip_norm="none"
    )
    said: list[str] = []
    search = {"train.learning_rate": [0.01, 1e30]}
    found = tune(
        settings, tmp_path, data=data, search=search, trials=2, audience=Audience(said.append)
    )
    assert found["settings"] == {"train.learning_rate": 0.01}
    assert any("the loss became" in line for line in said)
    assert [row["failed"] for row in found["rows"]] == [None, "diverged"]


def test_an_interrupted_study_goes_on_to_the_same_answer(ended: Ended, tmp_path: Path) -> None:
    def stop(line: str) -> None:
        if line.startswith("trial 001"):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match=r"stopped and saved; go on with: longshort tune --join"):
        searched("regress", tmp_path, audience=Audience(stop))
    assert not (tmp_path / ANSWER).exists()
    assert searched("regress", tmp_path)["test"] == ended.found["test"]
    assert scores_of(tmp_path) == scores_of(ended.folder)


def test_data_in_memory_have_one_worker(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="data in memory, which other processes cannot read"):
        searched("regress", tmp_path / "study", workers=2)
    assert not (tmp_path / "study").exists()


def file_study(tmp_path: Path, name: str, **more: Any) -> dict[str, Any]:
    settings = {**FILE_SETTINGS, "data": {"path": str(texts(tmp_path / "texts.csv"))}}
    return tune(settings, tmp_path / name, search=SPACE, trials=6, **more)


@pytest.mark.slow
def test_a_killed_worker_loses_at_most_a_rung(tmp_path: Path) -> None:
    file_study(tmp_path, "whole")
    begun = tmp_path / "killed"
    line = [sys.executable, "-m", "longshort", "tune", str(tmp_path / "texts.csv"), "--task"]
    line += ["classify", "--set", "split.val=0.2", "--set", "train.max_epochs=9", "--out"]
    line += [str(begun), "--trials", "6", "-q"]
    line += [part for key, value in SPACE.items() for part in ("--search", f"{key}={value}")]
    process = subprocess.Popen(line, env=os.environ | {"OMP_NUM_THREADS": "1"})
    wait_for_results(begun, 2)
    process.kill()
    process.wait()
    kept = scores_of(begun)
    assert len(kept) >= 2
    join(begun)
    found = scores_of(begun)
    assert kept.items() <= found.items()
    assert found == scores_of(tmp_path / "whole")


def wait_for_results(folder: Path, count: int) -> dict[tuple[int, int], float | None]:
    for _ in range(600):
        if (folder / RESULTS).is_file() and len(scores_of(folder)) >= count:
            return scores_of(folder)
        time.sleep(0.05)
    raise AssertionError("no results came")


@pytest.mark.slow
def test_several_workers_find_what_one_does(tmp_path: Path) -> None:
    one, two = (file_study(tmp_path, f"with-{n}", workers=n) for n in (1, 2))
    assert scores_of(tmp_path / "with-1") == scores_of(tmp_path / "with-2")
    assert one["settings"] == two["settings"]
    assert one["test"] == two["test"]


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS_OF_ALL)
def test_every_task_is_searched(task: str, tmp_path: Path) -> None:
    more = {"split__val": 0.2} if task == "classify" else {}
    settings, data = settings_of(task, **more)
    found = tune(settings, tmp_path, data=data, search={"model.hidden": "2..4"}, trials=2)
    assert found["settings"]["model.hidden"] in (2, 3, 4)
    assert found["test"]["model"]
