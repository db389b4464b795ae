"""A network's functions as plain values for JSON, and back, with every part checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from longshort.errors import RunError
from longshort.runtime.network import Function, Step
from longshort.runtime.steps import STEPS


def to_plain(function: Function) -> dict[str, Any]:
    """Return a function as plain values."""
    return {
        "name": function.name,
        "takes": function.takes,
        "gives": function.gives,
        "inputs": list(function.inputs),
        "weights": dict(function.weights),
        "steps": [_step_to_plain(each) for each in function.steps],
        "results": list(function.results),
    }


def from_plain(stored: Mapping[str, Any], weights: Sequence[str]) -> Function:
    """Return the function that `to_plain` wrote; weights: the names of those that there are.

    Raises `RunError` for a step that is not known, and for a value that nothing has made.
    """
    try:
        steps = tuple(_step_from_plain(*each) for each in stored["steps"])
        found = Function(
            str(stored["name"]),
            stored["takes"],
            stored["gives"],
            tuple(stored["inputs"]),
            dict(stored["weights"]),
            steps,
            tuple(stored["results"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"a function of the network is damaged: {error}") from None
    _check(found, set(weights))
    return found


def _step_to_plain(step: Step) -> list[Any]:
    options = {key: _number_out(each) for key, each in step.options.items()}
    return [step.name, step.kind, _number_out(list(step.arguments)), options]


def _step_from_plain(name: str, kind: str, arguments: list[Any], options: dict[str, Any]) -> Step:
    more = {key: _number_in(each) for key, each in options.items()}
    return Step(name, kind, _number_in(arguments), more)


def _number_out(value: Any) -> Any:
    """Return an argument in which numbers that JSON lacks are {"number": text}."""
    if isinstance(value, list):
        return [_number_out(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": str(value)}
    return value


def _number_in(value: Any) -> Any:
    if isinstance(value, list):
        return [_number_in(each) for each in value]
    if isinstance(value, dict) and "number" in value:
        return float(value["number"])
    return value


def _check(function: Function, weights: set[str]) -> None:
    missing = sorted(set(function.weights.values()) - weights)
    if missing:
        raise RunError(f"function {function.name}: there is no weight {missing[0]!r}")
    known = {*function.inputs, *function.weights}
    for step in function.steps:
        if step.kind not in STEPS:
            raise RunError(
                f"function {function.name}: the step {step.kind!r} is not known to this version; "
                "update longshort, or export the run again"
            )
        for name in _referred([*step.arguments, *step.options.values()]):
            if name not in known:
                raise RunError(f"function {function.name}: {step.name} needs {name!r} before it")
        known.add(step.name)
    for name in function.results:
        if name not in known:
            raise RunError(f"function {function.name}: nothing makes its result {name!r}")


def _referred(arguments: Any) -> list[str]:
    """Return the names of the results that arguments refer to."""
    if isinstance(arguments, dict):
        return [str(arguments.get("result"))]
    if isinstance(arguments, list):
        return [name for each in arguments for name in _referred(each)]
    return []
