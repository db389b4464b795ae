"""Which rows an alarm consists of."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.tasks.anomaly.raising import raising

BOTH = pytest.mark.parametrize("causal", [False, True])


def calm(steps: int = 2000) -> np.ndarray:
    """Squared errors of normal rows: their mean is 1."""
    return np.random.default_rng(0).normal(size=steps) ** 2


@BOTH
@pytest.mark.parametrize("length", [1, 10])
def test_a_strong_burst_is_flagged_and_nothing_around_it(length: int, causal: bool) -> None:
    scores = calm()
    scores[1000 : 1000 + length] = 400.0
    found = raising(scores, 96, 2.0, 1.0, causal=causal)
    assert np.flatnonzero(found).tolist() == list(range(1000, 1000 + length))


@BOTH
def test_a_long_weak_change_is_one_alarm(causal: bool) -> None:
    scores = calm()
    scores[1000:1400] *= 4
    rows = np.flatnonzero(raising(scores, 96, 2.0, 1.0, causal=causal))
    assert np.all(np.diff(rows) == 1)
    assert 985 <= rows[0] < 1100 and 1300 < rows[-1] < 1420


@BOTH
def test_rows_without_a_score_are_passed_over(causal: bool) -> None:
    scores = calm()
    scores[1000:1003] = 400.0
    gaps = np.insert(scores, 1001, np.full(4, np.nan))
    found = raising(gaps, 96, 2.0, 1.0, causal=causal)
    assert np.array_equal(
        np.delete(found, range(1001, 1005)), raising(scores, 96, 2.0, 1.0, causal=causal)
    )


def test_a_stream_does_not_see_the_future() -> None:
    scores = calm()
    changed = scores.copy()
    changed[1500:] = 100.0
    first = raising(scores, 20, 2.0, 1.0, causal=True)
    assert np.array_equal(first[:1480], raising(changed, 20, 2.0, 1.0, causal=True)[:1480])


@BOTH
def test_scores_that_never_change_raise_no_alarm(causal: bool) -> None:
    assert not raising(np.full(500, 1.0), 105, 1.0, 1.0, causal=causal).any()
    changed = np.where(np.arange(500) == 250, 3.0, 1.0)
    assert raising(changed, 105, 1.0, 1.0, causal=causal).any()


@BOTH
def test_without_a_threshold_nothing_is_flagged(causal: bool) -> None:
    assert not raising(calm() * 100, 96, float("inf"), 1.0, causal=causal).any()
