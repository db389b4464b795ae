"""Thresholds from calibration scores: what they promise, on series whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from longshort.errors import ArgumentError
from longshort.metrics.detection import events_of
from longshort.tasks.anomaly.dynamic import Dynamic, dynamic_flags
from longshort.tasks.anomaly.tails import Tail, fit_excesses, tail_of
from longshort.tasks.anomaly.thresholds import p_values, threshold_for_rate, threshold_for_steps

Draw = Callable[[np.random.Generator, int], np.ndarray]

# -- conformal -------------------------------------------------------------------------------------


def test_p_values_count_calibration_scores() -> None:
    found = p_values([3.0, 1.0, 2.0, 2.0], [0.0, 2.0, 2.5, 9.0, np.nan])
    assert found == pytest.approx([5 / 5, 4 / 5, 2 / 5, 1 / 5, np.nan], nan_ok=True)


def test_a_flagged_step_has_a_p_value_of_at_most_the_rate() -> None:
    rng = np.random.default_rng(0)
    calibration, scores = rng.normal(size=199), rng.normal(size=2000)
    for rate in (0.005, 0.01, 0.1, 0.5):
        found = threshold_for_steps(calibration, rate)
        assert not found.extrapolated
        assert rate - 1 / 200 < found.rate <= rate
        expected = p_values(calibration, scores) <= rate + 1e-12
        assert np.array_equal(scores > found.value, expected)


def test_conformal_rate_holds_on_average() -> None:
    """The share of a new score above the k-th largest of n is k / (n + 1), whatever its kind."""
    rng = np.random.default_rng(1)
    draws = rng.standard_cauchy(size=(4000, 50))
    exceeded = [row[-1] > threshold_for_steps(row[:-1], 0.1).value for row in draws]
    assert np.mean(exceeded) == pytest.approx(0.1, abs=0.015)


def test_rates_that_no_p_value_reaches_come_from_the_tail() -> None:
    calibration = np.random.default_rng(2).exponential(size=2000)
    found = threshold_for_steps(calibration, 1e-5)
    assert found.extrapolated
    assert found.value == pytest.approx(tail_of(calibration).threshold(1e-5))


# -- peaks over a threshold ------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [-0.3, -0.1, 0.0, 0.2, 0.6])
def test_the_fit_finds_a_known_tail(shape: float) -> None:
    uniform = (np.arange(4000) + 0.5) / 4000
    excesses = -np.log(uniform) if shape == 0 else (uniform**-shape - 1) / shape
    scale, found = fit_excesses(3 * excesses)
    assert (scale / 3, found) == pytest.approx((1, shape), abs=0.02)


@pytest.mark.parametrize(
    ("seed", "shape", "scale", "fitted"),
    [
        (0, 0.3, 0.897413, 0.476675),
        (1, -0.2, 0.958183, -0.273656),
        (2, 0.05, 1.023825, -0.148631),
        (3, -0.4, 0.933924, -0.351467),
        (4, 0.8, 0.828542, 0.452316),
    ],
)
def test_the_fit_is_the_likeliest(seed: int, shape: float, scale: float, fitted: float) -> None:
    """The answers are those of a search by Nelder-Mead over both parameters."""
    uniform = np.random.default_rng(seed).random(60)
    found = fit_excesses((uniform**-shape - 1) / shape)
    assert found == pytest.approx((scale, fitted), abs=2e-4)


def test_threshold_of_a_tail_follows_the_formula() -> None:
    tail = Tail(level=5.0, share=0.02, scale=2.0, shape=0.25)
    assert tail.threshold(1e-4) == pytest.approx(5 + 2 / 0.25 * ((1e-4 / 0.02) ** -0.25 - 1))
    assert tail.threshold(0.02) == pytest.approx(5)
    exponential = Tail(level=5.0, share=0.02, scale=2.0, shape=0.0)
    assert exponential.threshold(1e-4) == pytest.approx(5 - 2 * math.log(1e-4 / 0.02))
    nearly = Tail(level=5.0, share=0.02, scale=2.0, shape=2e-8)
    assert nearly.threshold(1e-4) == pytest.approx(exponential.threshold(1e-4))


def test_a_tail_needs_excesses() -> None:
    with pytest.raises(ArgumentError, match=r"^4 of 200 calibration scores exceed their quantile"):
        tail_of(np.arange(200.0))
    with pytest.raises(ArgumentError, match=r"at most 0\.02, the share of the tail"):
        tail_of(np.arange(1000.0)).threshold(0.1)


# -- alarms ----------------------------------------------------------------------------------------


def white(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.abs(rng.normal(size=count))


def smoothed(span: int) -> Draw:
    def draw(rng: np.random.Generator, count: int) -> np.ndarray:
        weights = (1 - 2 / (span + 1)) ** np.arange(5 * span)
        errors = white(rng, count + len(weights) - 1)
        return np.convolve(errors, weights / weights.sum(), "valid")

    return draw


def coloured(rng: np.random.Generator, count: int) -> np.ndarray:
    """Absolute values of an autoregressive series with the coefficient 0.8."""
    return np.abs(np.convolve(rng.normal(size=count + 60), 0.8 ** np.arange(61), "valid"))


NOISE: dict[str, tuple[Draw, int]] = {
    "white": (white, 0),
    "coloured": (coloured, 0),
    "smoothed": (smoothed(20), 20),
}


@cache
def truth_of(noise: str) -> np.ndarray:
    """A series long enough for the rarest alarms that are asked for here."""
    return NOISE[noise][0](np.random.default_rng(10_000), 1_000_000)


def alarms_a_step(scores: np.ndarray, threshold: float, gap: int) -> float:
    steps = np.flatnonzero(scores > threshold)
    return (1 + int((np.diff(steps) > gap + 1).sum())) / len(scores)


@pytest.mark.parametrize(
    ("noise", "length", "alarms"),
    [
        *((noise, 500, 2) for noise in NOISE),
        *((noise, 2000, 20) for noise in NOISE),
        *((noise, 2000, 0.4) for noise in NOISE),
        *((noise, 5000, 40) for noise in NOISE),
        *((noise, 5000, 0.4) for noise in NOISE),
        ("white", 500, 20),
        ("coloured", 500, 20),
    ],
)
def test_clean_series_raise_as_many_alarms_as_wished(
    noise: str, length: int, alarms: float
) -> None:
    """The mean rate over 200 calibrations, each held against a long series of the same kind."""
    draw, gap = NOISE[noise]
    rate = alarms / length
    found = [
        threshold_for_rate(draw(np.random.default_rng(seed), length), rate, gap)
        for seed in range(200)
    ]
    assert {each.extrapolated for each in found} == {alarms < 7}
    assert [each.rate for each in found] == pytest.approx([rate] * 200)
    rates = [alarms_a_step(truth_of(noise), each.value, gap) for each in found]
    assert 1 / 1.5 < np.mean(rates) / rate < 1.5


def test_a_threshold_by_steps_would_raise_too_few_alarms() -> None:
    """What counting alarms is for: flagged steps of smoothed scores come in clumps."""
    draw, gap = NOISE["smoothed"]
    by_steps = threshold_for_steps(draw(np.random.default_rng(0), 20_000), 0.002).value
    assert alarms_a_step(truth_of("smoothed"), by_steps, gap) < 0.002 / 1.5


@pytest.mark.parametrize("gap", [0, 3])
def test_counted_thresholds_raise_the_wished_alarms_in_their_calibration(gap: int) -> None:
    """One less, as the highest score of the last alarm does not exceed itself."""
    scores = coloured(np.random.default_rng(3), 3000)
    found = threshold_for_rate(scores, 40 / 3000, gap)
    assert not found.extrapolated
    assert len(events_of(scores > found.value, gap)) == 39


def test_rarer_alarms_need_higher_thresholds() -> None:
    scores = coloured(np.random.default_rng(4), 1000)
    values = [threshold_for_rate(scores, rate).value for rate in np.geomspace(0.1, 1e-7, 50)]
    assert all(np.diff(values) >= 0)


def test_whatever_exceeds_constant_scores_is_flagged() -> None:
    found = threshold_for_rate(np.full(100, 0.5), 0.01)
    assert (found.value, found.extrapolated) == (0.5, True)


def test_more_alarms_than_there_are_excursions_are_not_expected() -> None:
    """Three humps of a wave: no level is crossed more often."""
    scores = -np.cos(2 * np.pi * np.arange(300) / 100) + np.linspace(0, 0.01, 300)
    found = threshold_for_rate(scores, 0.2)
    assert found.rate == pytest.approx(3 / 300)
    assert len(events_of(scores > found.value - 0.01)) == 3


@pytest.mark.parametrize(
    ("calibration", "rate", "message"),
    [
        (np.array([1.0, np.nan]), 0.1, "1 values that are not finite"),
        (np.array([]), 0.1, r"it has the shape \(0,\)"),
        (np.arange(10.0), 0.0, "rate must lie between 0 and 1, per step; it is 0"),
        (np.arange(10.0), 1.0, "rate must lie between 0 and 1, per step; it is 1"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(
    calibration: np.ndarray, rate: float, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        threshold_for_rate(calibration, rate)


# -- telemanom -------------------------------------------------------------------------------------


def errors_with(*bumps: tuple[int, int, float]) -> np.ndarray:
    errors = 0.1 + 0.01 * np.sin(np.arange(4200) / 7)
    for start, end, height in bumps:
        errors[start:end] = height
    return errors


VALUES = np.sin(np.arange(4200) / 30)


def test_dynamic_flags_cover_a_bump_and_its_buffer() -> None:
    flags = dynamic_flags(errors_with((1500, 1540, 1.0)), VALUES)
    assert events_of(flags) == [(1401, 1639)]


def test_dynamic_flags_of_later_windows_cover_new_steps_only() -> None:
    """Windows end at the steps 3010, 3080, …: what is new in the first with the bump begins at
    2940, and what is new after 3080 holds no high error."""
    flags = dynamic_flags(errors_with((3000, 3040, 1.0)), VALUES)
    assert events_of(flags) == [(2940, 3080)]


def test_events_that_hardly_stand_out_are_pruned() -> None:
    both = errors_with((1200, 1240, 1.0), (1700, 1740, 0.95))
    assert len(events_of(dynamic_flags(both, VALUES))) == 2
    flat = errors_with((1200, 1240, 0.124))
    high = errors_with((1200, 1240, 0.127))
    values = VALUES / 20
    assert not dynamic_flags(flat, values).any()
    assert dynamic_flags(high, values).any()


def test_errors_that_are_small_beside_the_values_are_no_events() -> None:
    errors = errors_with((1500, 1540, 1.0))
    assert not dynamic_flags(errors, 1000 * VALUES).any()


def test_the_first_steps_are_not_flagged() -> None:
    errors = errors_with((300, 340, 1.0))
    assert not dynamic_flags(errors, VALUES).any()
    assert dynamic_flags(errors, VALUES, Dynamic(ignored=0))[320]
    assert dynamic_flags(errors[:1500], VALUES[:1500])[320]


def test_constant_errors_are_no_events() -> None:
    assert not dynamic_flags(np.full(3000, 0.1), VALUES[:3000]).any()
    assert not dynamic_flags(np.zeros(50), VALUES[:50]).any()


@pytest.mark.parametrize(
    ("errors", "values", "message"),
    [
        (np.zeros(5), np.zeros(4), r"they are \(5,\) and \(4,\)"),
        (np.full(5, np.nan), np.zeros(5), "must be finite"),
    ],
)
def test_dynamic_flags_need_errors_and_values(
    errors: np.ndarray, values: np.ndarray, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        dynamic_flags(errors, values)
