"""Voices as vectors, and the pairs of recordings that are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.data.sequences import Sequences

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Vectors(NamedTuple):
    """Recordings as vectors, [n, E] each: as what a voice is modelled by, and as what is heard.

    The similarity of a voice to a recording is their product. An embedding is both.
    """

    model: Floats
    heard: Floats

    def similarity(self, one: Ints, other: Ints) -> Floats:
        """Return the similarity of pairs of recordings, [k], the same in both orders."""
        forth = np.einsum("ke,ke->k", self.model[one], self.heard[other])
        back = np.einsum("ke,ke->k", self.model[other], self.heard[one])
        return np.asarray((forth + back) / 2)


@dataclass(frozen=True)
class Voices:
    """What a method makes of recordings: of all of each, and of its first seconds."""

    whole: Vectors
    short: Vectors


class Trials(NamedTuple):
    """Pairs of recordings by their numbers, and whether both are of one speaker, [k] each."""

    one: Ints
    other: Ints
    is_target: NDArray[np.bool_]


def trials_of(speakers: Sequence[str], most: int, seed: int) -> Trials:
    """Return all pairs of recordings; of more than `most` all targets, and others drawn by seed."""
    names = np.unique(np.array(speakers), return_inverse=True)[1]
    one, other = np.triu_indices(len(names), 1)
    is_target = names[one] == names[other]
    if len(one) > most:
        draw = np.random.default_rng(seed)
        others = draw.permutation(np.flatnonzero(~is_target))
        kept = np.sort(np.append(np.flatnonzero(is_target), others[: max(1, most)]))
        one, other, is_target = one[kept], other[kept], is_target[kept]
    return Trials(one.astype(np.int64), other.astype(np.int64), is_target)


def identified(vectors: Vectors, speakers: Sequence[str], enrolled: int) -> NDArray[np.bool_]:
    """Return for each recording that is not enrolled whether its speaker was named rightly.

    The first `enrolled` recordings of a speaker enrol him, one less than he has at most; a speaker
    with a single recording takes no part.
    """
    by_speaker: dict[str, list[int]] = defaultdict(list)
    for number, speaker in enumerate(speakers):
        by_speaker[speaker].append(number)
    several = {name: rows for name, rows in by_speaker.items() if len(rows) > 1}
    models, asked, truth = [], [], []
    for place, rows in enumerate(several.values()):
        count = min(enrolled, len(rows) - 1)
        models.append(vectors.model[rows[:count]].mean(0))
        asked += rows[count:]
        truth += [place] * (len(rows) - count)
    if not models:
        return np.zeros(0, bool)
    found = np.argmax(vectors.heard[asked] @ np.stack(models).T, 1)
    return np.asarray(found == np.array(truth))


def halves(samples: Examples, arrays: Sequences) -> tuple[Sequences, list[str]]:
    """Return recordings cut into two halves each, and the speakers of the halves."""
    parts = [part for item in arrays.items for part in np.array_split(np.asarray(item), 2)]
    speakers = [speaker for speaker in samples.labels or [] for _ in range(2)]
    return Sequences(parts, np.zeros(0)), speakers


def has_pairs(samples: Examples) -> bool:
    """Whether some speaker has two recordings."""
    labels = samples.labels or []
    return len(set(labels)) < len(labels)
