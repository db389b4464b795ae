"""Figures of forecast frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from longshort.report.plots import BASELINE_COLOURS, MODEL_COLOUR
from longshort.report.svg import STYLE, Drawing
from longshort.runs.task import MODEL
from longshort.tasks.frames.encoder import Floats

_READ, _SHOWN = 3, 10
"""Frames of a strip that were read, and that follow, at most."""


def by_frame(values: Mapping[str, Sequence[float]], title: str) -> Figure:
    """Plot a score of the model and its baselines against the number of the forecast frame."""
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(6.4, 3.0), layout="constrained")
        axis = figure.subplots()
        others = iter(BASELINE_COLOURS * 2)
        for name, each in values.items():
            is_own = name == MODEL
            colour = MODEL_COLOUR if is_own else next(others)
            frames = np.arange(1, len(each) + 1)
            axis.plot(
                frames, each, color=colour, label=name.replace("_", " "), marker="o", markersize=3,
                linewidth=2.0 if is_own else 1.0,
            )  # fmt: skip
        axis.set_xlabel("frame ahead")
        axis.set_ylabel(title)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(loc="outside right center")
        return figure


def strip(given: Floats, truth: Floats, frames: Floats, title: str) -> Figure:
    """Draw the last frames that were read, and below each other truth, forecast and difference.

    given [K, Y, X, C]; truth, frames [M, Y, X, C], of which at most ten are shown.
    """
    read = given[-_READ:]
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(_SHOWN, len(frames))).astype(int))
    columns = len(read) + len(chosen)
    wide = max(0.35, min(1.0, 9.0 / columns))
    tall = wide * frames.shape[1] / frames.shape[2]
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(columns * wide + 0.9, 3 * tall + 0.55), layout="constrained")
        axes = figure.subplots(3, columns, squeeze=False)
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        for axis in axes.flat:
            axis.set_axis_off()
        for column, frame in enumerate(read):
            _show(axes[0, column], frame)
            axes[0, column].set_title(f"{column - len(read) + 1}", fontsize=7)
        for column, step in enumerate(chosen.tolist(), len(read)):
            _show(axes[0, column], truth[step])
            _show(axes[1, column], frames[step])
            _show_difference(axes[2, column], frames[step] - truth[step])
            axes[0, column].set_title(f"+{step + 1}", fontsize=7)
        for row, name in ((1, "forecast"), (2, "difference")):
            axis = axes[row, len(read) - 1]
            axis.text(1, 0.5, name, transform=axis.transAxes, fontsize=8, ha="right", va="center")
        return figure


def _show(axis: Axes, frame: Floats) -> None:
    if frame.shape[-1] >= 3:
        axis.imshow(frame[..., :3].clip(0, 1))
    else:
        axis.imshow(frame[..., 0], cmap="gray", vmin=0, vmax=1)


def _show_difference(axis: Axes, difference: Floats) -> None:
    axis.imshow(difference.mean(-1), cmap="RdBu_r", vmin=-1, vmax=1)
