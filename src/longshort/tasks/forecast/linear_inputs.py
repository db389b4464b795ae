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
"""Most steps that the map sees: the latest ones of the context, and of past covariates.

The cost of its moments is the square of its inputs, and OpenBLAS (0.3.31, several threads) crashes
on those of sixteen thousand.
"""


@dataclass(frozen=True)
class LinearPlan:
    """Number of inputs of each kind.

    lags: steps of the series. past, past_lags: number of past covariates, and steps of each; 0 to
    leave them out. level: whether the last value and a constant are inputs too.
    """

    lags: int
    past: int
    past_lags: int
    level: bool

    @staticmethod
    def of(encoder: ForecastEncoder, *, everything: bool = False) -> LinearPlan:
        """Return the inputs that the settings ask for, or `everything` that the map can take.

        If there are many past covariates, only their latest steps are taken.
        """
        model, past = encoder.config.model, encoder.past.width
        assert model.context_length
        with_past, with_level = everything or model.linear_past, everything or model.level
        latest = min(model.context_length, max(1, _MOST_PAST // max(past, 1)))
        past_lags = latest if past and with_past else 0
        return LinearPlan(min(model.context_length, _MOST_LAGS), past, past_lags, bool(with_level))

    @property
    def blocks(self) -> dict[str, slice]:
        """Slice of each kind of input among all; the lags come first."""
        found = {"lags": slice(0, self.lags)}
        end = self.lags + self.past * self.past_lags
        if self.past_lags:
            found["past"] = slice(self.lags, end)
        if self.level:
            found[LEVEL] = slice(end, end + 2)
        return found

    @property
    def size(self) -> int:
        """Number of inputs, I."""
        return self.lags + self.past * self.past_lags + 2 * self.level


def linear_inputs(
    x: Any, batch: Batch[Any], plan: LinearPlan, join: Callable[[list[Any], int], Any]
) -> Any:
    """Return inputs [B, C, I] for a context x [B, L, C], normalised by window.

    The lags are relative to the last value; the level is that of the series, not of the window.
    `join` is `np.concatenate` for arrays, and `torch.cat` for tensors.
    """
    last = batch.context[:, -1][..., None]
    parts = [(x - x[:, -1:])[:, -plan.lags :].swapaxes(1, 2)]
    if plan.past_lags:
        past = batch.past[:, -plan.past_lags :, : plan.past].reshape(x.shape[0], 1, -1)
        parts.append(join([past] * last.shape[1], 1))
    if plan.level:
        parts += [last, 0 * last + 1]
    return join(parts, 2)
