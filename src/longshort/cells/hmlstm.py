"""The hierarchical multiscale LSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value
from longshort.engine.ops import clip, concat, greater_equal, sigmoid, straight_through, tanh

OUTPUTS = ("concat", "last")


@dataclass(frozen=True)
class HMLSTM(Cell):
    """Hierarchical multiscale LSTM: layers that find segment boundaries (Chung et al., 2017).

    A layer has a state h, a cell c and a boundary z in {0, 1}. It copies its state where neither it
    (z₋) nor the layer below (z of this step, 1 for the input) ended a segment, makes an LSTM step
    where only the one below did, and starts anew with c = i⊙g where it did itself; then it also
    sees the layer above. i, f, g, o as in LSTM, one bias a gate.
    z = 1 if (slope·a + 1)/2 > 1/2, where a is linear in the same values as the gates; backward it
    is min(max((slope·a + 1)/2, 0), 1) (straight through). The highest layer has no boundary.
    Options:
    `layers`: how many, 2 to 100; all have H units.
    `slope`: of the hard sigmoid; the paper raises it in training, min(5, 1 + .04 epoch).
    `output`: "concat", all layers' h side by side, as the paper's output module reads them, or
    "last", the highest layer's h.
    """

    layers: int = 3
    slope: float = 1.0
    output: str = "concat"

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    source: ClassVar[str] = "Chung, Ahn & Bengio 2017"
    gate_bias: ClassVar[dict[str, Start]] = {"f": Start(1.0)}

    def __post_init__(self) -> None:
        options.count(self, "layers", 2)
        options.positive(self, "slope")
        options.one_of(self, "output", OUTPUTS)

    def maps(self, n: Sizes) -> dict[str, Map]:
        """Maps of each layer: from below, from itself, from above, and of the boundary."""
        maps: dict[str, Map] = {}
        size, gates = 4 * n.hidden, self.gates
        for k in range(1, self.layers + 1):
            below = n.input if k == 1 else n.hidden
            maps[f"ih{k}"] = Map(below, size, gates=gates)
            maps[f"hh{k}"] = Map(n.hidden, size, bias=False, gates=gates, recurrent=True)
            if k < self.layers:
                maps[f"top{k}"] = Map(n.hidden, size, bias=False, gates=gates, recurrent=True)
                maps[f"boundary{k}"] = Map(below + 2 * n.hidden, 1)
        return maps

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        """h1, c1 [B, H] and z1 [B, 1], h2, …; the highest layer has no z."""
        sizes: dict[str, int] = {}
        for k in range(1, self.layers + 1):
            sizes |= {f"h{k}": n.hidden, f"c{k}": n.hidden}
            sizes |= {f"z{k}": 1} if k < self.layers else {}
        return sizes

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        new: dict[str, Value] = {}
        below: Value = x
        ended: Value | float = 1.0
        for k in range(1, self.layers + 1):
            h, c, z = self._layer(k, below, ended, s, p)
            new |= {f"h{k}": h, f"c{k}": c}
            below = z * h if z is not None else h
            if z is not None:
                new[f"z{k}"] = ended = z
        hidden = [new[f"h{k}"] for k in range(1, self.layers + 1)]
        return concat(*hidden) if self.output == "concat" else hidden[-1], State(**new)

    def _layer(
        self, k: int, below: Value, ended: Value | float, s: Any, p: Any
    ) -> tuple[Value, Value, Value | None]:
        """New h, c and z of layer k. `below` is 0 where the layer below did not end a segment."""
        h, c = getattr(s, f"h{k}"), getattr(s, f"c{k}")
        a = getattr(p, f"ih{k}")(below) + getattr(p, f"hh{k}")(h)
        flush: Value | float = 0.0
        z = None
        if k < self.layers:
            flush = getattr(s, f"z{k}")
            above = flush * getattr(s, f"h{k + 1}")
            a = a + getattr(p, f"top{k}")(above)
            z = self._boundary(getattr(p, f"boundary{k}")(concat(below, h, above)))
        update = (1 - flush) * ended
        copy = (1 - flush) * (1 - ended)
        c = copy * c + update * (sigmoid(a.f) * c) + (1 - copy) * (sigmoid(a.i) * p.drop(tanh(a.g)))
        h = copy * h + (1 - copy) * (sigmoid(a.o) * tanh(c))
        return h, c, z

    def _boundary(self, a: Value) -> Value:
        soft = clip((self.slope * a + 1) / 2, 0.0, 1.0)
        return straight_through(1 - greater_equal(-a, 0.0), soft)
