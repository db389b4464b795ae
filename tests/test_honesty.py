"""Planted fakes must be caught, and honest forecasts must pass."""

from __future__ import annotations

import numpy as np

from longshort.evaluate.honesty import compare, echo_check, flatness_check


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
    rival = np.random.default_rng(0).gamma(4.0, size=count)
    noise = 0.2 * np.random.default_rng(1).normal(size=count)
    return rival * (1 - gain) + noise - noise.mean(), rival


def test_comparison_tells_better_equal_worse() -> None:
    assert compare(*losses(0.2), block=10).outcome == "better"
    assert compare(*losses(0.0), block=10).outcome == "equal"
    assert compare(*losses(-0.2), block=10).outcome == "worse"


def test_gain_is_the_ratio_of_means_inside_its_interval() -> None:
    result = compare(*losses(0.2), block=10)
    model, rival = losses(0.2)
    assert result.gain == 1 - model.mean() / rival.mean()
    assert result.low < result.gain < result.high


def test_two_that_are_equally_good_are_seldom_told_apart() -> None:
    """In 95 of 100 cases, even where there are only five blocks."""
    draw = np.random.default_rng(0)
    told = [
        compare(3.0 + 0.3 * draw.normal(size=100), np.full(100, 3.0), block=20).outcome
        for _ in range(400)
    ]
    assert told.count("equal") >= 0.92 * len(told)


def test_few_windows_or_a_hair_of_gain_tell_nothing() -> None:
    few = compare(*losses(0.2, count=30), block=10)
    assert (few.outcome, few.low, few.high) == ("too few", None, None)
    assert compare(*losses(0.2, count=1), block=10).outcome == "too few"
    rival = losses(0.0)[1]
    assert compare(rival * 0.9999, rival, block=10).outcome == "equal"


def test_a_rival_without_loss_to_speak_of_gives_no_absurd_numbers() -> None:
    rival = np.full(100, 1e-7)
    assert compare(rival + 1.0, rival, block=5).span("+.1%") == "below -10000.0%"
    assert compare(rival / 2, rival, block=5).span("+.1%") == "+50.0% to +50.0%"


def test_a_perfect_rival_leaves_nothing_to_gain() -> None:
    nothing = np.zeros(100)
    assert compare(nothing, nothing, block=5).outcome == "equal"
    assert compare(nothing + 1.0, nothing, block=5).outcome == "worse"
