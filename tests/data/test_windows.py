"""Split, windows and transforms: nothing straddles, nothing is seen too early."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort.config import SplitConfig, TransformConfig, build
from longshort.data.calendar import calendar_features, useful_periods
from longshort.data.dataset import read_dataset
from longshort.data.panel import Panel, forward_fill
from longshort.data.season import find_season
from longshort.data.split import make_split
from longshort.data.timeline import Freq
from longshort.data.transforms import TargetTransform
from longshort.data.windows import WindowReader
from longshort.errors import ConfigError, DataError
from longshort.tasks.forecast.config import ForecastConfig
from tests.conftest import hourly

CONTEXT, HORIZON = 12, 4


def panel_of(frame: pl.DataFrame, **data: Any) -> Panel:
    return read_dataset(frame, build({"data": data}).data).panel


def ragged() -> Panel:
    """Three series of different length and start, one with a hole."""
    parts = []
    for name, begin, end in (("a", 0, 200), ("b", 40, 200), ("c", 100, 160)):
        parts.append(hourly(240, seed=ord(name))[begin:end].with_columns(id=pl.lit(name)))
    frame = pl.concat(parts)
    hole = (pl.col("id") == "b") & (pl.int_range(pl.len()) % 50 < 3)
    return panel_of(frame.filter(~hole), group="id")


def reader_of(panel: Panel, *, joint: bool = False) -> WindowReader:
    none = np.empty((panel.num_rows, 0))
    return WindowReader(
        panel,
        forward_fill(panel.target, panel.offsets),
        np.zeros_like(panel.target),
        none,
        none,
        np.empty((panel.num_groups, 0)),
        context=CONTEXT,
        horizon=HORIZON,
        joint=joint,
        number=np.arange(panel.num_groups),
    )


SPLITS = [
    {"val": 0.2, "test": 0.2},
    {"val": 30, "test": 20, "gap": 5},
    {"val": 30, "test": 20, "by": "series"},
    {"val": "2024-01-06", "test": "2024-01-08 00:00:00"},
    {"val": 0.2, "test": 0.2, "isolate": True},
]


@pytest.mark.parametrize("settings", SPLITS, ids=str)
def test_horizons_stay_within_their_part_and_parts_do_not_touch(settings: dict[str, Any]) -> None:
    panel = ragged()
    config = SplitConfig.model_validate(settings)
    split = make_split(panel, config)
    reader = reader_of(panel)
    for part in ("train", "val", "test"):
        origins = reader.origins(part, split)
        assert len(origins)
        assert np.all(origins.row >= split.start[part][origins.group])
        assert np.all(origins.row + HORIZON <= split.end[part][origins.group])
        earliest = origins.row - CONTEXT
        floor = split.start[part] if config.isolate else np.zeros_like(split.start[part])
        assert np.all(earliest >= floor[origins.group])
    for before, after in (("train", "val"), ("val", "test")):
        held = split.end[after] > split.start[after]
        assert np.all(split.end[before][held] + config.gap <= split.start[after][held])


def test_one_cut_by_time_is_one_moment_for_all() -> None:
    panel = ragged()
    split = make_split(panel, SplitConfig(val=0.2, test=0.2))
    moments = (panel.first + split.start["test"])[split.end["test"] > split.start["test"]]
    assert len(set(moments.tolist())) == 1


def test_a_part_that_would_be_empty_is_refused() -> None:
    with pytest.raises(ConfigError, match="the train split is empty"):
        make_split(ragged(), SplitConfig(val=100, test=200))


def test_a_series_that_has_no_three_steps_is_to_be_longer() -> None:
    frame = pl.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": [5.0, 6.0]})
    panel = read_dataset(frame, ForecastConfig().data).panel
    with pytest.raises(ConfigError, match="on 2 steps; give a longer series"):
        make_split(panel, SplitConfig(val=1, test=1))


def test_windows_are_the_slices_that_a_loop_would_take() -> None:
    panel = ragged()
    reader = reader_of(panel)
    split = make_split(panel, SplitConfig(val=0.2, test=0.2))
    origins = reader.origins("train", split)
    batch = reader.gather(origins)
    filled = forward_fill(panel.target, panel.offsets)[:, 0]
    for i in range(0, len(origins), 7):
        at = panel.offsets[origins.group[i]] + origins.row[i]
        assert np.allclose(batch.context[i, :, 0], filled[at - CONTEXT : at], atol=1e-6)
        truth = panel.target[at : at + HORIZON, 0]
        assert np.array_equal(batch.observed[i, :, 0] > 0, ~np.isnan(truth))
        known = ~np.isnan(truth)
        assert np.allclose(batch.target[i, :, 0][known], truth[known], atol=1e-6)


def test_every_window_that_fits_is_there_once() -> None:
    panel = panel_of(hourly(100))
    split = make_split(panel, SplitConfig(val=20, test=20))
    origins = reader_of(panel).origins("train", split)
    assert origins.row.tolist() == list(range(CONTEXT, 60 - HORIZON + 1))


def test_joint_and_separate_windows_hold_the_same_numbers() -> None:
    frame = hourly(100).with_columns(z=pl.col("y") ** 2)
    panel = panel_of(frame, target=["y", "z"])
    split = make_split(panel, SplitConfig(val=20, test=20))
    joint, apart = reader_of(panel, joint=True), reader_of(panel)
    together = joint.gather(joint.origins("train", split)).context
    alone = apart.gather(apart.origins("train", split)).context
    assert np.array_equal(
        together.swapaxes(1, 2).reshape(-1, CONTEXT)[0::2], alone[: len(alone) // 2, :, 0]
    )
    assert np.array_equal(together[:, :, 1], alone[len(alone) // 2 :, :, 0])


TRANSFORMS = [
    {"scale": "zscore"},
    {"scale": "zscore", "per": "global"},
    {"scale": "robust", "log1p": True},
    {"scale": "none", "difference": 1},
    {"scale": "zscore", "difference": 24, "log1p": True},
]


@pytest.mark.parametrize("settings", TRANSFORMS, ids=str)
def test_transforms_are_undone_exactly(settings: dict[str, Any]) -> None:
    panel = ragged()
    config = TransformConfig.model_validate(settings)
    fitted = TargetTransform.fit(panel, panel.lengths // 2, config)
    scaled = fitted.apply(panel)
    filled = forward_fill(panel.target, panel.offsets)[:, 0]
    for group in range(panel.num_groups):
        at = panel.offsets[group] + 30
        before = (
            filled[None, at - config.difference : at] if config.difference else np.empty((1, 0))
        )
        back = fitted.invert(
            scaled[None, at : at + 20, 0], np.array([group]), np.array([0]), before
        )
        assert np.allclose(back[0], filled[at : at + 20], rtol=1e-10)


@pytest.mark.parametrize("settings", TRANSFORMS, ids=str)
def test_transforms_see_the_training_rows_only(settings: dict[str, Any]) -> None:
    panel = ragged()
    config = TransformConfig.model_validate(settings)
    rows = panel.lengths // 2
    fitted = TargetTransform.fit(panel, rows, config)
    target = panel.target.copy()
    for begin, count, end in zip(panel.offsets[:-1], rows, panel.offsets[1:], strict=True):
        target[begin + count : end] = 1e6
    other = TargetTransform.fit(replace(panel, target=target), rows, config)
    assert np.array_equal(fitted.location, other.location)
    assert np.array_equal(fitted.scale, other.scale)


def test_zscore_is_the_training_mean_and_deviation() -> None:
    panel = panel_of(hourly(100))
    fitted = TargetTransform.fit(panel, np.array([60]), TransformConfig())
    assert fitted.location[0, 0] == pytest.approx(panel.target[:60].mean())
    assert fitted.scale[0, 0] == pytest.approx(panel.target[:60].std())


def test_log_of_negative_values_names_series_and_time() -> None:
    panel = panel_of(hourly(100).with_columns(y=pl.col("y") - 10))
    with pytest.raises(DataError, match=r"needs values above -1; y is -.* at 2024-01-01"):
        TargetTransform.fit(panel, np.array([60]), TransformConfig(log1p=True))


def test_constant_series_keep_a_scale_of_one() -> None:
    panel = panel_of(hourly(100).with_columns(y=pl.lit(5.0)))
    assert TargetTransform.fit(panel, np.array([60]), TransformConfig()).scale[0, 0] == 1.0


def test_calendar_repeats_with_its_period_and_monday_starts_the_week() -> None:
    freq = Freq.parse("1h")
    index = np.arange(4 * 24, 4 * 24 + 400)
    features = calendar_features(freq, index, ("day", "week"))
    assert features.shape == (400, 4)
    assert np.allclose(features[0], [0, 1, 0, 1], atol=1e-12)
    assert np.allclose(features[:-168], features[168:], atol=1e-9)
    assert np.allclose(features[:-24, :2], features[24:, :2], atol=1e-9)


def test_periods_that_training_shows_twice_and_the_context_does_not_are_useful() -> None:
    hour, day = Freq.parse("1h"), Freq.parse("1d")
    assert useful_periods(hour, 24 * 10, context=12) == ("day",)
    assert useful_periods(hour, 24 * 20, context=12) == ("day", "week")
    assert useful_periods(hour, 24 * 20, context=96) == ("week",)
    assert useful_periods(hour, 24 * 20, context=336) == ()
    assert useful_periods(day, 800, context=24) == ("year",)
    assert useful_periods(Freq.parse("rows"), 800, context=5) == ()


def test_season_is_found_or_honestly_not() -> None:
    panel = panel_of(hourly(480))
    assert find_season(panel, panel.lengths) == 24
    noise = hourly(480).with_columns(
        y=pl.Series(np.random.default_rng(0).normal(size=480).cumsum())
    )
    assert find_season(panel_of(noise), np.array([480])) == 1
    rows = panel_of(hourly(480).select("y"))
    assert find_season(rows, rows.lengths) == 24


def test_resolved_settings_round_trip(tmp_path: Any) -> None:
    from longshort.config import read_toml, to_toml
    from longshort.tasks.forecast.defaults import resolve

    panel = panel_of(hourly(480))
    config, said = resolve(ForecastConfig(), panel)
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config))
    assert build(read_toml(path)) == config
    assert resolve(config, panel) == (config, [])
    assert any("model.season = 24" in line for line in said)
