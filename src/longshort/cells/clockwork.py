"""The Clockwork RNN."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from typing import Any, ClassVar

from longshort.cells import options
from longshort.cells.contract import Cell, Map, Sizes, State, Value
from longshort.engine.ops import activation, concat, mod, where

COUNTED = 2**24
"""Up to here float32 counts one by one."""


@dataclass(frozen=True)
class ClockworkRNN(Cell):
    """RNN of modules that are updated at their own periods only (Koutník et al., 2014).

    At step t = 0, 1, … module k computes h = φ(W x + R h₋ + b) if t mod T_k = 0, else it keeps its
    state; so all modules are updated at the first step. A module sees itself and the slower ones:
    R is block-triangular. The state t [B, 1] counts the steps and starts again after the least
    common multiple of the periods. Options:
    `periods`: T_k, rising; the hidden units are divided evenly. The paper doubles them from 1 on.
    Up to their least common multiple steps are counted, so it is at most 2²⁴, as float32 counts.
    `activation`: φ.
    """

    periods: tuple[int, ...] = (1, 2, 4, 8)
    activation: str = "tanh"

    source: ClassVar[str] = "Koutník, Greff, Gomez & Schmidhuber 2014"

    def __post_init__(self) -> None:
        periods = self.periods
        if (
            not isinstance(periods, (tuple, list))
            or not periods
            or not all(isinstance(period, int) and period > 0 for period in periods)
            or list(periods) != sorted(set(periods))
        ):
            options.wrong(self, "periods", "a tuple of rising whole numbers from 1 up", periods)
        if lcm(*periods) > COUNTED:
            allowed = f"numbers whose least common multiple is at most {COUNTED:,}"
            options.wrong(self, "periods", allowed, periods)
        object.__setattr__(self, "periods", tuple(periods))
        options.activation(self, "activation")

    def maps(self, n: Sizes) -> dict[str, Map]:
        """W, and for each module the rows of R that are not 0: "hh1", "hh2", …."""
        size = options.divides(self, "len(periods)", len(self.periods), n)
        maps = {"ih": Map(n.input, n.hidden)}
        for k in range(len(self.periods)):
            maps[f"hh{k + 1}"] = Map(n.hidden - k * size, size, bias=False, recurrent=True)
        return maps

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        """h [B, H] and the step's number t [B, 1]."""
        return {"h": n.hidden, "t": 1}

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        z = p.ih(x)
        size = z.width // len(self.periods)
        modules = []
        for k, period in enumerate(self.periods):
            own = slice(k * size, (k + 1) * size)
            seen = getattr(p, f"hh{k + 1}")(s.h[k * size :])
            new = activation(self.activation)(z[own] + seen)
            modules.append(where(mod(s.t, period), s.h[own], new))
        h = concat(*modules)
        return h, State(h=h, t=mod(s.t + 1, lcm(*self.periods)))
