"""Values of an ONNX graph that is being written, each with an example.

The example says rank and type. What depends on no input is computed when the model is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from longshort.engine.executors.onnx import Code
from longshort.errors import RunError
from longshort.runtime.network import Function
from longshort.runtime.steps import STEPS

Array = NDArray[Any]


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
    """Writes the nodes of a function's steps; rules: how each step becomes nodes."""

    def __init__(self, code: Code, rules: Mapping[str, Rule]) -> None:
        self.code, self.rules = code, rules

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
        if not has_value([*arguments, *options.values()]):
            return STEPS[kind](*arguments, **options)
        if kind == "getitem" and isinstance(arguments[0], list | tuple):
            return arguments[0][arguments[1]]
        if kind not in self.rules:
            raise RunError(f"--to onnx: the step {kind} has no form in ONNX here")
        with np.errstate(all="ignore"):
            example = STEPS[kind](
                *map(example_of, arguments), **{k: example_of(v) for k, v in options.items()}
            )
        found = self.rules[kind](self, *arguments, **options)
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
        if not has_value(list(sizes)):
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


def has_value(given: Any) -> bool:
    """Whether an argument holds a value of the graph."""
    if isinstance(given, list | tuple):
        return any(has_value(each) for each in given)
    return isinstance(given, Value)


def example_of(given: Any) -> Any:
    """Return the example of a value, and everything else as it is."""
    if isinstance(given, list | tuple):
        return [example_of(each) for each in given]
    return given.example if isinstance(given, Value) else given


Rule = Callable[..., Any]
"""Writes a step: the graph, then the step's arguments; returns the names of its results."""


def axes_of(x: Value, dim: Any) -> list[int]:
    """Return the axes that an argument of a step names; all where it names none."""
    if dim is None or dim == []:
        return list(range(x.rank))
    return [dim] if isinstance(dim, int) else list(dim)
