"""Figures of attributions: values over time and features, readable in grey too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from longshort.report.looks import COLOURS, Look, draw_image, draw_marks
from longshort.report.plots import MODEL_COLOUR, TRUTH_COLOUR, Window, draw_window
from longshort.report.svg import STYLE, Drawing

Floats = NDArray[np.float64]

_TICKS, _MARKED, _FEATURES = 6, 0.2, 12
_NAMED, _BARS = 20, 32
"""Most features whose names stand beside a map, and most that have a bar."""
_LONG = 10
_CELLS = 1500
"""Most cells of a map in which negative ones have a minus, for those who see no colours."""


def over_time(
    values: Mapping[str, Floats],
    steps: Sequence[str],
    features: Sequence[str],
    unit: str,
    *,
    window: Window | None = None,
    shown: Floats | None = None,
    look: Look | None = None,
) -> Figure:
    """Plot attributions [T, F] of several methods below what the model saw.

    For each method there is a map of time × feature and the sum over features; all have one scale.
    window: history, forecast and truth; shown [T, F]: values in the data's units; look: how the row
    is drawn, as lines over time when None.
    """
    look = look or Look()
    with mpl.rc_context(STYLE):
        count = len(values)
        tall = min(0.9 + 0.16 * len(features), 3.0)
        figure = Drawing(figsize=(10.5, 2.2 + (tall + 1.3) * count), layout="constrained")
        ratios = [2.0, *[r for _ in values for r in (tall, 1.1)]]
        axes = figure.subplots(1 + 2 * count, 1, height_ratios=ratios, sharex=True)
        _above(axes[0], steps, features, window, shown, look)
        largest = max(float(np.abs(each).max()) for each in values.values()) or 1.0
        image = None
        for number, (title, each) in enumerate(values.items()):
            axis = axes[1 + 2 * number]
            image = _map(axis, each, features, largest, look)
            if look.image == "ink" and shown is not None:
                axis.contour(shown.T, levels=[shown.max() / 2], colors="#555555", linewidths=0.4)
            draw_marks(axis, look.marks, named=False)
            axis.set_title(title, fontsize=9, loc="left")
            _sums(axes[2 + 2 * number], each)
        if image is not None:
            figure.colorbar(image, ax=list(axes[1:]), label=unit, shrink=0.8, pad=0.01)
        places = np.unique(np.linspace(0, len(steps) - 1, _TICKS).round().astype(int))
        axes[-1].set_xticks(places, labels=[_parted(steps[n]) for n in places])
        return figure


def _above(
    axis: Axes,
    steps: Sequence[str],
    features: Sequence[str],
    window: Window | None,
    shown: Floats | None,
    look: Look,
) -> None:
    draw_marks(axis, look.marks, named=True)
    if look.image and shown is not None:
        draw_image(axis, shown, look)
        return
    if window is not None:
        draw_window(axis, window, np.arange(len(steps)))
    elif shown is not None:
        for k, name in enumerate(features[:_FEATURES]):
            axis.plot(shown[:, k], label=name, linewidth=1.0)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="upper left", fontsize=7, ncols=4)
    axis.margins(x=0.0)


def _map(
    axis: Axes, values: Floats, features: Sequence[str], largest: float, look: Look
) -> AxesImage:
    image = axis.imshow(
        values.T, cmap=COLOURS, vmin=-largest, vmax=largest, aspect="auto", interpolation="nearest",
        origin=look.origin,
    )  # fmt: skip
    axis.grid(visible=False)
    places = range(0, len(features), -(-len(features) // _NAMED))
    axis.set_yticks(places, labels=[_short(features[n]) for n in places], fontsize=7)
    if values.size > _CELLS:
        return image
    for step, feature in np.argwhere(values < -_MARKED * largest):
        axis.text(step, feature, "−", ha="center", va="center", fontsize=8, color="white")
    return image


def _sums(axis: Axes, values: Floats) -> None:
    axis.bar(np.arange(len(values)), values.sum(1), width=0.9, color=MODEL_COLOUR)
    axis.axhline(0.0, color="#999999", linewidth=0.8)
    axis.set_ylabel("sum", fontsize=8)
    axis.margins(x=0.0)


def by_feature(values: Mapping[str, Floats], features: Sequence[str], unit: str) -> Figure:
    """Plot the sum over time of attributions [T, F], by feature and method.

    Of many features those with the largest sums are shown, in their order.
    """
    if len(features) > _BARS:
        size = np.max([np.abs(each.sum(0)) for each in values.values()], axis=0)
        kept = np.sort(np.argsort(-size, kind="stable")[:_BARS])
        values = {title: each[:, kept] for title, each in values.items()}
        features = [features[n] for n in kept]
    with mpl.rc_context(STYLE):
        figure = Drawing(figsize=(6.0, 0.9 + 0.3 * len(features)), layout="constrained")
        axis = figure.subplots()
        places, height = np.arange(len(features)), 0.8 / len(values)
        for number, (title, each) in enumerate(values.items()):
            colour = (MODEL_COLOUR, "#c2571a", "#3f8f5b", TRUTH_COLOUR)[number % 4]
            axis.barh(places + number * height, each.sum(0), height, label=title, color=colour)
        axis.set_yticks(places + 0.4 - height / 2, labels=[_short(name) for name in features])
        axis.invert_yaxis()
        axis.axvline(0.0, color="#999999", linewidth=0.8)
        axis.set_xlabel(f"sum over time, {unit}")
        axis.legend(fontsize=7)
        return figure


def _parted(name: str) -> str:
    """Return a step's name in two lines where it is long, as date and time are."""
    return name.replace(" ", "\n", 1) if len(name) > _LONG else name


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"


def shade(value: float, largest: float) -> str:
    """Return a background colour: white for 0, orange for positive and violet for negative."""
    strength = min(1.0, abs(value) / largest) if largest > 0 else 0.0
    end = (230, 140, 40) if value > 0 else (140, 110, 200)
    mixed = [round(255 + (each - 255) * 0.85 * strength) for each in end]
    return "#" + "".join(f"{each:02x}" for each in mixed)
