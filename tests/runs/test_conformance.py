"""What every task promises: one suite over the registry."""

from __future__ import annotations

import html
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import longshort as ls
from longshort.config.flags import flags_of
from longshort.errors import ConfigError, DataError, Interrupted
from longshort.registry import TASKS
from longshort.runfolder import FILES
from longshort.runs import story, trained
from longshort.runs.exporting import export_run
from longshort.runs.lookup import find_task
from longshort.runs.prepare import read_splits
from longshort.runs.sample_task import SampleTask
from longshort.runs.trained import AnyTrained
from longshort.train.events import Event, Stepped
from tests.tiny_runs import small

NAMES = list(TASKS.own)
SAMPLES = [name for name in NAMES if issubclass(TASKS.load(name), SampleTask)]


@pytest.fixture(scope="module", params=NAMES)
def finished(request: pytest.FixtureRequest, small_run: Callable[[str], Path]) -> Path:
    """A finished run of every task."""
    return small_run(request.param)


def loaded(folder: Path) -> tuple[AnyTrained, Any]:
    """The run, with the data that it was trained on, and that data."""
    found = trained.load(folder)
    data = small(found.task.name)[1]
    return found.remember(data), data


def scores_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "scores.json").read_text())
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_is_fulfilled(name: str) -> None:
    task = find_task(name)
    assert task.name == name and task.metrics and task.words.usage
    assert all(flag.help for flag in flags_of(task.Config))


def test_the_folder_has_one_layout(finished: Path) -> None:
    assert {each.name for each in finished.iterdir()} - {".lock"} == {*FILES, "ckpt"}


def test_the_scores_stand_beside_baselines(finished: Path) -> None:
    scores = scores_in(finished)
    assert scores["best_baseline"] in scores["test"]["baselines"]
    for entry in (scores["test"]["model"], *scores["test"]["baselines"].values()):
        assert np.isfinite(entry[scores["metric"]])
    assert scores["outcome"] in ("better", "equal", "worse", "too few") and scores["verdict"]


def test_card_and_report_are_complete(finished: Path) -> None:
    scores, card = scores_in(finished), (finished / "README.md").read_text()
    page = html.unescape((finished / "report.html").read_text())
    for text in (scores["verdict"], *scores["test"]["baselines"]):
        assert text in card and text in page
    for section in find_task(scores["task"]).metrics[:1]:
        assert section.title in card and section.title in page
    assert "format_version" in page and "<script" not in page and "<link" not in page


def test_a_run_is_stopped_and_resumed_to_the_bit(finished: Path, tmp_path: Path) -> None:
    settings, data = small(scores_in(finished)["task"])

    def stop(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match=r"go on in Python with longshort\.resume\("):
        story.run(settings, tmp_path / "run", data=data, listen=stop)
    story.resume(tmp_path / "run", data)
    for name in ("model.safetensors", "metrics.jsonl", "predictions.csv", "scores.json"):
        assert (tmp_path / "run" / name).read_bytes() == (finished / name).read_bytes(), name


def test_a_loaded_run_predicts_what_it_predicted(finished: Path) -> None:
    run, data = loaded(finished)
    test = read_splits(run.task, run.config, data).test
    own = run.predict(test)
    values = run.task.score(run.model, test, own).values
    stored = scores_in(finished)["test"]["model"]
    assert values and all(stored[key] == value for key, value in values.items())


def test_predictions_are_kept_as_they_are_written(finished: Path) -> None:
    stored = pl.read_csv(finished / "predictions.csv")
    task = find_task(scores_in(finished)["task"])
    assert stored.height and task.readable(stored).equals(stored)


@pytest.mark.parametrize("name", SAMPLES)
def test_batch_mates_do_not_matter(name: str, small_run: Callable[[str], Path]) -> None:
    run, data = loaded(small_run(name))
    test: Any = read_splits(run.task, run.config, data).test
    together = run.task.score(run.model, test, run.predict(test)).per_sample
    alone = [
        run.task.score(run.model, one, run.predict(one)).per_sample[0]
        for one in (test.take([i]) for i in range(len(test)))
    ]
    np.testing.assert_allclose(np.array(alone), together, rtol=0, atol=1e-5)


def test_training_data_are_left_out_of_an_evaluation(finished: Path) -> None:
    """Of a run's own data its test split is left, or nothing, which is refused."""
    run, data = loaded(finished)
    try:
        found = run.evaluate(data)
    except DataError as error:
        assert "--include-training" in str(error)
        return
    metric = scores_in(finished)["metric"]
    assert found["test"]["model"][metric] == scores_in(finished)["test"]["model"][metric]


def test_an_evaluation_has_the_keys_of_the_scores(finished: Path) -> None:
    run, data = loaded(finished)
    found = run.evaluate(data, include_training=True)
    only_of_a_run = {"training", "leakage"}
    assert found.keys() == scores_in(finished).keys() - only_of_a_run


def test_the_encoder_comes_back_from_its_record(finished: Path) -> None:
    run, _ = loaded(finished)
    stored = json.loads((finished / "data.json").read_text())["encoder"]
    assert json.loads(json.dumps(run.task.store_encoder(run.encoder))) == stored


def test_what_is_learned_does_not_depend_on_the_test_split(finished: Path) -> None:
    """The encoder of the training split is the run's, whatever stands in the others."""
    run, data = loaded(finished)
    train = read_splits(run.task, run.config, data).train
    again = run.task.fit_encoder(train, run.config)
    assert run.task.store_encoder(again) == run.task.store_encoder(run.encoder)


@pytest.mark.parametrize("name", NAMES)
def test_a_device_that_is_not_there_is_refused_before_anything_is_written(
    name: str, tmp_path: Path
) -> None:
    settings, data = small(name)
    settings["train"] = {**settings["train"], "device": "cuda:99"}
    with pytest.raises(ConfigError, match=r"train\.device: 'cuda:99' cannot be used here"):
        story.run(settings, tmp_path / "run", data=data)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_setting_is_refused_with_its_path(name: str, tmp_path: Path) -> None:
    settings, data = small(name)
    settings["model"] = {**settings["model"], "hiden": 3}
    with pytest.raises(ConfigError, match=r"unknown key 'model\.hiden'; did you mean 'hidden'"):
        story.run(settings, tmp_path / "run", data=data)


@pytest.mark.parametrize("name", NAMES)
def test_data_that_are_none_are_refused(name: str, tmp_path: Path) -> None:
    settings, _ = small(name)
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    for data in (tmp_path / "none.csv", empty, 3):
        with pytest.raises(ls.LongshortError):
            story.run(settings, tmp_path / "run", data=data)


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_decided_once(name: str, tmp_path: Path) -> None:
    """What was decided and written down decides the same again."""
    settings, data = small(name)
    first = story.prepare(settings, data)
    again = story.prepare(first.config.model_dump(mode="json", exclude_none=True), data)
    assert again.config == first.config


def test_an_exported_run_answers_as_the_trained_one(finished: Path, tmp_path: Path) -> None:
    run, data = loaded(finished)
    proof = export_run(finished, tmp_path / "run.longshort", memory=data)
    assert proof.is_equal and proof.calls
    exported = trained.load(tmp_path / "run.longshort")
    samples = run.own_splits().test
    expected, found = run.table(samples), exported.table(samples)
    assert_frame_equal(found, expected, rel_tol=1e-4, abs_tol=1e-4)
