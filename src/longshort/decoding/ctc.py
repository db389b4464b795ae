"""Labels from the frames of a network with a blank (Graves et al., 2006), the most probable path.

A path gives each frame a class; it spells what is left when repeats are merged and then blanks
dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ArgumentError

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Spelling:
    """Labels that were decoded, and their scores.

    log_prob: log probability of the paths that were found to spell them. score: number by which
    spellings are ranked, which adds what a language model says.
    """

    labels: tuple[int, ...]
    log_prob: float
    score: float


def best_path(logs: Floats, *, blank: int = 0) -> Spelling:
    """Return what the most probable path spells; logs [T, C]: log probabilities of the classes."""
    check_frames(logs)
    total = float(logs.max(1).sum())
    return Spelling(spelt(logs.argmax(1).tolist(), blank=blank), total, total)


def spelt(path: Iterable[int], *, blank: int = 0) -> tuple[int, ...]:
    """Return the labels that a path of classes spells."""
    return tuple(label for label, _ in groupby(path) if label != blank)


def frames_needed(labels: Sequence[int]) -> int:
    """Return the least number of frames that can spell the labels.

    There is one for each label, and one for the blank between two equal ones.
    """
    return len(labels) + sum(one == other for one, other in pairwise(labels))


def check_frames(logs: Floats) -> None:
    """Raise `ArgumentError` unless these are log probabilities [T, C] without NaN."""
    if logs.ndim != 2:
        raise ArgumentError(f"logs: [T, C] is expected, got the shape {list(logs.shape)}")
    wrong = np.flatnonzero(np.isnan(logs).any(1))
    if wrong.size:
        raise ArgumentError(f"logs: numbers are expected, got NaN in frame {wrong[0]}")
