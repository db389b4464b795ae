"""What of a model becomes code without Python: functions from arrays in the user's units.

A task names the functions of its network, with an example of each argument, which fixes all sizes,
and what is computed before and after them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import RunError
from longshort.runs.portable_values import Given, Held, Result, Steps, Value, sources
from longshort.runtime.network import Function, Network, key_of
from longshort.runtime.program import Program
from longshort.runtime.recurrent import Layers
from longshort.runtime.tree import flatten

Array = NDArray[Any]


@dataclass(frozen=True)
class Part:
    """One function of the code.

    name: in the code. function: of the network. arguments: its arguments, nested, in which values
    stand and arrays that stay as they are. answers: by name. keeps: the new values of states.
    trials: arguments of calls one after the other, by name and in the user's units, which prove the
    code. lead: calls of other parts before the trials, by the part's name.
    """

    name: str
    function: str
    arguments: tuple[Any, ...]
    answers: Mapping[str, Value]
    trials: Sequence[Mapping[str, Array]]
    keeps: Mapping[Held, Value] = field(default_factory=dict)
    lead: Sequence[tuple[str, Mapping[str, Array]]] = ()


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

    inputs: what becomes of its arguments, given or held. becomes: what each result becomes, an
    answer with this name, or a state.
    """

    part: Part
    function: Function
    weights: Mapping[str, Array]
    inputs: list[Given | Held]
    becomes: list[str | Held]

    @property
    def states(self) -> dict[int, Held]:
        """The arguments that are states, by their places."""
        return {k: each for k, each in enumerate(self.inputs) if isinstance(each, Held)}

    @property
    def examples(self) -> list[Array]:
        """An array of the shape of each argument."""
        return [each.example if isinstance(each, Given) else each.start for each in self.inputs]

    def arrays(self, given: Mapping[str, Array], states: Mapping[Held, Array]) -> list[Array]:
        """Return the arguments of a call."""
        return [
            states.get(each, each.start) if isinstance(each, Held)
            else np.asarray(given[each.name], each.example.dtype)
            for each in self.inputs
        ]  # fmt: skip

    def told(self, results: Sequence[Array]) -> tuple[list[Array], dict[Held, Array]]:
        """Return the answers among results, and the new values of states."""
        pairs = list(zip(self.becomes, results, strict=True))
        answers = [each for place, each in pairs if isinstance(place, str)]
        return answers, {place: each for place, each in pairs if isinstance(place, Held)}


def states_of(parts: Sequence[Ready]) -> list[Held]:
    """Return the states of all parts, each once."""
    every = [held for each in parts for held in (*each.inputs, *each.becomes)]
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
    inputs = sources([*leaves, *part.answers.values(), *part.keeps.values()])
    names = [f"code.given{number}" for number in range(len(inputs))]
    known: dict[Value, str] = {Result(k): name for k, name in enumerate(found.results)}
    known |= dict(zip(inputs, names, strict=True))
    weights = dict(network.weights)
    steps = Steps(known, weights)
    for name, leaf in zip(found.inputs, leaves, strict=True):
        steps.put(name, leaf)
    steps.steps += found.steps
    order = {each: number for number, each in enumerate(inputs)}
    keeps = sorted(part.keeps, key=lambda each: order.get(each, len(order)))
    values = [*part.answers.values(), *(part.keeps[each] for each in keeps)]
    told = [steps.name(each) for each in values]
    gives = {"tuple": ["*"] * len(told)}
    named = {**found.weights, **steps.constants}
    whole = Function(part.name, takes, gives, tuple(names), named, tuple(steps.steps), tuple(told))
    return Ready(part, whole, weights, inputs, [*part.answers, *keeps])


def _is_leaf(value: Any) -> bool:
    return isinstance(value, np.ndarray | Value)
