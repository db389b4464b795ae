"""How a row looks beside its attributions: marks over its steps, an image, or the way of a pen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from longshort.report.svg import STYLE, Drawing

Floats = NDArray[np.float64]

COLOURS = "PuOr_r"
"""Negative values are violet, positive ones orange."""
_RANGE = (2.0, 98.0)
"""Percentiles of the values that are the lightest and the darkest of a spectrum."""
_MARK = "#2457c5"
_FRAMES, _LINE = 10, 3.0
"""Most pictures of a film; width over height from which a drawing is a line."""


class Mark(NamedTuple):
    """A text over the steps from `first` up to but not including `stop`."""

    text: str
    first: int
    stop: int


@dataclass(frozen=True)
class Look:
    """What a row looks like.

    image: "spectrum", whose features go upwards, or "ink", a picture whose features are its rows
    from the top; "" for lines over time. marks: such as the characters that were heard. path
    [T, 2]: places of the steps on paper, x to the right and y downwards, where they are points of a
    pen; lifts [T]: whether the pen is lifted after a point. frame: rows, columns and channels of
    the picture that each step is, in this order of its features.
    """

    image: Literal["", "spectrum", "ink"] = ""
    marks: Sequence[Mark] = ()
    path: Floats | None = None
    lifts: NDArray[np.bool_] | None = None
    frame: tuple[int, int, int] | None = None

    @property
    def origin(self) -> Literal["upper", "lower"]:
        """Where the first feature is in pictures."""
        return "lower" if self.image == "spectrum" else "upper"


def draw_image(axis: Axes, shown: Floats, look: Look) -> None:
    """Draw a row's values [T, F] as an image, the larger the darker."""
    low, high = 0.0, float(shown.max(initial=0.0)) or 1.0
    if look.image == "spectrum":
        shown = (shown - shown.mean(0)) / np.maximum(shown.std(0), 1e-6)
        low, high = np.percentile(shown, _RANGE).tolist()
    axis.imshow(
        shown.T, cmap="Greys", vmin=low, vmax=high, aspect="auto", interpolation="nearest",
        origin=look.origin,
    )  # fmt: skip
    axis.set_yticks([])
    axis.grid(visible=False)


def draw_marks(axis: Axes, marks: Sequence[Mark], *, named: bool) -> None:
    """Draw the bounds of marks over an axis of steps, and their texts above it where `named`."""
    for mark in marks:
        for edge in (mark.first, mark.stop):
            axis.axvline(edge - 0.5, color=_MARK, linewidth=0.5, alpha=0.5)
        if named:
            axis.text(
                (mark.first + mark.stop - 1) / 2, 1.01, mark.text, ha="center", va="bottom",
                fontsize=8, color=_MARK, transform=axis.get_xaxis_transform(), clip_on=False,
            )  # fmt: skip


def along_path(values: Mapping[str, Floats], look: Look, unit: str) -> Figure:
    """Plot the sum of attributions [T, F] of each point of a pen along its way, by method.

    Ways through the air are thin; a way has the colour of the point that it leads to.
    """
    assert look.path is not None and look.lifts is not None
    sums = {title: each.sum(1) for title, each in values.items()}
    largest = max(float(np.abs(each).max()) for each in sums.values()) or 1.0
    norm = Normalize(-largest, largest)
    ways = np.stack([look.path[:-1], look.path[1:]], 1)
    is_drawn = ~look.lifts[:-1]
    width, height = np.ptp(look.path, axis=0).tolist()
    is_line = width > _LINE * height
    shape = (len(sums), 1) if is_line else (1, len(sums))
    with mpl.rc_context(STYLE):
        tall = 1.8 * len(sums) if is_line else 3.0
        figure = Drawing(figsize=(10.5, tall), layout="constrained")
        axes = figure.subplots(*shape, squeeze=False).ravel()
        for axis, (title, each) in zip(axes, sums.items(), strict=True):
            axis.add_collection(
                LineCollection(list(ways[is_drawn]), colors="#bbbbbb", linewidths=5)
            )
            for chosen, wide in ((is_drawn, 3.0), (~is_drawn, 1.0)):
                lines = LineCollection(
                    list(ways[chosen]), cmap=COLOURS, norm=norm, linewidths=wide,
                    array=each[1:][chosen],
                )  # fmt: skip
                axis.add_collection(lines)
            axis.autoscale_view()
            axis.invert_yaxis()
            axis.set(xticks=[], yticks=[], aspect="equal")
            axis.grid(visible=False)
            axis.set_title(title, fontsize=9, loc="left")
        scale = ScalarMappable(norm, COLOURS)
        figure.colorbar(scale, ax=list(axes), label=unit, shrink=0.8, pad=0.01)
        return figure


def film(
    values: Mapping[str, Floats], shown: Floats, steps: Sequence[str], look: Look, unit: str
) -> Figure:
    """Plot steps that are pictures, and below each its attributions, summed over the channels.

    values, shown [T, F]. Of many steps some at even distances are shown.
    """
    assert look.frame is not None
    kept = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), _FRAMES)).round().astype(int))
    sums = {title: _pictures(each[kept], look.frame).sum(-1) for title, each in values.items()}
    largest = max(float(np.abs(each).max()) for each in sums.values()) or 1.0
    seen = _pictures(shown[kept], look.frame).mean(-1)
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(10.5, 1.4 * (1 + len(sums))), layout="constrained")
        axes = figure.subplots(1 + len(sums), len(kept), squeeze=False)
        image = None
        for place, number in enumerate(kept.tolist()):
            axes[0, place].imshow(seen[place], cmap="gray", vmin=seen.min(), vmax=seen.max())
            axes[0, place].set_title(steps[number], fontsize=8)
            for row, each in enumerate(sums.values(), 1):
                image = axes[row, place].imshow(
                    each[place], cmap=COLOURS, vmin=-largest, vmax=largest
                )
        for axis in axes.ravel():
            axis.set(xticks=[], yticks=[])
            axis.grid(visible=False)
        for row, title in enumerate(sums, 1):
            axes[row, 0].set_ylabel(title, fontsize=8)
        if image is not None:
            figure.colorbar(image, ax=list(axes.ravel()), label=unit, pad=0.01)
        return figure


def _pictures(values: Floats, frame: tuple[int, int, int]) -> Floats:
    return values.reshape(len(values), *frame)
