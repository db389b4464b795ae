"""Planted fakes must be caught, and honest forecasts must pass."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from longshort.metrics.significance import compare, echo_check, flatness_check


def walk(count: int = 500, horizon: int = 6) -> tuple[np.ndarray, np.ndarray]:
    steps = np.random.default_rng(0).normal(size=(count, horizon)).cumsum(1)
    return steps, np.zeros(count)


def test_echo_of_the_last_value_is_caught() -> None:
    truth, last = walk()
    noise = 1e-3 * np.random.default_rng(1).normal(size=truth.shape)
    assert echo_check(truth, last[:, None] + noise, last)["is_echo"]


def test_changes_that_do_not_follow_the_truth_are_caught() -> None:
    truth, last = walk()
    unrelated = np.random.default_rng(2).normal(size=truth.shape)
    assert echo_check(truth, unrelated, last)["is_echo"]


def test_a_real_forecast_is_no_echo() -> None:
    truth, last = walk()
    noise = np.random.default_rng(1).normal(size=truth.shape)
    assert not echo_check(truth, 0.6 * truth + 0.3 * noise, last)["is_echo"]


def test_flat_forecast_is_caught() -> None:
    truth, _ = walk()
    assert flatness_check(truth, truth.mean(1, keepdims=True) + 0.01 * truth)["is_flat"]
    assert not flatness_check(truth, 0.5 * truth)["is_flat"]


def losses(gain: float, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    baseline = np.random.default_rng(0).gamma(4.0, size=count)
    noise = 0.2 * np.random.default_rng(1).normal(size=count)
    return baseline * (1 - gain) + noise - noise.mean(), baseline


def test_comparison_tells_better_equal_worse() -> None:
    assert compare(*losses(0.2), block=10).outcome == "better"
    assert compare(*losses(0.0), block=10).outcome == "equal"
    assert compare(*losses(-0.2), block=10).outcome == "worse"


def test_gain_is_the_ratio_of_means_inside_its_interval() -> None:
    result = compare(*losses(0.2), block=10)
    model, baseline = losses(0.2)
    assert result.gain == 1 - model.mean() / baseline.mean()
    assert result.low < result.gain < result.high


def test_two_that_are_equally_good_are_seldom_told_apart() -> None:
    """In 95 of 100 cases, even where there are only five blocks."""
    draw = np.random.default_rng(0)
    told = [
        compare(3.0 + 0.3 * draw.normal(size=100), np.full(100, 3.0), block=20).outcome
        for _ in range(400)
    ]
    assert told.count("equal") >= 0.92 * len(told)


@pytest.mark.parametrize(
    ("horizon", "count", "memory"), [(12, 200, 0.0), (12, 60, 0.0), (24, 600, 0.5), (1, 200, 0.5)]
)
def test_interval_covers_where_windows_overlap_and_errors_persist(
    horizon: int, count: int, memory: float
) -> None:
    """Both lose 3 on average, so the true gain is 0; a window's loss is the mean over its steps."""
    draw, covered, draws = np.random.default_rng(0), 0, 400
    for _ in range(draws):
        steps = draw.normal(size=(2, count + horizon + 50))
        for step in range(1, steps.shape[1]):
            steps[:, step] += memory * (steps[:, step - 1] - steps[:, step])
        both = sliding_window_view(3 + 0.5 * steps[:, 51:], horizon, axis=1).mean(2)
        result = compare(both[0], both[1], horizon)
        covered += result.low is not None and result.low <= 0 <= (result.high or 0)
    assert 0.92 <= covered / draws <= 0.98


def test_independent_series_have_students_interval() -> None:
    """Of 21 units: t is 2.0860 with 20 degrees of freedom."""
    baseline = np.full(21, 2.0)
    model = np.linspace(1.0, 2.0, 21)
    result = compare(model, baseline, block=0)
    reach = 2.0860 * model.std(ddof=1) / np.sqrt(21) / 2
    assert result.low == pytest.approx(0.25 - reach, abs=1e-4)
    assert result.high == pytest.approx(0.25 + reach, abs=1e-4)


def test_few_windows_or_a_hair_of_gain_tell_nothing() -> None:
    few = compare(*losses(0.2, count=30), block=10)
    assert (few.outcome, few.low, few.high) == ("too few", None, None)
    assert compare(*losses(0.2, count=1), block=10).outcome == "too few"
    baseline = losses(0.0)[1]
    assert compare(baseline * 0.9999, baseline, block=10).outcome == "equal"


def test_a_baseline_without_loss_to_speak_of_gives_no_absurd_numbers() -> None:
    baseline = np.full(100, 1e-7)
    assert compare(baseline + 1.0, baseline, block=5).span("+.1%") == "below -10000.0%"
    assert compare(baseline / 2, baseline, block=5).span("+.1%") == "+50.0% to +50.0%"


def test_a_perfect_baseline_leaves_nothing_to_gain() -> None:
    nothing = np.zeros(100)
    assert compare(nothing, nothing, block=5).outcome == "equal"
    assert compare(nothing + 1.0, nothing, block=5).outcome == "worse"
