"""The paired bootstrap of metrics that are computed from sums."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.metrics.bleu import bleu_scores, bleu_statistics
from longshort.metrics.bootstrap import compare_sums, mean, scored
from longshort.metrics.significance import compare


def noisy(shift: float, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two models whose true difference is `shift`."""
    draw = np.random.default_rng(3)
    baseline = draw.normal(size=count)
    noise = draw.normal(size=count)
    return baseline + shift + 0.3 * (noise - noise.mean()), baseline


@pytest.mark.parametrize(("shift", "outcome"), [(0.2, "better"), (0.0, "equal"), (-0.2, "worse")])
def test_comparison_tells_better_equal_worse(shift: float, outcome: str) -> None:
    model, baseline = noisy(shift)
    assert compare_sums(scored(model), scored(baseline), mean).outcome == outcome


def test_interval_of_a_mean_is_that_of_student() -> None:
    model, baseline = noisy(0.2)
    found = compare_sums(scored(model), scored(baseline), mean)
    exact = compare(2 + baseline - model, np.full(400, 2.0), block=0)  # losses of 2 less the gain
    assert found.gain == pytest.approx(2 * exact.gain)
    assert (found.low, found.high) == pytest.approx((2 * exact.low, 2 * exact.high), abs=0.005)


def test_a_gain_too_small_to_matter_is_none() -> None:
    _, baseline = noisy(0.0)
    model = baseline + 0.01
    assert compare_sums(scored(model), scored(baseline), mean).outcome == "better"
    assert compare_sums(scored(model), scored(baseline), mean, least=0.02).outcome == "equal"


def test_too_few_samples_say_nothing() -> None:
    model, baseline = noisy(0.2, 29)
    found = compare_sums(scored(model), scored(baseline), mean)
    assert (found.outcome, found.low, found.high) == ("too few", None, None)
    assert found.gain == pytest.approx(0.2)


def test_better_translations_are_better() -> None:
    references = [f"sentence number {place} of this long corpus" for place in range(60)]
    worse = [
        text.replace("long ", "") if place % 2 else text for place, text in enumerate(references)
    ]
    rows = [bleu_statistics(each, references) for each in (references, worse)]
    found = compare_sums(rows[0], rows[1], bleu_scores, least=0.1)
    assert found.outcome == "better"
    assert found.gain == pytest.approx(100 - bleu_scores(rows[1].sum(0)))
