"""The Mogrifier LSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Map, Sizes, State, Value
from longshort.cells.lstm import LSTM
from longshort.engine.ops import sigmoid


@dataclass(frozen=True)
class MogrifierLSTM(LSTM):
    """LSTM whose input and state scale each other for some rounds first (Melis et al., 2020).

    Odd rounds: x ← 2σ(Q h₋)⊙x; even rounds: h₋ ← 2σ(R x)⊙h₋; then the LSTM's step, whose gates and
    options are those of `LSTM`. Every round has a matrix of its own, without bias. Options:
    `rounds`: how many; 0 is the LSTM itself. The paper found 5 or 6 to be best.
    `rank`: Q and R are products of two matrices with that inner size; None: full matrices.
    """

    rounds: int = 5
    rank: int | None = None

    source: ClassVar[str] = "Melis, Kočiský & Blunsom 2020"

    def __post_init__(self) -> None:
        super().__post_init__()
        options.count(self, "rounds", 0)
        if self.rank is not None:
            options.whole(self, "rank", 1)

    def maps(self, n: Sizes) -> dict[str, Map]:
        """The LSTM's, and "round1", "round2", … (or "round1_down", "round1_up", …)."""
        maps = super().maps(n)
        pair = (self.projection or n.hidden, n.input)
        for k in range(1, self.rounds + 1):
            source, target = pair if k % 2 else pair[::-1]
            if self.rank is None:
                maps[f"round{k}"] = Map(source, target, bias=False)
            else:
                maps[f"round{k}_down"] = Map(source, self.rank, bias=False)
                maps[f"round{k}_up"] = Map(self.rank, target, bias=False)
        return maps

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        h = s.h
        for k in range(1, self.rounds + 1):
            if k % 2:
                x = 2 * sigmoid(self._round(k, h, p)) * x
            else:
                h = 2 * sigmoid(self._round(k, x, p)) * h
        return super().step(x, State(**vars(s) | {"h": h}), p)

    def _round(self, k: int, value: Value, p: Any) -> Value:
        steps = ("",) if self.rank is None else ("_down", "_up")
        for name in steps:
            value = getattr(p, f"round{k}{name}")(value)
        return value
