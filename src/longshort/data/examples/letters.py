"""Handwriting by a font of single strokes and some chance, as the example `letters` has it.

`python -m longshort.data.examples.letters FILE` writes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.data.strokes.ink import Ink, Inks, ink_of_strokes
from longshort.data.strokes.objects import written
from longshort.data.strokes.shape import resample, simplify

Array = NDArray[np.float64]

Letter = tuple[float, list[list[tuple[float, float]]]]

FONT: dict[str, Letter] = {
    "a": (1.0, [[(0.9, 0.9), (0.5, 1), (0, 0.5), (0.4, 0), (0.9, 0.4), (0.9, 1), (1, 0)]]),
    "c": (0.8, [[(0.85, 0.8), (0.5, 1), (0, 0.5), (0.4, 0), (0.85, 0.15)]]),
    "d": (1.0, [[(0.9, 0.8), (0.5, 1), (0, 0.5), (0.4, 0), (0.9, 0.4), (0.9, 2), (1, 0)]]),
    "e": (0.85, [[(0, 0.5), (0.8, 0.6), (0.6, 1), (0.1, 0.8), (0.05, 0.2), (0.4, 0), (0.9, 0.2)]]),
    "h": (0.9, [[(0.1, 2), (0.05, 1), (0, 0), (0.1, 0.7), (0.5, 1), (0.8, 0.7), (0.8, 0)]]),
    "i": (0.4, [[(0.1, 1), (0.1, 0.2), (0.3, 0)], [(0.12, 1.5), (0.14, 1.55)]]),
    "l": (0.4, [[(0.1, 2), (0.1, 0.2), (0.35, 0)]]),
    "n": (0.9, [[(0, 1), (0.05, 0), (0.1, 0.7), (0.5, 1), (0.8, 0.7), (0.8, 0)]]),
    "o": (0.9, [[(0.6, 1), (0.1, 0.8), (0, 0.4), (0.4, 0), (0.85, 0.4), (0.7, 0.9), (0.5, 1)]]),
    "r": (0.7, [[(0, 1), (0.05, 0), (0.1, 0.6), (0.4, 1), (0.7, 0.9)]]),
    "s": (0.7, [[(0.65, 0.85), (0.3, 1), (0.05, 0.75), (0.6, 0.3), (0.35, 0), (0, 0.15)]]),
    "t": (0.6, [[(0.25, 1.7), (0.25, 0.2), (0.5, 0)], [(0, 1), (0.55, 1.05)]]),
    "u": (0.9, [[(0, 1), (0.05, 0.2), (0.4, 0), (0.8, 0.4), (0.8, 1), (0.85, 0.1), (1, 0)]]),
}  # fmt: skip
"""Width of each letter, and the strokes through which its pen goes; 1 is the height of an x."""
_GAP, _HEIGHT = 0.35, 20.0
"""Space between letters, and units of the height of an x."""


def letters(count: int, seed: int = 0, longest: int = 3) -> Inks:
    """Return words of 1 to `longest` random letters, each in a hand of its own."""
    chance = np.random.default_rng(seed)
    texts = ["".join(chance.choice([*FONT], chance.integers(1, longest + 1))) for _ in range(count)]
    items = [word(text, chance) for text in texts]
    return Inks("letters", items, texts, [f"item {i}" for i in range(count)])


def word(text: str, chance: np.random.Generator) -> Ink:
    """Return a text by the font: slanted, stretched, and every point a little beside its place."""
    slant, wide = chance.normal(0.2, 0.1), np.exp(chance.normal(0.0, 0.1))
    strokes, left = [], 0.0
    for letter in text:
        width, parts = FONT[letter]
        for part in parts:
            points = np.array(part) + chance.normal(0.0, 0.04, (len(part), 2))
            strokes.append(_rounded(points + np.array([left, 0.0])))
        left += width + _GAP * np.exp(chance.normal(0.0, 0.2))
    shear = np.array([[wide, 0.0], [slant, 1.0]])
    placed = [stroke @ shear * np.array([_HEIGHT, -_HEIGHT]) for stroke in strokes]
    ink = simplify(resample(ink_of_strokes(placed, text), 3.0), 0.7)
    return Ink(np.rint(ink.points), ink.lifts)


def _rounded(points: Array) -> Array:
    """Return a curve near the corners of a line (Chaikin, 1974); its ends stay."""
    for _ in range(2):
        first, second = points[:-1], points[1:]
        cut = np.stack([0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second], 1)
        points = np.concatenate([points[:1], cut.reshape(-1, 2), points[-1:]])
    return points


def main(path: Path) -> None:
    """Write the example's words."""
    inks = letters(800)
    rows = [written(ink, text) for ink, text in zip(inks.items, inks.labels or [], strict=True)]
    compact = (json.dumps(row, separators=(",", ":")).replace(".0", "") for row in rows)
    path.write_text("".join(f"{row}\n" for row in compact), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
