"""Detectors without a network.

Each takes a series [T, C] and `train_end`, the number of its first steps that are known to be
normal, and returns a score [T], higher where a step is more anomalous. A detector is fitted on
those first steps, without those that `left_out` [train_end] marks, such as known anomalies.
Channels are standardised by them and scored one by one; the highest score counts.

A missing value is filled with the last known one (before the first, with the first): nothing sees
the future, and a gap raises no alarm by itself. Scores are not smoothed (`smoothing.py`). Detectors
of windows are causal, with a window's score at its last step, or give each step the mean over all
windows that contain it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.errors import ArgumentError
from longshort.tasks.anomaly.smoothing import at_ends, over_windows

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Channel = Callable[[Floats], Floats]
REFERENCES = 4000
"""Largest number of normal windows to compare with, evenly spaced."""
_BLOCK = 1024
_SMALL = 1e-8
_CALM = 0.01
"""Least deviation of a moving window, in deviations of the normal steps."""


def level_score(series: ArrayLike, train_end: int, left_out: Flags | None = None) -> Floats:
    """Return the distance from the normal steps' median, in their median absolute deviations."""

    def score(values: Floats) -> Floats:
        normal = values[_normal(train_end, 1, left_out)]
        middle = np.median(normal)
        spread = float(np.median(np.abs(normal - middle)))
        found: Floats = np.abs(values - middle) / (spread if spread > _SMALL else 1.0)
        return found

    return _highest(series, train_end, score, left_out=left_out)


def moving_score(
    series: ArrayLike, train_end: int, window: int, left_out: Flags | None = None
) -> Floats:
    """Return the distance from the mean of the `window` steps before, in their standard deviations.

    It is 0 until there are as many steps.
    """

    def score(values: Floats) -> Floats:
        before = _windows(values, window)[:-1]
        found = np.zeros(len(values))
        spread = np.maximum(before.std(1), _CALM)
        found[window:] = np.abs(values[window:] - before.mean(1)) / spread
        return found

    return _highest(series, train_end, score, window, left_out)


def difference_score(series: ArrayLike, train_end: int, left_out: Flags | None = None) -> Floats:
    """Return the absolute change from the step before."""

    def score(values: Floats) -> Floats:
        return np.abs(np.diff(values, prepend=values[0]))

    return _highest(series, train_end, score, left_out=left_out)


def nearest_score(
    series: ArrayLike,
    train_end: int,
    window: int,
    left_out: Flags | None = None,
    *,
    causal: bool = False,
) -> Floats:
    """Return the Euclidean distance of each window to the nearest one of normal steps.

    Windows are compared as they are, not each by its own mean and deviation: on the benchmarks of
    spacecraft and servers that finds more. A window of normal steps is not compared with those that
    overlap it by half or more. If there are more than 4,000 normal windows, every second, third, …
    is used.
    """

    def score(values: Floats) -> Floats:
        windows = _windows(values, window)
        normal = _normal(train_end, window, left_out)
        normal = normal[:: -(-len(normal) // REFERENCES)]
        reference = windows[normal].astype(np.float32)
        size = np.square(reference).sum(1)
        found = []
        for start, block in _blocks(windows):
            own = block.astype(np.float32)
            square = np.square(own).sum(1)[:, None] + size - 2 * (own @ reference.T)
            if start < train_end:
                number = np.arange(start, start + len(block))[:, None]
                square[np.abs(number - normal) <= window // 2] = np.inf
            found.append(square.min(1))
        nearest = np.concatenate(found).astype(float)
        return _by_step(np.sqrt(np.maximum(nearest, 0)), window, causal)

    return _highest(series, train_end, score, window, left_out)


def components_score(
    series: ArrayLike,
    train_end: int,
    window: int,
    left_out: Flags | None = None,
    *,
    share: float = 0.95,
    causal: bool = False,
) -> Floats:
    """Return what the principal components of normal windows leave of each window.

    It is a Euclidean norm. There are as many components as it takes for `share` of the variance of
    the normal windows.
    """

    def score(values: Floats) -> Floats:
        windows = _windows(values, window)
        normal = windows[_normal(train_end, window, left_out)]
        centre = normal.mean(0)
        variances, vectors = np.linalg.eigh(np.cov(normal, rowvar=False))
        explained = np.cumsum(np.maximum(variances[::-1], 0))
        kept = int(np.searchsorted(explained, share * explained[-1])) + 1
        components = vectors[:, ::-1][:, :kept]
        found = []
        for _, block in _blocks(windows):
            off = block - centre
            found.append(np.linalg.norm(off - (off @ components) @ components.T, axis=1))
        return _by_step(np.concatenate(found), window, causal)

    return _highest(series, train_end, score, window, left_out)


def forest_score(
    series: ArrayLike,
    train_end: int,
    window: int,
    left_out: Flags | None = None,
    *,
    causal: bool = False,
    seed: int = 0,
) -> Floats:
    """Return how early an isolation forest of normal windows isolates each window.

    Liu et al. (2008). Raises `ArgumentError` without scikit-learn.
    """
    try:
        forests: Any = import_module("sklearn.ensemble")
    except ImportError as error:
        raise ArgumentError(
            "an isolation forest needs scikit-learn, which is not installed: "
            "`pip install scikit-learn`, or leave this baseline out"
        ) from error

    def score(values: Floats) -> Floats:
        windows = _windows(values, window)
        normal = windows[_normal(train_end, window, left_out)]
        forest = forests.IsolationForest(random_state=seed).fit(normal)
        return _by_step(-forest.score_samples(windows), window, causal)

    return _highest(series, train_end, score, window, left_out)


def _normal(train_end: int, window: int, left_out: Flags | None) -> NDArray[np.intp]:
    """Return the first steps of normal windows that contain fewest steps to leave out.

    That is none, unless every window contains one.
    """
    if left_out is None:
        return np.arange(train_end - window + 1)
    held = np.convolve(left_out.astype(int), np.ones(window, int), "valid")
    return np.flatnonzero(held == held.min())


def _highest(
    series: ArrayLike,
    train_end: int,
    score: Channel,
    window: int = 1,
    left_out: Flags | None = None,
) -> Floats:
    """Return the highest score over the standardised channels at each step."""
    values = np.asarray(series, dtype=float)
    if values.ndim != 2 or not values.size:
        raise ArgumentError(f"series must be [T, C]; it has the shape {values.shape}")
    if not 2 * window <= train_end <= len(values):
        raise ArgumentError(
            f"train_end must be at least two windows of {window} steps and at most the "
            f"{len(values)} steps of the series; it is {train_end}"
        )
    held = _held(values)
    normal = held[_normal(train_end, 1, left_out)]
    spread = normal.std(0)
    scaled = (held - normal.mean(0)) / np.where(spread > _SMALL, spread, 1.0)
    found: Floats = np.max([score(channel) for channel in scaled.T], axis=0)
    return found


def _held(values: Floats) -> Floats:
    """Replace missing values [T, C] by the last known one of their channel."""
    known = np.isfinite(values)
    if known.all():
        return values
    empty = np.flatnonzero(~known.any(0))
    if empty.size:
        raise ArgumentError(f"channel {int(empty[0])} of the series has no known value")
    last = np.maximum.accumulate(np.where(known, np.arange(len(values))[:, None], -1), axis=0)
    last = np.where(last < 0, known.argmax(0), last)
    return np.take_along_axis(values, last, axis=0)


def _windows(values: Floats, window: int) -> Floats:
    return np.lib.stride_tricks.sliding_window_view(values, window)


def _blocks(windows: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield blocks of windows, each with the number of its first one, to bound memory."""
    for start in range(0, len(windows), _BLOCK):
        yield start, windows[start : start + _BLOCK]


def _by_step(scores: Floats, window: int, causal: bool) -> Floats:
    return at_ends(scores, window) if causal else over_windows(scores, window)
