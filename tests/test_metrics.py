"""Metrics and rivals against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.evaluate import metrics
from longshort.evaluate.baselines import Drift, LastValue, LinearLags, SeasonalNaive

TRUTH = np.array([[1.0, 2.0], [3.0, np.nan]])
FORECAST = np.array([[1.0, 4.0], [1.0, 100.0]])


def test_errors_leave_missing_truth_out() -> None:
    assert metrics.mse(TRUTH, FORECAST) == pytest.approx((0 + 4 + 4) / 3)
    assert metrics.mae(TRUTH, FORECAST) == pytest.approx((0 + 2 + 2) / 3)
    assert metrics.r2(TRUTH, FORECAST) == pytest.approx(1 - (8 / 3) / (2 / 3))


def test_smape_is_m4s_and_safe_at_zero() -> None:
    assert metrics.smape(TRUTH, FORECAST) == pytest.approx(200 * (0 + 2 / 6 + 2 / 4) / 3)
    assert metrics.smape(np.zeros((1, 2)), np.zeros((1, 2))) == 0.0


def test_mase_is_a_mean_over_series() -> None:
    series = np.array([0, 1])
    scale = np.array([2.0, 4.0, np.nan])
    assert metrics.mase(TRUTH, FORECAST, scale, series) == pytest.approx((1 / 2 + 2 / 4) / 2)


def test_mase_leaves_constant_series_out() -> None:
    scale = np.array([0.0, 4.0])
    assert metrics.mase(TRUTH, FORECAST, scale, np.array([0, 1])) == pytest.approx(2 / 4)


def test_pinball_coverage_width() -> None:
    truth = np.array([[10.0, 20.0]])
    assert metrics.pinball(truth, truth - 2, 0.9) == pytest.approx(1.8)
    assert metrics.pinball(truth, truth + 2, 0.9) == pytest.approx(0.2)
    low, high = np.array([[9.0, 21.0]]), np.array([[11.0, 25.0]])
    assert metrics.coverage(truth, low, high) == 0.5
    assert metrics.width(truth, low, high) == 3.0


def test_seasonal_scale() -> None:
    assert metrics.seasonal_scale(np.array([1.0, 5.0, 2.0, 9.0]), 2) == pytest.approx((1 + 4) / 2)


def test_naive_rivals() -> None:
    past = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert LastValue().forecast(past, 3).tolist() == [[4, 4, 4]]
    assert SeasonalNaive(3).forecast(past, 4).tolist() == [[2, 3, 4, 2]]
    assert Drift(3).forecast(past, 2).tolist() == [[5, 6]]


def test_linear_rival_finds_a_linear_rule() -> None:
    t = np.arange(400)
    wave = np.sin(t * 0.3) + 0.01 * t
    windows = np.lib.stride_tricks.sliding_window_view(wave, 10)
    pieces = [(windows[:300, :8], windows[:300, 8:])]
    model = LinearLags.fit(iter(pieces), iter(pieces))
    error = model.forecast(windows[300:, :8], 2) - windows[300:, 8:]
    assert np.abs(error).max() < 1e-3


def test_linear_rival_is_the_normal_equations() -> None:
    draw = np.random.default_rng(0)
    context, target = draw.normal(size=(50, 4)), draw.normal(size=(50, 2))
    model = LinearLags.fit(iter([(context, target)]), iter([(context, target)]))
    x, y = context - context[:, -1:], target - context[:, -1:]
    level = np.trace(x.T @ x) / 4
    expected = np.linalg.solve(x.T @ x + model.ridge * level * np.eye(4), x.T @ y)
    assert np.allclose(model.weights, expected, rtol=1e-9, atol=1e-12)
