"""Metrics and baselines against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.metrics import forecasts as metrics
from longshort.metrics.linear import least_absolute, least_squares

TRUTH = np.array([[1.0, 2.0], [3.0, np.nan]])
FORECAST = np.array([[1.0, 4.0], [1.0, 100.0]])


WHOLE = np.zeros((1, 1), np.int64)


def overall(truth: np.ndarray, forecast: np.ndarray) -> dict[str, float]:
    return {k: float(v[0]) for k, v in metrics.grouped(truth, forecast, WHOLE, 1).items()}


def test_errors_leave_missing_truth_out() -> None:
    found = overall(TRUTH, FORECAST)
    assert found["mse"] == pytest.approx((0 + 4 + 4) / 3)
    assert found["rmse"] == pytest.approx((8 / 3) ** 0.5)
    assert found["mae"] == pytest.approx((0 + 2 + 2) / 3)
    assert found["r2"] == pytest.approx(1 - (8 / 3) / (2 / 3))
    assert found["smape"] == pytest.approx(200 * (0 + 2 / 6 + 2 / 4) / 3)


def test_smape_is_safe_at_zero_and_r2_of_a_constant_is_unknown() -> None:
    found = overall(np.zeros((1, 2)), np.zeros((1, 2)))
    assert found["smape"] == 0.0
    assert np.isnan(found["r2"])


def test_metrics_by_step_and_by_series_are_those_of_the_parts() -> None:
    by_step = metrics.grouped(TRUTH, FORECAST, np.array([[0, 1]]), 2)
    assert by_step["mae"].tolist() == [1.0, 2.0]
    by_series = metrics.grouped(TRUTH, FORECAST, np.array([[0], [2]]), 3)
    assert by_series["mae"].tolist() == pytest.approx([1.0, np.nan, 2.0], nan_ok=True)
    assert by_series["r2"][0] == pytest.approx(1 - 2.0 / 0.25)


def test_mase_is_a_mean_over_series_with_a_scale() -> None:
    assert metrics.mase(np.array([1.0, 2.0]), np.array([2.0, 4.0])) == pytest.approx(0.5)
    assert metrics.mase(np.array([1.0, 2.0, 3.0]), np.array([0.0, 4.0, np.nan])) == 0.5


def test_pinball() -> None:
    truth = np.array([[10.0, 20.0]])
    assert metrics.pinball(truth, truth - 2, 0.9) == pytest.approx(np.full((1, 2), 1.8))
    assert metrics.pinball(truth, truth + 2, 0.9) == pytest.approx(np.full((1, 2), 0.2))


def test_seasonal_scale() -> None:
    assert metrics.seasonal_scale(np.array([1.0, 5.0, 2.0, 9.0]), 2) == pytest.approx((1 + 4) / 2)


def relative(windows: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
    last = windows[:, context - 1 : context]
    return windows[:, :context] - last, windows[:, context:] - last


def test_the_linear_map_finds_a_linear_rule() -> None:
    t = np.arange(400)
    wave = np.sin(t * 0.3) + 0.01 * t
    windows = np.lib.stride_tricks.sliding_window_view(wave, 10)
    seen, new = relative(windows[:300], 8), relative(windows[300:], 8)
    found = least_squares(iter([seen]), iter([seen]), {"lags": slice(0, 8)})
    assert np.abs(found(new[0]) - new[1]).max() < 1e-3


def test_the_linear_map_is_the_normal_equations() -> None:
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(50, 4)), draw.normal(size=(50, 2))
    found = least_squares(iter([(x, y)]), iter([(x, y)]), {"lags": slice(0, 4)})
    level = np.trace(x.T @ x) / 4
    expected = np.linalg.solve(x.T @ x + found.ridge * level * np.eye(4), x.T @ y)
    assert np.allclose(found.weights, expected, rtol=1e-9, atol=1e-12)
    assert found.error == pytest.approx(float(np.mean((x @ expected - y) ** 2)))


def test_a_block_of_inputs_that_does_not_help_is_left_out() -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(4000, 5))
    noise = 0.1 * draw.normal(size=(4000, 1))
    blocks = {"lags": slice(0, 2), "past": slice(2, 4), "level": slice(4, 5)}
    for y, used in (
        (x[:, :1] + noise, ("lags",)),
        (x[:, :1] + x[:, 2:3] + noise, ("lags", "past")),
        (x[:, :1] + x[:, 4:5] + noise, ("lags", "level")),
        (x.sum(1, keepdims=True) + noise, ("lags", "past", "level")),
    ):
        halves = [(x[:2000], y[:2000]), (x[2000:], y[2000:])]
        found = least_squares(iter(halves[:1]), iter(halves[1:]), blocks)
        assert found.blocks == used
        unused = [part for name, part in blocks.items() if name not in used]
        assert not any(found.weights[part].any() for part in unused)


def test_least_absolute_error_finds_the_median_where_squares_find_the_mean() -> None:
    draw = np.random.default_rng(2)
    y = draw.exponential(size=(4000, 1))
    one = np.ones_like(y)
    blocks = {"level": slice(0, 1)}
    squares = least_squares(iter([(one, y)]), iter([(one, y)]), blocks)
    least = least_absolute(iter([(one, y)]), squares, blocks)
    assert squares.weights[0, 0] == pytest.approx(y.mean(), rel=1e-3)
    assert least.weights[0, 0] == pytest.approx(np.median(y), abs=0.02)
