"""A trained network as data: functions from nested arrays to nested arrays, as lists of steps.

Nothing here is code by name: a step is one of `longshort.runtime.steps.STEPS`, and its arguments
are plain values, earlier results and weights.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import RunError
from longshort.runtime.steps import STEPS
from longshort.runtime.tree import Structure, flatten, unflatten

Array = NDArray[Any]


class Callee(ABC):
    """A network in inference, whatever runs it."""

    @abstractmethod
    def call(self, function: str, *inputs: Any) -> Any:
        """Call one of its functions on nested NumPy arrays; returns nested NumPy arrays.

        What comes back with named fields has them as attributes, and goes in again as it is.
        """


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

    def run(self, weights: Mapping[str, Array], arrays: Sequence[Array]) -> Any:
        """Run all steps on the arguments' arrays."""
        values: dict[str, Any] = dict(zip(self.inputs, arrays, strict=True))
        values |= {name: weights[weight] for name, weight in self.weights.items()}
        for step in self.steps:
            given = [_filled(each, values) for each in step.arguments]
            more = {key: _filled(each, values) for key, each in step.options.items()}
            values[step.name] = STEPS[step.kind](*given, **more)
        return unflatten(self.gives, iter([np.asarray(values[name]) for name in self.results]))


def _filled(argument: Any, values: Mapping[str, Any]) -> Any:
    """Return an argument with the results that it refers to in their places."""
    if isinstance(argument, dict):
        return values[argument["result"]]
    if isinstance(argument, list):
        return [_filled(each, values) for each in argument]
    return argument


class Network(Callee):
    """A network's functions with its weights."""

    def __init__(self, functions: Iterable[Function], weights: Mapping[str, Array]) -> None:
        self.functions = {(each.name, key_of(each.takes)): each for each in functions}
        self.weights = weights

    def call(self, function: str, *inputs: Any) -> Any:
        """Call one of its functions; see `Callee.call`."""
        arrays, takes = flatten(inputs, is_array)
        found = self.functions.get((function, key_of(takes)))
        if found is None:
            known = sorted({name for name, _ in self.functions})
            raise RunError(
                f"the exported network has no function {function!r} for such inputs (it has "
                f"{', '.join(known)}); export the run again with this version"
            )
        return found.run(self.weights, arrays)


def is_array(value: Any) -> bool:
    """Whether a value is a NumPy array."""
    return isinstance(value, np.ndarray)


def key_of(structure: Structure) -> str:
    """Return a structure as text that can be looked up."""
    return json.dumps(structure, sort_keys=True)
