"""Metrics and rivals against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.evaluate import metrics
from longshort.evaluate.baselines import Drift, LastValue, LinearLags, SeasonalNaive

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


def test_naive_rivals() -> None:
    past = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert LastValue().forecast(past, 3).tolist() == [[4, 4, 4]]
    assert SeasonalNaive(3).forecast(past, 4).tolist() == [[2, 3, 4, 2]]
    unknown = np.array([[np.nan, np.nan, 3.0, 4.0]])
    assert SeasonalNaive(3).forecast(unknown, 3).tolist() == [[4, 3, 4]]
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
