"""What of a model becomes code without Python: functions from arrays in the user's units.

A task names the functions of its network, with an example of each argument, which fixes all sizes.
Scaling is written as steps of the runtime before and after them, so that it becomes code too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import RunError
from longshort.runtime.network import Function, Network, Step, key_of
from longshort.runtime.program import Program
from longshort.runtime.recurrent import Layers
from longshort.runtime.tree import flatten

Array = NDArray[Any]

Chain = tuple[tuple[str, tuple[Any, ...]], ...]
"""Steps one after the other: kind, and arguments after the result of the step before."""


@dataclass(frozen=True, eq=False)
class Given:
    """An argument that the code takes.

    name: in the code. example: in the network's form. before: steps from the user's values to it.
    axes: names of the axes whose sizes can be any, where sizes stay open; None for others.
    """

    name: str
    example: Array
    before: Chain = ()
    axes: tuple[str | None, ...] = ()


@dataclass(frozen=True, eq=False)
class Held:
    """A state, which the code keeps between calls: its first values, and its axes."""

    start: Array
    axes: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Part:
    """One function of the code.

    name: in the code. function: of the network. arguments: its arguments, nested, in which arrays
    that stay as they are, `Given` and `Held` stand. Its results are the answer, then the states in
    the order of the arguments. after: steps from the network's answer to the user's. trials:
    arguments of calls one after the other, by name and in the user's units, which prove the code.
    """

    name: str
    function: str
    arguments: tuple[Any, ...]
    answer: str
    after: Chain
    trials: Sequence[Mapping[str, Array]]


@dataclass(frozen=True)
class Portable:
    """All code of a model, and what a page about it needs.

    page: plain values: "kind" of the widget, and what its script reads. what: a sentence that
    tells people what to do with it. says: lines about arguments and answers for those who call the
    code.
    """

    parts: tuple[Part, ...]
    page: dict[str, Any]
    what: str
    says: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Ready:
    """A part as one function with all weights, in the user's units.

    leaves: its arguments, `Given`, `Held` or arrays. arguments: an example of each of them. names:
    of those that are given, in order. fixed: places of arrays that stay as they are. states: which
    result becomes which argument.
    """

    part: Part
    function: Function
    weights: Mapping[str, Array]
    leaves: list[Any]
    arguments: list[Array]
    names: list[str]
    fixed: list[int]
    states: dict[int, int]

    def answers(self) -> list[Array]:
        """Return the answers to all trials, by the runtime."""
        run = Program(self.function, self.weights, Layers(), by_row=False)
        held = {place: self.arguments[place] for place in self.states.values()}
        found = []
        for trial in self.part.trials:
            given = iter(self.names)
            arrays = [
                example if place in self.fixed
                else held[place] if place in held
                else np.asarray(trial[next(given)], example.dtype)
                for place, example in enumerate(self.arguments)
            ]  # fmt: skip
            results = run(arrays)
            found.append(results[0])
            held = {place: results[result] for result, place in self.states.items()}
        return found


def ready(network: Network, part: Part) -> Ready:
    """Return a part of a network as one function; raises `RunError` where it has no such one."""
    leaves, takes = flatten(part.arguments, _is_leaf)
    found = network.functions.get((part.function, key_of(takes)))
    if found is None:
        raise RunError(
            f"the bundle has no function {part.function!r} for one sample; export the run again "
            "with this version"
        )
    weights, steps = dict(network.weights), list(found.steps)
    named, inputs, lead = dict(found.weights), list(found.inputs), list[Step]()
    for place, (own, leaf) in enumerate(zip(found.inputs, leaves, strict=True)):
        if isinstance(leaf, Given) and leaf.before:
            inputs[place] = f"{own}.given"
            lead += _chained(leaf.before, inputs[place], own, named, weights)
    results = list(found.results)
    if part.after:
        steps += _chained(part.after, results[0], "the.answer", named, weights)
        results[0] = "the.answer"
    gives = {"tuple": ["*"] * len(results)}
    whole = Function(part.name, takes, gives, tuple(inputs), named, (*lead, *steps), tuple(results))
    held = [place for place, leaf in enumerate(leaves) if isinstance(leaf, Held)]
    return Ready(
        part,
        whole,
        weights,
        leaves,
        [_example(leaf) for leaf in leaves],
        [leaf.name for leaf in leaves if isinstance(leaf, Given)],
        [place for place, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray)],
        {1 + number: place for number, place in enumerate(held)},
    )


def _chained(
    chain: Chain, first: str, last: str, named: dict[str, str], weights: dict[str, Array]
) -> Iterator[Step]:
    """Yield the steps of a chain, from the value `first` to the value `last`."""
    for number, (kind, arguments) in enumerate(chain):
        given: list[Any] = [{"result": first}]
        for each in arguments:
            if isinstance(each, np.ndarray):
                name = f"{last}.{len(weights)}"
                named[name], weights[name] = name, each
                each = {"result": name}
            given.append(each)
        name = last if number + 1 == len(chain) else f"{last}.step{number}"
        yield Step(name, kind, given, {})
        first = name


def scaled(location: Sequence[float], scale: Sequence[float]) -> Chain:
    """Return the steps that subtract a location and divide by a scale."""
    return (("sub.Tensor", (_single(location),)), ("div.Tensor", (_single(scale),)))


def unscaled(location: Sequence[float], scale: Sequence[float]) -> Chain:
    """Return the steps that multiply by a scale and add a location."""
    return (("mul.Tensor", (_single(scale),)), ("add.Tensor", (_single(location),)))


def _single(values: Sequence[float]) -> Array:
    return np.asarray(values, np.float32)


def _is_leaf(value: Any) -> bool:
    return isinstance(value, np.ndarray | Given | Held)


def _example(leaf: Any) -> Array:
    if isinstance(leaf, Given):
        return leaf.example
    found: Array = leaf.start if isinstance(leaf, Held) else leaf
    return found
