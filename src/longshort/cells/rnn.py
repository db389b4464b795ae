"""The simple recurrent network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, State, Value
from longshort.engine.ops import activation, bounded


@dataclass(frozen=True)
class RNN(Cell):
    """Simple recurrent network: h = φ(W x + R h₋ + b) (Elman, 1990).

    Elman's context units are the previous hidden units. Options:
    `activation`: φ, "tanh" or any other of `longshort.engine.ops.ACTIVATIONS`.
    `preactivation_clip`: φ's input stays in ±preactivation_clip.
    Parameters and names are torch's, with its second bias that only adds to the first.
    """

    activation: str = "tanh"
    preactivation_clip: float | None = None

    gates: ClassVar[tuple[str, ...]] = ("h",)
    state: ClassVar[tuple[str, ...]] = ("h",)
    source: ClassVar[str] = "Elman 1990"

    def __post_init__(self) -> None:
        options.activation(self, "activation")
        options.bound(self, "preactivation_clip")

    def maps(self, n: Sizes) -> dict[str, Map]:
        """W and R as torch has them."""
        return {
            "ih": Map(n.input, n.hidden, gates=self.gates),
            "hh": Map(n.hidden, n.hidden, True, self.gates, True, redundant_bias=True),
        }

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        z = bounded(p.ih(x) + p.hh(s.h), self.preactivation_clip)
        h = activation(self.activation)(z)
        return h, State(h=h)
