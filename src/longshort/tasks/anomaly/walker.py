"""A forecasting network step by step: its next expectation, with a state that can be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import RunError
from longshort.tasks.anomaly.errors import cost

Floats = NDArray[np.float64]


class Walker:
    """One series, row by row, in deviations; it forecasts a single step.

    call: calls functions of the network (`Model.call`). weights [K, lags + 1]: the autoregression.
    inputs: number C of inputs of a row, the K channels first. cutoff [K]: a value whose cost lies
    above it is not shown to the network, which sees what it expected in its place; None to show
    all.
    """

    def __init__(
        self, call: Callable[..., Any], weights: Floats, inputs: int, cutoff: Floats | None = None
    ) -> None:
        self.call, self.weights, self.cutoff = call, weights, cutoff
        channels, width = weights.shape
        self.last = np.zeros(inputs)
        self.lags = np.zeros((width - 1, channels))
        self.expected = np.full(channels, np.nan)
        self.spread: Floats | None = None
        self.steps = 0
        self._state: Any = None

    @property
    def is_warm(self) -> bool:
        """Whether the autoregression has seen enough rows."""
        return self.steps >= len(self.lags)

    def step(self, row: Floats) -> tuple[Floats, Floats]:
        """Return the expected values of a row [C] and the cost of each channel, both [K].

        The row has NaN where a value is missing; it is taken in afterwards.
        """
        channels = len(self.expected)
        expected = self.expected.copy()
        found = cost(row[:channels] - expected, self.spread)
        seen = np.where(np.isnan(row), self.last, row).astype(np.float32).astype(float)
        if self.cutoff is not None and self.is_warm:
            far = np.nan_to_num(found, nan=-np.inf) > self.cutoff
            seen[:channels] = np.where(far, expected, seen[:channels])
        self._advance(seen)
        return expected, found

    def _advance(self, seen: Floats) -> None:
        channels = len(self.expected)
        if not self.steps:
            self.lags[:] = seen[:channels]
        self.lags = np.concatenate([seen[None, :channels], self.lags[:-1]])
        lagged = np.concatenate([self.lags, np.ones((1, channels))])
        x = seen.astype(np.float32)[None, None]
        found, self._state = self.call("forecasts", x, self._state)
        values = found[0, 0, 0].astype(float)
        self.expected = np.einsum("lk,kl->k", lagged, self.weights) + values[:, 0]
        self.spread = values[:, 1] if values.shape[1] == 2 else None
        self.last = seen
        self.steps += 1

    def state(self) -> dict[str, Any]:
        """Return plain values for JSON, with which `resume` goes on."""
        states = self._state if isinstance(self._state, tuple) else (self._state,)
        return {
            "last": self.last.tolist(),
            "lags": self.lags.tolist(),
            "expected": self.expected.tolist(),
            "spread": None if self.spread is None else self.spread.tolist(),
            "steps": self.steps,
            "network": [] if self._state is None else [each.tolist() for each in states],
        }

    def resume(self, stored: Mapping[str, Any]) -> None:
        """Go on from what `state` returned.

        Raises `RunError` if it is damaged or from another run.
        """
        try:
            found = (
                np.array(stored["last"], dtype=float),
                np.array(stored["lags"], dtype=float),
                np.array(stored["expected"], dtype=float),
            )
            shapes = self.last.shape, self.lags.shape, self.expected.shape
            if tuple(each.shape for each in found) != shapes:
                raise ValueError("other sizes")
            self.last, self.lags, self.expected = found
            spread = stored["spread"]
            self.spread = None if spread is None else np.array(spread)
            self.steps = int(stored["steps"])
            self._state = _arrays(stored["network"])
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"--state: is damaged, or of another run ({error}); remove the file to begin anew"
            ) from None


def _arrays(stored: list[Any]) -> Any:
    found = [np.array(each, dtype=np.float32) for each in stored]
    if not found:
        return None
    return tuple(found) if len(found) > 1 else found[0]
