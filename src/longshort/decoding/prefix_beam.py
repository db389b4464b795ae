"""Prefix beam search over the frames of a network with a blank (Hannun et al., 2014, algorithm 1).

Paths that spell the same are one prefix, whose probability is their sum. It is kept apart for paths
that end in the blank and in the last label, for only the former can spell that label once more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.decoding.checks import finite, whole
from longshort.decoding.ctc import Floats, Spelling, check_frames
from longshort.decoding.label_scorer import LabelScorer
from longshort.errors import ArgumentError

_NEVER = float("-inf")


@dataclass(frozen=True, kw_only=True)
class PrefixBeam:
    """Options of a prefix beam search.

    width: number of prefixes kept from frame to frame. n_best: number of spellings returned, at
    most `width`. least: labels of a smaller probability in a frame are not tried there.
    """

    width: int = 16
    n_best: int = 1
    least: float = 1e-4

    def __post_init__(self) -> None:
        whole("width", self.width, 1)
        whole("n_best", self.n_best, 1, self.width)
        finite("least", self.least, 0.0)
        if self.least >= 1:
            raise ArgumentError(f"least: a probability below 1 is expected, got {self.least!r}")


def prefix_beam(
    logs: Floats,
    options: PrefixBeam | None = None,
    scorer: LabelScorer | None = None,
    *,
    blank: int = 0,
) -> list[Spelling]:
    """Return the best spellings, best first; logs [T, C]: log probabilities of the classes.

    scorer: what is added to the log probability of the labels, such as that of a language model.
    A spelling that may not end is returned only if all are so.
    """
    check_frames(logs)
    search = _Search(options or PrefixBeam(), scorer, blank)
    for frame in logs:
        search.advance(frame)
    return search.result()


class _Prefix:
    """A prefix: its parent and last label, and the probabilities of the paths that spell it.

    blank, label: of paths that end in the blank, and in the label, after the last frame;
    next_blank, next_label: after the one that is being read. All are in units of the search.
    gain, state: of the scorer, so far.
    """

    __slots__ = (
        "blank",
        "branches",
        "gain",
        "label",
        "last",
        "next_blank",
        "next_label",
        "parent",
        "state",
    )

    def __init__(self, parent: _Prefix | None, last: int | None, gain: float, state: Any) -> None:
        self.parent, self.last, self.gain, self.state = parent, last, gain, state
        self.branches: dict[int, _Prefix] = {}
        self.blank = self.label = self.next_blank = self.next_label = 0.0

    def turn(self, unit: float) -> None:
        """Go on to the next frame, with probabilities in this unit."""
        self.blank, self.label = self.next_blank / unit, self.next_label / unit
        self.next_blank = self.next_label = 0.0

    def labels(self) -> tuple[int, ...]:
        found, place = [], self
        while place.parent is not None and place.last is not None:
            found.append(place.last)
            place = place.parent
        return tuple(reversed(found))


class _Search:
    """The best prefixes after some frames; `unit` is the logarithm of their probabilities' unit."""

    def __init__(self, options: PrefixBeam, scorer: LabelScorer | None, blank: int) -> None:
        self.options, self.scorer, self.blank = options, scorer, blank
        root = _Prefix(None, None, 0.0, scorer.start() if scorer else None)
        root.blank = 1.0
        self.beam, self.unit = [root], 0.0

    def advance(self, frame: Floats) -> None:
        """Read the log probabilities of a frame, [C]."""
        most = float(frame.max())
        shares = np.exp(frame - most)
        tried = shares >= self.options.least * math.exp(-most)
        tried[self.blank] = False
        labels, values = np.flatnonzero(tried).tolist(), shares.tolist()
        found: dict[_Prefix, None] = {}
        for prefix in self.beam:
            self._stay(prefix, values, found)
            self._grow(prefix, labels, values, found)
        self._keep(found, most)

    def _stay(self, prefix: _Prefix, values: list[float], found: dict[_Prefix, None]) -> None:
        """Read the blank, or the last label once more without spelling it."""
        prefix.next_blank += (prefix.blank + prefix.label) * values[self.blank]
        if prefix.last is not None:
            prefix.next_label += prefix.label * values[prefix.last]
        found[prefix] = None

    def _grow(
        self, prefix: _Prefix, labels: list[int], values: list[float], found: dict[_Prefix, None]
    ) -> None:
        """Spell a label more."""
        whole_mass = prefix.blank + prefix.label
        for label in labels:
            mass = prefix.blank if label == prefix.last else whole_mass
            if mass:
                branch = prefix.branches.get(label) or self._branch(prefix, label)
                if branch.gain > _NEVER:
                    branch.next_label += mass * values[label]
                    found[branch] = None

    def _branch(self, prefix: _Prefix, label: int) -> _Prefix:
        gain, state = 0.0, prefix.state
        if self.scorer is not None:
            gain, state = self.scorer.advance(prefix.state, label)
        prefix.branches[label] = branch = _Prefix(prefix, label, prefix.gain + gain, state)
        return branch

    def _keep(self, found: Iterable[_Prefix], most: float) -> None:
        """Keep the best prefixes, and forget the paths of the others."""
        scores = {each: _score(each.next_blank + each.next_label, each.gain) for each in found}
        order = sorted(scores, key=scores.__getitem__, reverse=True)
        self.beam = order[: self.options.width]
        unit = max(each.next_blank + each.next_label for each in self.beam) or 1.0
        for each in self.beam:
            each.turn(unit)
        for each in order[self.options.width :]:
            each.blank = each.label = each.next_blank = each.next_label = 0.0
        self.unit += most + math.log(unit)

    def result(self) -> list[Spelling]:
        """Return the best spellings."""
        ends = [self.scorer.finish(each.state) if self.scorer else 0.0 for each in self.beam]
        if max(ends) == _NEVER:
            ends = [0.0] * len(ends)
        found = [
            self._spelling(each, end)
            for each, end in zip(self.beam, ends, strict=True)
            if end > _NEVER
        ]
        return sorted(found, key=lambda each: -each.score)[: self.options.n_best]

    def _spelling(self, prefix: _Prefix, end: float) -> Spelling:
        log_prob = _score(prefix.blank + prefix.label, self.unit)
        return Spelling(prefix.labels(), log_prob, log_prob + prefix.gain + end)


def _score(mass: float, gain: float) -> float:
    return math.log(mass) + gain if mass else _NEVER
