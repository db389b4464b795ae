"""The multiplicative LSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from longshort.cells.contract import Map, Sizes, State, Value
from longshort.cells.lstm import LSTM


@dataclass(frozen=True)
class MultiplicativeLSTM(LSTM):
    """LSTM in which m = (W_m x)⊙(R_m h₋) stands for h₋ (Krause et al., 2016).

    So the input chooses the transition. h₋ enters through m alone; W_m and R_m have no bias. Gates
    and options are those of `LSTM`. Not to be mistaken for the matrix LSTM of xLSTM.
    """

    source: ClassVar[str] = "Krause, Lu, Murray & Renals 2016"

    def maps(self, n: Sizes) -> dict[str, Map]:
        """The LSTM's, and W_m and R_m."""
        out = self.projection or n.hidden
        return {
            **super().maps(n),
            "factor_ih": Map(n.input, out, bias=False),
            "factor_hh": Map(out, out, bias=False, recurrent=True),
        }

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """The equations of one step."""
        m = p.factor_ih(x) * p.factor_hh(s.h)
        return super().step(x, State(**vars(s) | {"h": m}), p)
