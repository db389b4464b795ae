"""A recurrent layer in one direction over time, from its equations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.engine.executors import numpy as reference
from longshort.engine.graph import Graph
from longshort.engine.text import from_text
from longshort.engine.trace import with_ends

Array = NDArray[Any]


def scan(
    equations: str,
    inputs: Sequence[Array],
    state: Sequence[Array],
    parameters: Sequence[Array],
    lengths: Array | None = None,
    _wanted: Sequence[int] = (),
    keep: bool = False,
    every_state: bool = False,
) -> list[Array]:
    """Return output [T, B, P], an empty tape, and the final states, in the graph's order.

    The arguments are those of the operator `longshort::scan`.
    """
    if keep or every_state:
        raise ValueError("longshort.scan: a runtime neither trains nor keeps every state")
    graph = from_text(equations)
    given = dict(zip((each.name for each in graph.inputs), inputs, strict=True))
    before = dict(zip(graph.state_sizes, state, strict=True))
    names = [*graph.matrices, *graph.vectors]
    weights = dict(zip(names, parameters, strict=True))
    if lengths is not None:
        graph, given = _with_ends(graph, given, lengths)
    found = reference.forward(graph, weights, given, before)
    dtype = inputs[0].dtype
    final = [found.final[name].astype(dtype, copy=False) for name in before]
    return [found.output.astype(dtype, copy=False), np.zeros(0, dtype), *final]


def _with_ends(
    graph: Graph, given: dict[str, Array], lengths: Array
) -> tuple[Graph, dict[str, Array]]:
    """Return the equations that stop at each sequence's end, and their inputs."""
    x = given["x"]
    inside = np.arange(len(x))[:, None] < np.broadcast_to(lengths, x.shape[1])
    return with_ends(graph), given | {"alive": inside[..., None].astype(x.dtype)}
