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
    states: Mapping[int, Buffer] | None = None,
    names: Sequence[str] = (),
    results: Sequence[str | Buffer | None] | None = None,
) -> Program:
    """Return a function as a program.

    arguments: an example of each of its arrays, which fixes the sizes. fixed: places of arguments
    whose values are those of the example always, such as lengths. states: arguments that are kept
    between calls, by their places. names: of the other arguments, of which those stay that are
    read. results: what each result becomes: an answer with this name, the new values of a state, or
    nothing; None: all are answers.

    Raises `RunError` for a function that cannot be written as loops.
    """
    builder = Builder(pool)
    states = states or {}
    values: dict[str, Any] = {}
    inputs = list[Buffer]()
    labels = iter(names)
    for place, (own, example) in enumerate(zip(function.inputs, arguments, strict=True)):
        if place in fixed:
            values[own] = example
            continue
        buffer = states.get(place)
        if buffer is None:
            buffer = Buffer(next(labels, f"input{len(inputs)}"), example.size, "input")
            inputs.append(buffer)
        places = np.arange(example.size).reshape(example.shape)
        values[own] = Array(buffer, places, example.dtype)
    values |= {label: weights[weight] for label, weight in function.weights.items()}
    for step in function.steps:
        given = [_filled(each, values) for each in step.arguments]
        more = {key: _filled(each, values) for key, each in step.options.items()}
        if step.kind == "longshort.scan":
            values[step.name] = scan(builder, *given, **more)
        else:
            values[step.name] = lowered(builder, step.kind, given, more)
    becomes = results or [f"output{number}" for number in range(len(function.results))]
    found = [values[each] for each in function.results]
    outputs, changed = _results(builder, found, becomes, set(states.values()))
    read = {each for statement in builder.statements for each in touched(statement)}
    needed = tuple(each for each in inputs if each in read)
    held = tuple(dict.fromkeys([*states.values(), *changed]))
    return Program(name, needed, outputs, held, tuple(builder.statements))


def _results(
    b: Builder, values: Sequence[Value], becomes: Sequence[str | Buffer | None], held: set[Buffer]
) -> tuple[tuple[Buffer, ...], list[Buffer]]:
    """Copy results to where they belong; states last, since results may be parts of old ones.

    Returns the answers, and the states that are written.
    """
    outputs, new = list[Buffer](), dict[Buffer, Array]()
    for value, place in zip(values, becomes, strict=True):
        if place is None:
            continue
        array = b.array(np.asarray(value) if not isinstance(value, Array) else value)
        if isinstance(place, Buffer):
            new[place] = array
            continue
        buffer = Buffer(place, array.places.size, "output")
        b.copy(array, _whole(buffer, array))
        outputs.append(buffer)
    changed = {buffer: each for buffer, each in new.items() if not _is_whole(buffer, each)}
    for buffer, array in changed.items():
        if array.buffer in held:
            changed[buffer] = b.copy(array)
    for buffer, array in changed.items():
        b.copy(array, _whole(buffer, array))
    return tuple(outputs), list(new)


def _whole(buffer: Buffer, like: Array) -> Array:
    return Array(buffer, np.arange(buffer.size).reshape(like.shape))


def _is_whole(buffer: Buffer, array: Array) -> bool:
    """Whether an array is a buffer as it is."""
    return array.buffer is buffer and bool((array.places.reshape(-1) == range(buffer.size)).all())


def _filled(argument: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(argument, dict):
        return values[argument["result"]]
    if isinstance(argument, list):
        return [_filled(each, values) for each in argument]
    return argument
