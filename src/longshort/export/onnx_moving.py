"""Steps that make, move, join and take elements, as nodes of ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from onnx import TensorProto

from longshort.errors import RunError
from longshort.export.onnx_values import Graph, Rule, Value, axes_of, example_of

_END = np.iinfo(np.int64).max


def _joined(g: Graph, parts: Sequence[Any], dim: int = 0) -> str:
    kinds = {g.value(each).kind for each in parts}
    kind = "f" if "f" in kinds else "i" if kinds != {"b"} else "b"
    return g.code.add("Concat", *(g.cast(each, kind) for each in parts), axis=dim)


def _stack(g: Graph, parts: Sequence[Any], dim: int = 0) -> str:
    axis = dim % (g.value(parts[0]).rank + 1)
    wide = [g.code.add("Unsqueeze", g.value(each).name, g.code.integers(axis)) for each in parts]
    return g.code.add("Concat", *wide, axis=axis)


def _unsqueeze(g: Graph, x: Value, dim: int) -> str:
    return g.code.add("Unsqueeze", x.name, g.code.integers(dim))


def _squeeze(g: Graph, x: Value, dim: Any = None) -> str:
    sizes = np.shape(x.example)
    axes = [axis for axis in axes_of(x, dim) if sizes[axis] == 1]
    return g.code.add("Squeeze", x.name, g.code.integers(*axes)) if axes else x.name


def _slice(
    g: Graph, x: Value, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> str:
    first = g.place(0 if start is None else start)
    last = g.place(_END if end is None else end)
    return g.code.add("Slice", x.name, first, last, g.code.integers(dim), g.code.integers(step))


def _flip(g: Graph, x: Value, dims: Sequence[int]) -> str:
    ends = (np.full(len(dims), each).tolist() for each in (-1, -_END))
    first, last = (g.code.integers(*each) for each in ends)
    steps = g.code.integers(*[-1] * len(dims))
    return g.code.add("Slice", x.name, first, last, g.code.integers(*dims), steps)


def _select(g: Graph, x: Value, dim: int, index: Any) -> str:
    found = g.code.add("Gather", x.name, g.place(index), axis=dim)
    return g.code.add("Squeeze", found, g.code.integers(dim % x.rank))


def _turned(g: Graph, x: Value, a: int, b: int) -> str:
    order = list(range(x.rank))
    order[a], order[b] = order[b], order[a]
    return g.code.add("Transpose", x.name, perm=order)


def _view(g: Graph, x: Value, sizes: Sequence[Any]) -> str:
    return g.code.add("Reshape", x.name, g.shape(sizes), allowzero=1)


def _flatten(g: Graph, x: Value, first: int = 0, last: int = -1) -> str:
    before = [g.code.add("Shape", x.name, start=0, end=first % x.rank)]
    after = [g.code.add("Shape", x.name, start=last % x.rank + 1)]
    shape = g.code.add("Concat", *before, g.code.integers(-1), *after, axis=0)
    return g.code.add("Reshape", x.name, shape)


def _unflatten(g: Graph, x: Value, dim: int, sizes: Sequence[Any]) -> str:
    axis = dim % x.rank
    before = g.code.add("Shape", x.name, start=0, end=axis)
    after = g.code.add("Shape", x.name, start=axis + 1)
    shape = g.code.add("Concat", before, g.shape(sizes), after, axis=0)
    return g.code.add("Reshape", x.name, shape)


def _expand(g: Graph, x: Any, sizes: Sequence[Any], _implicit: bool = False) -> str:
    kept = [1 if not isinstance(each, Value) and each == -1 else each for each in sizes]
    return g.code.add("Expand", g.value(x).name, g.shape(kept))


def _repeat(g: Graph, x: Value, counts: Sequence[Any]) -> str:
    missing = len(counts) - x.rank
    given = x.name
    if missing:
        given = g.code.add("Unsqueeze", given, g.code.integers(*range(missing)))
    return g.code.add("Tile", given, g.shape(counts))


def _filled_with(g: Graph, shape: str, value: Any, dtype: str | None) -> str:
    kind = np.dtype(dtype or "float32")
    given = value if isinstance(value, Value) else np.asarray(value, kind)
    return g.code.add("Expand", g.cast(given, kind.kind), shape)


def _new(value: Any) -> Rule:
    def rule(g: Graph, x: Any, sizes: Sequence[Any], dtype: str | None = None, **_: Any) -> str:
        return _filled_with(g, g.shape(sizes), value, dtype or str(example_of(x).dtype))

    return rule


def _like(value: Any) -> Rule:
    def rule(g: Graph, x: Value, dtype: str | None = None, **_: Any) -> str:
        kind = dtype or str(x.example.dtype)
        return _filled_with(g, g.code.add("Shape", x.name), value, kind)

    return rule


def _full(g: Graph, sizes: Sequence[Any], value: Any, dtype: str | None = None, **_: Any) -> str:
    return _filled_with(g, g.shape(sizes), value, dtype)


def range_to(g: Graph, *limits: Any, dtype: str | None = None, **_: Any) -> str:
    """Return whole numbers up to a limit; arguments as of the step `arange`."""
    first, last, step = {1: (0, *limits, 1), 2: (*limits, 1)}.get(len(limits), limits)
    ends = [
        g.code.add("Squeeze", g.place(each), g.code.integers(0)) for each in (first, last, step)
    ]
    found = g.code.add("Range", *ends)
    is_float = dtype is not None and np.dtype(dtype).kind == "f"
    return g.code.add("Cast", found, to=TensorProto.FLOAT) if is_float else found


def _split(g: Graph, x: Value, size: Any, dim: int = 0) -> list[str]:
    count = np.shape(x.example)[dim]
    sizes = [size] * -(-count // size) if isinstance(size, int) else [int(each) for each in size]
    ends = np.cumsum([0, *sizes]).tolist()
    return [_slice(g, x, dim, first, last) for first, last in pairwise(ends)]


def _unbind(g: Graph, x: Value, dim: int = 0) -> list[str]:
    return [_select(g, x, dim, place) for place in range(np.shape(x.example)[dim])]


def _pad(g: Graph, x: Value, pads: Sequence[Any], mode: str = "constant", value: Any = 0.0) -> str:
    if mode != "constant":
        raise RunError(f"--to onnx: padding by {mode!r} has no form here")
    before: list[Any] = [0] * x.rank
    after: list[Any] = [0] * x.rank
    for number in range(0, len(pads), 2):
        axis = x.rank - 1 - number // 2
        before[axis], after[axis] = pads[number], pads[number + 1]
    fill = g.value(np.asarray(0.0 if value is None else value, x.example.dtype)).name
    return g.code.add("Pad", x.name, g.shape([*before, *after]), fill)


def _embedding(g: Graph, weight: Any, numbers: Value, *_: Any) -> str:
    return g.code.add("Gather", g.value(weight).name, numbers.name, axis=0)


def _taken(g: Graph, x: Any, dim: int, index: Any) -> str:
    return g.code.add("Gather", g.value(x).name, g.value(index).name, axis=dim)


def _gather(g: Graph, x: Any, dim: int, index: Any) -> str:
    """Write `torch.gather`; where the index is shorter than x, GatherElements needs no slices."""
    return g.code.add("GatherElements", g.value(x).name, g.value(index).name, axis=dim)


def _index(g: Graph, x: Any, indices: Sequence[Any]) -> str:
    real = [axis for axis, each in enumerate(indices) if each is not None]
    if len(real) == 1:
        return _taken(g, x, real[0], indices[real[0]])
    if real != list(range(len(real))):
        raise RunError("--to onnx: an index of several axes after others has no form here")
    shape = np.broadcast_shapes(*(np.shape(example_of(indices[axis])) for axis in real))
    total = g.value(indices[real[0]]).name
    for axis in real[1:]:
        total = g.code.add("Add", total, g.value(indices[axis]).name)
    sizes = g.code.add("Shape", total)
    wide = [
        g.code.add("Unsqueeze", g.code.add("Expand", g.value(indices[axis]).name, sizes),
                   g.code.integers(len(shape)))
        for axis in real
    ]  # fmt: skip
    return g.code.add("GatherND", g.value(x).name, g.code.add("Concat", *wide, axis=-1))


def _scatter_add(g: Graph, x: Any, dim: int, index: Any, source: Any) -> str:
    places = g.value(index)
    shape = g.code.add("Shape", places.name)
    zeros = g.code.integers(*[0] * places.rank)
    added = g.code.add("Slice", g.value(source).name, zeros, shape)
    return g.code.add(
        "ScatterElements", g.value(x).name, places.name, added, axis=dim, reduction="add"
    )


def _bag(
    g: Graph, weight: Any, numbers: Any, begins: Any, _grad: Any = False, mode: int = 0,
    _sparse: Any = False, shares: Any = None, *_: Any,
) -> list[Any]:  # fmt: skip
    """Sums of vectors in stretches: each number's row is the count of stretches begun, less 1."""
    if mode != 0:
        raise RunError("--to onnx: of bags only sums have a form here")
    rows = _embedding(g, weight, g.value(numbers))
    if shares is not None:
        factor = g.code.add("Unsqueeze", g.value(shares).name, g.code.integers(1))
        rows = g.code.add("Mul", rows, factor)
    count = g.code.add("Shape", g.value(numbers).name, start=0, end=1)
    every = range_to(g, Value(count, 1))
    begun = g.code.add(
        "GreaterOrEqual",
        g.code.add("Unsqueeze", every, g.code.integers(1)),
        g.code.add("Unsqueeze", g.value(begins).name, g.code.integers(0)),
    )
    row = g.code.add("ReduceSum", g.code.add("Cast", begun, to=TensorProto.INT64),
                     g.code.integers(1), keepdims=1)  # fmt: skip
    row = g.code.add("Sub", row, g.code.integers(1))
    place = g.code.add("Expand", row, g.code.add("Shape", rows))
    batch = g.code.add("Shape", g.value(begins).name, start=0, end=1)
    zeros = _filled_with(
        g,
        g.code.add("Concat", batch, g.code.integers(np.shape(example_of(weight))[1]), axis=0),
        0.0,
        None,
    )
    found = g.code.add("ScatterElements", zeros, place, rows, axis=0, reduction="add")
    return [found, None, None, None]


def _same(_: Graph, x: Value, *__: Any, **___: Any) -> str:
    return x.name


MOVING: dict[str, Rule] = {
    "alias": _same,
    "arange": range_to,
    "arange.start": range_to,
    "arange.start_step": range_to,
    "cat": _joined,
    "clone": _same,
    "constant_pad_nd": lambda g, x, pads, value=0: _pad(g, x, pads, "constant", value),
    "contiguous": _same,
    "dropout": _same,
    "embedding": _embedding,
    "embedding_bag": _bag,
    "embedding_bag.padding_idx": _bag,
    "expand": _expand,
    "flatten.using_ints": _flatten,
    "flip": _flip,
    "full": _full,
    "full_like": lambda g, x, value, dtype=None, **_: _like(value)(g, x, dtype),
    "gather": _gather,
    "index.Tensor": _index,
    "index_select": _taken,
    "new_full": lambda g, x, sizes, value, **more: _new(value)(g, x, sizes, **more),
    "new_ones": _new(1),
    "new_zeros": _new(0),
    "ones": lambda g, sizes, **more: _full(g, sizes, 1, **more),
    "ones_like": _like(1),
    "pad": _pad,
    "permute": lambda g, x, dims: g.code.add("Transpose", x.name, perm=[d % x.rank for d in dims]),
    "repeat": _repeat,
    "reshape": _view,
    "scatter_add": _scatter_add,
    "select.int": _select,
    "slice.Tensor": _slice,
    "split.Tensor": _split,
    "split_with_sizes": _split,
    "squeeze": _squeeze,
    "squeeze.dim": _squeeze,
    "squeeze.dims": _squeeze,
    "stack": _stack,
    "sym_size.int": lambda g, x, dim: g.code.add(
        "Shape", x.name, start=dim % x.rank, end=dim % x.rank + 1
    ),
    "t": lambda g, x: g.code.add("Transpose", x.name, perm=[1, 0]),
    "transpose.int": _turned,
    "unbind.int": _unbind,
    "unflatten.int": _unflatten,
    "unsqueeze": _unsqueeze,
    "view": _view,
    "zeros": lambda g, sizes, **more: _full(g, sizes, 0, **more),
    "zeros_like": _like(0),
}
"""Each of these steps as nodes."""
