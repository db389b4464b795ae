"""Metrics of detection against published implementations and numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from longshort.errors import ArgumentError
from longshort.metrics.detection import (
    EventCounts,
    detection_delays,
    event_counts,
    events_of,
    false_alarm_rate,
    flagged_share,
)
from longshort.metrics.nab import nab_score
from longshort.metrics.period import USUAL, period_of
from longshort.metrics.ranges import Bias, range_precision, range_recall
from longshort.metrics.volumes import volumes, vus_pr, vus_roc


def marked(length: int, *events: tuple[int, int]) -> np.ndarray:
    flags = np.zeros(length, int)
    for start, end in events:
        flags[start:end] = 1
    return flags


# -- volumes ---------------------------------------------------------------------------------------

EVENTS = ((0, 7), (120, 160), (163, 164), (166, 170), (500, 501), (560, 600))


def waves(length: int, digits: int) -> np.ndarray:
    """Scores without a random generator; rounded, so that a case with ties exists."""
    steps = np.arange(length)
    scores = np.sin(0.37 * steps) + np.sin(0.0131 * steps**1.5) + 0.8 * marked(length, *EVENTS)
    return np.round(scores, digits)


@pytest.mark.parametrize(
    ("length", "window", "digits", "pr", "roc"),
    [
        (600, 0, 6, 0.360252613730369, 0.665560292111161),
        (600, 1, 6, 0.360252613730369, 0.665560292111161),
        (600, 40, 6, 0.490810923867043, 0.801285657035641),
        (600, 100, 0, 0.487125322270591, 0.856676847893010),
        (900, 100, 6, 0.510232429622847, 0.865453483232856),
        (200, 25, 1, 0.524959228092346, 0.777663894389438),
    ],
)
def test_volumes_are_those_of_the_published_package(
    length: int, window: int, digits: int, pr: float, roc: float
) -> None:
    """The answers are those of TSB-AD 1.5: generate_curve(..., version="opt", thre=250)."""
    found = volumes(marked(length, *EVENTS), waves(length, digits), window)
    assert found == pytest.approx((pr, roc), abs=1e-12)


def test_perfect_scores_fill_the_volume_at_width_0() -> None:
    labels = marked(250, (100, 120))
    assert volumes(labels, labels + np.linspace(0, 0.1, 250), 0).roc == pytest.approx(1.0)


def test_only_the_order_of_scores_matters() -> None:
    labels, scores = marked(600, *EVENTS), waves(600, 6)
    assert vus_pr(labels, np.exp(3 * scores), 40) == vus_pr(labels, scores, 40)
    assert vus_roc(labels, np.exp(3 * scores), 40) == vus_roc(labels, scores, 40)


@pytest.mark.parametrize("labels", [np.zeros(50, int), np.ones(50, int)])
def test_volumes_without_both_kinds_of_steps_are_unknown(labels: np.ndarray) -> None:
    assert np.isnan(volumes(labels, np.arange(50.0), 5)).all()


@pytest.mark.parametrize(
    ("labels", "scores", "window", "message"),
    [
        ([0, 1, 0], [1.0, 2.0], 1, r"scores must be one a label, \[3\]"),
        ([0, 1, 0], [1.0, np.nan, 2.0], 1, "scores must be finite; step 1 has nan"),
        ([0, 2, 0], [1.0, 1.0, 2.0], 1, "labels must be 0 or 1 at every step; 2 is neither"),
        ([0, 1, 0], [1.0, 1.0, 2.0], -1, "window must be at least 0"),
        ([], [], 1, "labels must be one value a step"),
    ],
)
def test_volumes_refuse_what_they_cannot_rank(
    labels: list[int], scores: list[float], window: int, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        volumes(labels, scores, window)


# -- period ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", [7, 48, 288])
def test_the_period_of_a_wave_is_found(period: int) -> None:
    steps = np.arange(4000)
    noise = np.random.default_rng(0).normal(size=4000)
    assert period_of(3 * np.sin(2 * np.pi * steps / period) + 0.1 * noise) == period


@pytest.mark.parametrize(
    "series",
    [
        np.ones(500),
        np.arange(500.0),
        np.full(500, np.nan),
        np.sin(2 * np.pi * np.arange(4000) / 4),  # shorter than the rule allows
        np.zeros(3),
    ],
)
def test_a_series_without_a_period_gets_the_usual_one(series: np.ndarray) -> None:
    assert period_of(series) == USUAL


@pytest.mark.parametrize(
    ("coefficients", "period"),
    [
        ((0.1, 0.0131), 61),
        ((0.05, 0.002), 124),
        ((0.3, 0.0007), 21),
        ((0.023, 0.0131), 10),
        ((0.7, 0.01), 36),
    ],
)
def test_periods_are_those_of_the_published_rule(
    coefficients: tuple[float, float], period: int
) -> None:
    """The answers are those of TSB-AD 1.5: find_length_rank(data, rank=1)."""
    steps = np.arange(1500)
    first, second = coefficients
    assert period_of(np.sin(first * steps) + np.sin(second * steps**1.5)) == period


def test_missing_values_do_not_hide_the_period() -> None:
    series = np.sin(2 * np.pi * np.arange(2000) / 50)
    series[::7] = np.nan
    assert period_of(series) == 50


# -- events ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "events"),
    [
        ([0, 0], []),
        ([1, 1], [(0, 2)]),
        ([1, 0, 1, 1, 0], [(0, 1), (2, 4)]),
        ([False, True], [(1, 2)]),
    ],
)
def test_events_are_runs(flags: list[int], events: list[tuple[int, int]]) -> None:
    assert events_of(flags) == events


def test_runs_with_a_small_gap_are_one_event() -> None:
    flags = [1, 0, 1, 0, 0, 1, 1]
    assert events_of(flags, gap=1) == [(0, 3), (5, 7)]
    assert events_of(flags, gap=2) == [(0, 7)]


LABELS = marked(100, (10, 20), (40, 50), (70, 72))
FLAGS = marked(100, (5, 12), (15, 16), (30, 33), (49, 60), (90, 91))


def test_events_are_counted_by_overlap() -> None:
    counts = event_counts(LABELS, FLAGS)
    assert counts == EventCounts(found=2, missed=1, false_alarms=2)
    assert (counts.precision, counts.recall) == (2 / 4, 2 / 3)
    assert counts.f1 == pytest.approx(2 * (1 / 2) * (2 / 3) / (1 / 2 + 2 / 3))


def test_counts_of_series_add_up() -> None:
    assert EventCounts(1, 2, 3) + EventCounts(10, 20, 30) == EventCounts(11, 22, 33)


def test_ratios_of_nothing_are_unknown() -> None:
    silent = event_counts(LABELS, np.zeros(100))
    assert math.isnan(silent.precision)
    assert (silent.recall, silent.f1) == (0.0, 0.0)
    assert math.isnan(event_counts(np.zeros(100), FLAGS).recall)
    assert math.isnan(event_counts(np.zeros(100), np.zeros(100)).f1)


def test_delay_runs_from_the_start_of_an_event() -> None:
    assert detection_delays(LABELS, FLAGS) == [0, 9, None]


def test_false_alarms_are_counted_per_1000_unlabelled_steps() -> None:
    assert false_alarm_rate(LABELS, FLAGS) == pytest.approx(1000 * 2 / (100 - 22))
    assert math.isnan(false_alarm_rate(np.ones(5), np.zeros(5)))


def test_flagged_share() -> None:
    assert flagged_share(FLAGS) == pytest.approx(23 / 100)


def test_labels_and_flags_are_of_the_same_steps() -> None:
    with pytest.raises(ArgumentError, match="there are 100 and 3"):
        event_counts(LABELS, [0, 1, 0])


# -- ranges ----------------------------------------------------------------------------------------

TRUTH = marked(40, (3, 10), (15, 16), (20, 33))
ALARMS = marked(40, (0, 5), (8, 9), (15, 22), (25, 27), (36, 38))


@pytest.mark.parametrize(
    ("bias", "reciprocal", "alpha", "recall", "precision"),
    [
        ("flat", True, 0.0, 0.456043956043956, 0.522857142857143),
        ("flat", True, 0.3, 0.619230769230769, 0.522857142857143),
        ("flat", False, 0.0, 0.578754578754579, 0.565714285714286),
        ("flat", False, 0.3, 0.705128205128205, 0.565714285714286),
        ("front", True, 0.0, 0.495879120879121, 0.475714285714286),
        ("front", False, 0.0, 0.658424908424908, 0.511428571428571),
        ("back", True, 0.0, 0.416208791208791, 0.570000000000000),
        ("back", False, 0.0, 0.499084249084249, 0.620000000000000),
        ("middle", True, 0.0, 0.439838435374150, 0.491666666666667),
        ("middle", False, 0.0, 0.546343537414966, 0.516666666666667),
    ],
)
def test_ranges_are_those_of_the_published_package(
    bias: Bias, reciprocal: bool, alpha: float, recall: float, precision: float
) -> None:
    """The answers are those of prts 1.0.0.3."""
    found = range_recall(TRUTH, ALARMS, bias=bias, reciprocal=reciprocal, alpha=alpha)
    assert found == pytest.approx(recall, abs=1e-12)
    assert range_precision(TRUTH, ALARMS, bias=bias, reciprocal=reciprocal) == pytest.approx(
        precision, abs=1e-12
    )


def test_ranges_of_nothing_are_unknown() -> None:
    silent = np.zeros(40)
    assert range_recall(TRUTH, silent) == 0.0
    assert math.isnan(range_precision(TRUTH, silent))
    assert math.isnan(range_recall(silent, ALARMS))


# -- NAB -------------------------------------------------------------------------------------------


def sigmoid(place: float) -> float:
    return 2 / (1 + math.exp(5 * place)) - 1


WINDOWS = marked(1000, (300, 400), (700, 721))


def test_nab_is_0_without_alarms_and_100_for_perfect_ones() -> None:
    perfect = marked(1000, (300, 301), (700, 701))
    for profile in ("standard", "low_fp", "low_fn"):
        assert nab_score([(WINDOWS, np.zeros(1000))], profile) == 0.0
        assert nab_score([(WINDOWS, perfect)], profile) == pytest.approx(100.0)


def test_nab_rewards_early_hits() -> None:
    """The first window is hit at its 51st of 100 steps, and again later; the second is missed."""
    flags = marked(1000, (350, 351), (360, 370))
    points = sigmoid(-0.5) / sigmoid(-1) - 1
    assert nab_score([(WINDOWS, flags)]) == pytest.approx(100 * (points + 2) / 4)
    points = sigmoid(-0.5) / sigmoid(-1) - 2
    assert nab_score([(WINDOWS, flags)], "low_fn") == pytest.approx(100 * (points + 4) / 6)


@pytest.mark.parametrize(
    ("step", "value"),
    [
        (250, -1.0),  # before any window
        (400, sigmoid(1 / 99)),  # just past one
        (449, sigmoid(50 / 99)),
        (690, sigmoid(291 / 99)),
        (696, -1.0),  # three widths past it
        (900, -1.0),  # nine widths past the second
    ],
)
def test_nab_weighs_false_alarms_by_their_distance(step: int, value: float) -> None:
    flags = marked(1000, (step, step + 1))
    assert nab_score([(WINDOWS, flags)]) == pytest.approx(100 * 0.11 * value / 4)
    assert nab_score([(WINDOWS, flags)], "low_fp") == pytest.approx(100 * 0.22 * value / 4)


def test_nab_probation_does_not_count() -> None:
    """15 % of the rows, but 750 at most."""
    assert nab_score([(WINDOWS, marked(1000, (0, 150)))]) == 0.0
    assert nab_score([(WINDOWS, marked(1000, (150, 151)))]) < 0.0
    long = marked(10_000, (5000, 5100))
    assert nab_score([(long, marked(10_000, (0, 750)))]) == 0.0
    assert nab_score([(long, marked(10_000, (750, 751)))]) < 0.0
    assert math.isnan(nab_score([(marked(1000, (20, 60)), np.zeros(1000))]))


def test_nab_of_several_series_weighs_windows_alike() -> None:
    one = marked(1000, (500, 600))
    found = nab_score([(WINDOWS, np.zeros(1000)), (one, marked(1000, (500, 501)))])
    assert found == pytest.approx(100 * 2 / 6)


def test_nab_profiles_are_named() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'standard'"):
        nab_score([(WINDOWS, WINDOWS)], "standart")
