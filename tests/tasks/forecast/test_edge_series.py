"""Odd series: late, still, unknown in training, below zero at last, over a clock change."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort.data.calendar import calendar_waves
from longshort.data.timeline import DAY, Freq
from longshort.metrics.significance import compare
from longshort.runs import story
from longshort.runs.trained import load
from longshort.tasks.forecast.backtest import backtest
from longshort.tasks.forecast.sentence import Standing, sentence
from tests.settings import nested

ROWS = 300
START = datetime(2024, 1, 1)
HOUR = DAY // 24
SETTINGS = {
    "data.time": "ds",
    "train.max_epochs": 1,
    "train.steps_per_epoch": 5,
    "train.batch_size": 16,
    "train.threads": 1,
    "model.hidden": 8,
    "model.context_length": 14,
    "model.horizon": 3,
}


def daily(first: int = 0, **columns: Any) -> pl.DataFrame:
    days = [START + timedelta(days=i) for i in range(first, ROWS)]
    return pl.DataFrame({"ds": days, **columns})


def weekly() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=ROWS)
    return np.asarray(10 + noise + np.sin(2 * np.pi * np.arange(ROWS) / 7))


def test_waves_of_the_day_follow_the_clock_on_the_wall() -> None:
    freq = Freq("fixed", HOUR, zone="Europe/Berlin")
    begin = (datetime(2024, 3, 24) - datetime(1970, 1, 1)) // timedelta(hours=1)
    index = begin + np.arange(14 * 24)  # one week before and one after the change to summer time
    at_noon = index[freq.to_wall(index) % DAY == 12 * HOUR]
    assert len(set((at_noon % 24).tolist())) == 2
    waves = calendar_waves(freq, at_noon, ("day",))
    assert waves[:, :2] == pytest.approx(np.tile([0.0, -1.0], (len(at_noon), 1)), abs=1e-9)


def test_no_rows_have_as_many_waves_as_any() -> None:
    freq = Freq("fixed", HOUR)
    some = calendar_waves(freq, np.arange(5), ("day", "week"))
    none = calendar_waves(freq, np.arange(0), ("day", "week"))
    assert none.shape == (0, some.shape[1])


def test_a_series_that_begins_after_training_is_forecast_like_a_new_one(tmp_path: Path) -> None:
    values = weekly()
    promo = (np.random.default_rng(1).random(ROWS) > 0.8) * 1.0
    early = daily(id=["early"] * ROWS, y=values, p=promo)
    frame = pl.concat([early, daily(260, id=["late"] * 40, y=values[260:], p=promo[260:])])
    settings = {"data__group": "id", "data__future": ["p"], "model__effects": "series"}
    story.run(nested(SETTINGS, **settings), tmp_path / "run", data=frame)
    days = [START + timedelta(days=ROWS + i) for i in range(3)]
    ahead = [
        pl.DataFrame({"ds": days, "id": name, "y": None, "p": 0.0}, schema=frame.schema)
        for name in ("early", "late")
    ]
    found = load(tmp_path / "run").ahead(pl.concat([frame, *ahead]))
    assert found.table["id"].to_list() == ["early"] * 3 + ["late"] * 3
    assert found.table["yhat"].is_between(8, 12).all()
    assert found.notes == ("1 series were not seen in training; scaled by their own values",)


def test_a_column_without_a_value_in_training_has_no_score_and_does_no_harm(tmp_path: Path) -> None:
    late = np.full(ROWS, np.nan)
    late[-20:] = 1.0
    frame = daily(a=weekly(), b=late)
    scores = story.run(nested(SETTINGS, data__target=["a", "b"]), tmp_path / "run", data=frame)
    assert scores["test"]["baselines"]["theta"]["by_series"]["mae"][1] is None
    assert scores["windows"] == 58


def test_a_series_that_has_gone_below_zero_has_no_floor_any_more(tmp_path: Path) -> None:
    values = 5 + np.random.default_rng(0).random(ROWS)
    values[220:] -= np.linspace(0, 12, 80)
    frame = daily(y=values)
    scores = story.run(nested(SETTINGS), tmp_path / "run", data=frame)
    assert scores["test"]["baselines"]["last_value"]["mae"] < 0.6
    ahead = load(tmp_path / "run").ahead(frame).table["yhat"]
    assert ahead.is_between(-8, -4).all()


def test_intervals_of_a_series_that_never_moved_are_not_widened(tmp_path: Path) -> None:
    frame = pl.concat([
        daily(id=["moving"] * ROWS, y=weekly()),
        daily(id=["still"] * ROWS, y=np.zeros(ROWS)),
    ])  # fmt: skip
    settings = nested(SETTINGS, data__group="id", model__quantiles=[0.1, 0.5, 0.9], split__val=0.3)
    story.run(settings, tmp_path / "run", data=frame)
    trained = load(tmp_path / "run")
    assert np.any(trained.model.kept["calibration"] != 0)
    table = trained.ahead(frame).table.filter(pl.col("id") == "still")
    assert table.select("q0.1", "q0.5", "q0.9").to_numpy().tolist() == [[0.0, 0.0, 0.0]] * 3


def test_a_series_that_never_moves_is_not_called_unpredictable(tmp_path: Path) -> None:
    frame = daily(y=np.full(ROWS, 5.0))
    scores = story.run(nested(SETTINGS), tmp_path / "run", data=frame)
    assert scores["verdict"].endswith("the LSTM makes none either. Use the baseline.")
    assert "seasonal_naive" not in scores["notes"]


@pytest.mark.parametrize(("gain", "is_said"), [(0.01, True), (0.3, False)])
def test_nothing_is_learnable_only_where_no_baseline_is_well_below_a_constant(
    gain: float, is_said: bool
) -> None:
    draw = np.random.default_rng(0)
    constant = draw.exponential(size=40)
    best = constant * (1 - gain) + draw.normal(size=40)
    best += constant.mean() * (1 - gain) - best.mean()
    beside = compare(best, constant, 3)
    assert beside.outcome == "equal"
    standing = Standing(
        "LSTM", "MAE", "the mean by time of week", "40 windows", (1.0, 1.0), "the mean", beside, 0.1
    )
    result = compare(constant, constant, 3)
    assert ("Nothing could be learned" in sentence(result, standing)) == is_said


def test_a_given_calendar_is_not_told_as_a_decision(tmp_path: Path) -> None:
    said: list[str] = []
    settings = nested(SETTINGS, data__calendar=["week"], model__effects="off")
    story.run(settings, tmp_path / "run", data=daily(y=weekly()), say=said.append)
    assert not [line for line in said if "data.calendar" in line]


def test_a_baseline_that_some_origins_lack_is_left_out_of_the_backtest_and_told() -> None:
    values = weekly()
    values[:190:3] = 0.0  # a third is nothing before the first origin, less before the last
    found = backtest(nested(SETTINGS), data=daily(y=values), windows=5, stride=20, refit=True)
    assert "croston" not in found.scores["test"]["baselines"]
    assert found.scores["notes"]["croston"].startswith("is left out")


def test_intervals_are_calibrated_on_series_that_move(tmp_path: Path) -> None:
    moving = daily(id=["moving"] * ROWS, y=weekly())
    still = [daily(id=[f"still{i}"] * ROWS, y=np.zeros(ROWS)) for i in range(3)]
    settings = nested(
        SETTINGS,
        data__group="id",
        model__quantiles=[0.1, 0.5, 0.9],
        split__val=0.3,
        train__learning_rate=1e-9,
    )
    shifts = []
    for name, frame in (("alone", moving), ("together", pl.concat([moving, *still]))):
        story.run(settings, tmp_path / name, data=frame)
        shifts.append(load(tmp_path / name).model.kept["calibration"])
    assert np.any(np.abs(shifts[0]) > 0.1)
    assert shifts[1] == pytest.approx(shifts[0], abs=0.05)


def test_effects_of_what_is_known_ahead_are_differenced_with_the_target(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    promo = (draw.random(ROWS) > 0.8) * 1.0
    frame = daily(y=50 + np.cumsum(draw.normal(size=ROWS)) + 20 * promo, p=promo)
    settings = nested(
        SETTINGS,
        data__future=["p"],
        data__calendar=[],
        model__effects="shared",
        transform__difference=1,
    )
    scores = story.run(settings, tmp_path / "run", data=frame)
    assert scores["test"]["baselines"]["linear"]["mae"] < 2
    assert scores["test"]["model"]["mae"] < 2


def test_what_the_linear_path_sees_is_told(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(ROWS)
    frame = daily(y=values, early=np.roll(values, -1))  # tomorrow's value, today
    said: list[str] = []
    story.run(nested(SETTINGS, data__past=["early"]), tmp_path / "run", data=frame, say=said.append)
    assert "decided: model.linear_past = true: past covariates help the linear model" in said
    assert any(line.endswith("(none found, in the training split)") for line in said)
