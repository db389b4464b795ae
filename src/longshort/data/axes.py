"""The order of an array's axes: steps before channels (NTC), or channels before steps (NCT)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from longshort.config.sequences import Axes
from longshort.data.findings import Finding
from longshort.errors import DataError

_PICTURES = (3, 4)
"""Axes of a sequence of pictures."""
_FEW, _TIMES = 12, 2
"""Channels seem to come first if their axis has at most _FEW, and the other _TIMES as many."""


def oriented(
    name: str, items: Sequence[NDArray[Any]], axes: Axes | None
) -> tuple[list[NDArray[Any]], dict[str, str], tuple[Finding, ...]]:
    """Bring arrays to [T, F].

    items: each [T, F] ([F, T] where `axes` is "NCT"), or [T] for one value a step. Returns the
    arrays, the order as a setting, and findings about a doubtful order. Pictures, [T, Y, X] or [T,
    Y, X, C], become the values of their pixels, and their size a setting.
    """
    if items and items[0].ndim in _PICTURES:
        shapes = {item.shape[1:] for item in items}
        if len(shapes) > 1:
            sizes = " and ".join("x".join(map(str, shape)) for shape in sorted(shapes)[:2])
            raise DataError(f"{name}: pictures of {sizes} are mixed; bring them to one size")
        picture = "x".join(map(str, items[0].shape[1:]))
        return [item.reshape(len(item), -1) for item in items], {"picture": picture}, ()
    if not items or items[0].ndim != 2:
        return [item[:, None] if item.ndim == 1 else item for item in items], {}, ()
    if axes == "NCT":
        return (
            [item.swapaxes(0, 1) if item.ndim == 2 else item for item in items],
            {"axes": axes},
            (),
        )
    findings = () if axes == "NTC" else _doubts(name, items)
    return list(items), {"axes": "NTC"}, findings


def _doubts(name: str, items: Sequence[NDArray[Any]]) -> tuple[Finding, ...]:
    shapes = {item.shape for item in items}
    if len(shapes) > 1:
        return ()
    ((steps, channels),) = shapes
    if not 1 < steps <= _FEW or channels < _TIMES * steps:
        return ()
    return (
        Finding(
            "axes",
            "warning",
            f"{name}: every sequence was read as {steps:,} steps of {channels:,} channels; it "
            f"looks like {steps:,} channels of {channels:,} steps, as sktime has them",
            (),
            "say data.axes=NCT if channels come first (axes='NCT' in fit), or NTC if they do not",
        ),
    )
