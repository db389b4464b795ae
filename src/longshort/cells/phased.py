"""The Phased LSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Sizes, Start, State, Value, Vector
from longshort.cells.lstm import LSTM
from longshort.engine.ops import greater_equal, mod, where


@dataclass(frozen=True)
class PhasedLSTM(LSTM):
    """LSTM with a time gate: each unit opens for a part of its own period only (Neil et al., 2016).

    φ = (t/τ - s) mod 1 is a unit's phase. Its gate k rises to 1 and falls back while φ < r, and
    leaks αφ after that; c = k⊙c̃ + (1-k)⊙c₋ and h the same, with c̃, h̃ from the LSTM's step, whose
    gates and options are those of `LSTM`. τ (`period`), s (`shift`) and r (`open_ratio`) are
    learned; s is the paper's shift divided by τ. The time t is a state of width 1 that counts the
    steps from 0. Options:
    `leak`: α; the paper has .001 in training and 0 after. A cell does not know which it is, so the
    leak stays.
    `open_ratio_start`: where r starts.
    `longest_period`: τ starts log-uniform from 1 up to this many steps.
    """

    leak: float = 0.001
    open_ratio_start: float = 0.05
    longest_period: float = 1000.0

    source: ClassVar[str] = "Neil, Pfeiffer & Liu 2016"

    def __post_init__(self) -> None:
        super().__post_init__()
        options.number(self, "leak", "from 0 to 1", lambda leak: 0 <= leak <= 1)
        options.number(self, "open_ratio_start", "above 0 and up to 1", lambda r: 0 < r <= 1)
        options.number(self, "longest_period", "above 1", lambda period: period > 1)
        if self.projection:
            options.wrong(self, "projection", "0, for time gates belong to units", self.projection)

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        """The LSTM's, and the rhythm of each unit."""
        return {
            **super().vectors(n),
            "period": Vector(n.hidden, Start(1.0, self.longest_period, "log_uniform")),
            "shift": Vector(n.hidden, Start(0.0, 1.0, "uniform")),
            "open_ratio": Vector(n.hidden, Start(self.open_ratio_start)),
        }

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        """The LSTM's, and the time t [B, 1]."""
        return {**super().state_sizes(n), "t": 1}

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        k = self._openness(s.t, p)
        _, new = super().step(x, s, p)
        c = k * new.c + (1 - k) * s.c
        h = k * new.h + (1 - k) * s.h
        return h, State(**vars(new) | {"h": h, "c": c, "t": s.t + 1})

    def _openness(self, t: Value, p: Any) -> Value:
        phase = mod(t / p.period - p.shift, 1.0)
        place = 2 * phase / p.open_ratio
        closed = where(greater_equal(place, 2.0), self.leak * phase, 2 - place)
        return where(greater_equal(place, 1.0), closed, place)
