"""Comparisons of real trainings: what is shared, kept, resumed and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from longshort.cells import LSTM
from longshort.errors import ConfigError, DataError, Interrupted, RunError
from longshort.runs.lookup import find_task
from longshort.train.events import Event, Working
from longshort.tuning.compare import PAGE, RESULT, compare, planned
from longshort.tuning.compare_plan import Arm, How, arms_of
from tests.tiny_runs import TASKS, small

CELLS = arms_of(["lstm", "rnn"], None)
QUICK = How(pairs=2, rates=(0.01,))


class Mine(LSTM):
    """A cell of a user's own."""


def quick(task: str) -> tuple[dict[str, Any], object]:
    settings, data = small(task)
    if task == "lm":
        settings["model"]["tie"] = False
    return settings, data


def trained(found: dict[str, Any], name: str, key: str) -> list[Any]:
    return [pair["trainings"][name][key] for pair in found["pairs"]]


@pytest.fixture(scope="module")
def regress(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[str]]:
    settings, data = quick("regress")
    out, said = tmp_path_factory.mktemp("compared") / "out", []
    how = How(pairs=2, rates=(0.001, 0.01, 0.1), tune_share=1.0)
    found = compare(settings, CELLS, out, how=how, data=data, say=said.append)
    return out, found, said


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_compared(task: str, tmp_path: Path) -> None:
    settings, data = quick(task)
    found = compare(settings, CELLS, tmp_path / "out", how=QUICK, data=data)
    assert found["metric"]["key"] in {each.key for each in find_task(task).metrics}
    assert all(isinstance(row["test"], float) for row in found["alternatives"])
    assert found["verdict"].startswith("No claim is made: with 2 pairs")
    assert (tmp_path / "out" / PAGE).read_text().count("<svg") == 1
    assert json.loads((tmp_path / "out" / RESULT).read_text()) == found


def test_parameters_and_updates_are_equal(regress: Any) -> None:
    lstm, rnn = regress[1]["alternatives"]
    assert rnn["changes"]["model.hidden"] > lstm["changes"]["model.hidden"]
    assert abs(rnn["parameters"] / lstm["parameters"] - 1) < 0.1
    assert rnn["steps"] == lstm["steps"]


def test_what_it_takes_is_said_before_the_start(regress: Any) -> None:
    said = "\n".join(regress[2])
    assert (
        "price: 2 alternatives x 2 pairs: 4 trainings of 1 epochs, and 12 of 1 that try learning "
        "rates; 16 epochs in all" in said
    )
    assert "parameters (model.cell = lstm, model.hidden = 4)" in said
    assert "the same for all: 2 steps, train.max_epochs = 1" in said
    assert "the validation score is mean squared error (in deviations), less is better" in said
    assert said.index("price") < said.index("estimate") < said.index("pair  1 of 2  lstm")


def test_the_rate_is_that_with_the_best_validation_score(regress: Any) -> None:
    for pair in regress[1]["pairs"]:
        for each in pair["trainings"].values():
            assert each["rate"] == min(each["tried"], key=lambda tried: tried[1])[0]


def test_rates_are_tuned_once_where_that_is_asked_for(tmp_path: Path) -> None:
    settings, data = quick("regress")
    how = How(pairs=2, rates=(0.001, 0.1), tune_once=True)
    found = compare(settings, CELLS, tmp_path / "out", how=how, data=data)
    first, second = trained(found, "lstm", "tried")
    assert first == second and len(list((tmp_path / "out" / "trainings").iterdir())) == 8


def test_a_cell_is_no_better_than_itself(tmp_path: Path) -> None:
    """Alternatives of a pair share all sources of chance, and pairs do not."""
    settings, data = quick("classify")
    arms = (Arm(1, "one", {"model.cell": "gru"}), Arm(2, "two", {"model.cell": "gru"}))
    found = compare(settings, arms, tmp_path / "out", how=QUICK, data=data)
    assert trained(found, "one", "val") == trained(found, "two", "val")
    assert found["comparisons"][0]["gain"] == 0.0
    assert len(set(trained(found, "one", "val"))) == 2


def test_a_stopped_comparison_goes_on(tmp_path: Path, regress: Any) -> None:
    settings, data = quick("regress")
    how = How(pairs=2, rates=(0.001, 0.01, 0.1), tune_share=1.0)

    def stop(event: Event) -> None:
        if isinstance(event, Working) and event.what.startswith("pair 2, lstm"):
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(Interrupted, match=r"go on with the same command and --out .*out"):
        compare(settings, CELLS, out, how=how, data=data, listen=stop)
    kept = {path: path.read_bytes() for path in (out / "trainings").glob("*.json")}
    assert len(kept) == 8
    found = compare(settings, CELLS, out, how=how, data=data)
    assert all(path.read_bytes() == before for path, before in kept.items())
    for name in ("lstm", "rnn"):
        assert trained(found, name, "test") == trained(regress[1], name, "test")


def test_a_folder_of_another_comparison_is_refused(regress: Any) -> None:
    out = regress[0]
    before = (out / RESULT).read_bytes()
    settings, data = quick("regress")
    with pytest.raises(RunError, match=r"with other pairs.*pairs are not added afterwards"):
        compare(settings, CELLS, out, how=How(pairs=3, rates=(0.001, 0.01, 0.1)), data=data)
    other = quick("classify")
    with pytest.raises(RunError, match="is a comparison with other settings"):
        compare(other[0], CELLS, out, data=other[1])
    assert (out / RESULT).read_bytes() == before


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    settings, data = quick("regress")
    with pytest.raises(RunError, match="holds files that are no comparison"):
        compare(settings, CELLS, tmp_path, data=data)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_other_data_are_refused(regress: Any) -> None:
    settings, data = quick("regress")
    how = How(pairs=2, rates=(0.001, 0.01, 0.1), tune_share=1.0)
    fewer = data.take(list(range(50)))  # type: ignore[attr-defined]
    with pytest.raises(RunError, match="with other data"):
        compare(settings, CELLS, regress[0], how=how, data=fewer)


def test_any_setting_is_compared(tmp_path: Path) -> None:
    settings, data = quick("tag")
    arms = arms_of(None, {"train.optimizer": ["adamw", "sgd"]})
    found = compare(settings, arms, tmp_path / "out", how=QUICK, data=data)
    assert [row["changes"]["train.optimizer"] for row in found["alternatives"]] == ["adamw", "sgd"]
    assert len({row["parameters"] for row in found["alternatives"]}) == 1


def test_a_cell_of_ones_own_is_compared(tmp_path: Path) -> None:
    settings, data = quick("regress")
    arms = arms_of(["lstm", "tests.tuning.test_compare:Mine"], None)
    found = compare(settings, arms, tmp_path / "out", how=QUICK, data=data)
    assert [row["name"] for row in found["alternatives"]] == ["lstm", "Mine"]
    assert found["alternatives"][0]["test"] == found["alternatives"][1]["test"]


def test_longer_samples_are_scored_too(tmp_path: Path) -> None:
    settings, data = quick("classify")
    longer = tmp_path / "longer.csv"
    longer.write_text("text,label\na fine and long day,good\na bad and long day,bad\n")
    how = How(pairs=1, rates=(0.01,), longer=str(longer))
    found = compare(settings, CELLS, tmp_path / "out", how=how, data=data)
    assert all(0.0 <= row["longer"] <= 1.0 for row in found["alternatives"])


def test_a_diverging_rate_is_not_chosen(tmp_path: Path) -> None:
    settings, data = quick("regress")
    settings["train"] |= {"optimizer": "sgd", "max_epochs": 3, "clip_norm": None}
    how = How(pairs=1, rates=(0.01, 1e30), tune_share=1.0)
    found = compare(settings, CELLS, tmp_path / "out", how=how, data=data)
    assert trained(found, "lstm", "rate") == [0.01]
    assert trained(found, "lstm", "tried")[0][1][1] is None


def test_weights_before_a_divergence_are_scored(tmp_path: Path) -> None:
    settings, data = quick("regress")
    settings["train"] |= {"optimizer": "sgd", "max_epochs": 3, "clip_norm": None}
    how = How(pairs=1, rates=(1e30,))
    found = compare(settings, CELLS, tmp_path / "out", how=how, data=data)
    assert found["alternatives"][0]["diverged"] == 1
    assert isinstance(found["alternatives"][0]["test"], float)
    assert any("lstm: the training diverged in 1 of 1 pairs" in note for note in found["notes"])


def test_rates_that_all_diverge_are_refused(tmp_path: Path) -> None:
    settings, data = quick("regress")
    settings["train"] |= {"optimizer": "sgd", "max_epochs": 3, "clip_norm": None}
    how = How(pairs=1, rates=(1e29, 1e30), tune_share=1.0)
    with pytest.raises(ConfigError, match=r"lstm diverges with every learning rate \(1e\+29"):
        compare(settings, CELLS, tmp_path / "out", how=how, data=data)


def test_rates_need_a_validation_split(tmp_path: Path) -> None:
    settings, data = quick("classify")
    settings["split"] = {"val": 0}
    with pytest.raises(ConfigError, match="leave none; give one, or a single learning rate"):
        compare(settings, CELLS, tmp_path / "out", data=data)
    assert not (tmp_path / "out").exists()
    found = compare(settings, CELLS, tmp_path / "out", how=QUICK, data=data)
    assert found["alternatives"][0]["val"] is None


def test_data_that_are_too_few_are_refused(tmp_path: Path) -> None:
    settings, data = quick("regress")
    fewer = data.take([0, 1])  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="give three or more"):
        compare(settings, CELLS, tmp_path / "out", data=fewer)
    assert not (tmp_path / "out").exists()


def test_a_size_without_effect_is_refused_with_a_way_out() -> None:
    settings, data = small("lm")
    settings["model"] = {"num_layers": 1}
    with pytest.raises(ConfigError, match="--size"):
        planned(settings, CELLS, How(), data, lambda _line: None)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("train.seed", "is drawn anew in each pair"),
        ("split.seed", "is drawn anew in each pair"),
        ("train.max_epochs", "so that they have equal updates"),
        ("data.scaling", "decides which data there are"),
    ],
)
def test_what_all_share_is_not_compared(key: str, why: str) -> None:
    settings, data = quick("regress")
    values = ["channel", "all"] if key == "data.scaling" else [1, 2]
    with pytest.raises(ConfigError, match=f"{key} .*{why}"):
        planned(settings, arms_of(None, {key: values}), How(), data, lambda _line: None)


def test_scores_of_other_samples_are_not_compared(tmp_path: Path) -> None:
    settings, data = quick("forecast")
    arms = arms_of(None, {"model.horizon": [3, 6]})
    with pytest.raises(ConfigError, match=r"other test samples \(3 \w+ on \d+, 6 \w+ on"):
        compare(settings, arms, tmp_path / "out", how=QUICK, data=data)


def test_a_missing_file_of_longer_samples_is_said_at_once(tmp_path: Path) -> None:
    settings, data = quick("classify")
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        compare(settings, CELLS, tmp_path / "out", how=How(longer="nowhere.csv"), data=data)
    assert not (tmp_path / "out").exists()


def test_splits_that_stay_the_same_are_said(tmp_path: Path) -> None:
    settings, data = quick("forecast")
    found = compare(settings, CELLS, tmp_path / "out", how=QUICK, data=data)
    assert any("the test split is the same in all pairs" in note for note in found["notes"])
