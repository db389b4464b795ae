"""Figures of images: with captions below them, and with the attention of each word."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from longshort.errors import DataError
from longshort.report.svg import STYLE, Drawing

_COLUMNS, _SIZE, _WIDTH = 4, 160, 32
_LOOKS_A_ROW = 8


def find_images(names: Sequence[str], folder: str | None) -> dict[str, Path]:
    """Return the files of these images that lie in a folder; none without a folder."""
    if folder is None:
        return {}
    if not Path(folder).is_dir():
        raise DataError(f"data.images: {folder}: no such folder; check --images, or leave it out")
    paths = {name: Path(folder) / name for name in names}
    return {name: path for name, path in paths.items() if path.is_file()}


def contact_sheet(paths: Sequence[Path], captions: Sequence[str]) -> Figure:
    """Return a figure of images, each with its caption below it."""
    rows = math.ceil(len(paths) / _COLUMNS)
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(9.0, 2.8 * rows), layout="constrained")
        axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axis in axes:
            axis.axis("off")
        for axis, path, caption in zip(axes, paths, captions, strict=False):
            axis.imshow(_small(path))
            axis.set_title("\n".join(textwrap.wrap(caption, _WIDTH)), y=-0.06, va="top", fontsize=8)
    return figure


def attention_grid(weights: NDArray[Any], tokens: Sequence[str], path: Path | None) -> Figure:
    """Return a figure with the attention [T, S] of each token as a map, over its image if given.

    The S places are those of a square, row by row; others are drawn as one row.
    """
    side = math.isqrt(weights.shape[1])
    shape = (side, side) if side * side == weights.shape[1] else (1, weights.shape[1])
    rows = math.ceil(len(tokens) / _LOOKS_A_ROW)
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(8.0, 1.25 * rows), layout="constrained")
        axes = figure.subplots(rows, _LOOKS_A_ROW, squeeze=False).ravel()
        image = None if path is None else _small(path)
        for axis in axes:
            axis.axis("off")
        for axis, token, row in zip(axes, tokens, weights, strict=False):
            extent = (0, _SIZE, _SIZE, 0)
            if image is not None:
                axis.imshow(image, extent=extent)
            shade = 1.0 if image is None else 0.55
            axis.imshow(row.reshape(shape), cmap="inferno", alpha=shade, extent=extent)
            axis.set_title(token, fontsize=8, pad=2)
    return figure


def _small(path: Path) -> NDArray[np.uint8]:
    """Return an image as a small square of colours."""
    from longshort.tasks.caption.images import read_image

    return read_image(path, _SIZE)
