"""Drawings as arrays: offsets in units of their spread, states of the pen, and what is told.

Letters: T points, B batch, U letters of a text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat

from longshort.config.strokes import Size
from longshort.data.padding import pad_numbers
from longshort.data.sequences import validated
from longshort.data.strokes.grid import grid_of, spread
from longshort.data.strokes.ink import Ink, Inks
from longshort.data.strokes.shape import normalise, simplify
from longshort.errors import ConfigError, DataError, nearest
from longshort.tasks.draw.config import Condition, DrawConfig

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DOWN, UP, END = 0, 1, 2
"""States of the pen after a point: it stays down, it is lifted, the drawing ends."""
STATES = 3
INPUTS = 2 + STATES
"""Columns of a step's input: the last offset, and one for each state of the pen after it."""
_LEAST = 1e-12


@dataclass(frozen=True)
class Batch:
    """Drawings side by side, padded.

    x [T, B, 5]: what a step reads, the point before, 0 at the first. moves [T, B, 2] and pens [T,
    B]: what comes. real [T, B]: which steps are. condition: numbers of labels [B] or of letters [B,
    U], 0 past the end; 0 where nothing is told. lengths [B].
    """

    x: Any
    lengths: Any
    condition: Any
    moves: Any
    pens: Any
    real: Any


@dataclass(frozen=True)
class DrawArrays:
    """Encoded drawings: offsets [n, 2] and states of the pen [n] of each, and what is told."""

    moves: list[Floats]
    pens: list[Ints]
    told: list[list[int]] | list[int]

    @property
    def lengths(self) -> Ints:
        """Number of points of each drawing."""
        return np.array([len(pens) for pens in self.pens], dtype=np.int64)

    def batch(self, numbers: Ints) -> Batch:
        """Return the drawings with these numbers, padded."""
        chosen = numbers.tolist()
        lengths = self.lengths[numbers]
        moves = np.zeros((int(lengths.max()), len(chosen), 2), dtype=np.float32)
        pens = np.zeros(moves.shape[:2], dtype=np.int64)
        for b, i in enumerate(chosen):
            moves[: lengths[b], b], pens[: lengths[b], b] = self.moves[i], self.pens[i]
        real = np.arange(len(moves))[:, None] < lengths
        x = np.zeros((*pens.shape, INPUTS), dtype=np.float32)
        x[1:] = steps(moves[:-1], pens[:-1]) * real[1:, :, None]
        return Batch(x, lengths, self._told(chosen), moves, pens, real)

    def _told(self, chosen: list[int]) -> Ints:
        told: list[Any] = [self.told[i] for i in chosen]
        if isinstance(told[0], list):
            return pad_numbers(told)[0].T.copy()
        return np.array(told, dtype=np.int64)


def steps(moves: NDArray[Any], pens: Ints) -> NDArray[np.float32]:
    """Return what the network reads of points [..., 5]: offsets [..., 2] and states [...]."""
    found: NDArray[np.float32] = np.concatenate([moves, np.eye(STATES)[pens]], -1, dtype=np.float32)
    return found


class _Stored(BaseModel):
    """Fields of `DrawEncoder` in JSON."""

    condition: Condition
    known: tuple[str, ...]
    scale: FiniteFloat = Field(gt=0)
    grid: FiniteFloat = Field(ge=0)
    size: Size | None
    simplify: FiniteFloat | None
    max_points: int = Field(ge=2)
    longest: int = Field(ge=1)
    pace: FiniteFloat = Field(gt=0)


@dataclass(frozen=True)
class DrawEncoder:
    """What was fitted on the training split.

    condition: what is told of a drawing. known: the labels, or the letters, in order; a text ends
    with a mark of its own. scale: root of the mean square of all offsets, which becomes 1. grid,
    size, simplify, max_points: as in the settings. longest: points of the longest drawing. pace:
    mean letters for each point.
    """

    condition: Condition
    known: tuple[str, ...]
    scale: float
    grid: float
    size: Size | None
    simplify: float | None
    max_points: int
    longest: int
    pace: float

    @staticmethod
    def fit(train: Inks, config: DrawConfig) -> DrawEncoder:
        """Fit on the training split."""
        data, condition = config.data, config.data.condition or "nothing"
        labels = train.labels or []
        known = sorted({*labels} if condition == "label" else {*"".join(labels)})
        known = [] if condition == "nothing" else known
        grid = grid_of(train.items) if data.grid is None else data.grid
        unscaled = DrawEncoder(
            condition, (*known,), 1.0, grid, data.size, data.simplify, data.max_points, 1, 1.0
        )
        moves = [unscaled.shaped(ink).offsets()[:, :2] for ink in train.items]
        square = np.square(np.concatenate(moves)).mean()
        points = sum(map(len, moves))
        return DrawEncoder(
            condition,
            (*known,),
            float(np.sqrt(square)) if square > _LEAST else 1.0,
            grid,
            data.size,
            data.simplify,
            data.max_points,
            max(map(len, moves)),
            max(1, sum(map(len, labels))) / points if condition == "text" else 1.0,
        )

    def shaped(self, ink: Ink) -> Ink:
        """Return ink spread over its grid, in size, simplified, and not too long."""
        found = spread(ink, self.grid)
        if self.size is not None:
            found = normalise(found, self.size)
        if self.simplify is not None:
            found = simplify(found, self.simplify)
        return Ink(found.points[: self.max_points], found.lifts[: self.max_points])

    def encode(self, inks: Inks) -> DrawArrays:
        """Encode drawings; raises `DataError` for labels that are needed and missing or unknown."""
        moves, pens = [], []
        for ink in inks.items:
            points, states = self.points(self.shaped(ink), is_whole=True)
            moves.append(points)
            pens.append(states)
        return DrawArrays(moves, pens, self._told(inks))

    def points(self, shaped: Ink, *, is_whole: bool) -> tuple[Floats, Ints]:
        """Return offsets [n, 2] and states of the pen [n]; is_whole: the last one is the end.

        The last point of a drawing that was cut is no end.
        """
        states = np.where(shaped.lifts, UP, DOWN)
        if is_whole and shaped.lifts[-1]:
            states[-1] = END
        return shaped.offsets()[:, :2] / self.scale, states.astype(np.int64)

    def ink(self, moves: Floats, pens: Ints) -> Ink:
        """Return offsets and states of the pen as ink, in the data's unit."""
        lifts = pens != DOWN
        lifts[-1] = True
        return Ink(np.cumsum(moves * self.scale, axis=0), lifts)

    def told(self, label: str, place: str) -> list[int] | int:
        """Return what the network is told of a drawing with this label."""
        if self.condition == "text":
            numbers = {letter: number for number, letter in enumerate(self.known, 1)}
            strange = [letter for letter in label if letter not in numbers]
            if strange or not label:
                what = f"the letter {strange[0]!r}" if strange else "an empty text"
                raise ConfigError(f"{place}: {what} is not known; {_listed(self.known)} are")
            return [*(numbers[letter] for letter in label), len(self.known) + 1]  # the end's mark
        if self.condition == "label":
            if label not in self.known:
                raise ConfigError(f"{place}: {label!r} is no label; {nearest(label, self.known)}")
            return self.known.index(label) + 1
        return 0

    def _told(self, inks: Inks) -> Any:
        if self.condition == "nothing":
            return [0] * len(inks)
        if inks.labels is None:
            raise DataError(
                f"{inks.name}: has no labels, of which the run is told; give each drawing a 'label'"
            )
        try:
            pairs = zip(inks.labels, inks.places, strict=True)
            return [self.told(label, f"{inks.name}: {place}") for label, place in pairs]
        except ConfigError as error:
            raise DataError(str(error)) from None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**self.__dict__, "known": list(self.known)}

    @staticmethod
    def from_dict(stored: object) -> DrawEncoder:
        """Return the encoder that `to_dict` wrote; raises `RunError` for damaged values."""
        return DrawEncoder(**dict(validated(_Stored, stored)))


def _listed(known: tuple[str, ...]) -> str:
    return " ".join(map(repr, known))
