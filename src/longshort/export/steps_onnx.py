"""A network's functions as ONNX: each step of the runtime as nodes, with sizes left open.

Every value is followed by an example of it, which says its rank and type. What depends on no input
is computed when the model is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from longshort.engine.executors.onnx import Code, scan
from longshort.engine.text import from_text
from longshort.engine.trace import with_ends
from longshort.errors import RunError
from longshort.runtime.convolution import each_axis, padded_sides
from longshort.runtime.network import Function
from longshort.runtime.steps import STEPS

Array = NDArray[Any]
_END = np.iinfo(np.int64).max
TYPES = {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "b": TensorProto.BOOL}
"""ONNX's type of each kind of numbers; all fractions are float32."""


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of the graph, or a size, which is a tensor of one whole number; with an example."""

    name: str
    example: Any

    @property
    def rank(self) -> int:
        """Number of axes."""
        return int(np.ndim(self.example))

    @property
    def kind(self) -> str:
        """Kind of numbers: "f", "i" or "b"."""
        return "i" if isinstance(self.example, int) else str(self.example.dtype.kind)

    @property
    def is_size(self) -> bool:
        """Whether it is a size."""
        return isinstance(self.example, int)


class Graph:
    """Writes the nodes of a function's steps."""

    def __init__(self, code: Code) -> None:
        self.code = code

    def function(
        self, function: Function, weights: Mapping[str, Array], arguments: Sequence[Any]
    ) -> list[Value]:
        """Write all steps; arguments: `Value`, or an array that stays as it is."""
        values: dict[str, Any] = dict(zip(function.inputs, arguments, strict=True))
        values |= {name: weights[weight] for name, weight in function.weights.items()}
        for step in function.steps:
            given = [_filled(each, values) for each in step.arguments]
            more = {key: _filled(each, values) for key, each in step.options.items()}
            values[step.name] = self.step(step.kind, given, more)
        return [self.value(values[name]) for name in function.results]

    def step(self, kind: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
        """Write one step; raises `RunError` for one that ONNX has no form of here."""
        if not _has_value([*arguments, *options.values()]):
            return STEPS[kind](*arguments, **options)
        if kind == "getitem" and isinstance(arguments[0], list | tuple):
            return arguments[0][arguments[1]]
        if kind not in RULES:
            raise RunError(f"--to onnx: the step {kind} has no form in ONNX here")
        example = STEPS[kind](
            *map(_example, arguments), **{k: _example(v) for k, v in options.items()}
        )
        found = RULES[kind](self, *arguments, **options)
        if isinstance(found, list):
            return [
                Value(each, part) if isinstance(each, str) else each
                for each, part in zip(found, example, strict=True)
            ]
        if isinstance(example, int | np.integer):
            return Value(found, int(example))
        return Value(found, np.asarray(example))

    def value(self, given: Any) -> Value:
        """Return an array, number or value as a tensor of the graph."""
        if isinstance(given, Value):
            return given
        array = np.asarray(given)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        elif array.dtype.kind != "b":
            array = array.astype(np.int64)
        name = self.code.tensor(self.code.fresh("constant"), array)
        return Value(name, array)

    def cast(self, given: Any, kind: str) -> str:
        """Return the name of a tensor of this kind of numbers."""
        value = self.value(given)
        if value.kind == kind:
            return value.name
        return self.code.add("Cast", value.name, to=TYPES[kind])

    def pair(self, a: Any, b: Any) -> list[str]:
        """Return the names of two operands of the same kind of numbers."""
        kinds = {self.value(each).kind if isinstance(each, Value | np.ndarray) else
                 np.asarray(each).dtype.kind for each in (a, b)}  # fmt: skip
        kind = "f" if "f" in kinds else "i" if kinds != {"b"} else "b"
        return [self.cast(np.asarray(each) if not isinstance(each, Value) else each, kind)
                for each in (a, b)]  # fmt: skip

    def shape(self, sizes: Sequence[Any]) -> str:
        """Return a shape of numbers and sizes as a tensor."""
        if not _has_value(list(sizes)):
            return self.code.integers(*(int(each) for each in sizes))
        parts = [each.name if isinstance(each, Value) else self.code.integers(int(each))
                 for each in sizes]  # fmt: skip
        return self.code.add("Concat", *parts, axis=0)

    def place(self, number: Any) -> str:
        """Return a place along an axis, a number or size, as a tensor of one number."""
        return number.name if isinstance(number, Value) else self.code.integers(int(number))


def _filled(argument: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(argument, dict):
        return values[argument["result"]]
    if isinstance(argument, list):
        return [_filled(each, values) for each in argument]
    return argument


def _has_value(given: Any) -> bool:
    if isinstance(given, list | tuple):
        return any(_has_value(each) for each in given)
    return isinstance(given, Value)


def _example(given: Any) -> Any:
    if isinstance(given, list | tuple):
        return [_example(each) for each in given]
    return given.example if isinstance(given, Value) else given


Rule = Callable[..., Any]


def _one(op: str, **attributes: Any) -> Rule:
    return lambda g, x, *_, **__: g.code.add(op, x.name, **attributes)


def _two(op: str) -> Rule:
    return lambda g, a, b: g.code.add(op, *g.pair(a, b))


def _scaled(op: str) -> Rule:
    def rule(g: Graph, a: Any, b: Any, alpha: Any = 1) -> str:
        if alpha != 1:
            b = Value(g.code.add("Mul", *g.pair(b, alpha)), _example(b))
        return g.code.add(op, *g.pair(a, b))

    return rule


def _divide(g: Graph, a: Any, b: Any, rounding_mode: str | None = None) -> str:
    found = g.code.add("Div", g.cast(a, "f"), g.cast(b, "f"))
    return found if rounding_mode is None else g.code.add("Floor", found)


def _floor_divide(g: Graph, a: Any, b: Any) -> str:
    """Sizes are not negative, so that whole division rounds down."""
    return g.code.add("Div", *g.pair(a, b))


def _opposite(op: str) -> Rule:
    return lambda g, a, b: g.code.add("Not", g.code.add(op, *g.pair(a, b)))


def _logical(op: str) -> Rule:
    return lambda g, a, b: g.code.add(op, g.cast(a, "b"), g.cast(b, "b"))


def _axes(x: Value, dim: Any) -> list[int]:
    if dim is None or dim == []:
        return list(range(x.rank))
    return [dim] if isinstance(dim, int) else list(dim)


def _sum(g: Graph, x: Value, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> str:
    given = g.cast(x, "i") if x.kind == "b" else x.name
    if dtype == "float32":
        given = g.cast(x, "f")
    return g.code.add("ReduceSum", given, g.code.integers(*_axes(x, dim)), keepdims=int(keepdim))


def _reduced(op: str) -> Rule:
    def rule(g: Graph, x: Value, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> str:
        del dtype
        return g.code.add(op, x.name, axes=_axes(x, dim), keepdims=int(keepdim))

    return rule


def _variance(
    g: Graph, x: Value, dim: Any = None, correction: Any = 1, keepdim: bool = False
) -> str:
    axes = _axes(x, dim)
    mean = g.code.add("ReduceMean", x.name, axes=axes, keepdims=1)
    centred = g.code.add("Sub", x.name, mean)
    squares = g.code.add("Mul", centred, centred)
    if correction == 0:
        return g.code.add("ReduceMean", squares, axes=axes, keepdims=int(keepdim))
    total = g.code.add("ReduceSum", squares, g.code.integers(*axes), keepdims=int(keepdim))
    count = g.code.add("Gather", g.code.add("Shape", x.name), g.code.integers(*axes))
    count = g.code.add("Cast", g.code.add("ReduceProd", count, keepdims=0), to=TensorProto.FLOAT)
    less = float(1 if correction is None else correction)
    return g.code.add("Div", total, g.code.add("Sub", count, g.code.number(less)))


def _linear(g: Graph, x: Any, weight: Any, bias: Any = None) -> str:
    turned = weight.T if isinstance(weight, np.ndarray) else None
    right = g.value(turned).name if turned is not None else g.code.add(
        "Transpose", weight.name, perm=[1, 0])  # fmt: skip
    found = g.code.add("MatMul", g.value(x).name, right)
    return found if bias is None else g.code.add("Add", found, g.value(bias).name)


def _matmul(g: Graph, a: Any, b: Any) -> str:
    return g.code.add("MatMul", g.value(a).name, g.value(b).name)


def _addmm(g: Graph, bias: Any, a: Any, b: Any) -> str:
    return g.code.add("Add", _matmul(g, a, b), g.value(bias).name)


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
    axes = [axis for axis in _axes(x, dim) if sizes[axis] == 1]
    return g.code.add("Squeeze", x.name, g.code.integers(*axes)) if axes else x.name


def _slice(
    g: Graph, x: Value, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> str:
    first = g.place(0 if start is None else start)
    last = g.place(_END if end is None else end)
    return g.code.add("Slice", x.name, first, last, g.code.integers(dim), g.code.integers(step))


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
        return _filled_with(g, g.shape(sizes), value, dtype or str(_example(x).dtype))

    return rule


def _like(value: Any) -> Rule:
    def rule(g: Graph, x: Value, dtype: str | None = None, **_: Any) -> str:
        kind = dtype or str(x.example.dtype)
        return _filled_with(g, g.code.add("Shape", x.name), value, kind)

    return rule


def _full(g: Graph, sizes: Sequence[Any], value: Any, dtype: str | None = None, **_: Any) -> str:
    return _filled_with(g, g.shape(sizes), value, dtype)


def _range(g: Graph, *limits: Any, dtype: str | None = None, **_: Any) -> str:
    first, last, step = {1: (0, *limits, 1), 2: (*limits, 1)}.get(len(limits), limits)
    ends = [
        g.code.add("Squeeze", each.name, g.code.integers(0)) if isinstance(each, Value)
        else g.code.tensor(f"whole_{each}", np.array(each, np.int64))
        for each in (first, last, step)
    ]  # fmt: skip
    found = g.code.add("Range", *ends)
    is_float = dtype is not None and np.dtype(dtype).kind == "f"
    return g.code.add("Cast", found, to=TensorProto.FLOAT) if is_float else found


def _where(g: Graph, condition: Any, a: Any, b: Any) -> str:
    like = next((each for each in (a, b) if isinstance(each, Value | np.ndarray)), a)
    kind = g.value(like).kind
    return g.code.add("Where", g.cast(condition, "b"), g.cast(a, kind), g.cast(b, kind))


def _masked(g: Graph, x: Any, mask: Any, value: Any) -> str:
    given = g.value(x)
    fill = value if isinstance(value, Value) else np.asarray(value, _example(given).dtype)
    return g.code.add("Where", g.cast(mask, "b"), g.cast(fill, given.kind), given.name)


def _clamp(g: Graph, x: Value, least: Any = None, most: Any = None) -> str:
    found = x.name
    for op, limit in (("Max", least), ("Min", most)):
        if limit is not None:
            found = g.code.add(op, found, g.value(np.asarray(limit, x.example.dtype)).name)
    return found


def _cast(g: Graph, x: Value, dtype: str | None = None, *_: Any, **__: Any) -> str:
    return x.name if dtype is None else g.cast(x, np.dtype(dtype).kind)


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
    """Of axes beside `dim`, ONNX Runtime takes as many as the index has."""
    return g.code.add("GatherElements", g.value(x).name, g.value(index).name, axis=dim)


def _index(g: Graph, x: Any, indices: Sequence[Any]) -> str:
    real = [axis for axis, each in enumerate(indices) if each is not None]
    if len(real) == 1:
        return _taken(g, x, real[0], indices[real[0]])
    if real != list(range(len(real))):
        raise RunError("--to onnx: an index of several axes after others has no form here")
    shape = np.broadcast_shapes(*(np.shape(_example(indices[axis])) for axis in real))
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
    names = [g.value(each).name for each in (x, index, source)]
    return g.code.add("ScatterElements", *names, axis=dim, reduction="add")


def _bag(
    g: Graph, weight: Any, numbers: Any, begins: Any, _grad: Any = False, mode: int = 0,
    _sparse: Any = False, shares: Any = None, *_: Any,
) -> list[Any]:  # fmt: skip
    """Sums of vectors in stretches: each number's row is the count of stretches begun, less 1."""
    if mode != 0:
        raise RunError("--to onnx: of bags only sums have a form here")
    vectors = Value(_embedding(g, weight, g.value(numbers)), weight[_example(numbers)])
    rows = vectors.name
    if shares is not None:
        factor = g.code.add("Unsqueeze", g.value(shares).name, g.code.integers(1))
        rows = g.code.add("Mul", rows, factor)
    count = g.code.add("Shape", g.value(numbers).name, start=0, end=1)
    every = _range(g, Value(count, 1))
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
        g, g.code.add("Concat", batch, g.code.integers(weight.shape[1]), axis=0), 0.0, None
    )
    found = g.code.add("ScatterElements", zeros, place, rows, axis=0, reduction="add")
    return [found, None, None, None]


def _best(g: Graph, x: Value, dim: int, keepdim: bool = False) -> list[str]:
    most = g.code.add("ReduceMax", x.name, axes=[dim], keepdims=int(keepdim))
    return [most, g.code.add("ArgMax", x.name, axis=dim, keepdims=int(keepdim))]


def _argmax(g: Graph, x: Value, dim: int | None = None, keepdim: bool = False) -> str:
    if dim is None:
        flat = g.code.add("Reshape", x.name, g.code.integers(-1))
        return g.code.add("ArgMax", flat, axis=0, keepdims=0)
    return g.code.add("ArgMax", x.name, axis=dim, keepdims=int(keepdim))


def _sort(g: Graph, x: Value, dim: int = -1, descending: bool = False) -> list[str]:
    count = g.code.add("Shape", x.name, start=dim % x.rank, end=dim % x.rank + 1)
    names = [g.code.fresh("sorted"), g.code.fresh("places")]
    return g.code.call("TopK", [x.name, count], names, axis=dim, largest=int(descending))


def _convolution(
    g: Graph, x: Value, weight: Any, bias: Any = None, stride: Any = (1,), padding: Any = (0,),
    dilation: Any = (1,), groups: int = 1,
) -> str:  # fmt: skip
    axes = np.ndim(_example(weight)) - 2
    kernel = np.shape(_example(weight))[2:]
    holes = each_axis(dilation, axes)
    sides = padded_sides(kernel, padding, holes)
    inputs = [x.name, g.value(weight).name, *([] if bias is None else [g.value(bias).name])]
    return g.code.add(
        "Conv",
        *inputs,
        strides=each_axis(stride, axes),
        dilations=holes,
        pads=[before for before, _ in sides] + [after for _, after in sides],
        group=groups,
    )


def _layer_norm(
    g: Graph, x: Value, shape: Sequence[int], weight: Any = None, bias: Any = None,
    epsilon: float = 1e-5, *_: Any,
) -> str:  # fmt: skip
    gain = np.ones(shape, np.float32) if weight is None else weight
    inputs = [x.name, g.value(gain).name, *([] if bias is None else [g.value(bias).name])]
    return g.code.add("LayerNormalization", *inputs, axis=-len(shape), epsilon=epsilon)


def _scan(
    g: Graph, equations: str, inputs: Sequence[Any], state: Sequence[Any],
    parameters: Sequence[Array], lengths: Any = None, *_: Any,
) -> list[Any]:  # fmt: skip
    """A recurrent layer as a Scan, by the exporter of layers."""
    graph = from_text(equations)
    names = [*graph.matrices, *graph.vectors]
    given = {spec.name: g.value(each).name for spec, each in zip(graph.inputs, inputs, strict=True)}
    if lengths is not None:
        graph = with_ends(graph)
        given["alive"] = _alive(g, given["x"], lengths)
    output, final = scan(
        g.code,
        graph,
        dict(zip(names, parameters, strict=True)),
        given,
        dict(zip(graph.state_sizes, (g.value(each).name for each in state), strict=True)),
        name=g.code.fresh("layer") + "/",
    )
    return [output, np.zeros(0, np.float32), *final.values()]


def _alive(g: Graph, x: str, lengths: Any) -> str:
    """Return 1 up to a sequence's end, 0 past it, [T, B, 1]."""
    every = _range(g, Value(g.code.add("Shape", x, start=0, end=1), 1))
    places = g.code.add("Unsqueeze", every, g.code.integers(1))
    alive = g.code.add("Cast", g.code.add("Less", places, g.cast(lengths, "i")), to=g.code.kind)
    return g.code.add("Unsqueeze", alive, g.code.integers(-1))


def _same(_: Graph, x: Value, *__: Any, **___: Any) -> str:
    return x.name


RULES: dict[str, Rule] = {
    "abs": _one("Abs"),
    "add": _two("Add"),
    "add.Tensor": _scaled("Add"),
    "addmm": _addmm,
    "alias": _same,
    "amax": _reduced("ReduceMax"),
    "amin": _reduced("ReduceMin"),
    "arange": _range,
    "arange.start": _range,
    "arange.start_step": _range,
    "argmax": _argmax,
    "bitwise_and.Tensor": _logical("And"),
    "bitwise_not": _one("Not"),
    "bitwise_or.Tensor": _logical("Or"),
    "bmm": _matmul,
    "cat": _joined,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clone": _same,
    "constant_pad_nd": lambda g, x, pads, value=0: _pad(g, x, pads, "constant", value),
    "contiguous": _same,
    "conv1d": _convolution,
    "conv2d": _convolution,
    "div.Tensor": _divide,
    "div.Tensor_mode": _divide,
    "dropout": _same,
    "embedding": _embedding,
    "embedding_bag": _bag,
    "embedding_bag.padding_idx": _bag,
    "eq.Scalar": _two("Equal"),
    "eq.Tensor": _two("Equal"),
    "exp": _one("Exp"),
    "expand": _expand,
    "flatten.using_ints": _flatten,
    "floordiv": _floor_divide,
    "full": _full,
    "full_like": lambda g, x, value, dtype=None, **_: _like(value)(g, x, dtype),
    "gather": _gather,
    "ge.Scalar": _two("GreaterOrEqual"),
    "ge.Tensor": _two("GreaterOrEqual"),
    "gt.Scalar": _two("Greater"),
    "gt.Tensor": _two("Greater"),
    "index.Tensor": _index,
    "index_select": _taken,
    "layer_norm": _layer_norm,
    "le.Scalar": _two("LessOrEqual"),
    "le.Tensor": _two("LessOrEqual"),
    "linear": _linear,
    "log": _one("Log"),
    "log_softmax.int": lambda g, x, dim, *_: g.code.add("LogSoftmax", x.name, axis=dim),
    "_log_softmax": lambda g, x, dim, *_: g.code.add("LogSoftmax", x.name, axis=dim),
    "logical_and": _logical("And"),
    "logical_not": _one("Not"),
    "logsumexp": _reduced("ReduceLogSumExp"),
    "longshort.scan": _scan,
    "lt.Scalar": _two("Less"),
    "lt.Tensor": _two("Less"),
    "masked_fill.Scalar": _masked,
    "masked_fill.Tensor": _masked,
    "matmul": _matmul,
    "max.dim": _best,
    "maximum": _two("Max"),
    "mean": _reduced("ReduceMean"),
    "mean.dim": _reduced("ReduceMean"),
    "minimum": _two("Min"),
    "mm": _matmul,
    "mod": _two("Mod"),
    "mul": _two("Mul"),
    "mul.Tensor": _two("Mul"),
    "ne.Scalar": _opposite("Equal"),
    "ne.Tensor": _opposite("Equal"),
    "neg": _one("Neg"),
    "new_full": lambda g, x, sizes, value, **more: _new(value)(g, x, sizes, **more),
    "new_ones": _new(1),
    "new_zeros": _new(0),
    "ones": lambda g, sizes, **more: _full(g, sizes, 1, **more),
    "ones_like": _like(1),
    "pad": _pad,
    "permute": lambda g, x, dims: g.code.add("Transpose", x.name, perm=[d % x.rank for d in dims]),
    "pow.Tensor_Scalar": lambda g, x, power: g.code.add("Pow", *g.pair(x, power)),
    "reciprocal": _one("Reciprocal"),
    "relu": _one("Relu"),
    "repeat": _repeat,
    "reshape": _view,
    "rsqrt": lambda g, x: g.code.add("Reciprocal", g.code.add("Sqrt", x.name)),
    "rsub.Scalar": lambda g, a, b: g.code.add("Sub", *g.pair(b, a)),
    "scatter_add": _scatter_add,
    "select.int": _select,
    "sigmoid": _one("Sigmoid"),
    "slice.Tensor": _slice,
    "softmax.int": lambda g, x, dim, *_: g.code.add("Softmax", x.name, axis=dim),
    "_softmax": lambda g, x, dim, *_: g.code.add("Softmax", x.name, axis=dim),
    "sort": _sort,
    "split.Tensor": _split,
    "split_with_sizes": _split,
    "sqrt": _one("Sqrt"),
    "square": lambda g, x: g.code.add("Mul", x.name, x.name),
    "squeeze": _squeeze,
    "squeeze.dim": _squeeze,
    "squeeze.dims": _squeeze,
    "stack": _stack,
    "sub": _two("Sub"),
    "sub.Tensor": _scaled("Sub"),
    "sum": _sum,
    "sum.dim_IntList": _sum,
    "sym_size.int": lambda g, x, dim: g.code.add(
        "Shape", x.name, start=dim % x.rank, end=dim % x.rank + 1
    ),
    "t": lambda g, x: g.code.add("Transpose", x.name, perm=[1, 0]),
    "tanh": _one("Tanh"),
    "_to_copy": _cast,
    "to.dtype": _cast,
    "transpose.int": _turned,
    "unbind.int": _unbind,
    "unflatten.int": _unflatten,
    "unsqueeze": _unsqueeze,
    "var.correction": _variance,
    "view": _view,
    "where.ScalarOther": _where,
    "where.ScalarSelf": _where,
    "where.self": _where,
    "zeros": lambda g, sizes, **more: _full(g, sizes, 0, **more),
    "zeros_like": _like(0),
}
"""Each step as nodes of ONNX; it returns the name of its result, or a list of them."""
