"""Statistics of paired scores: which of several alternatives is better, and how sure that is.

A pair is one draw of all sources of chance, such as seed, order and split, which all alternatives
share. Only differences within pairs are used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 0.05
"""Largest probability of a false claim, over all comparisons together."""
FEWEST_PAIRS = 6
"""With five pairs the sign-flip test cannot reach the level: 2 / 2^5 is 0.0625."""
MEANINGFUL = 0.75
"""Least P(A > B) of a claim (Bouthillier et al., 2021): smaller ones matter little in use."""
_EXACT = 14
_RESAMPLES = 10_000


@dataclass(frozen=True)
class PairedTest:
    """A comparison of two alternatives over pairs.

    gain: mean difference in the metric's unit, above 0 where the first is better; low, high: its
    95 % interval (BCa bootstrap). chance: share of pairs in which the first is better, P(A > B),
    ties counted half; chance_low, chance_high: its 95 % interval (percentile bootstrap). p: of the
    sign-flip test, two-sided; adjusted: by Holm over all comparisons. better: the one that is
    claimed to be better; None: no significant difference.
    """

    first: str
    second: str
    gain: float
    low: float
    high: float
    chance: float
    chance_low: float
    chance_high: float
    p: float
    adjusted: float
    better: str | None


def fewest_pairs(comparisons: int) -> int:
    """Return the least number of pairs with which Holm's smallest level can be reached."""
    return max(FEWEST_PAIRS, math.ceil(math.log2(2 * comparisons / LEVEL)))


def compare_all(
    scores: Mapping[str, Sequence[float]], *, higher_is_better: bool
) -> list[PairedTest]:
    """Compare each two alternatives; `scores` has those of the pairs, in the same order for all.

    A claim needs six pairs, an adjusted p of at most 0.05, and a P(A > B) of at least 0.75.
    """
    sign = 1.0 if higher_is_better else -1.0
    couples = list(combinations(scores, 2))
    gains = [sign * (np.array(scores[a]) - np.array(scores[b])) for a, b in couples]
    chances = [sign_flip(each) for each in gains]
    found = zip(couples, gains, chances, holm(chances), strict=True)
    return [_tested(*couple, each, p, adjusted) for couple, each, p, adjusted in found]


def _tested(first: str, second: str, gains: Floats, p: float, adjusted: float) -> PairedTest:
    wins = _wins(gains)
    low, high = bca(gains)
    chance_low, chance_high = (float(v) for v in np.quantile(_means(wins), [0.025, 0.975]))
    return PairedTest(
        first,
        second,
        float(gains.mean()),
        low,
        high,
        float(wins.mean()),
        chance_low,
        chance_high,
        p,
        adjusted,
        {1: first, -1: second, 0: None}[claim(gains, adjusted)],
    )


def claim(gains: Floats, adjusted: float) -> int:
    """Return 1 where the first one is claimed to be better, -1 for the second, 0 for no claim.

    gains [n]: differences of n pairs, above 0 in favour of the first. adjusted: their p-value.
    """
    if len(gains) < FEWEST_PAIRS or adjusted > LEVEL:
        return 0
    side = int(np.sign(gains.mean()))
    return side if _wins(side * gains).mean() >= MEANINGFUL else 0


def _wins(gains: Floats) -> Floats:
    return np.asarray((np.sign(gains) + 1) / 2, dtype=np.float64)


def sign_flip(gains: Floats) -> float:
    """Return the two-sided p-value of the mean, if signs of differences are arbitrary.

    gains [n]: differences of n pairs. Exact up to 14 pairs, where all signs are tried; above by
    10,000 random ones. The smallest value is 2 / 2^n (Fisher, 1935).
    """
    count = len(gains)
    if count <= _EXACT:
        signs, extra = _all_signs(count), 0
    else:
        draw = np.random.default_rng(0)
        signs, extra = draw.choice([-1.0, 1.0], (_RESAMPLES, count)), 1
    reached = np.abs(signs @ gains) >= abs(gains.sum()) - 1e-12 * np.abs(gains).sum()
    return float((reached.sum() + extra) / (len(signs) + extra))


@cache
def _all_signs(count: int) -> Floats:
    """Return every choice of signs, [2^n, n]."""
    bits = np.arange(2**count)[:, None] >> np.arange(count) & 1
    return np.asarray(1 - 2 * bits, dtype=np.float64)


def holm(chances: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (Holm, 1979), in the order given."""
    order = sorted(range(len(chances)), key=lambda i: chances[i])
    found, highest = [0.0] * len(chances), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, (len(chances) - place) * chances[i]))
        found[i] = highest
    return found


def bca(gains: Floats, level: float = 0.95) -> tuple[float, float]:
    """Return the bias-corrected and accelerated bootstrap interval of the mean (Efron, 1987).

    gains [n]. With few pairs it is somewhat short, so claims are made by the sign-flip test.
    """
    mean = float(gains.mean())
    if len(gains) < 2 or float(np.ptp(gains)) == 0.0:
        return mean, mean
    means = _means(gains)
    below = ((means < mean).sum() + 0.5 * (means == mean).sum()) / len(means)
    normal = NormalDist()
    bias = normal.inv_cdf(float(np.clip(below, 1 / len(means), 1 - 1 / len(means))))
    apart = gains - mean  # what is apart in the jackknife's means is this, over n - 1
    skew = float((apart**3).sum() / (6.0 * (apart**2).sum() ** 1.5))

    def end(share: float) -> float:
        z = bias + normal.inv_cdf(share)
        return normal.cdf(bias + z / (1.0 - skew * z))

    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [end(tail), end(1.0 - tail)])
    return float(low), float(high)


def _means(values: Floats) -> Floats:
    """Return means of resamples, drawn by the same seed each time."""
    picked = np.random.default_rng(0).integers(len(values), size=(_RESAMPLES, len(values)))
    found: Floats = values[picked].mean(axis=1)
    return found
