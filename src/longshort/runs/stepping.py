"""A network in the middle of its targets, as decoding asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class NetworkStepper:
    """A decoder with the state of n targets.

    call: calls functions of the network (`Model.call`). state: what its `step` needs and returns.
    source [S, n]: what the targets may copy, if anything.
    """

    call: Callable[..., Any]
    state: Any
    source: Ints | None = None

    def step(self, tokens: Ints) -> tuple[Floats, Floats | None, NetworkStepper]:
        """Return log probabilities [n, V], attention [n, S] or None, and the state after."""
        logs, weights, state = self.call("step", tokens, self.state, self.source)
        return logs, weights, replace(self, state=state)

    def take(self, rows: Ints) -> NetworkStepper:
        """Return the stepper of these targets, which may repeat."""
        state = self.call("take", self.state, rows)
        source = None if self.source is None else self.source[:, rows]
        return replace(self, state=state, source=source)
