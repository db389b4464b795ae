"""The proof that a bundle answers as the trained network did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.runs.bundle import Golden
from longshort.runtime.network import Callee, is_array
from longshort.runtime.tree import flatten

CLOSE = 1e-4
"""Largest difference from the recorded answers, relative to their largest value or 1."""


@dataclass(frozen=True)
class Proof:
    """How far the answers of a network are from the recorded ones.

    differences: the largest of each function, relative to the largest recorded value or 1.
    """

    differences: dict[str, float]
    calls: int
    rounding: Mapping[str, Any] | None = None
    """What rounded weights cost (`Rounding`), where they are rounded."""

    @property
    def worst(self) -> float:
        """The largest difference of all."""
        return max(self.differences.values(), default=0.0)

    @property
    def is_equal(self) -> bool:
        """Whether all answers are close enough."""
        return self.worst <= CLOSE


def prove(network: Callee, golden: Sequence[Golden]) -> Proof:
    """Ask the network again what was recorded, and compare its answers."""
    found: dict[str, float] = {}
    for each in golden:
        answer = network.call(each.function, *each.inputs)
        difference = _difference(answer, each.answer)
        found[each.function] = max(difference, found.get(each.function, 0.0))
    return Proof(found, len(golden))


def _difference(answer: object, recorded: object) -> float:
    """Return the largest relative difference; infinity where the answers are of other shapes."""
    own, structure = flatten(answer, is_array)
    wanted, expected = flatten(recorded, is_array)
    if structure != expected or any(a.shape != b.shape for a, b in zip(own, wanted, strict=True)):
        return float("inf")
    worst = 0.0
    for a, b in zip(own, wanted, strict=True):
        if not a.size:
            continue
        values, others = a.astype(np.float64), b.astype(np.float64)
        same = np.isclose(values, others, rtol=0, atol=0, equal_nan=True)
        finite = np.abs(others[np.isfinite(others)]).max(initial=1.0)
        with np.errstate(invalid="ignore"):
            gap = np.where(same, 0.0, np.abs(values - others) / finite)
        worst = max(worst, float(np.nan_to_num(gap, nan=np.inf, posinf=np.inf).max()))
    return worst
