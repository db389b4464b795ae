"""The forecasting task: every option, no look ahead, learnable truths, honest verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from longshort.workflow.forecast import baselines_of

from longshort.config import RunConfig, assign, build
from longshort.data.dataset import read_dataset
from longshort.data.panel import Panel
from longshort.data.split import make_split
from longshort.data.windows import WindowReader
from longshort.errors import ConfigError, DataError
from longshort.tasks.forecast.defaults import resolve
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.leakage import leakage_proof
from longshort.tasks.forecast.predict import predict
from longshort.tasks.forecast.scoring import give_verdict, score_table, score_windows
from longshort.tasks.forecast.task import ForecastTask
from longshort.train import TrainPlan, fit

from .conftest import QUICK, hourly


def config_of(**settings: Any) -> RunConfig:
    """Settings with dots written as double underscores."""
    nested: dict[str, Any] = {}
    small = {"model.context_length": 36, "model.horizon": 6, "model.effects": "off",
             "model.level": False, **QUICK}  # fmt: skip
    for key, value in {**small, **{k.replace("__", "."): v for k, v in settings.items()}}.items():
        assign(nested, key, value)
    return build(nested)


def three(rows: int = 480) -> pl.DataFrame:
    """Two targets and two covariates."""
    base = hourly(rows)
    draw = np.random.default_rng(5)
    return base.with_columns(
        z=pl.col("y") * 2 + pl.Series(draw.normal(size=rows)),
        p=pl.Series(draw.normal(size=rows)),
        f=pl.Series(draw.normal(size=rows)),
        s=pl.lit(3.0),
    )


def task_of(frame: pl.DataFrame, config: RunConfig) -> tuple[ForecastTask, Panel]:
    dataset = read_dataset(frame, config.data)
    data = config.data.model_copy(update={"target": dataset.schema.target})
    resolved, _ = resolve(config.model_copy(update={"data": data}), dataset.panel)
    split = make_split(dataset.panel, resolved.split)
    return ForecastTask(resolved, dataset.panel, split), dataset.panel


def train(task: ForecastTask) -> None:
    t = task.config.train
    assert t.batch_size and t.steps_per_epoch and t.max_epochs
    fit(task, t, TrainPlan(t.batch_size, t.steps_per_epoch, t.max_epochs))
    task.calibrate()


BASE: dict[str, Any] = {"data__target": ["y", "z"]}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "gru": {"model__cell": "gru"},
    "deep": {"model__num_layers": 3, "model__residual": True},
    "recursive": {"model__decoder": "recursive", "model__patch": 4},
    "recursive quantiles": {"model__decoder": "recursive", "model__quantiles": [0.1, 0.5, 0.9]},
    "quantiles": {"model__quantiles": [0.1, 0.5, 0.9]},
    "mixed": {"model__channels": "mixed"},
    "linked": {"model__channels": "linked", "model__rank": 2, "model__embedding": 3},
    "linked covariates": {"model__channels": "linked", "data__past": "p", "data__future": "f"},
    "embedding": {"model__embedding": 4},
    "past": {"data__past": "p"},
    "future": {"data__future": "f"},
    "static": {"data__static": "s"},
    "calendar": {"data__calendar": ["day"]},
    "no linear": {"model__linear": False},
    "norm none": {"model__instance_norm": "none"},
    "norm centre": {"model__instance_norm": "centre"},
    "norm standard": {"model__instance_norm": "standard"},
    "norm last_std": {"model__instance_norm": "last_std"},
    "patch": {"model__patch": 5},
    "log": {"transform__log1p": True},
    "robust": {"transform__scale": "robust"},
    "global": {"transform__per": "global"},
    "difference": {"transform__difference": 1},
    "effects": {"model__effects": "shared", "data__future": "f"},
    "own effects": {"model__effects": "series", "data__calendar": ["day"]},
    "level": {"model__level": True},
    "past in the linear path": {"model__linear_past": True, "data__past": "p"},
    "floor": {"model__floor": 1000.0},
    "isolate": {"split__isolate": True},
    "mase": {"train__loss": "mase"},
    "mase linked": {"train__loss": "mase", "model__channels": "linked"},
    "mase log": {"train__loss": "mase", "transform__log1p": True},
    "huber": {"train__loss": "huber"},
    "mae": {"train__loss": "mae"},
    "sgd": {"train__optimizer": "sgd"},
    "adam": {"train__optimizer": "adam"},
    "decay": {"train__weight_decay": 0.5},
    "l1": {"train__l1": 0.1},
    "l2": {"train__l2": 0.1},
    "clip value": {"train__clip_norm": None, "train__clip_value": 0.001},
    "clip norm": {"train__clip_norm": 0.001},
    "cosine": {"train__schedule": "cosine"},
    "constant rate": {"train__schedule": "none"},
    "no ema": {"train__ema": 0.0},
    "dropout": {"model__dropout": 0.9},
    "context": {"model__context_length": 48},
    "seed": {"train__seed": 1},
}  # fmt: skip


def forecasts_of(options: dict[str, Any]) -> np.ndarray:
    task, _ = task_of(three(), config_of(**{**BASE, **options}))
    train(task)
    origins = task.reader.origins("test", task.split)
    last = origins[np.flatnonzero(origins.row == origins.row.max())]
    return task.forecaster.forecast(task.reader, last)


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return forecasts_of({})


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_works_and_changes_something(name: str, plain: np.ndarray) -> None:
    found = forecasts_of(OPTIONS[name])
    quantiles = len(OPTIONS[name].get("model__quantiles", [0.5]))
    assert found.shape == (2, 6, quantiles)
    assert np.isfinite(found).all()
    middle = found[..., quantiles // 2]
    is_same = name in {"plain", "adam"}  # Adam is AdamW without decay
    assert np.array_equal(middle, plain[..., 0]) == is_same
    assert np.all(np.diff(found, axis=2) >= 0)


@pytest.mark.parametrize("name", ["plain", "linked covariates", "past", "difference", "mixed"])
def test_the_future_cannot_be_seen(name: str) -> None:
    task, _ = task_of(three(), config_of(**{**BASE, **OPTIONS[name]}))
    train(task)
    origins = task.reader.origins("test", task.split)
    assert leakage_proof(task, origins) == {"is_leaking": False, "probes": 3}


class PeekingFitted(Fitted):
    """A planted fault: the past covariate is the target three steps later."""

    def reader(self, panel: Panel, config: RunConfig) -> WindowReader:
        ahead = np.roll(panel.target[:, :1], -3, axis=0)
        return super().reader(replace(panel, past=ahead), config)


def test_the_leakage_proof_catches_a_planted_leak() -> None:
    task, panel = task_of(three(), config_of(**BASE, data__past="p"))
    train(task)
    task.fitted = PeekingFitted.fit(panel, task.split, task.config)
    origins = task.reader.origins("test", task.split)
    assert leakage_proof(task, origins)["is_leaking"]


@pytest.mark.parametrize("moment", [300, 340, 380, 420])
def test_data_after_a_moment_leaves_everything_before_it_bit_equal(moment: int) -> None:
    frame = three()
    changed = frame.with_columns(
        pl.when(pl.int_range(pl.len()) < moment).then(pl.col(c)).otherwise(1e3).alias(c)
        for c in ("y", "z", "p")
    )
    results = []
    for data in (frame, changed):
        config = config_of(**BASE, data__past="p", split__val=60, split__test=180)
        task, _ = task_of(data, config)
        train(task)
        everything = task.reader.origins("test", replace(task.split, start={
            **task.split.start, "test": np.array([36])}))  # fmt: skip
        kept = everything[np.flatnonzero(everything.row + 6 <= moment)]
        weights = baselines_of(task).arrays()["baseline.linear.weights"]
        results.append((task.fitted.transform.location, weights,
                        task.forecaster.forecast(task.reader, kept)))  # fmt: skip
    for before, after in zip(*results, strict=True):
        assert np.array_equal(before, after)


def scored(frame: pl.DataFrame, config: RunConfig) -> tuple[dict[str, Any], Any]:
    task, _ = task_of(frame, config)
    train(task)
    origins = task.reader.origins("test", task.split)
    found = score_windows(task.forecaster, task.reader, origins, baselines_of(task))
    return score_table(found, task.fitted, task.config), give_verdict(
        found, task.fitted, task.config
    )


def longer(**more: Any) -> RunConfig:
    return config_of(train__max_epochs=15, train__steps_per_epoch=60, train__batch_size=64,
                     model__hidden=32, train__learning_rate=0.01, **more)  # fmt: skip


def test_a_rule_that_no_linear_map_can_say_is_learnt() -> None:
    """y is 1 or -1 by the sign of the product of its two predecessors: a parity."""
    draw = np.random.default_rng(0)
    y = [1.0, -1.0, 1.0]
    for _ in range(1500):
        y.append(-y[-1] * y[-3])
        if draw.random() < 0.05:
            y[-1] = -y[-1]
    noise = 0.05 * draw.normal(size=len(y))
    frame = pl.DataFrame({"y": np.array(y) + noise})
    config = longer(model__horizon=1, model__context_length=8, model__patch=1, model__season=1,
                    model__instance_norm="none", model__dropout=0.0)  # fmt: skip
    table, verdict = scored(frame, config)
    assert table["model"]["scaled_mse"] < 0.5 * table["linear"]["scaled_mse"]
    assert verdict.comparison.outcome == "better"
    assert "earned its place" in verdict.text


def test_nothing_beats_the_last_value_of_a_random_walk() -> None:
    walk = np.random.default_rng(1).normal(size=1200).cumsum()
    _, verdict = scored(pl.DataFrame({"y": walk}), longer(model__season=1))
    assert verdict.comparison.outcome != "better"
    assert verdict.echo["is_echo"]
    assert "echo of the last known value" in verdict.text


def test_a_clean_wave_is_forecast_closely() -> None:
    t = np.arange(900)
    frame = pl.DataFrame({"y": np.sin(2 * np.pi * t / 24)})
    table, _ = scored(frame, longer())
    assert table["model"]["scaled_mse"] < 1e-4


def test_quantiles_cover_what_they_say() -> None:
    draw = np.random.default_rng(2)
    t = np.arange(3000)
    frame = pl.DataFrame({"y": np.sin(2 * np.pi * t / 24) + draw.normal(size=3000) * 0.5})
    table, _ = scored(frame, longer(model__quantiles=[0.1, 0.5, 0.9]))
    model = table["model"]
    assert 0.74 < model["coverage_0.8"] < 0.86
    assert model["width_0.8"] == pytest.approx(2 * 1.2816 * 0.5, rel=0.15)
    assert np.mean(model["by_step"]["coverage_0.8"]) == pytest.approx(model["coverage_0.8"])
    assert model["by_series"]["pinball"] == [pytest.approx(model["pinball"])]
    assert model["pinball_0.1"] == pytest.approx(0.5 * 0.1755, rel=0.15)


def test_scores_are_the_textbook_numbers() -> None:
    task, panel = task_of(three(), config_of(**BASE))
    train(task)
    origins = task.reader.origins("test", task.split)
    found = score_windows(task.forecaster, task.reader, origins, baselines_of(task))
    table = score_table(found, task.fitted, task.config)
    end = int(task.split.end["train"][0])
    total, naive = [], []
    for column in range(2):
        series = panel.target[:, column]
        own = found.origins.column == column
        error = found.forecasts["model"][own] - found.truth[own]
        spread = series[:end].std()
        total.append((error / spread) ** 2)
        naive.append(np.abs(error).mean() / np.abs(series[24:end] - series[: end - 24]).mean())
        for i in range(0, int(own.sum()), 11):
            row = found.origins.row[own][i]
            assert np.array_equal(found.truth[own][i], series[row : row + 6])
            assert np.array_equal(found.forecasts["seasonal_naive"][own][i],
                                  series[row - 24 : row - 18])  # fmt: skip
            assert found.forecasts["last_value"][own][i][3] == series[row - 1]
    assert table["model"]["scaled_mse"] == pytest.approx(np.mean(total))
    assert table["model"]["mase"] == pytest.approx(np.mean(naive))
    steps = table["model"]["by_step"]["scaled_mse"]
    assert np.mean(steps) == pytest.approx(table["model"]["scaled_mse"])
    assert np.mean(table["model"]["by_series"]["mae"]) == pytest.approx(table["model"]["mae"])
    assert found.names == ("y", "z")


def test_prediction_continues_in_the_users_units_and_says_whom_it_left_out() -> None:
    frame = pl.concat([
        hourly(480).with_columns(id=pl.lit("long")),
        hourly(20).with_columns(id=pl.lit("short")),
        hourly(100, seed=3).with_columns(id=pl.lit("new")),
    ])  # fmt: skip
    task, _ = task_of(frame.filter(pl.col("id") == "long"), config_of(data__group="id"))
    train(task)
    panel = read_dataset(frame, task.config.data).panel
    found = predict(task.forecaster, panel, horizon=15)
    assert found.skipped == {"short": "it has 20 steps, the model needs 36"}
    assert found.table["id"].unique().sort().to_list() == ["long", "new"]
    long = found.table.filter(pl.col("id") == "long")
    assert long["ds"].to_list()[0] == frame["ds"].to_list()[479] + (
        frame["ds"].to_list()[1] - frame["ds"].to_list()[0])  # fmt: skip
    assert long.height == 15
    assert long["yhat"].min() > 5 and long["yhat"].max() < 15
    assert any("1 series were not seen in training" in note for note in found.notes)
    assert any("beyond the trained 6: forecasts were fed back 2 times" in n for n in found.notes)


def test_fed_back_blocks_equal_forecasts_from_extended_data() -> None:
    task, panel = task_of(hourly(), config_of())
    train(task)
    twelve = predict(task.forecaster, panel, 12).table["yhat"].to_numpy()
    six = predict(task.forecaster, panel, 6).table["yhat"].to_numpy()
    assert np.array_equal(twelve[:6], six)
    longer_panel = panel.extend(panel.lengths + 6)
    longer_panel.target[-6:, 0] = six
    assert np.allclose(twelve[6:], predict(task.forecaster, longer_panel, 6).table["yhat"])


def test_future_covariates_must_reach_over_the_horizon() -> None:
    task, panel = task_of(three(), config_of(data__target="y", data__future="f"))
    train(task)
    found = predict(task.forecaster, panel, 6)
    assert found.skipped == {
        "y": "future covariate 'f' is given for 0 of the 6 steps ahead; add rows with it and an "
        "empty target"
    }
    ahead = three(486).with_columns(
        y=pl.when(pl.int_range(pl.len()) < 480).then(pl.col("y")), z=pl.lit(0.0)
    )
    given = predict(task.forecaster, read_dataset(ahead, task.config.data).panel, 6)
    assert given.skipped == {}
    assert given.table.height == 6


CONTRADICTIONS = [
    ({"model__decoder": "recursive", "data__past": "p"}, "are not; use model.decoder = 'direct'"),
    ({"model__decoder": "recursive", "model__channels": "linked"}, "use model.decoder = 'direct'"),
    ({"train__loss": "mse", "model__quantiles": [0.1, 0.5, 0.9]}, "pinball needs quantiles"),
    ({"train__loss": "pinball"}, "pinball needs quantiles"),
    ({"transform__difference": 1, "model__quantiles": [0.1, 0.5, 0.9]}, "do not add up"),
    ({"transform__difference": 1, "train__loss": "mase"}, "use train.loss = 'mae'"),
    ({"train__device": "cuda:7"}, "is not usable here"),
]


@pytest.mark.parametrize(("settings", "message"), CONTRADICTIONS, ids=str)
def test_contradictions_are_refused(settings: dict[str, Any], message: str) -> None:
    if "train__device" in settings and torch.cuda.is_available():
        pytest.skip("needs a machine without that device")
    with pytest.raises(ConfigError, match=message):
        task_of(three(), config_of(**{**BASE, **settings}))


def test_too_short_series_say_how_much_is_needed() -> None:
    with pytest.raises(
        DataError, match=r"26 training steps of its 40, but model.context_length 36"
    ):
        task_of(hourly(40), config_of())


def ragged() -> pl.DataFrame:
    """Five series: whole, late, stopped early, with holes, and one that begins in the test part."""
    base = {name: hourly(480, seed=i).with_columns(id=pl.lit(name), y=pl.col("y") * (i + 1))
            for i, name in enumerate("abcde")}  # fmt: skip
    row = pl.int_range(pl.len())
    return pl.concat([
        base["a"],
        base["b"].filter(row >= 200),
        base["c"].filter(row < 300),
        base["d"].with_columns(y=pl.when(row % 4 == 0).then(pl.col("y"))),
        base["e"].filter(row >= 400),
    ])  # fmt: skip


@pytest.mark.parametrize("by", ["time", "series"])
def test_ragged_and_sparse_series_go_through_scoring(by: str) -> None:
    table, verdict = scored(ragged(), config_of(data__group="id", split__by=by))
    assert np.isfinite(table["model"]["scaled_mse"])
    assert set(table) == {
        "model", "linear", "last_value", "seasonal_naive", "drift", "naive_week", "theta",
        "mean", "median", "day_mean", "day_median", "week_mean", "week_median",
    }  # fmt: skip
    by_series = table["model"]["by_series"]["mae"]
    tested = {"time": [True, True, False, True, False], "series": [True] * 5}[by]
    assert [v is not None for v in by_series] == tested
    assert "test windows" in verdict.text


def test_a_series_without_training_rows_is_forecast_by_its_own_scale() -> None:
    task, panel = task_of(ragged(), config_of(data__group="id"))
    train(task)
    found = predict(task.forecaster, panel, 6)
    assert found.skipped == {}
    late = found.table.filter(pl.col("id") == "e")["yhat"]
    assert late.min() > 30 and late.max() < 70


def test_quantiles_need_not_be_symmetric() -> None:
    for levels, middle in (([0.5, 0.9], 0), ([0.1, 0.2, 0.5], 2), ([0.5], 0)):
        task, _ = task_of(three(), config_of(**BASE, model__quantiles=levels))
        train(task)
        origins = task.reader.origins("test", task.split)
        found = score_windows(task.forecaster, task.reader, origins, baselines_of(task))
        assert np.array_equal(found.forecasts["model"], found.quantiles[..., middle])
        assert np.isfinite(score_table(found, task.fitted, task.config)["model"]["pinball"])


@pytest.mark.parametrize("role", ["past", "future", "static", "calendar", "embedding"])
@pytest.mark.parametrize("channels", ["independent", "linked"])
def test_every_input_reaches_the_forecast(role: str, channels: str) -> None:
    two = pl.concat([three().with_columns(id=pl.lit(n), s=pl.lit(v)) for n, v in
                     (("a", 1.0), ("b", 2.0))])  # fmt: skip
    option = {"past": {"data__past": "p"}, "future": {"data__future": "f"},
              "static": {"data__static": "s"}, "calendar": {"data__calendar": ["day"]},
              "embedding": {"model__embedding": 3}}[role]  # fmt: skip
    config = config_of(**BASE, data__group="id", model__channels=channels, **option)
    task, _ = task_of(two, config)
    with torch.no_grad():  # the head starts at zero
        for weight in task.network.parameters():
            weight.add_(0.1 * torch.randn(weight.shape))
    origins = task.reader.origins("test", task.split)[:4]
    batch = task.reader.gather(origins)
    field = {"calendar": "future", "embedding": "series"}.get(role, role)
    value = getattr(batch, field)
    other = 1 - value if role == "embedding" else value + 1.0
    if role == "embedding" and channels == "independent":
        other = (value + 1) % 4
    task.network.eval()
    with torch.no_grad():
        before, after = task.network(batch), task.network(replace(batch, **{field: other}))
    assert not torch.allclose(before, after, atol=1e-7)


def test_recursive_decoding_feeds_back_what_it_forecasts() -> None:
    """With a silent recurrent head, the inputs fed back are the linear path's own forecast."""
    config = config_of(model__decoder="recursive", model__patch=3)
    task, _ = task_of(hourly(), config)
    fed: list[torch.Tensor] = []
    network: Any = task.network
    network.eval()
    network.encode.register_forward_hook(lambda _m, args, _o: fed.append(args[0]))
    batch = task.reader.gather(task.reader.origins("test", task.split)[:5])
    with torch.no_grad():
        forecast = network(batch)[..., 0, 0]
    last = batch.context[:, -1:, 0]
    assert torch.allclose(fed[1][:, 0] + last, forecast[:, :3], atol=1e-5)
    assert torch.allclose(fed[2][:, 0] + last, forecast[:, 3:], atol=1e-5)


def test_prediction_with_differences_needs_their_lag_too() -> None:
    task, _ = task_of(hourly(), config_of(transform__difference=24))
    train(task)
    panel = read_dataset(hourly(59), task.config.data).panel
    assert predict(task.forecaster, panel, 6).skipped == {
        "y": "it has 59 steps, the model needs 60"
    }
    enough = read_dataset(hourly(60), task.config.data).panel
    assert predict(task.forecaster, enough, 6).table["yhat"].is_finite().all()


def test_reserved_column_names_are_refused_before_training() -> None:
    frame = hourly().with_columns(linear=pl.lit("a"))
    with pytest.raises(DataError, match="'linear' is also a column of the forecast tables"):
        task_of(frame, config_of(data__group="linear", data__target="y"))


def test_rows_ahead_for_future_covariates_are_no_part_of_the_test() -> None:
    ahead = hourly(500).with_columns(y=pl.when(pl.int_range(pl.len()) < 480).then(pl.col("y")))
    panel = read_dataset(ahead, config_of().data).panel
    assert panel.lengths.tolist() == [500]
    assert panel.until_last_value().lengths.tolist() == [480]


def test_defaults_fit_short_series() -> None:
    months = np.datetime64("2015-01") + np.arange(100)
    wave = np.sin(2 * np.pi * np.arange(100) / 12)
    frame = pl.DataFrame({"month": months.astype("datetime64[D]"), "y": wave})
    panel = read_dataset(frame, RunConfig().data).panel
    resolved, said = resolve(RunConfig(), panel)
    assert resolved.model.horizon == 10
    assert any("model.horizon = 10" in line for line in said)
    asked, _ = resolve(build({"model": {"horizon": 12}}), panel)
    assert asked.split.val == 12
