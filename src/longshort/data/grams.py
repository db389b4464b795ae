"""Weighted n-grams of texts: of words, of characters within words, or of any characters."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, FiniteFloat, ValidationError

from longshort.data.tokens import find_tokeniser, suited
from longshort.errors import RunError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_FEWEST = 2
"""Number of training texts in which an n-gram must occur."""


@dataclass(frozen=True)
class Kind:
    """A choice of n-grams: pairs of a unit and the largest n."""

    name: str
    blocks: tuple[tuple[str, int], ...]


_WORDS = Kind("words", (("words", 1),))
_PAIRS = Kind("words and pairs of words", (("words", 2),))
LETTERS = Kind("1 to 5 characters within words", (("letters", 5),))
RICH = Kind("words, pairs of words and 1 to 5 characters", (("words", 2), ("letters", 5)))
_CHARACTERS = Kind("characters and pairs of characters", (("characters", 2),))
_THREE = Kind("1 to 3 characters", (("characters", 3),))
KINDS = {kind.name: kind for kind in (_WORDS, _PAIRS, LETTERS, RICH, _CHARACTERS, _THREE)}


def kinds_for(texts: Sequence[str]) -> tuple[Kind, ...]:
    """Return the choices of n-grams for these texts, the largest set last."""
    if suited(texts) == "characters":
        return _CHARACTERS, _THREE
    return _WORDS, _PAIRS, LETTERS, RICH


@dataclass(frozen=True)
class Bags:
    """Sparse rows: row i has the columns and weights from begins[i] to begins[i + 1]."""

    columns: Integers
    weights: Floats
    begins: Integers
    width: int

    def __len__(self) -> int:
        return len(self.begins) - 1

    def take(self, numbers: Sequence[int] | Integers) -> Bags:
        """Return the rows with these numbers, in this order."""
        rows = np.asarray(numbers, dtype=np.int64)
        sizes = self.begins[rows + 1] - self.begins[rows]
        begins = np.concatenate([[0], np.cumsum(sizes)])
        places = np.arange(begins[-1]) + np.repeat(self.begins[rows] - begins[:-1], sizes)
        return Bags(self.columns[places], self.weights[places], begins, self.width)

    def dense(self) -> Floats:
        """Return the rows [n, width] as a dense array."""
        table = np.zeros((len(self), self.width))
        rows = np.repeat(np.arange(len(self)), np.diff(self.begins))
        np.add.at(table, (rows, self.columns), self.weights)
        return table

    def transposed(self) -> Bags:
        """Return the transpose."""
        order = np.argsort(self.columns, kind="stable")
        rows = np.repeat(np.arange(len(self)), np.diff(self.begins))
        sizes = np.bincount(self.columns, minlength=self.width)
        begins = np.concatenate([[0], np.cumsum(sizes)])
        return Bags(rows[order], self.weights[order], begins, len(self))


class _Stored(BaseModel):
    """Fields of `Grams` in JSON."""

    kind: str
    blocks: list[list[str]]
    idf: list[list[FiniteFloat]]


@dataclass(frozen=True)
class Grams:
    """The n-grams of the training split and their inverse document frequencies."""

    kind: Kind
    blocks: tuple[tuple[str, ...], ...]
    idf: tuple[tuple[float, ...], ...]

    @staticmethod
    def fit(texts: Sequence[str], kind: Kind, most: int) -> Grams:
        """Fit on training texts: the most frequent `most` n-grams that are in two texts or more."""
        counted = [_counted(texts, block) for block in kind.blocks]
        ranked = sorted(-n for counts in counted for n in counts.values() if n >= _FEWEST)
        least = -ranked[most - 1] if len(ranked) > most else _FEWEST
        blocks, idf = [], []
        room = most
        for counts in counted:
            known = sorted(
                ((gram, n) for gram, n in counts.items() if n >= least),
                key=lambda pair: (-pair[1], pair[0]),
            )[:room]
            room -= len(known)
            blocks.append(tuple(gram for gram, _ in known))
            shares = (1 + len(texts)) / (1 + np.array([n for _, n in known], dtype=float))
            idf.append(tuple((np.log(shares) + 1).tolist()))
        return Grams(kind, tuple(blocks), tuple(idf))

    @property
    def width(self) -> int:
        """Number of n-grams."""
        return sum(map(len, self.blocks))

    def bags(self, texts: Sequence[str]) -> Bags:
        """Return weights (1 + log count) · idf of texts; blocks, and whole rows, have length 1."""
        found, offset = [], 0
        for block, numbers, idf in zip(self.kind.blocks, self._numbers, self.idf, strict=True):
            rows, columns, counts = _occurrences(texts, block, numbers, offset + len(numbers))
            weights = (1 + np.log(counts)) * np.array([0.0, *idf])[columns - offset + 1]
            lengths = np.sqrt(np.bincount(rows, weights**2, minlength=len(texts)))
            found.append((rows, columns, weights / lengths[rows]))
            offset += len(numbers)
        rows, columns, weights = (np.concatenate(each) for each in zip(*found, strict=True))
        order = np.argsort(rows, kind="stable")
        begins = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(texts)))])
        scale = len(self.blocks) ** -0.5
        return Bags(columns[order], weights[order] * scale, begins, self.width)

    @cached_property
    def _numbers(self) -> list[dict[str, int]]:
        """The column of each n-gram, for each block."""
        offsets = np.cumsum([0, *map(len, self.blocks)]).tolist()
        return [
            {gram: i for i, gram in enumerate(block, offset)}
            for block, offset in zip(self.blocks, offsets, strict=False)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "kind": self.kind.name,
            "blocks": [list(block) for block in self.blocks],
            "idf": [list(block) for block in self.idf],
        }

    @staticmethod
    def from_dict(stored: object) -> Grams:
        """Return the `Grams` that `to_dict` wrote; raises `RunError` for damaged values."""
        try:
            found = _Stored.model_validate(stored)
        except ValidationError as error:
            problem = error.errors()[0]
            key = ".".join(str(part) for part in ("grams", *problem["loc"]))
            raise RunError(f"data.json: damaged: {key}: {problem['msg']}") from None
        kind = KINDS.get(found.kind)
        sizes = [len(block) for block in found.blocks]
        if kind is None or len(sizes) != len(kind.blocks) or sizes != list(map(len, found.idf)):
            raise RunError("data.json: damaged: grams.blocks do not fit grams.kind and grams.idf")
        return Grams(
            kind,
            tuple(tuple(block) for block in found.blocks),
            tuple(tuple(block) for block in found.idf),
        )


def occurrences(texts: Iterable[str], kind: Kind) -> Iterator[int]:
    """Yield the number of n-grams in each text."""
    units = [_unit(*block) for block in kind.blocks]
    return (
        sum(len(unit.grams(piece)) for unit in units for piece in unit.pieces(text))
        for text in texts
    )


@dataclass(frozen=True)
class _Unit:
    """A unit of n-grams: cuts texts into pieces, and pieces into n-grams, which are cached."""

    pieces: Callable[[str], list[str]]
    grams: Callable[[str], tuple[str, ...]]


def _unit(name: str, most: int) -> _Unit:
    """Return the n-grams of 1 to `most` units of this name."""
    cut = find_tokeniser("words", lowercase=True).cut
    if name == "letters":
        return _Unit(cut, cache(lambda word: tuple(_runs(f" {word} ", most))))
    if name == "words":
        return _Unit(lambda text: [text], lambda text: tuple(_joined(cut(text), most)))
    return _Unit(lambda text: [text.lower()], lambda text: tuple(_runs(text, most)))


def _runs(text: str, most: int) -> Iterator[str]:
    for size in range(1, most + 1):
        for begin in range(len(text) - size + 1):
            yield text[begin : begin + size]


def _joined(tokens: Sequence[str], most: int) -> Iterator[str]:
    for size in range(1, most + 1):
        for begin in range(len(tokens) - size + 1):
            yield " ".join(tokens[begin : begin + size])


def _counted(texts: Iterable[str], block: tuple[str, int]) -> Counter[str]:
    """Count the texts in which each n-gram occurs."""
    unit = _unit(*block)
    found: Counter[str] = Counter()
    for text in texts:
        found.update(set().union(*map(unit.grams, unit.pieces(text))))
    return found


def _occurrences(
    texts: Sequence[str], block: tuple[str, int], numbers: dict[str, int], end: int
) -> tuple[Integers, Integers, Integers]:
    """Return rows, columns and counts of the texts' known n-grams, sorted.

    Columns are below `end`.
    """
    unit = _unit(*block)
    seen: dict[str, array[int]] = {}
    flat, sizes = array("i"), []
    for text in texts:
        before = len(flat)
        for piece in unit.pieces(text):
            if piece not in seen:
                grams = unit.grams(piece)
                seen[piece] = array("i", [numbers[gram] for gram in grams if gram in numbers])
            flat += seen[piece]
        sizes.append(len(flat) - before)
    rows = np.repeat(np.arange(len(texts)), sizes)
    keys, counts = np.unique(rows * (end + 1) + np.asarray(flat), return_counts=True)
    return keys // (end + 1), keys % (end + 1), counts
