"""Values of code: what it is given, what it keeps, what a network answers, and what is computed.

Scaling, scores and the like are steps of the runtime around a network, so that they are code too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.runtime.network import Step
from longshort.runtime.steps import STEPS
from longshort.runtime.tree import flatten

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Given:
    """An argument that the code takes, in the user's units.

    name: in the code. example: an array of its shape. axes: names of the axes whose sizes can be
    any, where sizes stay open; None for others.
    """

    name: str
    example: Array
    axes: tuple[str | None, ...] = ()


@dataclass(frozen=True, eq=False)
class Held:
    """A state, which the code keeps between calls: its first values, and its axes."""

    start: Array
    axes: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Result:
    """A result of the network, by its number."""

    number: int = 0


@dataclass(frozen=True, eq=False)
class Computed:
    """What a step of the runtime makes of other values.

    arguments: values, arrays, lists of these, and plain values.
    """

    kind: str
    arguments: tuple[Any, ...]


Value = Given | Held | Result | Computed


def computed(kind: str, *arguments: Any) -> Computed:
    """Return what a step makes of its arguments."""
    return Computed(kind, arguments)


def scaled(value: Value, location: ArrayLike, scale: ArrayLike) -> Computed:
    """Return a value less a location, over a scale."""
    return computed("div.Tensor", computed("sub.Tensor", value, single(location)), single(scale))


def unscaled(value: Value, location: ArrayLike, scale: ArrayLike) -> Computed:
    """Return a value times a scale, plus a location."""
    return computed("add.Tensor", computed("mul.Tensor", value, single(scale)), single(location))


def single(values: Any) -> Array:
    """Return numbers as code has them."""
    return np.asarray(values, np.float32)


def new_states(state: Any, first: int = 1) -> dict[Held, Result]:
    """Return which result is the new value of each part of a state; first: number of the first."""
    parts, _ = flatten(state, lambda each: isinstance(each, Held))
    return {each: Result(number) for number, each in enumerate(parts, first)}


def sources(values: Iterable[Any]) -> list[Given | Held]:
    """Return the arguments and states that values are computed from, each once."""
    found: dict[Any, None] = {}
    waiting, seen = list(values)[::-1], set[Computed]()
    while waiting:
        value = waiting.pop()
        if isinstance(value, Given | Held):
            found[value] = None
        elif isinstance(value, list | tuple):
            waiting += value[::-1]
        elif isinstance(value, Computed) and value not in seen:
            seen.add(value)
            waiting += value.arguments[::-1]
    return list(found)


def evaluated(value: Any, given: Mapping[str, Array]) -> Any:
    """Return a value that needs neither states nor the network, for these arguments by name."""
    known: dict[Computed, Any] = {}

    def of(each: Any) -> Any:
        if isinstance(each, Given):
            return np.asarray(given[each.name], each.example.dtype)
        if isinstance(each, Computed):
            if each not in known:
                known[each] = STEPS[each.kind](*map(of, each.arguments))
            return known[each]
        return list(map(of, each)) if isinstance(each, list) else each

    return of(value)


class Steps:
    """Writes values as steps, each once.

    named: names of values that have one already. weights: those of the function, by name, to which
    constants are added.
    """

    def __init__(self, named: Mapping[Value, str], weights: dict[str, Array]) -> None:
        self.named, self.weights = dict(named), weights
        self.steps: list[Step] = []
        self.constants: dict[str, str] = {}

    def put(self, name: str, value: Value | Array) -> None:
        """Give a value, or an array that stays as it is, another name."""
        self.steps.append(Step(name, "alias", [self._argument(value)], {}))

    def name(self, value: Value) -> str:
        """Return the name of a value, which is written where it has none yet."""
        if value not in self.named:
            assert isinstance(value, Computed), "arguments, states and results have names"
            arguments = [self._argument(each) for each in value.arguments]
            self.named[value] = f"code.{len(self.named)}"
            self.steps.append(Step(self.named[value], value.kind, arguments, {}))
        return self.named[value]

    def _argument(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [self._argument(each) for each in value]
        if isinstance(value, np.ndarray):
            name = f"code.constant{len(self.constants)}"
            self.constants[name], self.weights[name] = name, value
            return {"result": name}
        return {"result": self.name(value)} if isinstance(value, Value) else value
