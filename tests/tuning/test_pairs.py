"""Statistics of pairs: known answers, and SciPy as an independent oracle."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.tuning.pairs import bca, compare_all, fewest_pairs, holm, sign_flip

DRAWN = np.random.default_rng(1).normal(0.4, 1.0, 12)


def test_six_equal_signs_are_the_least_that_is_significant() -> None:
    assert sign_flip(np.ones(5)) == pytest.approx(2 / 2**5)
    assert sign_flip(np.arange(1.0, 7.0)) == pytest.approx(2 / 2**6)


def test_no_difference_has_p_one() -> None:
    assert sign_flip(np.zeros(6)) == 1.0


@pytest.mark.parametrize("count", [4, 7, 12])
def test_signs_are_flipped_as_scipy_does(count: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    gains = DRAWN[:count]
    expected = stats.permutation_test(
        (gains,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(gains) == pytest.approx(expected.pvalue)


def test_many_pairs_are_flipped_at_random() -> None:
    stats = pytest.importorskip("scipy.stats")
    gains = np.random.default_rng(5).normal(0.3, 1.0, 40)
    assert sign_flip(gains) == pytest.approx(stats.ttest_1samp(gains, 0.0).pvalue, abs=0.02)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize("power", [1, 3])
def test_the_interval_is_scipys(power: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    gains = DRAWN**power
    expected = stats.bootstrap(
        (gains,), np.mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(0)
    ).confidence_interval
    assert bca(gains) == pytest.approx(tuple(expected), abs=0.02 * np.ptp(gains))


def test_equal_differences_are_an_interval_of_one_point() -> None:
    assert bca(np.full(6, 0.25)) == (0.25, 0.25)


def test_the_fewest_pairs_grow_with_the_comparisons() -> None:
    assert [fewest_pairs(count) for count in (1, 3, 6, 10)] == [6, 7, 8, 9]


def test_a_clear_difference_is_claimed_in_the_right_direction() -> None:
    losses = {"good": [1.0, 2.0, 3.0, 1.0, 2.0, 3.0], "bad": [2.0, 3.5, 4.0, 1.5, 3.0, 4.0]}
    (test,) = compare_all(losses, higher_is_better=False)
    assert (test.better, test.chance, test.p) == ("good", 1.0, 2 / 2**6)
    assert test.low <= test.gain <= test.high and test.low > 0
    (other,) = compare_all(losses, higher_is_better=True)
    assert other.better == "bad" and other.gain == -test.gain


def test_five_pairs_never_claim() -> None:
    (test,) = compare_all({"a": [0.0] * 5, "b": [9.0] * 5}, higher_is_better=False)
    assert test.better is None


def test_six_pairs_do_not_suffice_for_three_alternatives() -> None:
    losses = {"a": [0.0] * 6, "b": [1.0] * 6, "c": [2.0] * 6}
    assert [each.better for each in compare_all(losses, higher_is_better=False)] == [None] * 3
    longer = {name: [*each, each[0]] for name, each in losses.items()}
    claimed = [each.better for each in compare_all(longer, higher_is_better=False)]
    assert claimed == ["a", "a", "b"]


def test_a_sure_but_rare_advantage_is_not_claimed() -> None:
    """The first is far better in 60 % of the pairs, and slightly worse in the others."""
    gains = np.where(np.arange(20) % 5 < 3, 2.0, -0.05)
    (test,) = compare_all({"a": gains.tolist(), "b": [0.0] * 20}, higher_is_better=True)
    assert test.adjusted < 0.05 and test.chance == pytest.approx(0.6) and test.better is None


def test_false_claims_are_as_rare_as_promised() -> None:
    draw = np.random.default_rng(0)
    claims = 0
    for _ in range(300):
        losses = draw.lognormal(size=(3, 7)) + 5 * draw.normal(size=7)
        scores = {str(n): row.tolist() for n, row in enumerate(losses)}
        claims += any(each.better for each in compare_all(scores, higher_is_better=False))
    assert claims <= 0.05 * 300 + 3 * (300 * 0.05 * 0.95) ** 0.5
