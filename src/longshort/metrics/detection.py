"""Metrics of anomaly detection by events: runs of flagged steps against labelled ones.

Labels and flags are [T], true or 1 where a step is anomalous. A labelled event is a run of such
steps, and counts as found if a flagged step lies in it. Flags are never adjusted by the labels:
"point adjustment", which counts every step of an event as found because of one hit, lets random
scores look good. Any overlap counts, however wide the alarm, so `flagged_share` should be reported
beside these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.errors import ArgumentError

Flags = NDArray[np.bool_]
Event = tuple[int, int]
"""First step of an event, and the step after its last."""


def as_flags(values: ArrayLike, name: str) -> Flags:
    """Return values of 0 and 1, or true and false, as a boolean array [T].

    Raises `ArgumentError` for other values and shapes; `name` is what they are called there.
    """
    given = np.asarray(values)
    if given.ndim != 1 or not given.size:
        raise ArgumentError(f"{name} must be one value a step, [T]; it has the shape {given.shape}")
    flags: Flags = given.astype(bool)
    if not np.array_equal(flags, given):
        other = given[flags != given][0]
        raise ArgumentError(f"{name} must be 0 or 1 at every step; {other} is neither")
    return flags


def as_pair(labels: ArrayLike, flags: ArrayLike) -> tuple[Flags, Flags]:
    """Return labels and flags as boolean arrays; raises `ArgumentError` if their lengths differ."""
    truth, flagged = as_flags(labels, "labels"), as_flags(flags, "flags")
    if len(truth) != len(flagged):
        raise ArgumentError(
            f"labels and flags must be of the same steps; there are {len(truth)} and {len(flagged)}"
        )
    return truth, flagged


def events_of(flags: ArrayLike, gap: int = 0) -> list[Event]:
    """Return the runs of flagged steps in order of time, each (start, end) with end exclusive.

    Runs with at most `gap` unflagged steps between them are one event.
    """
    steps = np.flatnonzero(as_flags(flags, "flags"))
    if not steps.size:
        return []
    apart = np.diff(steps) > gap + 1
    starts = steps[np.concatenate([[True], apart])]
    ends = steps[np.concatenate([apart, [True]])] + 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def overlaps(events: list[Event], flags: Flags) -> list[bool]:
    """Return for each event whether one of its steps is flagged."""
    return [bool(flags[start:end].any()) for start, end in events]


@dataclass(frozen=True)
class EventCounts:
    """Numbers of labelled events found and missed, and of alarms that overlap no labelled event.

    An alarm is a run of flagged steps. Several alarms in one labelled event count once, one alarm
    over several events counts for each of them. Counts of several series can be added. Telemanom
    (Hundman et al., 2018) and Orion's overlapping segments count the same way, so the numbers are
    comparable.
    """

    found: int
    missed: int
    false_alarms: int

    def __add__(self, other: EventCounts) -> EventCounts:
        return EventCounts(
            self.found + other.found,
            self.missed + other.missed,
            self.false_alarms + other.false_alarms,
        )

    @property
    def precision(self) -> float:
        """found / (found + false alarms); NaN without an alarm."""
        return _ratio(self.found, self.found + self.false_alarms)

    @property
    def recall(self) -> float:
        """found / (found + missed); NaN without a labelled event."""
        return _ratio(self.found, self.found + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 if all events are missed.

        It is NaN with neither labelled events nor alarms.
        """
        return _ratio(2 * self.found, 2 * self.found + self.missed + self.false_alarms)


def event_counts(labels: ArrayLike, flags: ArrayLike) -> EventCounts:
    """Count the events of one series; see `EventCounts`."""
    truth, flagged = as_pair(labels, flags)
    hits = overlaps(events_of(truth), flagged)
    alarms = overlaps(events_of(flagged), truth)
    return EventCounts(sum(hits), len(hits) - sum(hits), len(alarms) - sum(alarms))


def detection_delays(labels: ArrayLike, flags: ArrayLike) -> list[int | None]:
    """Return the steps from the start of each labelled event to its first flag; None if missed.

    An alarm that began before the event and reaches into it has a delay of 0.
    """
    truth, flagged = as_pair(labels, flags)
    hits = [np.flatnonzero(flagged[start:end]) for start, end in events_of(truth)]
    return [int(steps[0]) if steps.size else None for steps in hits]


def false_alarm_rate(labels: ArrayLike, flags: ArrayLike) -> float:
    """Return the false alarms per 1,000 unlabelled steps; NaN without such steps.

    A false alarm is a run of flagged steps that overlaps no labelled event.
    """
    truth, _ = as_pair(labels, flags)
    return 1000 * _ratio(event_counts(labels, flags).false_alarms, int((~truth).sum()))


def flagged_share(flags: ArrayLike) -> float:
    """Return the share of all steps that are flagged, 0 to 1."""
    return float(as_flags(flags, "flags").mean())


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
