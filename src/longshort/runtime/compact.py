"""Matrices in few bits: rounded to bfloat16 or int8, and as a file keeps them.

A rounded matrix is an ordinary float32 matrix that lost nothing but digits, so every executor runs
it; the native kernels keep it in the few bits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.engine.executors.native.weights import Quantised, quantised, widened
from longshort.errors import RunError

Array = NDArray[Any]
KINDS = ("float32", "bfloat16", "int8")
_MARK, _SCALES = "::", "::scales"


def rounded(matrix: Array, kind: str) -> Array:
    """Return the float32 matrix that a matrix is in a kind of weights."""
    if kind == "int8":
        return widened(quantised(matrix))
    if kind == "bfloat16":
        return _from_half(_to_half(matrix))
    return np.asarray(matrix, np.float32)


def compacted(weights: Mapping[str, Array], names: Collection[str], kind: str) -> dict[str, Array]:
    """Return the weights as a file keeps them; those named are rounded to the kind already."""
    found: dict[str, Array] = {}
    for name, weight in weights.items():
        if kind == "float32" or name not in names:
            found[name] = weight
        elif kind == "bfloat16":
            found[f"{name}{_MARK}bfloat16"] = _to_half(weight)
        else:
            numbers, scales = quantised(weight)
            found |= {f"{name}{_MARK}int8": numbers, f"{name}{_SCALES}": scales}
    return found


def restored(stored: Mapping[str, Array]) -> dict[str, Array]:
    """Return the float32 weights of what `compacted` returned; raises `RunError` if it is none."""
    found: dict[str, Array] = {}
    for key, values in stored.items():
        name, mark, kind = key.partition(_MARK)
        if not mark:
            found[name] = values
        elif kind == "bfloat16" and values.dtype == np.uint16:
            found[name] = _from_half(values)
        elif kind == "int8" and values.dtype == np.int8:
            scales = stored.get(f"{name}{_SCALES}")
            if scales is None or values.ndim != 2 or scales.shape != values.shape[:1]:
                raise RunError(f"the weight {name!r} has no scales of its rows")
            found[name] = widened(Quantised(values, scales))
        elif kind != "scales":
            raise RunError(f"the weight {name!r} is of the kind {kind!r}, which is not known")
    return found


def _to_half(matrix: Array) -> NDArray[np.uint16]:
    """Return the bits of the nearest bfloat16 numbers; halves go to the even one."""
    bits = np.ascontiguousarray(matrix, np.float32).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return ((bits + np.uint32(0x7FFF) + odd) >> np.uint32(16)).astype(np.uint16)


def _from_half(bits: NDArray[np.uint16]) -> Array:
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
