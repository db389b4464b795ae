"""A network's functions as ONNX: each step of the runtime as nodes, with sizes left open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto

from longshort.engine.executors.onnx import Code, scan
from longshort.engine.text import from_text
from longshort.engine.trace import with_ends
from longshort.errors import RunError
from longshort.export.onnx_moving import MOVING, range_to
from longshort.export.onnx_paths import best_path
from longshort.export.onnx_values import TYPES, Array, Graph, Rule, Value, axes_of, example_of
from longshort.runtime.convolution import each_axis, padded_sides


def _one(op: str, **attributes: Any) -> Rule:
    return lambda g, x, *_, **__: g.code.add(op, x.name, **attributes)


def _two(op: str) -> Rule:
    return lambda g, a, b: g.code.add(op, *g.pair(a, b))


def _scaled(op: str) -> Rule:
    def rule(g: Graph, a: Any, b: Any, alpha: Any = 1) -> str:
        if alpha != 1:
            b = Value(g.code.add("Mul", *g.pair(b, alpha)), example_of(b))
        return g.code.add(op, *g.pair(a, b))

    return rule


def _divide(g: Graph, a: Any, b: Any, rounding_mode: str | None = None) -> str:
    found = g.code.add("Div", g.cast(a, "f"), g.cast(b, "f"))
    if rounding_mode is None:
        return found
    if rounding_mode != "floor":
        raise RunError(f"--to onnx: division with {rounding_mode=} has no form here")
    floor = g.code.add("Floor", found)
    is_whole = all(g.value(each).kind != "f" for each in (a, b))
    return g.code.add("Cast", floor, to=TYPES["i"]) if is_whole else floor


def _floor_divide(g: Graph, a: Any, b: Any) -> str:
    """Sizes are not negative, so that whole division rounds down."""
    return g.code.add("Div", *g.pair(a, b))


def _opposite(op: str) -> Rule:
    return lambda g, a, b: g.code.add("Not", g.code.add(op, *g.pair(a, b)))


def _logical(op: str) -> Rule:
    return lambda g, a, b: g.code.add(op, g.cast(a, "b"), g.cast(b, "b"))


def _sum(g: Graph, x: Value, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> str:
    given = g.cast(x, "i") if x.kind == "b" else x.name
    if dtype == "float32":
        given = g.cast(x, "f")
    return g.code.add("ReduceSum", given, g.code.integers(*axes_of(x, dim)), keepdims=int(keepdim))


def _reduced(op: str) -> Rule:
    def rule(g: Graph, x: Value, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> str:
        del dtype
        return g.code.add(op, x.name, axes=axes_of(x, dim), keepdims=int(keepdim))

    return rule


def _variance(
    g: Graph, x: Value, dim: Any = None, correction: Any = 1, keepdim: bool = False
) -> str:
    axes = axes_of(x, dim)
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


def _log1p(g: Graph, x: Value) -> str:
    return g.code.add("Log", g.code.add("Add", x.name, g.code.number(1.0)))


def _where(g: Graph, condition: Any, a: Any, b: Any) -> str:
    like = next((each for each in (a, b) if isinstance(each, Value | np.ndarray)), a)
    kind = g.value(like).kind
    return g.code.add("Where", g.cast(condition, "b"), g.cast(a, kind), g.cast(b, kind))


def _masked(g: Graph, x: Any, mask: Any, value: Any) -> str:
    given = g.value(x)
    fill = value if isinstance(value, Value) else np.asarray(value, example_of(given).dtype)
    return g.code.add("Where", g.cast(mask, "b"), g.cast(fill, given.kind), given.name)


def _clamp(g: Graph, x: Value, least: Any = None, most: Any = None) -> str:
    found = x.name
    for op, limit in (("Max", least), ("Min", most)):
        if limit is not None:
            found = g.code.add(op, found, g.value(np.asarray(limit, x.example.dtype)).name)
    return found


def _cast(g: Graph, x: Value, dtype: str | None = None, *_: Any, **__: Any) -> str:
    return x.name if dtype is None else g.cast(x, np.dtype(dtype).kind)


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
    axes = np.ndim(example_of(weight)) - 2
    kernel = np.shape(example_of(weight))[2:]
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
    every = range_to(g, Value(g.code.add("Shape", x, start=0, end=1), 1))
    places = g.code.add("Unsqueeze", every, g.code.integers(1))
    alive = g.code.add("Cast", g.code.add("Less", places, g.cast(lengths, "i")), to=g.code.kind)
    return g.code.add("Unsqueeze", alive, g.code.integers(-1))


RULES: dict[str, Rule] = {
    **MOVING,
    "abs": _one("Abs"),
    "add": _two("Add"),
    "add.Tensor": _scaled("Add"),
    "addmm": _addmm,
    "amax": _reduced("ReduceMax"),
    "amin": _reduced("ReduceMin"),
    "argmax": _argmax,
    "bitwise_and.Tensor": _logical("And"),
    "bitwise_not": _one("Not"),
    "bitwise_or.Tensor": _logical("Or"),
    "bmm": _matmul,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "conv1d": _convolution,
    "conv2d": _convolution,
    "div.Tensor": _divide,
    "div.Tensor_mode": _divide,
    "eq.Scalar": _two("Equal"),
    "eq.Tensor": _two("Equal"),
    "exp": _one("Exp"),
    "floordiv": _floor_divide,
    "ge.Scalar": _two("GreaterOrEqual"),
    "ge.Tensor": _two("GreaterOrEqual"),
    "gt.Scalar": _two("Greater"),
    "gt.Tensor": _two("Greater"),
    "layer_norm": _layer_norm,
    "le.Scalar": _two("LessOrEqual"),
    "le.Tensor": _two("LessOrEqual"),
    "linear": _linear,
    "log": _one("Log"),
    "log1p": _log1p,
    "log_softmax.int": lambda g, x, dim, *_: g.code.add("LogSoftmax", x.name, axis=dim),
    "_log_softmax": lambda g, x, dim, *_: g.code.add("LogSoftmax", x.name, axis=dim),
    "logical_and": _logical("And"),
    "logical_not": _one("Not"),
    "logsumexp": _reduced("ReduceLogSumExp"),
    "longshort.best_path": best_path,
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
    "pow.Tensor_Scalar": lambda g, x, power: g.code.add("Pow", *g.pair(x, power)),
    "reciprocal": _one("Reciprocal"),
    "relu": _one("Relu"),
    "rsqrt": lambda g, x: g.code.add("Reciprocal", g.code.add("Sqrt", x.name)),
    "rsub.Scalar": lambda g, a, b: g.code.add("Sub", *g.pair(b, a)),
    "sigmoid": _one("Sigmoid"),
    "softmax.int": lambda g, x, dim, *_: g.code.add("Softmax", x.name, axis=dim),
    "_softmax": lambda g, x, dim, *_: g.code.add("Softmax", x.name, axis=dim),
    "sort": _sort,
    "sqrt": _one("Sqrt"),
    "square": lambda g, x: g.code.add("Mul", x.name, x.name),
    "sub": _two("Sub"),
    "sub.Tensor": _scaled("Sub"),
    "sum": _sum,
    "sum.dim_IntList": _sum,
    "tanh": _one("Tanh"),
    "_to_copy": _cast,
    "to.dtype": _cast,
    "var.correction": _variance,
    "where.ScalarOther": _where,
    "where.ScalarSelf": _where,
    "where.self": _where,
}
"""Each step as nodes."""


def graph_in(code: Code) -> Graph:
    """Return what writes steps into this code."""
    return Graph(code, RULES)
