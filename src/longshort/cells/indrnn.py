"""The independently recurrent network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value, Vector
from longshort.engine.ops import activation, clip


@dataclass(frozen=True)
class IndRNN(Cell):
    """Independently recurrent network: h = φ(W x + u⊙h₋ + b), each unit sees itself (Li, 2018).

    Options:
    `activation`: φ, the paper's "relu" or any other.
    `steps`: the length T of the sequences; u is then held in ±2^(1/T), so that T steps at most
    double a value. The paper clips u itself after every update; here the equations clip it, so a u
    beyond the bound gets no gradient. None does not clip.
    u starts uniform in [0, 1].
    """

    activation: str = "relu"
    steps: int | None = None

    gates: ClassVar[tuple[str, ...]] = ("h",)
    state: ClassVar[tuple[str, ...]] = ("h",)
    source: ClassVar[str] = "Li, Li, Cook, Zhu & Gao 2018"

    def __post_init__(self) -> None:
        options.activation(self, "activation")
        if self.steps is not None:
            options.whole(self, "steps", 1)

    def maps(self, n: Sizes) -> dict[str, Map]:
        """W; the recurrence is no map."""
        return {"ih": Map(n.input, n.hidden, gates=self.gates)}

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        """u, the recurrent weights."""
        return {"recurrent": Vector(n.hidden, Start(0.0, 1.0, "uniform"))}

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        u = p.recurrent
        if self.steps is not None:
            bound = 2.0 ** (1 / self.steps)
            u = clip(u, -bound, bound)
        h = activation(self.activation)(p.ih(x) + u * s.h)
        return h, State(h=h)
