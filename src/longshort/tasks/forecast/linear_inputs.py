"""The inputs of the linear map: the same for the baseline and for the network's linear path.

Letters: B windows, L context, C columns forecast together, P past covariates, I inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from longshort.data.windows import Batch
from longshort.metrics.linear import LEVEL
from longshort.tasks.forecast.encoder import ForecastEncoder

_MOST_LAGS, _MOST_PAST = 1024, 512
"""Of a longer context the map sees the latest steps. Its moments cost the square of its inputs, and
OpenBLAS (0.3.31, several threads) crashes on those of sixteen thousand."""


@dataclass(frozen=True)
class LinearPlan:
    """How many inputs of each kind: `lags`, and on request `past_lags` steps of each past
    covariate, and the level (the last value and a constant)."""

    lags: int
    past: int
    past_lags: int
    level: bool

    @staticmethod
    def of(encoder: ForecastEncoder, *, everything: bool = False) -> LinearPlan:
        """Inputs by the settings, or `everything` that the map may be fitted to.

        Of many past covariates only the latest steps are taken.
        """
        model, past = encoder.config.model, encoder.past.width
        assert model.context_length
        with_past, with_level = everything or model.linear_past, everything or model.level
        latest = min(model.context_length, max(1, _MOST_PAST // max(past, 1)))
        past_lags = latest if past and with_past else 0
        return LinearPlan(min(model.context_length, _MOST_LAGS), past, past_lags, bool(with_level))

    @property
    def blocks(self) -> dict[str, slice]:
        """Place of each kind of input among all; the lags come first."""
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


def linear_inputs(
    x: Any, batch: Batch[Any], plan: LinearPlan, join: Callable[[list[Any], int], Any]
) -> Any:
    """Inputs [B, C, I] for a context x [B, L, C] as the map sees it (normalised by window).

    The lags are relative to the last value; the level is that of the series, not of the window.
    Of arrays with `np.concatenate` as `join`, and of tensors with `torch.cat`.
    """
    last = batch.context[:, -1][..., None]
    one = 0 * last + 1
    parts = [(x - x[:, -1:])[:, -plan.lags :].swapaxes(1, 2)]
    if plan.past_lags:
        past = batch.past[:, -plan.past_lags :, : plan.past]
        parts.append(past.reshape(len(x), 1, -1) * one)
    if plan.level:
        parts += [last, one]
    return join(parts, 2)
