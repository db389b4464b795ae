"""The ordered-neurons LSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value
from longshort.engine.ops import concat, cumsoftmax, sigmoid, tanh
from longshort.errors import ArgumentError

MASTERS = ("i", "f")


@dataclass(frozen=True)
class ONLSTM(Cell):
    """Ordered-neurons LSTM: master gates order the cells by how long they keep (Shen et al., 2019).

    i, f, g, o as in LSTM. The master gates f̃ = cumsoftmax and ĩ = 1 - cumsoftmax rise and fall
    over the units; where they overlap, ω = f̃⊙ĩ, the ordinary gates decide:
    c = (f⊙ω + f̃ - ω)⊙c₋ + (i⊙ω + ĩ - ω)⊙g. Options:
    `chunk_size`: C units share each of the H/C master gates. Unit k has master gate k mod H/C (the
    authors give neighbouring units the same one, which is another order of the units).
    One bias a gate.
    """

    chunk_size: int = 1

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    state: ClassVar[tuple[str, ...]] = ("h", "c")
    source: ClassVar[str] = "Shen, Tan, Sordoni & Courville 2019"
    gate_bias: ClassVar[dict[str, Start]] = {}

    def __post_init__(self) -> None:
        options.whole(self, "chunk_size", 1)

    def maps(self, n: Sizes) -> dict[str, Map]:
        """The LSTM's with one bias, and the master gates' maps."""
        options.divides(self, "chunk_size", self.chunk_size, n)
        masters = n.hidden // self.chunk_size
        if masters < 2:
            raise ArgumentError(
                f"ONLSTM: hidden_size must be 2 or more times chunk_size={self.chunk_size}, for a "
                f"single master gate is always open; got {n.hidden}"
            )
        return {
            **super().maps(n),
            "master_ih": Map(n.input, 2 * masters, gates=MASTERS),
            "master_hh": Map(n.hidden, 2 * masters, False, MASTERS, recurrent=True),
        }

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        z = p.ih(x) + p.hh(s.h)
        master = p.master_ih(x) + p.master_hh(s.h)
        f_master = self._spread(cumsoftmax(master.f))
        i_master = self._spread(1 - cumsoftmax(master.i))
        overlap = f_master * i_master
        f = sigmoid(z.f) * overlap + (f_master - overlap)
        i = sigmoid(z.i) * overlap + (i_master - overlap)
        c = f * s.c + i * p.drop(tanh(z.g))
        h = sigmoid(z.o) * tanh(c)
        return h, State(h=h, c=c)

    def _spread(self, master: Value) -> Value:
        return concat(*[master] * self.chunk_size)
