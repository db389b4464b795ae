"""The simple recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value, Vector
from longshort.engine.ops import activation, sigmoid


@dataclass(frozen=True)
class SRU(Cell):
    """Simple recurrent unit: a light recurrence with a highway around it (Lei et al., 2018).

    f, r = σ(W x + v⊙c₋ + b), c = f⊙c₋ + (1-f)⊙W' x, h = r⊙φ(c) + (1-r)⊙α x. f is the forget gate,
    r the reset gate of the highway. This is the EMNLP version: gates see the old cell, no φ; the
    first version (2017) had φ = tanh and no v. Where the input has another size than the hidden
    units, the highway carries a linear map of x, as in the authors' code. Options:
    `activation`: φ. `scale`: α, which keeps the variance in deep stacks; the paper has
    sqrt(1 + 2 exp(b)) with b the starting bias of r, so sqrt(3) for 0.
    """

    activation: str = "identity"
    scale: float = 1.0

    gates: ClassVar[tuple[str, ...]] = ("f", "r")
    state: ClassVar[tuple[str, ...]] = ("c",)
    source: ClassVar[str] = "Lei, Zhang, Wang, Dai & Artzi 2018"
    chrono: ClassVar[tuple[str | None, str | None]] = ("f", None)

    def __post_init__(self) -> None:
        options.activation(self, "activation")
        options.positive(self, "scale")

    def maps(self, n: Sizes) -> dict[str, Map]:
        """The gates' map, the candidate's, and the highway's where one is needed."""
        maps = {
            "ih": Map(n.input, 2 * n.hidden, gates=self.gates),
            "candidate": Map(n.input, n.hidden, bias=False),
        }
        if n.input != n.hidden:
            maps["highway"] = Map(n.input, n.hidden, bias=False)
        return maps

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        """v of both gates, starting uniform in ±1/sqrt(H)."""
        bound = n.hidden**-0.5
        start = Start(-bound, bound, "uniform")
        return {f"peephole_{gate}": Vector(n.hidden, start) for gate in self.gates}

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        z = p.ih(x)
        f = sigmoid(z.f + p.peephole_f * s.c)
        r = sigmoid(z.r + p.peephole_r * s.c)
        c = f * s.c + (1 - f) * p.drop(p.candidate(x))
        around = x if x.width == c.width else p.highway(x)
        h = r * activation(self.activation)(c) + (1 - r) * (self.scale * around)
        return h, State(c=c)
