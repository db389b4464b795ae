"""The verdict on a forecast beside all that a sceptic would try: noise, seasons, covariates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from longshort.config import build
from longshort.data.dataset import read_dataset
from longshort.data.season import find_season
from longshort.data.split import Split, make_split
from longshort.errors import ConfigError
from longshort.metrics.significance import Comparison
from longshort.runs import story
from longshort.runs.trained import load
from longshort.tasks.forecast.baselines.contract import Seen
from longshort.tasks.forecast.baselines.linear_joint import fit_joint, joint_baselines
from longshort.tasks.forecast.baselines.naive import Drift, Repeated, naive_baselines
from longshort.tasks.forecast.baselines.profiles import fit_profiles, profile_baselines
from longshort.tasks.forecast.baselines.smoothing import Croston, Theta, fit_theta, is_intermittent
from longshort.tasks.forecast.calibration import quantile_shifts
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.defaults import resolve
from longshort.tasks.forecast.effects import fit_effects
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.learning import positive
from longshort.tasks.forecast.linear import LinearWindows
from longshort.tasks.forecast.linear_inputs import LinearPlan
from longshort.tasks.forecast.sentence import Standing, sentence
from longshort.tasks.forecast.windows import Windows
from tests.settings import nested

SHORT = {"train.max_epochs": 3, "train.threads": 1, "model.hidden": 8}
START = datetime(2024, 1, 1)  # a Monday


def daily(values: np.ndarray, **more: Any) -> pl.DataFrame:
    days = [START + timedelta(days=i) for i in range(len(values))]
    return pl.DataFrame({"ds": days, "y": values, **more})


def run(frame: pl.DataFrame, out: Path, **settings: Any) -> dict[str, Any]:
    return story.run(nested(SHORT, **settings), out, data=frame)


def seen_of(frame: pl.DataFrame, **settings: Any) -> tuple[Windows, Seen, Split]:
    """Every test window of a small forecast, and what baselines are fitted to."""
    small = {"model__context_length": 4, "model__horizon": 3, "model__season": 1,
             "model__effects": "off", "model__level": False, "data__calendar": []}  # fmt: skip
    config = build(nested(SHORT, **{**small, **settings}))
    assert isinstance(config, ForecastConfig)
    dataset = read_dataset(frame, config.data)
    config, _ = resolve(config, dataset.panel)
    split = make_split(dataset.panel, config.split)
    encoder = ForecastEncoder.fit(dataset.panel, split, config)
    reader, seen = encoder.reader(dataset.panel), Seen(encoder, dataset.panel)
    return Windows(encoder, reader, reader.origins("test", split)), seen, split


def zero_inflated(rows: int = 1000) -> np.ndarray:
    draw = np.random.default_rng(0)
    return np.where(draw.random(rows) < 0.7, 0, draw.poisson(3, rows)).astype(float)


def test_noise_that_is_mostly_zero_is_not_forecast(tmp_path: Path) -> None:
    scores = run(daily(zero_inflated()), tmp_path / "run", model__quantiles=[0.1, 0.5, 0.9])
    assert scores["outcome"] == "worse"
    assert scores["best_baseline"] == "median"
    model, others = scores["test"]["model"], scores["test"]["baselines"]
    assert others["median"]["mae"] < model["mae"]
    assert "did not earn its place" in scores["verdict"]
    assert (
        "Nothing could be learned here: no forecast is better than the median"
        in (scores["verdict"])
    )
    assert f"R² is {model['r2']:.2f}" in scores["verdict"]
    assert {"croston", "mean", "linear_absolute", "theta", "week_median"} <= set(others)


def test_exponential_noise_is_not_forecast_in_absolute_error(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).exponential(size=900)
    scores = run(daily(noise), tmp_path / "run", train__loss="mae")
    assert scores["outcome"] != "better"
    assert "Nothing could be learned" in scores["verdict"]
    baselines = scores["test"]["baselines"]
    assert baselines["median"]["mae"] == pytest.approx(np.log(2), abs=0.1)
    assert baselines["linear_absolute"]["mae"] < baselines["linear"]["mae"]


def test_a_day_of_five_minute_steps_is_found_though_neighbours_hardly_differ() -> None:
    draw = np.random.default_rng(2)
    steps = np.arange(288 * 21)
    noise = np.convolve(draw.normal(size=len(steps) + 11), np.ones(12) / 12, "valid")
    speed = 60 + 8 * np.sin(2 * np.pi * steps / 288) + 4 * noise
    stamps = [START + timedelta(minutes=5 * i) for i in steps.tolist()]
    panel = read_dataset(pl.DataFrame({"ds": stamps, "y": speed}), ForecastConfig().data).panel
    assert find_season(panel, panel.lengths) == 288
    walk = draw.normal(size=len(steps)).cumsum()
    panel = read_dataset(pl.DataFrame({"ds": stamps, "y": walk}), ForecastConfig().data).panel
    assert find_season(panel, panel.lengths) == 1


def test_profiles_are_the_means_and_medians_by_time_of_week() -> None:
    hours = np.arange(24 * 7 * 8)
    draw = np.random.default_rng(3)
    frame = pl.DataFrame({
        "ds": [START + timedelta(hours=i) for i in hours.tolist()],
        "y": hours % 168 + draw.normal(size=len(hours)),
    }).filter(pl.Series(draw.random(len(hours)) > 0.2) | (pl.Series(hours) % 671 == 0))  # fmt: skip
    windows, seen, split = seen_of(frame, split__test=48, split__val=48)
    found = {
        b.name: b.forecast(windows) for b in profile_baselines(seen.encoder, fit_profiles(seen))
    }
    assert set(found) == {"mean", "median", "day_mean", "day_median", "week_mean", "week_median"}
    ends = START + timedelta(hours=int(split.end["train"][0]))
    train = frame.filter(pl.col("ds") < ends)
    moment = START + timedelta(hours=int(windows.flat.row[5]) + 1)
    here = train.filter(
        (pl.col("ds").dt.weekday() == moment.isoweekday()) & (pl.col("ds").dt.hour() == moment.hour)
    )["y"]
    assert found["week_mean"][5, 1] == pytest.approx(here.mean())
    assert found["week_median"][5, 1] == pytest.approx(here.median())
    assert found["median"] == pytest.approx(np.full_like(found["median"], train["y"].median()))


def test_naive_forecasts_repeat_what_stands_so_far_back() -> None:
    windows, _, _ = seen_of(daily(np.arange(40.0) ** 2), split__test=6, split__val=6)
    row = int(windows.flat.row[0])
    past = np.arange(40.0) ** 2
    assert Repeated("a", "a", 1).forecast(windows)[0].tolist() == [past[row - 1]] * 3
    assert Repeated("b", "b", 2).forecast(windows)[0].tolist() == [
        past[row - 2], past[row - 1], past[row - 2],
    ]  # fmt: skip
    assert Repeated("c", "c", 100).forecast(windows)[0].tolist() == [past[row - 1]] * 3
    slope = (past[row - 1] - past[row - 4]) / 3
    assert Drift("d", "d", 4).forecast(windows)[0] == pytest.approx(
        past[row - 1] + slope * np.arange(1, 4)
    )


def test_naive_forecasts_of_a_day_and_a_week_stand_beside_the_season() -> None:
    hours = [START + timedelta(hours=i) for i in range(500)]
    frame = pl.DataFrame({"ds": hours, "y": np.arange(500.0)})
    _, seen, _ = seen_of(frame, model__season=24)
    names = [b.name for b in naive_baselines(seen.encoder)]
    assert names == ["last_value", "drift", "seasonal_naive", "naive_week"]
    _, seen, _ = seen_of(frame[:150])
    names = [b.name for b in naive_baselines(seen.encoder)]
    assert names == ["last_value", "drift", "naive_day"]


def test_theta_is_simple_smoothing_with_half_the_trend() -> None:
    draw = np.random.default_rng(4)
    values = 0.05 * np.arange(200) + draw.normal(size=200)
    windows, seen, split = seen_of(daily(values), split__test=20, split__val=20)
    theta = Theta("t", "t", **fit_theta(seen))
    rate, slope = theta.numbers[0]
    end = int(split.end["train"][0])
    assert slope * seen.encoder.zscore.scale[0, 0] == pytest.approx(
        np.polyfit(np.arange(end), values[:end], 1)[0]
    )
    row, level = int(windows.flat.row[3]), values[0]
    for value in values[1:row]:
        level += rate * (value - level)
    drift = slope * seen.encoder.zscore.scale[0, 0] / 2
    expected = level + drift * (np.arange(3) + 1 / rate)
    assert theta.forecast(windows)[3] == pytest.approx(expected)


def test_croston_is_size_over_interval_less_its_bias() -> None:
    values = np.where(np.arange(120) % 3 == 2, 6.0, 0.0)
    windows, seen, _ = seen_of(daily(values), split__test=20, split__val=20)
    assert is_intermittent(seen)
    assert Croston("c", "c").forecast(windows) == pytest.approx(
        np.full((len(windows.flat), 3), 0.95 * 6 / 3)
    )
    assert not is_intermittent(seen_of(daily(values + 1), split__test=20, split__val=20)[1])


def promoted(rows: int = 500) -> pl.DataFrame:
    draw = np.random.default_rng(5)
    parts = []
    for number, shop in enumerate("abc"):
        promo = (draw.random(rows) < 0.2).astype(float)
        week = 10 * np.sin(2 * np.pi * (np.arange(rows) % 7) / 7)
        units = 100 + 30 * number + week + 20 * promo + draw.normal(size=rows)
        parts.append(daily(units, shop=[shop] * rows, promo=promo))
    return pl.concat(parts)


def test_effects_of_a_promotion_known_ahead_are_what_they_are() -> None:
    config = build(nested(SHORT, data__group="shop", data__future="promo", data__calendar=["week"]))
    panel = read_dataset(promoted(), config.data).panel
    found = fit_effects(panel, panel.lengths, panel.target, panel.future, ("week",), "series")
    assert found.weights[:, 0, -1] == pytest.approx([20, 20, 20], abs=0.3)
    values = found.values(panel, panel.future)
    left = panel.target - values
    assert left.std() < 30 and left[:500].std() == pytest.approx(1, abs=0.1)


@pytest.mark.slow
def test_the_linear_baseline_sees_the_covariates_and_the_network_comes_near_it(
    tmp_path: Path,
) -> None:
    scores = run(promoted(), tmp_path / "run", data__group="shop", data__future="promo")
    model, baselines = scores["test"]["model"], scores["test"]["baselines"]
    assert scores["best_baseline"] == "linear"
    assert baselines["linear"]["mae"] == pytest.approx(np.sqrt(2 / np.pi), rel=0.12)
    assert model["mae"] < 1.05 * baselines["linear"]["mae"]
    assert "'promo'" in scores["notes"]["linear"]
    again = load(tmp_path / "run").evaluate(promoted(), include_training=True)
    assert again["test"]["baselines"].keys() == baselines.keys()
    assert again["test"]["baselines"]["linear"]["mae"] < 1


def test_the_calendar_is_taken_where_the_validation_part_gains_by_it() -> None:
    draw = np.random.default_rng(6)
    hours = np.arange(24 * 7 * 16)
    shape = np.where((hours // 24) % 7 < 5, 3 * np.sin(2 * np.pi * hours / 24) ** 2, 0)
    frame = pl.DataFrame({
        "ds": [START + timedelta(hours=i) for i in hours.tolist()],
        "y": shape + draw.normal(size=len(hours)),
    })  # fmt: skip
    panel = read_dataset(frame, ForecastConfig().data).panel
    config, said = resolve(build(nested(SHORT, model__context_length=24)), panel)
    assert config.model.effects == "shared" and "week" in (config.data.calendar or ())
    (line,) = [line for line in said if "model.effects" in line]
    assert "validation split" in line and "tried: off" in line


def test_what_was_never_below_zero_is_not_forecast_below_it(tmp_path: Path) -> None:
    draw = np.random.default_rng(7)
    values = np.maximum(0, draw.normal(size=400).cumsum())
    run(daily(values), tmp_path / "run", model__quantiles=[0.05, 0.5, 0.95])
    table = pl.read_csv(tmp_path / "run" / "predictions.csv")
    assert table.select(pl.min_horizontal("yhat", "q0.05", "drift").min()).item() >= 0
    ahead = load(tmp_path / "run").ahead(daily(values)).table
    assert ahead.select(pl.min_horizontal("yhat", "q0.05").min()).item() >= 0


def test_a_series_that_never_moves_stays_where_it_is(tmp_path: Path) -> None:
    moving = daily(np.random.default_rng(8).normal(size=300).cumsum() + 50)
    frame = pl.concat([
        moving.with_columns(id=pl.lit("moving")),
        moving.with_columns(id=pl.lit("still"), y=pl.lit(0.0)),
    ])  # fmt: skip
    run(frame, tmp_path / "run", data__group="id")
    table = pl.read_csv(tmp_path / "run" / "predictions.csv").filter(pl.col("id") == "still")
    assert table["yhat"].unique().to_list() == [0.0]


def test_a_baseline_without_error_gets_a_sentence_of_its_own(tmp_path: Path) -> None:
    scores = run(daily(np.tile(np.arange(7.0) ** 2, 60)), tmp_path / "run")
    assert scores["outcome"] in ("worse", "equal")
    assert "makes no error at all" in scores["verdict"]
    assert "0.0% above" not in scores["verdict"]


def test_shifts_are_order_statistics_of_what_the_validation_part_shows() -> None:
    draw = np.random.default_rng(9)
    truth = draw.normal(size=(999, 1))
    guess = np.tile([-0.5, 0.0, 0.5], (999, 1, 1))
    shifts = quantile_shifts(truth, guess, np.ones(999), (0.1, 0.5, 0.9), 1)
    assert shifts is not None
    ordered = np.sort(truth[:, 0])
    assert shifts[:, 0].tolist() == [ordered[99] + 0.5, 0.0, ordered[899] - 0.5]
    assert quantile_shifts(truth[:39], guess[:39], np.ones(39), (0.1, 0.5, 0.9), 1) is None


def test_coverage_is_told_before_and_after_calibration(tmp_path: Path) -> None:
    noise = np.random.default_rng(10).normal(size=1500)
    scores = run(daily(noise), tmp_path / "run", model__quantiles=[0.1, 0.5, 0.9],
                 train__max_epochs=1)  # fmt: skip
    model = scores["test"]["model"]
    assert model["coverage_0.8"] == pytest.approx(0.8, abs=0.06)
    before = model["coverage_0.8_uncalibrated"]
    assert abs(before - 0.8) > abs(model["coverage_0.8"] - 0.8)
    assert scores["notes"]["the 80% interval"] == (
        f"covers {model['coverage_0.8']:.1%} of the test values; {before:.1%} before calibration"
    )
    again = load(tmp_path / "run").evaluate(daily(noise))
    assert again["test"]["model"]["coverage_0.8"] == pytest.approx(model["coverage_0.8"], abs=0.01)


def test_quantiles_that_too_few_windows_calibrate_are_told(tmp_path: Path) -> None:
    said: list[str] = []
    noise = np.random.default_rng(11).normal(size=200)
    settings = nested(SHORT, model__quantiles=[0.1, 0.5, 0.9], model__horizon=5, split__val=20)
    scores = story.run(settings, tmp_path / "run", data=daily(noise), say=said.append)
    assert (
        "warning: the quantiles are not calibrated: the validation split has fewer than 40 windows "
        "of series that move; give more data or a larger split.val"
    ) in said
    assert scores["notes"]["the 80% interval"].endswith("it is not calibrated")


@pytest.mark.parametrize(
    ("result", "few"),
    [
        (
            Comparison("too few", 1e-9, None, None),
            "; there are too few independent forecasts to tell",
        ),
        (Comparison("equal", -1e-5, -3e-4, 2e-4), ""),
    ],
)
def test_a_gain_of_nothing_is_called_alike(result: Comparison, few: str) -> None:
    standing = Standing(
        cell="LSTM",
        metric="scaled MSE",
        title="the linear model",
        basis="7 test windows",
        losses=(0.5, 0.5),
        constant="the mean of the training split",
        over_constant=Comparison("better", 0.5, 0.4, 0.6),
        r2=0.3,
    )
    assert sentence(result, standing) == (
        "The LSTM and the linear model, the best baseline, forecast alike on 7 test windows: the "
        f"scaled MSE differs by less than 0.1%{few}. Prefer the baseline: it is simpler."
    )


def test_of_a_long_context_the_linear_map_sees_the_latest_steps() -> None:
    _, seen, _ = seen_of(daily(np.arange(60.0)), split__test=6, split__val=6)
    config = seen.encoder.config.updated("model", {"context_length": 20_160})
    long = replace(seen.encoder, config=config)
    assert LinearPlan.of(long, everything=True).size == 1026
    minutes = np.arange(1440 * 30)
    frame = pl.DataFrame({
        "ds": [START + timedelta(minutes=i) for i in minutes.tolist()],
        "y": np.sin(2 * np.pi * minutes / 1440) + np.sin(2 * np.pi * minutes / 10080),
    })  # fmt: skip
    panel = read_dataset(frame, ForecastConfig().data).panel
    settings = nested(SHORT, model__season=2_880, data__calendar=[], model__effects="off")
    config, _ = resolve(build(settings), panel)
    assert config.model.context_length == 1024


def test_counts_are_learned_by_their_likelihood(tmp_path: Path) -> None:
    draw = np.random.default_rng(11)
    rate = 1 + 3 * (np.arange(900) % 7 == 5)
    counts = draw.poisson(rate).astype(float)
    scores = run(daily(counts), tmp_path / "run", train__loss="poisson", train__max_epochs=8)
    assert scores["metric"] == "scaled_mse"
    assert scores["test"]["model"]["mse"] < 0.75 * scores["test"]["baselines"]["mean"]["mse"]
    table = pl.read_csv(tmp_path / "run" / "predictions.csv")
    assert table["yhat"].min() >= 0
    with pytest.raises(ConfigError, match="'poisson' is for counts, and y goes down to -1"):
        run(daily(counts - 1), tmp_path / "other", train__loss="poisson")


def test_the_smooth_rate_is_positive_and_the_rate_itself_above_a_hundredth() -> None:
    rate = torch.tensor([-100.0, 0.0, 0.01, 0.5, 7.0])
    found = positive(rate)
    assert found[2:].tolist() == pytest.approx([0.01, 0.5, 7.0])
    assert found[1].item() == pytest.approx(0.01 * np.exp(-1))
    assert 0 <= found[0] < 1e-30


# Columns that are seen at once


def followed(rows: int = 400) -> pl.DataFrame:
    """Two columns of noise, of which the second is the first one, three days later."""
    first = np.random.default_rng(0).normal(size=rows)
    return daily(first, z=np.roll(first, 3))


LINKED = {"data__target": "all", "model__channels": "linked"}


def test_where_columns_are_seen_at_once_a_linear_model_sees_them_too(tmp_path: Path) -> None:
    found = run(followed(), tmp_path / "run", model__horizon=3, **LINKED)
    others = found["test"]["baselines"]
    joint, alone = (others[name]["scaled_mse"] for name in ("linear_joint", "linear"))
    assert 0.4 < joint / alone < 0.6  # the second column is known, of two alike
    assert "lags of all 2 columns" in (tmp_path / "run" / "report.html").read_text()


def test_the_map_of_all_columns_is_that_of_least_squares() -> None:
    draw = np.random.default_rng(0)
    frame = daily(draw.normal(size=200).cumsum(), z=draw.normal(size=200))
    windows, _, split = seen_of(frame, **LINKED)
    reader = windows.reader
    parts = [reader.origins(name, split) for name in ("train", "val")]
    model = windows.encoder.config.model
    arrays, note = fit_joint(LinearWindows(reader, *parts), model, absolute=False)
    (found,) = joint_baselines(windows.encoder, arrays)
    assert "sees 3 lags of all 2 columns" in note
    batch = reader.gather(parts[0])
    last = batch.context[:, -1:].astype(float)
    x = (batch.context - last)[:, :-1].reshape(len(last), -1)
    y = (batch.target - last).reshape(len(last), -1)
    ridge = float(note.rpartition(" ")[2]) * np.square(x).sum(0).mean()
    weights = np.linalg.solve(x.T @ x + ridge * np.eye(6), x.T @ y)
    test = reader.gather(windows.origins)
    seen = (test.context - test.context[:, -1:])[:, :-1]
    change = seen.reshape(len(seen), -1) @ weights
    ahead = test.context[:, -1:] + change.reshape(-1, 3, 2)
    wanted = windows.user_units(ahead.swapaxes(1, 2).reshape(-1, 3))
    np.testing.assert_allclose(found.forecast(windows), wanted, rtol=1e-5, atol=1e-5)


def test_of_too_many_columns_it_is_said_that_no_linear_model_sees_all() -> None:
    columns = {f"c{n}": np.random.default_rng(n).normal(size=60) for n in range(600)}
    windows, _, split = seen_of(daily(columns.pop("c0"), **columns), **LINKED)
    parts = [windows.reader.origins(name, split) for name in ("train", "val")]
    linear = LinearWindows(windows.reader, *parts)
    arrays, note = fit_joint(linear, windows.encoder.config.model, absolute=True)
    assert not arrays
    assert note == (
        "no linear model of all 600 columns is fitted: a lag of each would take too many weights"
    )


def test_columns_that_are_forecast_alone_have_no_such_baseline() -> None:
    windows, _, split = seen_of(followed(), data__target="all")
    parts = [windows.reader.origins(name, split) for name in ("train", "val")]
    model = windows.encoder.config.model
    assert fit_joint(LinearWindows(windows.reader, *parts), model, absolute=True) == ({}, "")


def test_where_absolute_errors_decide_the_map_of_all_columns_is_fitted_by_them_too() -> None:
    draw = np.random.default_rng(0)
    first = draw.standard_t(1.5, size=600)  # outliers
    frame = daily(first, z=np.roll(first, 3) + draw.standard_t(1.5, size=600))
    windows, _, split = seen_of(frame, **LINKED)
    parts = [windows.reader.origins(name, split) for name in ("train", "val")]
    model = windows.encoder.config.model
    arrays, _ = fit_joint(LinearWindows(windows.reader, *parts), model, absolute=True)
    train = windows.chosen(parts[0])
    truth = windows.reader.gather(parts[0]).target.swapaxes(1, 2).reshape(-1, 3)
    errors = [
        float(np.abs(each.forecast(train) - train.user_units(truth)).mean())
        for each in joint_baselines(windows.encoder, arrays)
    ]
    assert errors[1] < 0.98 * errors[0]
