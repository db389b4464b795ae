"""JANET, an LSTM with the forget gate only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Start, State, Value
from longshort.engine.ops import sigmoid, tanh


@dataclass(frozen=True)
class JANET(Cell):
    """LSTM with only a forget gate (van der Westhuizen & Lasenby, 2018).

    h = σ(f)⊙h₋ + (1-σ(f-β))⊙tanh(g), where f and g are W x + R h₋ + b of the forget gate and of the
    candidate; the cell is the output. One bias a gate. Options:
    `beta`: β, the larger the more of the input gets in; with 0 the two gates add up to 1.
    The paper starts the forget gate's bias by chrono; without it, it starts at 1.
    """

    beta: float = 1.0

    gates: ClassVar[tuple[str, ...]] = ("f", "g")
    state: ClassVar[tuple[str, ...]] = ("h",)
    source: ClassVar[str] = "van der Westhuizen & Lasenby 2018"
    gate_bias: ClassVar[dict[str, Start]] = {"f": Start(1.0)}
    chrono: ClassVar[tuple[str | None, str | None]] = ("f", None)

    def __post_init__(self) -> None:
        options.number(self, "beta", "that is finite", lambda beta: abs(beta) < math.inf)

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        z = p.ih(x) + p.hh(s.h)
        h = sigmoid(z.f) * s.h + (1 - sigmoid(z.f - self.beta)) * p.drop(tanh(z.g))
        return h, State(h=h)
