"""A trained network as data: functions from nested arrays to nested arrays, as lists of steps.

Nothing here is code by name: a step is one of `longshort.runtime.steps.STEPS`, and its arguments
are plain values, earlier results and weights.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from longshort.errors import RunError
from longshort.runtime.program import Program
from longshort.runtime.recurrent import Layers
from longshort.runtime.tree import Structure, flatten, refill, unflatten

Array = NDArray[Any]


class Callee(ABC):
    """A network in inference, whatever runs it."""

    @abstractmethod
    def call(self, function: str, *inputs: Any) -> Any:
        """Call one of its functions on nested NumPy arrays; returns nested NumPy arrays.

        What comes back with named fields has them as attributes, and goes in again as it is.
        """

    @property
    @abstractmethod
    def steps(self) -> bool:
        """Whether it can go on from a state, by the functions `first_state` and `advance`."""

    def bound(self, function: str, *inputs: Any) -> Bound:
        """Return a function from the arrays of inputs like these to those of the answer.

        For many small calls. The arrays are in the order of `runtime.tree.flatten`.
        """
        return Repeated(self, function, inputs)


class Bound(Protocol):
    """A function from arrays to arrays, prepared for many calls."""

    is_row_exact: bool
    """Whether a row's answer has the same bits whatever the other rows are."""

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the arrays of the answer."""


class Repeated:
    """A function of any network for inputs like an example; nothing is prepared."""

    is_row_exact = False

    def __init__(self, network: Callee, function: str, example: tuple[Any, ...]) -> None:
        self.network, self.function, self.example = network, function, example

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the arrays of the answer."""
        given = refill(self.example, is_array, iter(arrays))
        return flatten(self.network.call(self.function, *given), is_array)[0]


@dataclass(frozen=True)
class Step:
    """One step: results are named by `name`, and an argument {"result": name} is one of them."""

    name: str
    kind: str
    arguments: Sequence[Any]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Function:
    """One function of a network.

    takes, gives: structures of the arguments and of the result (`longshort.runtime.tree`). inputs:
    names of the arguments' arrays. weights: the names in the steps of weights, by their names in
    the network. results: names of the result's arrays.
    """

    name: str
    takes: Structure
    gives: Structure
    inputs: tuple[str, ...]
    weights: Mapping[str, str]
    steps: tuple[Step, ...]
    results: tuple[str, ...]


class Network(Callee):
    """A network's functions with its weights; weights are packed and functions bound on first use.

    layers: what runs recurrent layers; by default the native kernels with float32 weights.
    """

    def __init__(
        self,
        functions: Iterable[Function],
        weights: Mapping[str, Array],
        layers: Layers | None = None,
    ) -> None:
        self.functions = {(each.name, key_of(each.takes)): each for each in functions}
        self.weights = weights
        self.layers = layers or Layers()
        self._programs: dict[tuple[str, str, bool], Program] = {}

    def call(self, function: str, *inputs: Any) -> Any:
        """Call one of its functions; see `Callee.call`."""
        arrays, takes = flatten(inputs, is_array)
        found = self._found(function, takes)
        return unflatten(found.gives, iter(self._program(found)(arrays)))

    def bound(self, function: str, *inputs: Any) -> Bound:
        """Prepare a function for inputs like these; see `Callee.bound`."""
        found = self._found(function, flatten(inputs, is_array)[1])
        return self._program(found, by_row=True)

    @property
    def steps(self) -> bool:
        """Whether it can go on from a state; see `Callee.steps`."""
        return {"first_state", "advance"} <= {name for name, _ in self.functions}

    def _found(self, function: str, takes: Structure) -> Function:
        found = self.functions.get((function, key_of(takes)))
        if found is not None:
            return found
        known = sorted({name for name, _ in self.functions})
        raise RunError(
            f"the exported network has no function {function!r} for such inputs (it has "
            f"{', '.join(known)}); export the run again with this version"
        )

    def _program(self, function: Function, *, by_row: bool = False) -> Program:
        key = function.name, key_of(function.takes), by_row
        found = self._programs.get(key)
        if found is None:
            found = Program(function, self.weights, self.layers, by_row=by_row)
            self._programs[key] = found
        return found

    @property
    def said(self) -> str:
        """What runs its recurrent layers, and why, for people."""
        for function in self.functions.values():
            self._program(function)
        return self.layers.said


def is_array(value: Any) -> bool:
    """Whether a value is a NumPy array."""
    return isinstance(value, np.ndarray)


def key_of(structure: Structure) -> str:
    """Return a structure as text that can be looked up."""
    return json.dumps(structure, sort_keys=True)
