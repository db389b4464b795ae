"""The forecasting task: every option, no look ahead, learnable truths, honest verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from longshort.config import build
from longshort.data.dataset import read_dataset
from longshort.data.panel import Panel
from longshort.data.windows import WindowReader
from longshort.errors import ConfigError, DataError
from longshort.runs.tensors import on_device
from longshort.tasks.forecast.ahead import Prediction, predict
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.defaults import resolve
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.inference import forecast
from longshort.tasks.forecast.leakage import leakage_proof
from longshort.tasks.forecast.series import Timeline
from longshort.tasks.forecast.windows import Windows
from tests.conftest import QUICK, hourly
from tests.jobs import AnyJob, job_of, result_of, trained_job
from tests.settings import nested


def settings_of(**settings: Any) -> dict[str, Any]:
    """Settings with dots written as double underscores."""
    small = {"model.context_length": 36, "model.horizon": 6, "model.effects": "off",
             "model.level": False, **QUICK}  # fmt: skip
    return nested(small, **settings)


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


def timeline_of(job: AnyJob) -> Timeline:
    timeline: Timeline = job.prepared.splits.train.timeline
    return timeline


def windows_in(job: AnyJob) -> Windows:
    windows: Windows = job.encoded["test"].arrays
    return windows


def read(frame: pl.DataFrame, job: AnyJob) -> Panel:
    """Data as the job's own were read."""
    return read_dataset(frame, job.config.data).panel


def ahead(job: AnyJob, panel: Panel, horizon: int) -> Prediction:
    return predict(job.model, panel, horizon)


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
    job = trained_job(settings_of(**{**BASE, **options}), three())
    test = windows_in(job)
    last = test.origins[np.flatnonzero(test.origins.row == test.origins.row.max())]
    return forecast(job.model, test.chosen(last))


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
    job = trained_job(settings_of(**{**BASE, **OPTIONS[name]}), three())
    found = leakage_proof(job.model, timeline_of(job), windows_in(job).origins)
    assert found == {"is_leaking": False, "probes": 3}


class PeekingEncoder(ForecastEncoder):
    """A planted fault: the past covariate is the target three steps later."""

    def reader(self, panel: Panel) -> WindowReader:
        ahead = np.roll(panel.target[:, :1], -3, axis=0)
        return super().reader(replace(panel, past=ahead))


def test_the_leakage_proof_catches_a_planted_leak() -> None:
    job = trained_job(settings_of(**BASE, data__past="p"), three())
    timeline = timeline_of(job)
    peeking = PeekingEncoder.fit(timeline.panel, timeline.split, job.config)
    model = replace(job.model, encoder=peeking)
    assert leakage_proof(model, timeline, windows_in(job).origins)["is_leaking"]


@pytest.mark.parametrize("moment", [300, 340, 380, 420])
def test_data_after_a_moment_leaves_everything_before_it_bit_equal(moment: int) -> None:
    frame = three()
    changed = frame.with_columns(
        pl.when(pl.int_range(pl.len()) < moment).then(pl.col(c)).otherwise(1e3).alias(c)
        for c in ("y", "z", "p")
    )
    results = []
    for data in (frame, changed):
        settings = settings_of(**BASE, data__past="p", split__val=60, split__test=180)
        job = trained_job(settings, data)
        reader, split = windows_in(job).reader, timeline_of(job).split
        everything = reader.origins("test", replace(split, start={
            **split.start, "test": np.array([36])}))  # fmt: skip
        kept = everything[np.flatnonzero(everything.row + 6 <= moment)]
        weights = job.model.kept["baseline.linear.weights"]
        results.append((job.model.encoder.transform.location, weights,
                        forecast(job.model, windows_in(job).chosen(kept))))  # fmt: skip
    for before, after in zip(*results, strict=True):
        assert np.array_equal(before, after)


def longer(**more: Any) -> dict[str, Any]:
    return settings_of(train__max_epochs=15, train__steps_per_epoch=60, train__batch_size=64,
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
    settings = longer(model__horizon=1, model__context_length=8, model__patch=1, model__season=1,
                      model__instance_norm="none", model__dropout=0.0)  # fmt: skip
    scores = result_of(settings, frame).scores
    model, linear = scores["test"]["model"], scores["test"]["baselines"]["linear"]
    assert model["scaled_mse"] < 0.5 * linear["scaled_mse"]
    assert scores["outcome"] == "better"
    assert "The LSTM earned its place" in scores["verdict"]


def test_nothing_beats_the_last_value_of_a_random_walk() -> None:
    walk = np.random.default_rng(1).normal(size=1200).cumsum()
    scores = result_of(longer(model__season=1), pl.DataFrame({"y": walk})).scores
    assert scores["outcome"] != "better"
    assert scores["echo"]["is_echo"]
    assert "echo of the last known value" in scores["verdict"]


def test_a_clean_wave_is_forecast_closely() -> None:
    t = np.arange(900)
    frame = pl.DataFrame({"y": np.sin(2 * np.pi * t / 24)})
    assert result_of(longer(), frame).scores["test"]["model"]["scaled_mse"] < 1e-4


def test_quantiles_cover_what_they_say() -> None:
    draw = np.random.default_rng(2)
    t = np.arange(3000)
    frame = pl.DataFrame({"y": np.sin(2 * np.pi * t / 24) + draw.normal(size=3000) * 0.5})
    settings = longer(model__quantiles=[0.1, 0.5, 0.9])
    model = result_of(settings, frame).scores["test"]["model"]
    assert 0.74 < model["coverage_0.8"] < 0.86
    assert model["width_0.8"] == pytest.approx(2 * 1.2816 * 0.5, rel=0.15)
    assert np.mean(model["by_step"]["coverage_0.8"]) == pytest.approx(model["coverage_0.8"])
    assert model["by_series"]["pinball"] == [pytest.approx(model["pinball"])]
    assert model["pinball_0.1"] == pytest.approx(0.5 * 0.1755, rel=0.15)


def test_scores_are_the_textbook_numbers() -> None:
    result = result_of(settings_of(**BASE), three())
    model, predictions = result.scores["test"]["model"], result.scored.predictions
    held, timeline = predictions["model"].held, result.splits.train.timeline
    panel, end = timeline.panel, int(timeline.split.end["train"][0])
    total, naive = [], []
    for column in range(2):
        series = panel.target[:, column]
        own = held.origins.column == column
        error = predictions["model"].values[own] - held.truth[own]
        spread = series[:end].std()
        total.append((error / spread) ** 2)
        naive.append(np.abs(error).mean() / np.abs(series[24:end] - series[: end - 24]).mean())
        for i in range(0, int(own.sum()), 11):
            row = held.origins.row[own][i]
            assert np.array_equal(held.truth[own][i], series[row : row + 6])
            assert np.array_equal(predictions["seasonal_naive"].values[own][i],
                                  series[row - 24 : row - 18])  # fmt: skip
            assert predictions["last_value"].values[own][i][3] == series[row - 1]
    assert model["scaled_mse"] == pytest.approx(np.mean(total))
    assert model["mase"] == pytest.approx(np.mean(naive))
    assert np.mean(model["by_step"]["scaled_mse"]) == pytest.approx(model["scaled_mse"])
    assert np.mean(model["by_series"]["mae"]) == pytest.approx(model["mae"])
    assert held.names == ("y", "z")


def test_prediction_continues_in_the_users_units_and_says_whom_it_left_out() -> None:
    frame = pl.concat([
        hourly(480).with_columns(id=pl.lit("long")),
        hourly(20).with_columns(id=pl.lit("short")),
        hourly(100, seed=3).with_columns(id=pl.lit("new")),
    ])  # fmt: skip
    job = trained_job(settings_of(data__group="id"), frame.filter(pl.col("id") == "long"))
    found = ahead(job, read(frame, job), 15)
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
    job = trained_job(settings_of(), hourly())
    panel = timeline_of(job).panel
    twelve = ahead(job, panel, 12).table["yhat"].to_numpy()
    six = ahead(job, panel, 6).table["yhat"].to_numpy()
    assert np.array_equal(twelve[:6], six)
    longer_panel = panel.extend(panel.lengths + 6)
    longer_panel.target[-6:, 0] = six
    assert np.allclose(twelve[6:], ahead(job, longer_panel, 6).table["yhat"])


def test_future_covariates_must_reach_over_the_horizon() -> None:
    job = trained_job(settings_of(data__target="y", data__future="f"), three())
    found = ahead(job, timeline_of(job).panel, 6)
    assert found.skipped == {
        "y": "future covariate 'f' is given for 0 of the 6 steps ahead; add rows with it and an "
        "empty target"
    }
    extended = three(486).with_columns(
        y=pl.when(pl.int_range(pl.len()) < 480).then(pl.col("y")), z=pl.lit(0.0)
    )
    given = ahead(job, read(extended, job), 6)
    assert given.skipped == {}
    assert given.table.height == 6


CONTRADICTIONS = [
    ({"model__decoder": "recursive", "data__past": "p"}, "are not; use model.decoder = 'direct'"),
    ({"model__decoder": "recursive", "model__channels": "linked"}, "use model.decoder = 'direct'"),
    ({"train__loss": "mse", "model__quantiles": [0.1, 0.5, 0.9]}, "pinball needs quantiles"),
    ({"train__loss": "pinball"}, "pinball needs quantiles"),
    ({"transform__difference": 1, "model__quantiles": [0.1, 0.5, 0.9]}, "do not add up"),
    ({"transform__difference": 1, "train__loss": "mase"}, "use train.loss = 'mae'"),
    ({"train__device": "cuda:7"}, "cannot be used here"),
]


@pytest.mark.parametrize(("settings", "message"), CONTRADICTIONS, ids=str)
def test_contradictions_are_refused(settings: dict[str, Any], message: str) -> None:
    if "train__device" in settings and torch.cuda.is_available():
        pytest.skip("needs a machine without that device")
    with pytest.raises(ConfigError, match=message):
        job_of(settings_of(**{**BASE, **settings}), three())


def test_too_short_series_say_how_much_is_needed() -> None:
    with pytest.raises(
        DataError, match=r"26 training steps of its 40, but model.context_length 36"
    ):
        job_of(settings_of(), hourly(40))


def ragged() -> pl.DataFrame:
    """Five series: whole, late, stopped early, with holes, and one only in the test split."""
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
    scores = result_of(settings_of(data__group="id", split__by=by), ragged()).scores
    model, baselines = scores["test"]["model"], scores["test"]["baselines"]
    assert np.isfinite(model["scaled_mse"])
    assert set(baselines) == {
        "linear", "last_value", "seasonal_naive", "drift", "naive_week", "theta",
        "mean", "median", "day_mean", "day_median", "week_mean", "week_median",
    }  # fmt: skip
    by_series = model["by_series"]["mae"]
    tested = {"time": [True, True, False, True, False], "series": [True] * 5}[by]
    assert [v is not None for v in by_series] == tested
    assert "test windows" in scores["verdict"]


def test_a_series_without_training_rows_is_forecast_by_its_own_scale() -> None:
    job = trained_job(settings_of(data__group="id"), ragged())
    found = ahead(job, timeline_of(job).panel, 6)
    assert found.skipped == {}
    late = found.table.filter(pl.col("id") == "e")["yhat"]
    assert late.min() > 30 and late.max() < 70


def test_quantiles_need_not_be_symmetric() -> None:
    for levels, middle in (([0.5, 0.9], 0), ([0.1, 0.2, 0.5], 2), ([0.5], 0)):
        result = result_of(settings_of(**BASE, model__quantiles=levels), three())
        model = result.scored.predictions["model"]
        assert np.array_equal(model.values, model.quantiles[..., middle])
        assert np.isfinite(result.scores["test"]["model"]["pinball"])


@pytest.mark.parametrize("role", ["past", "future", "static", "calendar", "embedding"])
@pytest.mark.parametrize("channels", ["independent", "linked"])
def test_every_input_reaches_the_forecast(role: str, channels: str) -> None:
    two = pl.concat([three().with_columns(id=pl.lit(n), s=pl.lit(v)) for n, v in
                     (("a", 1.0), ("b", 2.0))])  # fmt: skip
    option = {"past": {"data__past": "p"}, "future": {"data__future": "f"},
              "static": {"data__static": "s"}, "calendar": {"data__calendar": ["day"]},
              "embedding": {"model__embedding": 3}}[role]  # fmt: skip
    settings = settings_of(**BASE, data__group="id", model__channels=channels, **option)
    job = job_of(settings, two)
    network, test = job.model.network, windows_in(job)
    with torch.no_grad():  # the head starts at zero
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn(weight.shape))
    batch = on_device(test.reader.gather(test.origins[:4]), "cpu")
    field = {"calendar": "future", "embedding": "series"}.get(role, role)
    value = getattr(batch, field)
    other = 1 - value if role == "embedding" else value + 1.0
    if role == "embedding" and channels == "independent":
        other = (value + 1) % 4
    network.eval()
    with torch.no_grad():
        before, after = network(batch), network(replace(batch, **{field: other}))
    assert not torch.allclose(before, after, atol=1e-7)


def test_recursive_decoding_feeds_back_what_it_forecasts() -> None:
    """With a silent recurrent head, the inputs fed back are the linear path's own forecast."""
    job = job_of(settings_of(model__decoder="recursive", model__patch=3), hourly())
    fed: list[torch.Tensor] = []
    network, test = job.model.network.eval(), windows_in(job)
    network.encode.register_forward_hook(lambda _m, args, _o: fed.append(args[0]))
    batch = on_device(test.reader.gather(test.origins[:5]), "cpu")
    with torch.no_grad():
        forecast = network(batch)[..., 0, 0]
    last = batch.context[:, -1:, 0]
    assert torch.allclose(fed[1][:, 0] + last, forecast[:, :3], atol=1e-5)
    assert torch.allclose(fed[2][:, 0] + last, forecast[:, 3:], atol=1e-5)


def test_prediction_with_differences_needs_their_lag_too() -> None:
    job = trained_job(settings_of(transform__difference=24), hourly())
    few = ahead(job, read(hourly(59), job), 6)
    assert few.skipped == {"y": "it has 59 steps, the model needs 60"}
    enough = ahead(job, read(hourly(60), job), 6)
    assert enough.table["yhat"].is_finite().all()


def test_reserved_column_names_are_refused_before_training() -> None:
    frame = hourly().with_columns(linear=pl.lit("a"))
    with pytest.raises(DataError, match="'linear' is also a column of the forecast tables"):
        job_of(settings_of(data__group="linear", data__target="y"), frame)


def test_rows_ahead_for_future_covariates_are_no_part_of_the_test() -> None:
    frame = hourly(500).with_columns(y=pl.when(pl.int_range(pl.len()) < 480).then(pl.col("y")))
    panel = read_dataset(frame, ForecastConfig().data).panel
    assert panel.lengths.tolist() == [500]
    assert panel.until_last_value().lengths.tolist() == [480]


def test_defaults_fit_short_series() -> None:
    months = np.datetime64("2015-01") + np.arange(100)
    wave = np.sin(2 * np.pi * np.arange(100) / 12)
    frame = pl.DataFrame({"month": months.astype("datetime64[D]"), "y": wave})
    panel = read_dataset(frame, ForecastConfig().data).panel
    resolved, said = resolve(ForecastConfig(), panel)
    assert resolved.model.horizon == 10
    assert any("model.horizon = 10" in line for line in said)
    asked, _ = resolve(build({"model": {"horizon": 12}}), panel)
    assert asked.split.val == 12
