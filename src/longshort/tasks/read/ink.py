"""A line's ink: paper removed, the line straight, its letters of one size.

After the normalisation of lines in OCRopus (Breuel et al., 2013), which follows the centre of the
letters and takes their size from how far ink lies from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from longshort.tasks.read.picture import Grey

Pixels = NDArray[np.uint8]
"""Ink of a picture [height, width], from 0 for paper to 255 for the darkest ink."""
Ink = NDArray[np.float32]
"""The same from 0 to 1."""

FAINTEST = 0.04
"""Difference between ink and paper below which a picture is of one colour."""
_PAPER = 0.75
"""Quantile of a column's grey values that is paper."""
_REACH = 4.0
"""Mean deviations of ink from the centre that a line reaches to either side."""
_GRAIN = 0.1
"""Share of the contrast that counts as grain of the paper."""


@dataclass(frozen=True)
class Line:
    """A line's ink before its size is changed, and what was seen of the picture.

    contrast: between ink and paper, 0 to 1; is_inverted: the ink was lighter than the paper.
    """

    pixels: Pixels
    contrast: float
    is_inverted: bool


def ink_of(grey: Grey) -> Line:
    """Return the ink of a picture, whose paper may be darker in some places than in others."""
    low, middle, high = np.quantile(grey, (0.01, 0.5, 0.99))
    is_inverted = bool(middle < (low + high) / 2)
    light = 1.0 - grey if is_inverted else grey
    found = np.maximum(_paper(light) - light, 0.0)
    contrast = float(np.quantile(found, 0.995))
    if contrast < FAINTEST:
        return Line(np.zeros(grey.shape, dtype=np.uint8), contrast, is_inverted)
    scaled = np.clip(found / contrast, 0.0, 1.0)
    ink = np.maximum(scaled - _GRAIN, 0.0) / (1.0 - _GRAIN)
    return Line(np.rint(255.0 * ink).astype(np.uint8), contrast, is_inverted)


def scaled(pixels: Pixels, height: int, *, straighten: bool) -> Pixels:
    """Return ink [height, width] in the proportions of the line.

    straighten: follow the centre of the letters, and take their size for the height; otherwise the
    whole picture is made so high.
    """
    ink = pixels.astype(np.float32) / 255.0
    band = _band(ink) if straighten else ink
    width = scaled_width(pixels, height, straighten=straighten)
    found: Pixels = np.rint(255.0 * _resized(band, height, width)).astype(np.uint8)
    return found


def scaled_width(pixels: Pixels, height: int, *, straighten: bool) -> int:
    """Return the width of `scaled`."""
    band = 2 * reach_of(pixels.astype(np.float32) / 255.0) if straighten else pixels.shape[0]
    return max(1, round(int(pixels.shape[1]) * height / band))


def reach_of(ink: Ink) -> int:
    """Return half the height of the band that a line is in; half the picture without ink."""
    total = float(ink.sum())
    if total <= 0:
        return max(1, int(ink.shape[0]) // 2)
    distance = np.abs(np.arange(ink.shape[0])[:, None] - _centre(ink))
    return max(2, round(_REACH * float((distance * ink).sum()) / total))


def _paper(light: Grey) -> Grey:
    """Return the light of the paper in each column, [width]: smooth along the line."""
    columns = np.quantile(light, _PAPER, axis=0)
    reach = min(light.shape[0], len(columns) // 2)
    windows = sliding_window_view(np.pad(columns, reach, mode="edge"), 2 * reach + 1)
    found: Grey = np.median(windows, axis=1).astype(np.float32)
    return found


def _band(ink: Ink) -> Ink:
    """Return the line as a straight band around the centre of its letters."""
    if not ink.any():
        return ink
    centre, reach = _centre(ink), reach_of(ink)
    wanted = centre + np.arange(-reach, reach)[:, None] + 0.5
    low = np.floor(wanted).astype(np.int64)
    share = (wanted - low).astype(np.float32)
    bound = ink.shape[0] + 1
    padded = np.pad(ink, ((1, 1), (0, 0)))
    columns = np.arange(ink.shape[1])
    above = padded[np.clip(low + 1, 0, bound), columns]
    below = padded[np.clip(low + 2, 0, bound), columns]
    return above * (1 - share) + below * share


def _centre(ink: Ink) -> NDArray[np.float64]:
    """Return the row of the letters' centre in each column, smooth along the line."""
    rows = np.arange(ink.shape[0])
    weight, moment = ink.sum(0).astype(np.float64), (ink * rows[:, None]).sum(0)
    reach = 2 * ink.shape[0]
    window = np.hanning(2 * reach + 3)[1:-1]
    near = np.convolve(weight, window)[reach : reach + len(weight)]
    sums = np.convolve(moment, window)[reach : reach + len(weight)]
    whole = moment.sum() / weight.sum()
    least = 0.1 * float(near.max())
    return np.asarray((sums + least * whole) / (near + least))


def _resized(ink: Ink, height: int, width: int) -> Ink:
    from PIL import Image

    image = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float32)
