"""`longshort tune` as a user types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.commands import longshort, refused
from tests.tuning.studies import texts

TASK = ("--task", "classify", "--set", "split.val=0.2", "--set", "train.max_epochs=3")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return texts(tmp_path_factory.mktemp("data") / "texts.csv", 80)


@pytest.fixture(scope="module")
def study(file: Path) -> Path:
    """A finished study, with several settings after one --search."""
    folder = file.parent / "study"
    search = ("--search", "model.hidden=2..8", "train.learning_rate=1e-3..1e-1")
    done = longshort("tune", file, *search, *TASK, "--trials", "3", "--out", folder)
    assert done.returncode == 0, done.stderr
    assert "model.hidden  train.learning_rate  epochs  validation" in done.stdout
    assert "Of 3 candidates the best is" in done.stdout
    assert "price: 3 trials" in done.stderr
    return folder


def test_a_finished_study_is_shown_again(study: Path) -> None:
    done = longshort("tune", "--join", study, "--json")
    found = json.loads(done.stdout)
    assert found["study"] == str(study)
    assert set(found["settings"]) == {"model.hidden", "train.learning_rate"}
    assert found["test"]["model"]


def test_its_winner_is_a_run(study: Path, file: Path) -> None:
    run = json.loads((study / "answer.json").read_text())["run"]
    assert longshort("predict", run, "--data", file).returncode == 0


def test_json_is_pure_while_it_trains(file: Path, tmp_path: Path) -> None:
    ask = ("--question", "units", "--values", "2,4", "--seeds", "1", "--out", tmp_path / "study")
    done = longshort("tune", file, *TASK, *ask, "--json")
    found = json.loads(done.stdout)
    assert found["axis"] == "model.hidden"
    assert found["messages"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to search"),
        (("--search", "hidden=4..8"), "did you mean 'model.hidden'"),
        (("--search", "model.hidden=8..4"), "is empty"),
        (("--search", "model.hidden"), "write key=LOW..HIGH"),
        (("--question", "unit"), "did you mean 'units'"),
        (("--question", "window"), "tasks that do: forecast, anomaly, lm"),
        (("--question", "units", "--values", "8,x"), "numbers like 16,32,64"),
        (("--question", "units", "--values", "0,8"), "at least two whole numbers"),
        (("--question", "units", "--search", "model.hidden=2..4"), "--search: is of a search"),
        (("--question", "units", "--trials", "3"), "--trials: is of a search"),
        (("--search", "model.hidden=2..4", "--engine", "optunna"), "did you mean 'optuna'"),
        (("--question", "units", "--engine", "optuna"), "leave --engine out"),
        (("other.csv", "--search", "model.hidden=2..4"), "one file is expected"),
        (("--join", "study"), "takes no other option"),
    ],
)
def test_wrong_use_is_explained(
    file: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert re.search(message, refused("tune", file, *TASK, *arguments, cwd=tmp_path))
    assert not list(tmp_path.iterdir())


def test_another_study_in_the_folder_is_refused(study: Path, file: Path, tmp_path: Path) -> None:
    other = texts(tmp_path / "other.csv", 90)
    search = ("--search", "model.hidden=2..8", "--out", study)
    assert "is a study of other data" in refused("tune", other, *TASK, *search)
    assert "these differ" in refused("tune", file, *TASK, *search)


def test_a_folder_that_is_no_study_cannot_be_joined(tmp_path: Path) -> None:
    assert "is no study" in refused("tune", "--join", tmp_path)


def test_too_few_samples_for_a_curve_are_counted(tmp_path: Path) -> None:
    few = texts(tmp_path / "few.csv", 30)
    message = refused("tune", few, *TASK, "--question", "data", cwd=tmp_path)
    assert "and 10 are needed; give 80 training samples or more" in message
