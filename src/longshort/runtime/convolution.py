"""Convolution and pooling over one or two axes, by windows and a product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[Any]


def convolution(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] | str = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Array:
    """Cross-correlate x [B, I, *S] with filters [O, I / groups, *K]; returns [B, O, *S']."""
    axes = weight.ndim - 2
    kernel = weight.shape[2:]
    steps, holes = (each_axis(value, axes) for value in (stride, dilation))
    x = _padded(x, kernel, padding, holes)
    spans = [(size - 1) * hole + 1 for size, hole in zip(kernel, holes, strict=True)]
    places = tuple(range(2, 2 + axes))
    windows = sliding_window_view(x, spans, places)
    skipped = (slice(None), slice(None), *(slice(None, None, step) for step in steps))
    windows = windows[(*skipped, *(slice(None, None, hole) for hole in holes))]
    outputs = [
        np.tensordot(part, filters, ((1, *range(2 + axes, 2 + 2 * axes)), (1, *places)))
        for part, filters in zip(
            np.split(windows, groups, 1), np.split(weight, groups, 0), strict=True
        )
    ]
    found = np.moveaxis(np.concatenate(outputs, -1), -1, 1)
    return found if bias is None else found + bias.reshape(-1, *[1] * axes)


def max_pool(
    x: Array,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
) -> Array:
    """Take the maxima of windows of x [B, C, H, W]."""
    sizes = each_axis(kernel, 2)
    if any(each != 1 for each in each_axis(dilation, 2)) or ceil_mode:
        raise ValueError("max_pool: only windows without holes, and whole ones, are known")
    steps = each_axis(stride, 2) if stride else sizes
    around = [(0, 0), (0, 0), *((each, each) for each in each_axis(padding, 2))]
    windows = sliding_window_view(np.pad(x, around, constant_values=-np.inf), sizes, (2, 3))
    return np.asarray(windows[:, :, :: steps[0], :: steps[1]].max((-1, -2)))


def each_axis(value: Sequence[int] | int, axes: int) -> list[int]:
    """Return a number for each axis, where one stands for all."""
    given = [value] if isinstance(value, int) else [int(each) for each in value]
    return given * axes if len(given) == 1 else given


def padded_sides(
    kernel: Sequence[int], padding: Sequence[int] | str, holes: Sequence[int]
) -> list[tuple[int, int]]:
    """Return how many zeros a convolution sees before and after each axis."""
    if isinstance(padding, str):
        total = [(size - 1) * hole for size, hole in zip(kernel, holes, strict=True)]
        return [(each // 2, each - each // 2) if padding == "same" else (0, 0) for each in total]
    return [(each, each) for each in each_axis(padding, len(kernel))]


def _padded(x: Array, kernel: Sequence[int], padding: Sequence[int] | str, holes: Any) -> Array:
    pairs = padded_sides(kernel, padding, holes)
    return np.pad(x, [(0, 0), (0, 0), *pairs]) if any(map(any, pairs)) else x
