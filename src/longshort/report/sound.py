"""Pictures of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from longshort.report.svg import STYLE, Drawing

_RANGE = 60.0
"""Difference between the loudest and the quietest colour, in dB."""
_DECIBELS = 10 / np.log(10)


class Spectrogram(NamedTuple):
    """A recording as log mel energies [frames, bands], natural logarithms, with a title.

    hop: seconds from frame to frame.
    """

    title: str
    energies: NDArray[np.float32]
    hop: float


def spectrograms(recordings: Sequence[Spectrogram], columns: int = 3) -> Figure:
    """Plot the mel bands of recordings over time, beside and above each other."""
    columns = min(columns, len(recordings))
    rows = -(-len(recordings) // columns)
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(2.6 * columns, 1.9 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis in axes[len(recordings) :]:
            axis.set_visible(False)
        for axis, (title, energies, hop) in zip(axes, recordings, strict=False):
            loud = _DECIBELS * (energies - energies.max())
            axis.imshow(
                loud.T, origin="lower", aspect="auto", cmap="Greys", vmin=-_RANGE, vmax=0.0,
                extent=(0.0, hop * len(energies), 0, energies.shape[1]),
            )  # fmt: skip
            axis.grid(visible=False)
            axis.set_title(title, fontsize="small")
            axis.set_yticks([])
        axes[0].set_ylabel("mel bands")
        axes[min(len(recordings), columns * (rows - 1) + 1) - 1].set_xlabel("seconds")
        return figure
