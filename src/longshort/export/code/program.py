"""A network's function as a program of loops, for arguments of given sizes.

What depends on no input is computed when the program is written: sizes, masks of whole sequences,
products of weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from longshort.export.code.arrays import Array, Builder, Known, Pool, Value
from longshort.export.code.equations import scan
from longshort.export.code.loops import Buffer, Program, touched
from longshort.export.code.rules import lowered
from longshort.runtime.network import Function


def program(
    function: Function,
    weights: Mapping[str, Known],
    pool: Pool,
    arguments: Sequence[Known],
    *,
    name: str,
    fixed: Sequence[int] = (),
    states: Mapping[int, int] | None = None,
    names: Sequence[str] = (),
    answer: str = "output0",
) -> Program:
    """Return a function as a program.

    arguments: an example of each of its arrays, which fixes the sizes. fixed: places of arguments
    whose values are those of the example always, such as lengths. states: which result becomes
    which argument in the next call. names: of the other arguments, of which those
    stay that are read. answer: name of the first result.

    Raises `RunError` for a function that cannot be written as loops.
    """
    builder = Builder(pool)
    states = states or {}
    values: dict[str, Any] = {}
    inputs, held = list[Buffer](), dict[int, Buffer]()
    labels = iter(names)
    for place, (own, example) in enumerate(zip(function.inputs, arguments, strict=True)):
        if place in fixed:
            values[own] = example
            continue
        is_state = place in states.values()
        label = f"state{len(held)}" if is_state else next(labels, f"input{len(inputs)}")
        buffer = Buffer(label, example.size, "state" if is_state else "input")
        places = np.arange(example.size).reshape(example.shape)
        values[own] = Array(buffer, places, example.dtype)
        if is_state:
            held[place] = buffer
        else:
            inputs.append(buffer)
    values |= {label: weights[weight] for label, weight in function.weights.items()}
    for step in function.steps:
        given = [_filled(each, values) for each in step.arguments]
        more = {key: _filled(each, values) for key, each in step.options.items()}
        if step.kind == "longshort.scan":
            values[step.name] = scan(builder, *given, **more)
        else:
            values[step.name] = lowered(builder, step.kind, given, more)
    results = [values[each] for each in function.results]
    outputs = _results(builder, results, states, held, answer)
    ordered = tuple(held[place] for place in sorted(held))
    read = {each for statement in builder.statements for each in touched(statement)}
    needed = tuple(each for each in inputs if each in read)
    return Program(name, needed, outputs, ordered, tuple(builder.statements))


def _results(
    b: Builder,
    results: Sequence[Value],
    states: Mapping[int, int],
    held: Mapping[int, Buffer],
    answer: str,
) -> tuple[Buffer, ...]:
    """Copy results to where they belong; states last, since results may be parts of old ones."""
    outputs = list[Buffer]()
    for place, value in enumerate(results):
        if place in states:
            continue
        array = b.array(np.asarray(value) if not isinstance(value, Array) else value)
        name = f"output{len(outputs)}" if outputs else answer
        buffer = Buffer(name, array.places.size, "output")
        b.copy(array, Array(buffer, np.arange(buffer.size).reshape(array.shape)))
        outputs.append(buffer)
    own = set(held.values())
    new = {states[place]: b.array(results[place]) for place in states}
    for place, array in new.items():
        if array.buffer in own and array.buffer is not held[place]:
            new[place] = b.copy(array)
    for place, array in new.items():
        buffer = held[place]
        b.copy(array, Array(buffer, np.arange(buffer.size).reshape(array.shape)))
    return tuple(outputs)


def _filled(argument: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(argument, dict):
        return values[argument["result"]]
    if isinstance(argument, list):
        return [_filled(each, values) for each in argument]
    return argument
