"""The inputs of the linear map: the same for the baseline and for the network's linear path.

Letters: B windows, L context, C columns forecast together, P past covariates, I inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from longshort.data.windows import Batch

_MOST_PAST = 512


@dataclass(frozen=True)
class StraightPlan:
    """How many inputs of each kind: `context` lags, and on request `past_lags` steps of each past
    covariate, and the level (the last value and a constant)."""

    context: int
    past: int
    past_lags: int
    level: bool

    @staticmethod
    def of(context: int, past: int, *, with_past: bool, with_level: bool) -> StraightPlan:
        """Of many past covariates only the latest steps are taken."""
        lags = min(context, max(1, _MOST_PAST // past)) if past and with_past else 0
        return StraightPlan(context, past, lags, with_level)

    @property
    def blocks(self) -> dict[str, slice]:
        """Where each kind of input stands; the lags come first."""
        found = {"lags": slice(0, self.context)}
        end = self.context + self.past * self.past_lags
        if self.past_lags:
            found["past"] = slice(self.context, end)
        if self.level:
            found["level"] = slice(end, end + 2)
        return found

    @property
    def size(self) -> int:
        """I."""
        return self.context + self.past * self.past_lags + 2 * self.level


def straight_inputs(x: Tensor, batch: Batch, plan: StraightPlan) -> Tensor:
    """Inputs [B, C, I] for a context x [B, L, C] as the map sees it (normalised by window).

    The lags are relative to the last value; the level is that of the series, not of the window.
    """
    lags = (x - x[:, -1:]).transpose(1, 2)
    columns = x.size(2)
    parts = [lags]
    if plan.past_lags:
        past = batch.past[:, -plan.past_lags :, : plan.past].flatten(1)
        parts.append(past.unsqueeze(1).expand(-1, columns, -1))
    if plan.level:
        last = batch.context[:, -1].unsqueeze(-1)
        parts += [last, torch.ones_like(last)]
    return torch.cat(parts, dim=2)
