"""Where numbers lie, whoever owns them, and the formats that the native module computes in.

Nothing here needs torch or numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class Format(IntEnum):
    """Types of values and of weights in products, with the numbers of `native/src/kernels.h`."""

    FLOAT32 = 0
    FLOAT64 = 1
    BFLOAT16_PRODUCTS = 2
    """Values in float32; both operands of products in bfloat16."""
    BFLOAT16_WEIGHTS = 3
    """Values in float32; packed weights in bfloat16, widened in registers."""
    INT8_WEIGHTS = 4
    """Values in float32; packed weights in whole numbers, times a scale for each row."""


Span = tuple[int, int, int, int]
"""Address of a tensor, strides over time and rows, and extent; the last three in elements."""


def span(address: int, shape: Sequence[int], strides: Sequence[int], contiguous: bool) -> Span:
    """Return where a tensor [T, B, W], [B, W] or [W] lies; strides in elements, the last is 1."""
    size = 1
    for length in shape:
        size *= length
    if size and not contiguous:
        size = 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    dimensions = len(shape)
    return (
        address,
        strides[0] if dimensions == 3 else 0,
        strides[-2] if dimensions > 1 else 0,
        size,
    )
