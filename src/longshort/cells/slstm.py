"""The scalar LSTM of xLSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value
from longshort.engine.ops import (
    concat,
    exp,
    greater_equal,
    log_sigmoid,
    maximum,
    minimum,
    sigmoid,
    tanh,
    where,
)

FORGET_GATES = ("sigmoid", "exp")


@dataclass(frozen=True)
class SLSTM(Cell):
    """Scalar LSTM of xLSTM: exponential gates and a normaliser (Beck et al., 2024).

    i = exp(ĩ) and f = σ(f̃) or exp(f̃) are the input and forget gates, z = tanh the candidate, o the
    output gate; c = f⊙c₋ + i⊙z, n = f⊙n₋ + i, h = o⊙c/n. All of c, n, i, f are carried divided by
    exp(m), m = max(log f + m₋, ĩ), which cancels in h. As in the authors' code there is no
    max(n, 1), and the gates are in their order i, f, z, o. At a start, known by n₋ = 0, m is ĩ, not
    max(log f + 0, ĩ): the authors do so if n₋ is 0 in the whole batch, this cell unit by unit, so
    that a sequence that is restarted in the middle is as a new one. Options:
    `heads`: R is block-diagonal, one block a head; a head sees only its own h.
    `forget_gate`: "sigmoid", which the authors use, or "exp".
    The forget gate's biases start evenly from 3 to 6, one of the authors' two ways.
    """

    heads: int = 1
    forget_gate: str = "sigmoid"

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "z", "o")
    state: ClassVar[tuple[str, ...]] = ("h", "c", "n", "m")
    source: ClassVar[str] = "Beck et al. 2024"
    gate_bias: ClassVar[dict[str, Start]] = {"f": Start(3.0, 6.0, "linspace")}

    def __post_init__(self) -> None:
        options.whole(self, "heads", 1)
        options.one_of(self, "forget_gate", FORGET_GATES)

    def maps(self, n: Sizes) -> dict[str, Map]:
        """W with the bias, and "hh1", "hh2", … by head."""
        size = options.divides(self, "heads", self.heads, n)
        maps = {"ih": Map(n.input, 4 * n.hidden, gates=self.gates)}
        for k in range(1, self.heads + 1):
            maps[f"hh{k}"] = Map(size, 4 * size, False, self.gates, recurrent=True)
        return maps

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        z = p.ih(x)
        mixed = self._mixed(s.h, p)
        i, f = z.i + mixed["i"], z.f + mixed["f"]
        kept = s.m + (log_sigmoid(f) if self.forget_gate == "sigmoid" else f)
        fresh = greater_equal(-s.n, 0.0)
        m = where(fresh, i, maximum(kept, i))
        i = exp(i - m)
        # Above 0 only at a start, where f meets a cell of 0 but must not overflow.
        f = exp(minimum(kept - m, 0.0))
        c = f * s.c + i * p.drop(tanh(z.z + mixed["z"]))
        n = f * s.n + i
        h = sigmoid(z.o + mixed["o"]) * c / n
        return h, State(h=h, c=c, n=n, m=m)

    def _mixed(self, h: Value, p: Any) -> dict[str, Value]:
        size = h.width // self.heads
        parts = [getattr(p, f"hh{k + 1}")(h[k * size : (k + 1) * size]) for k in range(self.heads)]
        return {gate: concat(*(getattr(part, gate) for part in parts)) for gate in self.gates}
