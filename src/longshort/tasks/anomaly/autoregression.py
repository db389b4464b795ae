"""Linear autoregression: forecasts of the next values from the last ones.

It is the baseline that a network has to beat, and what the network corrects.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PENALTY = 1.0
"""Penalty of the ridge regression, on values in deviations."""
_FREE = 1e-9


def lagged(values: Floats, lags: int) -> Floats:
    """Return the last values at each row, newest first, [T, K, lags + 1], of values [T, K].

    The first value stands in before the first row; the last column is 1.
    """
    padded = np.concatenate([np.repeat(values[:1], lags - 1, axis=0), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, lags, axis=0)[..., ::-1]
    return np.concatenate([windows, np.ones((*windows.shape[:2], 1))], axis=2)


def fit_autoregression(values: Floats, usable: Flags, lags: int, ahead: int) -> Floats:
    """Return weights [ahead, K, lags + 1] of a ridge regression, a row for each step ahead.

    values [T, K] without gaps; usable [T, K]: which of them may be learned from. The penalty draws
    towards the last value, so that a channel that never changed is expected to stay where it is.
    """
    seen = lagged(values, lags)
    channels = values.shape[1]
    weights = np.zeros((ahead, channels, lags + 1))
    weights[:, :, 0] = 1.0
    for step in range(1, ahead + 1):
        for channel in range(channels):
            rows = np.flatnonzero(usable[step:, channel])
            rows = rows[rows >= min(lags - 1, len(values) // 2)]
            if rows.size:
                inputs = seen[rows, channel]
                change = values[rows + step, channel] - inputs[:, 0]
                weights[step - 1, channel] += _ridge(inputs, change)
    return weights


def _ridge(inputs: Floats, truth: Floats) -> Floats:
    """Return weights of least squares with `PENALTY`; the constant in the last column is free."""
    penalty = np.full(inputs.shape[1], PENALTY)
    penalty[-1] = _FREE
    square: Floats = (inputs.T @ inputs + np.diag(penalty)).astype(np.float64)
    found: Floats = np.linalg.solve(square, inputs.T @ truth).astype(np.float64)
    return found


def autoregressed(values: Floats, weights: Floats) -> Floats:
    """Return forecasts [T, ahead, K] that are made at every row, of the rows after it."""
    seen = lagged(values, weights.shape[2] - 1)
    found: Floats = np.einsum("tkl,hkl->thk", seen, weights)
    return found
