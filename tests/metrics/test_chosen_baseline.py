"""The best of several baselines on the test split was lucky; the interval allows for it."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.metrics.classification import compare_accuracy, luck_of_best


@pytest.mark.parametrize(("truth", "chances"), [(0.99, [0.5] * 4), (0.9, [0.85] * 4)])
def test_interval_covers_the_gain_over_the_best_of_several(
    truth: float, chances: list[float]
) -> None:
    """All are as good as each other, so the true gain is that over any; 88 % without the luck."""
    draw, covered, draws = np.random.default_rng(0), 0, 400
    for _ in range(draws):
        model = draw.random(100) < truth
        others = [draw.random(100) < chance for chance in chances]
        best = max(others, key=lambda right: float(right.mean()))
        result = compare_accuracy(model, best, luck_of_best(others))
        assert result.low is not None and result.high is not None
        covered += result.low <= truth - chances[0] <= result.high
    assert 0.93 <= covered / draws <= 0.98


def test_luck_of_four_that_are_level_is_the_mean_of_their_maximum() -> None:
    """The largest of four normal numbers is 1.03 deviations above their mean; here .05 each."""
    draw = np.random.default_rng(0)
    half = np.arange(100) < 50
    found = [luck_of_best([draw.permutation(half) for _ in range(4)]) for _ in range(20)]
    assert np.mean(found) == pytest.approx(1.03 * 0.05, rel=0.1)


def test_one_that_is_far_ahead_had_no_luck() -> None:
    ahead, behind = np.arange(200) < 190, np.arange(200) < 20
    assert luck_of_best([ahead, behind]) == pytest.approx(0.0, abs=2e-3)
