"""The interpolated n-gram model with modified Kneser-Ney smoothing (Chen & Goodman, 1999).

An n-gram of order k is known by a number: the place of (number of its first k - 1 tokens, last
token) among all pairs that occur. So all orders are sorted arrays of whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_UNSEEN = -1
_LEAST = 1e-30
"""Least probability whose logarithm is taken."""


@dataclass(frozen=True)
class _Order:
    """All n-grams of one order: sorted keys, their shares, and what each context leaves over."""

    keys: Ints
    share: Floats
    """Discounted count divided by the context's count, [grams]."""
    left: Floats
    """Probability left for the lower order by the discounts, [contexts]; 1 if never continued."""


class _Counted:
    """The n-grams of one order in a stream, in the order of their starts."""

    def __init__(self, keys: Ints, contexts: int) -> None:
        self.keys, self.first, self.numbers, self.counts = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        self.contexts = contexts


class NGram:
    """Probabilities of token numbers 0 … size - 1, given up to `order` - 1 tokens before them."""

    def __init__(self, stream: Ints, size: int, order: int) -> None:
        self.size = size
        found: list[_Counted] = []
        numbers, contexts = np.zeros(len(stream) + 1, dtype=np.int64), 1
        for k in range(1, min(order, len(stream)) + 1):
            counted = _Counted(numbers[:-1] * size + stream[k - 1 :], contexts)
            found.append(counted)
            numbers, contexts = counted.numbers, len(counted.keys)
        # Below the highest order, what counts is how many different tokens stand before an n-gram.
        for shorter, longer in pairwise(found):
            starts = longer.first + 1
            shorter.counts = np.bincount(shorter.numbers[starts], minlength=len(shorter.keys))
        self._orders = [_smoothed(each, size) for each in found]

    @property
    def order(self) -> int:
        """The highest order in use."""
        return len(self._orders)

    def losses(self, stream: Ints, before: Ints) -> Floats:
        """Return the nats of every token of a stream that follows the tokens `before`."""
        found: Floats = -np.log(self._probabilities(np.concatenate([before, stream])))
        return found[len(before) :]

    def distribution(self, before: Ints) -> Floats:
        """Return the probabilities of all tokens after these, [size]."""
        p = np.full(self.size, 1.0 / self.size)
        for k, order in enumerate(self._orders[: len(before) + 1]):
            context = self._number(before[len(before) - k :].tolist())
            if context is None:
                break
            p *= order.left[context]
            first = context * self.size
            follow = slice(*np.searchsorted(order.keys, [first, first + self.size]))
            p[order.keys[follow] - first] += order.share[follow]
        return p

    def logs(self, before: Sequence[int]) -> Sequence[float]:
        """Return the log probability of every token after these, as decoding asks for it."""
        p = self.distribution(np.array(before, dtype=np.int64))
        found: list[float] = np.log(np.maximum(p, _LEAST)).tolist()
        return found

    def _number(self, gram: list[int]) -> int | None:
        """Return the number of an n-gram, 0 for the empty one, None if it never occurred."""
        number = 0
        for token, order in zip(gram, self._orders, strict=False):
            key = number * self.size + token
            number = int(np.searchsorted(order.keys, key))
            if number == len(order.keys) or order.keys[number] != key:
                return None
        return number

    def _probabilities(self, whole: Ints) -> Floats:
        """Return the probability of each token given those before it, from the lowest order up."""
        p, contexts = np.full(len(whole), 1.0 / self.size), np.zeros(len(whole), dtype=np.int64)
        for order in self._orders:
            known = contexts != _UNSEEN
            keys = contexts * self.size + whole
            place = np.minimum(np.searchsorted(order.keys, keys), len(order.keys) - 1)
            hit = known & (order.keys[place] == keys)
            p = np.where(known, order.left[contexts] * p + hit * order.share[place], p)
            contexts = np.concatenate([[_UNSEEN], np.where(hit, place, _UNSEEN)[:-1]])
        return p


def _smoothed(grams: _Counted, size: int) -> _Order:
    """Discount the counts, small ones less."""
    context, counts = grams.keys // size, grams.counts
    discount = _discounts(counts)[np.minimum(counts, 3)]
    totals = np.bincount(context, weights=counts, minlength=grams.contexts)
    taken = np.bincount(context, weights=discount, minlength=grams.contexts)
    left = np.divide(taken, totals, out=np.ones(grams.contexts), where=totals > 0)
    share = np.divide(
        counts - discount, totals[context], out=np.zeros(len(counts)), where=counts > 0
    )
    return _Order(grams.keys, share, left)


def _discounts(counts: Ints) -> Floats:
    """Return the discounts for counts of 0, 1, 2, and 3 or more.

    A discount is 0.5 where the counts of counts are too few.
    """
    n1, n2, n3, n4 = (int((counts == c).sum()) for c in (1, 2, 3, 4))
    if not (n1 and n2 and n3 and n4):
        return np.array([0.0, 0.5, 0.5, 0.5])
    y = n1 / (n1 + 2 * n2)
    found = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    return np.array([0.0, *(min(max(d, 0.05), c - 0.05) for c, d in enumerate(found, 1))])
