"""Learning curves: known curves are found, and lead where they lead."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.tuning.curve import fit_curve, forecast

AMOUNTS = np.array([0.125, 0.25, 0.5, 1.0])


def test_a_known_curve_is_found() -> None:
    curve = fit_curve(AMOUNTS, 0.2 + 0.1 * AMOUNTS**-0.5)
    assert (curve.limit, curve.scale, curve.power) == pytest.approx((0.2, 0.1, 0.5), abs=1e-6)


def test_rising_scores_have_curves_too() -> None:
    assert fit_curve(AMOUNTS, 0.9 - 0.1 * AMOUNTS**-0.5).at(4.0) == pytest.approx(0.85, abs=1e-6)


def test_twice_the_data_of_a_known_curve() -> None:
    seeds = [np.array([0.2 + 0.1 * n**-0.5] * 3) for n in AMOUNTS]
    found = forecast(AMOUNTS, seeds, 2.0)
    assert found.score == pytest.approx(0.2 + 0.1 * 2**-0.5, abs=1e-6)
    assert found.high - found.low < 1e-6


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    truth = 0.2 + 0.1 * 2**-0.5
    covered = 0
    for draw in range(20):
        seeds = [0.2 + 0.1 * n**-0.5 + 0.005 * rng.normal(size=3) for n in AMOUNTS]
        found = forecast(AMOUNTS, seeds, 2.0, seed=draw)
        covered += found.low <= truth <= found.high
    assert covered >= 14
