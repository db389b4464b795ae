"""Conversion of text cells to numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def finite(
    cells: Sequence[str] | Sequence[bytes], dtype: type[np.floating[Any]]
) -> tuple[NDArray[Any], int | None]:
    """Return cells as numbers, and the index of the first that is not finite in this dtype."""
    try:
        with np.errstate(over="ignore"):
            values = np.array(cells).astype(dtype)
    except ValueError:
        values = np.array([_number(cell, dtype) for cell in cells])
    bad = np.flatnonzero(~np.isfinite(values))
    return values, int(bad[0]) if len(bad) else None


_MISSING = ("?", "", "nan", "na", "null")


def is_missing(cell: str) -> bool:
    """Whether a cell stands for a missing value."""
    return cell.strip().lower() in _MISSING


def with_gaps(cells: Sequence[str]) -> tuple[NDArray[np.float64], int | None]:
    """Return cells as numbers, missing ones as NaN, and the index of the first that is neither."""
    missing = [is_missing(cell) for cell in cells]
    known = ["0" if gone else cell for cell, gone in zip(cells, missing, strict=True)]
    values, bad = finite(known, np.float64)
    values[missing] = np.nan
    return values, bad


def _number(cell: str | bytes, dtype: type[np.floating[Any]]) -> Any:
    try:
        return dtype(cell if isinstance(cell, str) else cell.decode("ascii", "replace"))
    except ValueError:
        return dtype(np.nan)
