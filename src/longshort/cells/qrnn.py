"""The quasi-recurrent network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, Start, State, Value
from longshort.engine.ops import sigmoid, tanh

POOLINGS = {"f": ("g", "f"), "fo": ("g", "f", "o"), "ifo": ("g", "f", "o", "i")}


@dataclass(frozen=True)
class QRNN(Cell):
    """Quasi-recurrent network: convolved gates, a pooled state (Bradbury et al., 2017).

    g = tanh, f, o, i = σ of a linear map of the last `window` inputs (the paper's z is g here).
    "f" pooling: h = c = f⊙c₋ + (1-f)⊙g; "fo": h = o⊙c; "ifo": c = f⊙c₋ + i⊙g. The inputs before
    this one are states x1 (the last), x2, …, 0 at the start, so that chunks work as a whole.
    Options: `window`: the convolution's width k. `pooling`: which of the three.
    """

    window: int = 2
    pooling: str = "fo"

    source: ClassVar[str] = "Bradbury, Merity, Xiong & Socher 2017"
    gate_bias: ClassVar[dict[str, Start]] = {"f": Start(1.0)}
    chrono: ClassVar[tuple[str | None, str | None]] = ("f", None)

    def __post_init__(self) -> None:
        options.count(self, "window", 1)
        options.one_of(self, "pooling", POOLINGS)

    def gate_names(self) -> tuple[str, ...]:
        """The gates that this pooling has."""
        return POOLINGS[self.pooling]

    def maps(self, n: Sizes) -> dict[str, Map]:
        """One map for each place in the window: "ih" of this input, "ih1" of the last, …."""
        gates = self.gate_names()
        size = len(gates) * n.hidden
        older = {f"ih{k}": Map(n.input, size, bias=False, gates=gates) for k in self._lags()}
        return {"ih": Map(n.input, size, gates=gates), **older}

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        """c [B, H] and the inputs x1, x2, … [B, I]."""
        return {"c": n.hidden, **{f"x{k}": n.input for k in self._lags()}}

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        window = [x, *(getattr(s, f"x{k}") for k in self._lags())]
        z = p.ih(x)
        for k in self._lags():
            z = z + getattr(p, f"ih{k}")(window[k])
        f = sigmoid(z.f)
        i = sigmoid(z.i) if self.pooling == "ifo" else 1 - f
        c = f * s.c + i * p.drop(tanh(z.g))
        h = c if self.pooling == "f" else sigmoid(z.o) * c
        return h, State(c=c, **{f"x{k}": window[k - 1] for k in self._lags()})

    def _lags(self) -> range:
        return range(1, self.window)
