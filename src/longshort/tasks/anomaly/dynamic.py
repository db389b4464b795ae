"""telemanom's dynamic threshold (Hundman et al., 2018): flags from smoothed errors alone.

In each window, the threshold is a number of deviations above the mean. It is chosen so that without
the errors above it mean and deviation fall most, for the fewest events and steps. The same is done
for dips, on errors mirrored at their mean. Events that hardly stand out from the next lower ones
are pruned. The settings are the published ones; they were tuned on the channels of SMAP and MSL.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.errors import ArgumentError
from longshort.metrics.detection import Event, Flags, events_of

Floats = NDArray[np.float64]
_DEVIATIONS = np.arange(2.5, 12, 0.5)
_MOST_DEVIATIONS = 12.0
"""Number of deviations if no smaller one qualifies."""
_MOST_EVENTS, _MOST_SHARE = 5, 0.5
_SMALL = 0.05


@dataclass(frozen=True)
class Dynamic:
    """Settings of the threshold, all in steps but the last.

    window: errors that a threshold is found from. step: distance of windows. buffer: steps on each
    side that belong to an event. ignored: first steps that are never flagged (half of them in
    series below 2,500 steps, none below 1,800). separation: share by which an event's highest error
    must exceed the next lower one.
    """

    window: int = 2100
    step: int = 70
    buffer: int = 100
    ignored: int = 500
    separation: float = 0.13


USUAL = Dynamic()


def dynamic_flags(errors: ArrayLike, values: ArrayLike, settings: Dynamic = USUAL) -> Flags:
    """Return flags [T] of smoothed absolute errors [T] of a channel with the values [T].

    The values show whether errors are large enough to matter. Windows shrink to the length of a
    short series. Both arrays are finite.
    """
    size, truth = np.asarray(errors, dtype=float), np.asarray(values, dtype=float)
    if size.ndim != 1 or size.shape != truth.shape or not size.size:
        raise ArgumentError(
            f"errors and values must be one a step, [T]; they are {size.shape} and {truth.shape}"
        )
    if not (np.isfinite(size).all() and np.isfinite(truth).all()):
        raise ArgumentError("errors and values must be finite; interpolate missing ones first")
    steps = len(size)
    window = min(settings.window, max(steps // settings.step, 1) * settings.step)
    ignored = settings.ignored if steps >= 2500 else settings.ignored // 2 if steps >= 1800 else 0
    flags = np.zeros(steps, bool)
    starts = range(0, max(steps - window, 0) + 1, settings.step)
    for start in starts:
        part = slice(start, steps if start == starts[-1] else start + window)
        fresh = window - settings.step if start else ignored
        flags[part] |= _flags(size[part], truth[part], flags[part], fresh, settings)
    return flags


def _flags(errors: Floats, values: Floats, known: Flags, fresh: int, settings: Dynamic) -> Flags:
    """Return flags of one window from its step `fresh` on; `known` are those of earlier windows."""
    mirrored = 2 * errors.mean() - errors
    low, high = np.percentile(values, [5, 95])
    floor = _SMALL * float(high - low)
    flags = np.zeros(len(errors), bool)
    for side in (errors, mirrored):
        if side.std() > _SMALL * values.std() or side.max() > floor:
            flags |= _side(side, known, fresh, floor, settings)
    return flags


def _side(errors: Floats, known: Flags, fresh: int, floor: float, settings: Dynamic) -> Flags:
    """Return flags of errors above their threshold, after pruning."""
    threshold = _threshold(errors, settings.buffer)
    flags = _mask(_widened(errors > max(threshold, floor), settings.buffer), len(errors))
    flags[:fresh] = False
    rest = errors[~(flags | known)].max(initial=0.0)
    events = _pruned(events_of(flags), errors, float(rest), settings.separation)
    return _mask(events, len(errors))


def _threshold(errors: Floats, buffer: int) -> float:
    """Return the threshold that gains most for what it flags."""
    mean, deviation = float(errors.mean()), float(errors.std())
    if deviation == 0 or mean == 0:
        return float("inf")
    best, chosen = 0.0, _MOST_DEVIATIONS
    for number in _DEVIATIONS:
        above = errors > mean + number * deviation
        if not above.any():
            break
        events = _widened(above, buffer)
        points = sum(end - start for start, end in events)
        normal = errors[~above]
        gain = (mean - normal.mean()) / mean + (deviation - normal.std()) / deviation
        value = float(gain) / (len(events) ** 2 + points)
        allowed = len(events) <= _MOST_EVENTS and points < _MOST_SHARE * len(errors)
        if allowed and value >= best:
            best, chosen = value, float(number)
    return mean + chosen * deviation


def _widened(above: Flags, buffer: int) -> list[Event]:
    """Return events with `buffer` - 1 more steps on each side; those that touch are one."""
    more = buffer - 1
    events = events_of(above, gap=2 * more)
    return [(max(start - more, 0), min(end + more, len(above))) for start, end in events]


def _pruned(events: list[Event], errors: Floats, rest: float, separation: float) -> list[Event]:
    """Return events down to the last one that stands out from the next lower.

    rest: the highest error outside of events.
    """
    order = sorted(events, key=lambda event: -errors[slice(*event)].max())
    ladder = np.array([errors[slice(*event)].max() for event in order] + [rest])
    apart = np.flatnonzero((ladder[:-1] - ladder[1:]) / ladder[:-1] >= separation)
    return order[: apart[-1] + 1] if apart.size else []


def _mask(events: list[Event], steps: int) -> Flags:
    flags = np.zeros(steps, bool)
    for start, end in events:
        flags[start:end] = True
    return flags
