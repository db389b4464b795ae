"""Checks of numbers; their errors name what was expected and what was received."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.errors import ArgumentError


def whole(name: str, value: object, least: int, most: float = math.inf) -> None:
    """Raise `ArgumentError` unless `value` is a whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ArgumentError(f"{name}: a whole number is expected, got {value!r}")
    if not least <= value <= most:
        limit = "" if most == math.inf else f" to {most}"
        raise ArgumentError(f"{name}: a number from {least}{limit} is expected, got {value!r}")


def finite(name: str, value: object, least: float = -math.inf) -> None:
    """Raise `ArgumentError` unless `value` is a finite number of at least `least`."""
    if not isinstance(value, Real) or not math.isfinite(value) or value < least:
        limit = "" if least == -math.inf else f" from {least:g}"
        raise ArgumentError(f"{name}: a finite number{limit} is expected, got {value!r}")


def numbers(name: str, values: ArrayLike, count: int, least: int) -> NDArray[np.int64]:
    """Return whole numbers [count], each of at least `least`; a single one is repeated.

    Raises `ArgumentError` for other types, shapes and smaller numbers.
    """
    given = np.asarray(values)
    if given.dtype.kind not in "iu" or given.shape not in ((), (count,)):
        raise ArgumentError(
            f"{name}: one whole number, or one for each of the {count}, is expected, "
            f"got {given.dtype} of the shape {given.shape}"
        )
    if given.size and given.min() < least:
        raise ArgumentError(f"{name}: numbers from {least} are expected, got {given.min()}")
    return np.broadcast_to(given, (count,)).astype(np.int64)
