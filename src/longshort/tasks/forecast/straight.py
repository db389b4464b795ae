"""The inputs of the linear map: the same for the baseline and for the network's linear path.

Letters: B windows, L context, C columns forecast together, P past covariates, I inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from longshort.data.windows import Batch
from longshort.metrics.linear import LEVEL

_MOST_LAGS, _MOST_PAST = 1024, 512
"""Of a longer context the map sees the latest steps. Its moments cost the square of its inputs, and
OpenBLAS (0.3.31, several threads) crashes on those of sixteen thousand."""


@dataclass(frozen=True)
class StraightPlan:
    """How many inputs of each kind: `lags`, and on request `past_lags` steps of each past
    covariate, and the level (the last value and a constant)."""

    lags: int
    past: int
    past_lags: int
    level: bool

    @staticmethod
    def of(context: int, past: int, *, with_past: bool, with_level: bool) -> StraightPlan:
        """Of many past covariates only the latest steps are taken."""
        past_lags = min(context, max(1, _MOST_PAST // past)) if past and with_past else 0
        return StraightPlan(min(context, _MOST_LAGS), past, past_lags, with_level)

    @property
    def blocks(self) -> dict[str, slice]:
        """Where each kind of input stands; the lags come first."""
        found = {"lags": slice(0, self.lags)}
        end = self.lags + self.past * self.past_lags
        if self.past_lags:
            found["past"] = slice(self.lags, end)
        if self.level:
            found[LEVEL] = slice(end, end + 2)
        return found

    @property
    def size(self) -> int:
        """I."""
        return self.lags + self.past * self.past_lags + 2 * self.level


def straight_inputs(x: Tensor, batch: Batch, plan: StraightPlan) -> Tensor:
    """Inputs [B, C, I] for a context x [B, L, C] as the map sees it (normalised by window).

    The lags are relative to the last value; the level is that of the series, not of the window.
    """
    lags = (x - x[:, -1:])[:, -plan.lags :].transpose(1, 2)
    columns = x.size(2)
    parts = [lags]
    if plan.past_lags:
        past = batch.past[:, -plan.past_lags :, : plan.past].flatten(1)
        parts.append(past.unsqueeze(1).expand(-1, columns, -1))
    if plan.level:
        last = batch.context[:, -1].unsqueeze(-1)
        parts += [last, torch.ones_like(last)]
    return torch.cat(parts, dim=2)
