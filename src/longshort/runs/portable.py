"""What of a model becomes code without Python: functions from arrays in the user's units.

A task names the functions of its network, with an example of each argument, which fixes all sizes.
Scaling is written as steps of the runtime before and after them, so that it becomes code too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
"""Steps one after the other: kind, and arguments after the result of the step before.

Arguments are plain values, arrays, and `Given` for another argument of the code.
"""


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
class Answer:
    """An answer of the code: its name, and the steps to it from the network's first result."""

    name: str
    after: Chain = ()


@dataclass(frozen=True)
class Part:
    """One function of the code.

    name: in the code. function: of the network. arguments: its arguments, nested, in which arrays
    that stay as they are, `Given` and `Held` stand. answers: all from the network's first result.
    trials: arguments of calls one after the other, by name and in the user's units, which prove the
    code. lead: calls of other parts before the trials, by the part's name. becomes: what becomes of
    each result of the network, a state or nothing; None: those after the first are the new values
    of the arguments that are states.
    """

    name: str
    function: str
    arguments: tuple[Any, ...]
    answers: tuple[Answer, ...]
    trials: Sequence[Mapping[str, Array]]
    lead: Sequence[tuple[str, Mapping[str, Array]]] = ()
    becomes: Sequence[Held | None] | None = None


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
    of those that are given, in order. fixed: places of arrays that stay as they are. becomes: what
    each result becomes, an answer with this name, a state, or nothing.
    """

    part: Part
    function: Function
    weights: Mapping[str, Array]
    leaves: list[Any]
    arguments: list[Array]
    names: list[str]
    fixed: list[int]
    becomes: list[str | Held | None]

    @property
    def states(self) -> dict[int, Held]:
        """The arguments that are states, by their places."""
        return {k: leaf for k, leaf in enumerate(self.leaves) if isinstance(leaf, Held)}

    def arrays(self, given: Mapping[str, Array], states: Mapping[Held, Array]) -> list[Array]:
        """Return all arguments of a call."""
        return [
            np.asarray(given[leaf.name], leaf.example.dtype) if isinstance(leaf, Given)
            else states.get(leaf, leaf.start) if isinstance(leaf, Held)
            else leaf
            for leaf in self.leaves
        ]  # fmt: skip

    def told(self, results: Sequence[Array]) -> tuple[list[Array], dict[Held, Array]]:
        """Return the answers among results, and the new values of states."""
        pairs = list(zip(self.becomes, results, strict=True))
        answers = [each for place, each in pairs if isinstance(place, str)]
        return answers, {place: each for place, each in pairs if isinstance(place, Held)}


def states_of(parts: Sequence[Ready]) -> list[Held]:
    """Return the states of all parts, each once."""
    every = [held for each in parts for held in (*each.states.values(), *each.becomes)]
    return list(dict.fromkeys(each for each in every if isinstance(each, Held)))


Run = Callable[[Ready, Sequence[Array]], Sequence[Array]]
"""Runs a part on arrays, and returns its results."""


def replayed(parts: Sequence[Ready], one: Ready, run: Run | None = None) -> list[list[Array]]:
    """Return the answers to all trials of one of the parts; run: the runtime by default."""
    run = run or _in_runtime()
    named = {each.part.name: each for each in parts}
    found, states = list[list[Array]](), dict[Held, Array]()
    calls = [*one.part.lead, *((one.part.name, given) for given in one.part.trials)]
    for name, given in calls:
        part = named[name]
        answers, new = part.told(run(part, part.arrays(given, states)))
        found.append(answers)
        states |= new
    return found[len(one.part.lead) :]


def _in_runtime() -> Run:
    programs = dict[Ready, Program]()

    def run(part: Ready, arrays: Sequence[Array]) -> Sequence[Array]:
        if part not in programs:
            programs[part] = Program(part.function, part.weights, Layers(), by_row=False)
        return programs[part](arrays)

    return run


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
    given = {leaf: own for own, leaf in zip(inputs, leaves, strict=True) if isinstance(leaf, Given)}
    for place, (own, leaf) in enumerate(zip(found.inputs, leaves, strict=True)):
        if isinstance(leaf, Given) and leaf.before:
            inputs[place] = f"{own}.given"
            lead += _chained(leaf.before, inputs[place], own, named, weights, given)
    results, becomes = list[str](), list[str | Held | None]()
    for number, each in enumerate(part.answers):
        last = f"answer.{number}" if each.after else found.results[0]
        steps += _chained(each.after, found.results[0], last, named, weights, given)
        results.append(last)
        becomes.append(each.name)
    for result, held in zip(found.results, _becomes(part, leaves, found.results), strict=True):
        if held is not None:
            results.append(result)
            becomes.append(held)
    gives = {"tuple": ["*"] * len(results)}
    whole = Function(part.name, takes, gives, tuple(inputs), named, (*lead, *steps), tuple(results))
    return Ready(
        part,
        whole,
        weights,
        leaves,
        [_example(leaf) for leaf in leaves],
        [leaf.name for leaf in leaves if isinstance(leaf, Given)],
        [place for place, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray)],
        becomes,
    )


def _becomes(part: Part, leaves: Sequence[Any], results: Sequence[str]) -> list[Held | None]:
    """Return which state each result of the network becomes."""
    if part.becomes is not None:
        return list(part.becomes)
    held = [leaf for leaf in leaves if isinstance(leaf, Held)]
    return [None, *held, *[None] * (len(results) - 1 - len(held))]


def _chained(
    chain: Chain, first: str, last: str, named: dict[str, str], weights: dict[str, Array],
    inputs: Mapping[Given, str],
) -> Iterator[Step]:  # fmt: skip
    """Yield the steps of a chain, from the value `first` to the value `last`.

    inputs: names of the arguments that the steps may take.
    """
    for number, (kind, arguments) in enumerate(chain):
        given: list[Any] = [{"result": first}]
        for each in arguments:
            if isinstance(each, np.ndarray):
                name = f"{last}.{len(weights)}"
                named[name], weights[name] = name, each
                each = {"result": name}
            elif isinstance(each, Given):
                each = {"result": inputs[each]}
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
