"""Detection of misaligned pairs, whose targets belong to other lines, by the lengths of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.parallel import SHOWN, Pairs

Floats = NDArray[np.float64]

_WINDOW = 50
"""Number of pairs that are judged together."""
_SHIFTS = (-3, -2, -1, 1, 2, 3)
_CLEARER = 0.7
"""A window is shifted if the shift reduces the deviations of lengths to less than this share."""


@dataclass(frozen=True)
class Stretch:
    """Pairs `first` to `last`, of which source i seems to belong to target i + `shift`."""

    first: int
    last: int
    shift: int


def deviations(sources: Sequence[str], targets: Sequence[str]) -> Floats:
    """Return the logarithm, [n], of each target's length relative to the usual one for its source.

    Usual is the source's length times the median ratio of lengths.
    """
    ratio = np.log(_lengths(targets)) - np.log(_lengths(sources))
    return np.asarray(ratio - np.median(ratio), dtype=np.float64)


def shifted_stretches(sources: Sequence[str], targets: Sequence[str]) -> list[Stretch]:
    """Return the stretches in which lengths fit far better after a shift by a few lines.

    A line that is missing on one side shifts all lines after it. A shift cannot be seen where all
    sources have equal lengths.
    """
    windows = len(sources) // _WINDOW
    if not windows:
        return []
    one, other = np.log(_lengths(sources)), np.log(_lengths(targets))
    usual = float(np.median(other - one))
    costs = {shift: _cost(one + usual - np.roll(other, -shift), windows) for shift in (0, *_SHIFTS)}
    best = np.array(_SHIFTS)[np.argmin([costs[shift] for shift in _SHIFTS], axis=0)]
    least = np.min([costs[shift] for shift in _SHIFTS], axis=0)
    found = np.where(least < _CLEARER * costs[0], best, 0)
    return _joined([int(shift) for shift in found])


def misaligned(pairs: Pairs) -> list[Finding]:
    """Find stretches of pairs, in the order of the file, whose targets fit other lines better."""
    found = [] if pairs.targets is None else shifted_stretches(pairs.sources, pairs.targets)
    if not found:
        return []
    shown = [
        f"{pairs.places[each.first]} to {pairs.places[each.last]}: the target seems to stand "
        f"{_lines(each.shift)}"
        for each in found[:SHOWN]
    ]
    count = sum(each.last - each.first + 1 for each in found)
    message = f"{pairs.name}: about {count:,} of {len(pairs):,} pairs seem to be shifted"
    fix = "a line is missing or too many on one side just before; put it right"
    return [Finding("misaligned", "warning", message, tuple(shown), fix)]


def _lines(shift: int) -> str:
    much = "a line" if abs(shift) == 1 else f"{abs(shift)} lines"
    return f"{much} {'below' if shift > 0 else 'above'}"


def _lengths(texts: Sequence[str]) -> Floats:
    """Return the lengths in characters plus 1, so that their logarithms are finite."""
    return np.array([len(text) + 1 for text in texts], dtype=np.float64)


def _cost(difference: Floats, windows: int) -> Floats:
    """Return the mean absolute difference of each window, [windows]."""
    whole = np.abs(difference[: windows * _WINDOW])
    return np.asarray(whole.reshape(windows, _WINDOW).mean(1))


def _joined(shifts: Sequence[int]) -> list[Stretch]:
    """Return the stretches of windows with a shift; neighbours with the same shift are joined."""
    found = []
    for shift, group in groupby(range(len(shifts)), key=lambda window: shifts[window]):
        numbers = list(group)
        if shift:
            first, last = numbers[0] * _WINDOW, (numbers[-1] + 1) * _WINDOW - 1
            found.append(Stretch(first, last, shift))
    return found
