"""Misses and false alarms, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.metrics.verification import equal_error, errors_at, least_cost, tradeoff

SIMILARITY = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
IS_TARGET = np.array([True, True, False, True, False, False])


def test_the_curve_counts_misses_and_false_alarms() -> None:
    curve = tradeoff(SIMILARITY, IS_TARGET)
    np.testing.assert_allclose(curve.misses, [1, 2 / 3, 1 / 3, 1 / 3, 0, 0, 0])
    np.testing.assert_allclose(curve.alarms, [0, 0, 0, 1 / 3, 1 / 3, 2 / 3, 1])
    assert curve.thresholds[1:].tolist() == SIMILARITY.tolist()


def test_the_equal_error_is_where_both_are_alike() -> None:
    rate, threshold = equal_error(tradeoff(SIMILARITY, IS_TARGET))
    assert rate == pytest.approx(1 / 3) and threshold == pytest.approx(0.7)


def test_the_equal_error_lies_between_two_points() -> None:
    similarity = np.array([0.9, 0.8, 0.7, 0.6])
    curve = tradeoff(similarity, np.array([True, False, True, False]))
    assert equal_error(curve)[0] == pytest.approx(0.5)
    uneven = tradeoff(np.array([5.0, 4, 3, 2, 1]), np.array([True, False, True, False, False]))
    # from misses 1/2, alarms 1/3 to misses 0, alarms 1/3: alike at misses 1/3
    assert equal_error(uneven)[0] == pytest.approx(1 / 3)


def test_perfect_and_useless_similarities() -> None:
    is_target = np.array([True] * 5 + [False] * 5)
    perfect = tradeoff(np.arange(10.0)[::-1], is_target)
    assert equal_error(perfect)[0] == 0 and least_cost(perfect) == 0
    constant = tradeoff(np.ones(10), is_target)
    assert equal_error(constant)[0] == pytest.approx(0.5) and least_cost(constant) == 1


def test_ties_are_one_threshold_in_any_order() -> None:
    similarity, is_target = np.array([1.0, 1, 1, 0]), np.array([True, False, False, True])
    one = tradeoff(similarity, is_target)
    other = tradeoff(similarity[[2, 0, 1, 3]], is_target[[2, 0, 1, 3]])
    assert len(one.misses) == 3 and np.array_equal(one.misses, other.misses)


def test_the_cost_weighs_false_alarms_by_the_prior() -> None:
    curve = tradeoff(SIMILARITY, IS_TARGET)
    assert least_cost(curve, 0.01) == pytest.approx(1 / 3)  # misses alone, at no false alarm
    assert least_cost(curve, 0.5) == pytest.approx(1 / 3)


def test_errors_at_a_threshold() -> None:
    misses, alarms = errors_at(SIMILARITY, IS_TARGET, 0.65)
    assert (misses, alarms) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_one_kind_of_trials_is_refused() -> None:
    with pytest.raises(ValueError, match="got 2 targets, 0 others"):
        tradeoff(np.ones(2), np.ones(2, bool))
