"""Lines of text drawn by a font of pen strokes that is our own, as pictures and as strokes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.data.strokes.ink import Ink, Inks, ink_of_strokes
from longshort.tasks.read.samples import Lines
from longshort.tasks.read.source import lines_of

GLYPHS = {
    "a": "43 32 12 03 05 16 36 45 42 46",
    "b": "00 06 16 36 45 43 32 12 03",
    "c": "43 32 12 03 05 16 36 45",
    "d": "43 32 12 03 05 16 36 45 40 46",
    "e": "04 44 43 32 12 03 05 16 36 45",
    "f": "40 30 21 26/03 33",
    "g": "43 32 12 03 05 16 36 45 42 47 38 18",
    "h": "00 06/03 12 32 43 46",
    "i": "22 26/20 20",
    "l": "20 25 36",
    "m": "02 06/03 12 23 26/23 32 43 46",
    "n": "02 06/03 12 32 43 46",
    "o": "12 03 05 16 36 45 43 32 12",
    "p": "02 08/03 12 32 43 45 36 16 05",
    "r": "02 06/03 12 32",
    "s": "43 32 12 03 14 34 45 36 16 05",
    "t": "20 25 36/02 42",
    "u": "02 05 16 36 45/42 46",
    "k": "00 06/42 04 46",
    "v": "02 26 42",
    "w": "02 16 23 36 42",
    "x": "02 46/42 06",
    "y": "02 05 16 36 45/42 47 38 18",
}
"""Strokes of each letter: points as column and row of a grid, rows 2 to 6 are a small letter's."""
_LISTED = """
a the of to in is it as at he she we on are the for his has was water stone river paper pen ink line
first last small old new sun moon night day wind rain fire tree leaf root bird fish path hill field
gate house wall roof floor street town time hour year summer winter spring fall green yellow grey
white her our one two three four
"""
WORDS = _LISTED.split()
FEW = WORDS[:14]
"""Words of few letters, which are learned sooner."""
WIDTH, ROWS = 6, 9


def written(text: str, draw: np.random.Generator) -> list[NDArray[np.float64]]:
    """Strokes of a text by one hand: points (x, y), a small letter is 4 high."""
    slant, wide, shake = draw.normal(0, 0.12), draw.uniform(0.85, 1.2), draw.uniform(0.05, 0.2)
    strokes, left = [], 0.0
    for letter in text:
        for stroke in GLYPHS.get(letter, "").split("/"):
            points = np.array([[int(p[0]), int(p[1])] for p in stroke.split()], dtype=np.float64)
            if len(points):
                points += draw.normal(0, shake, points.shape)
                points[:, 0] = wide * (points[:, 0] + left) + slant * (6 - points[:, 1])
                strokes.append(points)
        left += WIDTH if letter in GLYPHS else 0.7 * WIDTH
    return strokes


def picture(
    strokes: Sequence[NDArray[np.float64]], draw: np.random.Generator, grain: float = 3.0
) -> NDArray[np.uint8]:
    """A grey picture of strokes: dark ink on paper with grain, 8 bits."""
    scale, pen = draw.uniform(2.2, 3.0), draw.uniform(0.7, 1.4)
    far = max(float(points[:, 0].max()) for points in strokes)
    height, width = int(scale * (ROWS + 2)), int(scale * (far + 3))
    rows, columns = np.mgrid[:height, :width]
    ink = np.zeros((height, width))
    for points in strokes:
        placed = scale * (points + np.array([1.5, 1.0]))
        for a, b in zip(placed, [*placed[1:], placed[-1]], strict=True):
            low = np.maximum(np.minimum(a, b).astype(int) - 3, 0)
            high = np.maximum(a, b).astype(int) + 4
            part = np.s_[low[1] : high[1], low[0] : high[0]]
            ink[part] = np.maximum(ink[part], _near(columns[part], rows[part], a, b, pen))
    paper, dark = draw.uniform(205, 245), draw.uniform(20, 90)
    grey = paper + (dark - paper) * ink + draw.normal(0, grain, ink.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)


def _near(
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    pen: float,
) -> NDArray[np.float64]:
    """Ink of a pen that goes straight from a to b."""
    way = b - a
    length = float(way @ way)
    share = (
        0.0 if not length else np.clip(((x - a[0]) * way[0] + (y - a[1]) * way[1]) / length, 0, 1)
    )
    distance = np.hypot(x - a[0] - share * way[0], y - a[1] - share * way[1])
    found: NDArray[np.float64] = np.clip(pen + 0.5 - distance, 0.0, 1.0)
    return found


def texts_of(count: int, words: int, seed: int = 0, of: Sequence[str] = WORDS) -> list[str]:
    """Texts of up to so many words."""
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(of, draw.integers(1, words + 1))) for _ in range(count)]


def pictures(
    count: int, words: int = 3, seed: int = 0, of: Sequence[str] = WORDS
) -> list[NDArray[np.uint8]]:
    """Pictures of these texts."""
    draw, texts = np.random.default_rng([seed, 1]), texts_of(count, words, seed, of)
    return [picture(written(text, draw), draw) for text in texts]


def drawn(count: int, words: int = 3, seed: int = 0, of: Sequence[str] = WORDS) -> Lines:
    """Lines as pictures, with their texts."""
    return lines_of(pictures(count, words, seed, of), texts_of(count, words, seed, of))


def penned(count: int, words: int = 2, seed: int = 0, of: Sequence[str] = WORDS) -> Inks:
    """Lines as pen strokes, with their texts."""
    draw, texts = np.random.default_rng([seed, 1]), texts_of(count, words, seed, of)
    items: list[Ink] = [
        ink_of_strokes(written(text, draw), f"item {i}") for i, text in enumerate(texts)
    ]
    return Inks("strokes", items, texts, [f"item {i}" for i in range(count)])


def put(folder: Path, count: int, words: int = 3, seed: int = 0) -> Path:
    """Write lines as pictures `line000.png` with their texts `line000.gt.txt` into a folder."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    pairs = zip(pictures(count, words, seed), texts_of(count, words, seed), strict=True)
    for number, (grey, text) in enumerate(pairs):
        Image.fromarray(grey).save(folder / f"line{number:03}.png")
        (folder / f"line{number:03}.gt.txt").write_text(text + "\n", encoding="utf-8")
    return folder
