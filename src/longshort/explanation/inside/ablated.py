"""Equations in which single units are switched off: they stay at their mean."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from longshort.engine.executors.common.contract import Tensors
from longshort.engine.graph import Graph, Input, Level, Tape, Value
from longshort.engine.ops import where


@lru_cache(maxsize=64)
def ablated(graph: Graph) -> Graph:
    """Add inputs "off_NAME" and "mean_NAME" [B, W] for each state: where off is 1, it is the mean.

    An output that is a state is switched off with it.
    """
    tape = Tape(list(graph.nodes), {node: i for i, node in enumerate(graph.nodes)})
    inputs, states = list(graph.inputs), {}
    for name, index in graph.states.items():
        width = graph.state_sizes[name]
        leaves = []
        for kind in ("off", "mean"):
            inputs.append(Input(f"{kind}_{name}", width, per_sequence=True))
            leaves.append(tape.leaf("input", f"{kind}_{name}", width, Level.SEQUENCE))
        states[name] = where(leaves[0], leaves[1], Value(tape, index)).index
    output = next(
        (states[name] for name, index in graph.states.items() if index == graph.output),
        graph.output,
    )
    return replace(
        graph, nodes=tuple(tape.nodes), output=output, states=states, inputs=tuple(inputs)
    )


def unit_masks(graph: Graph, means: Tensors, x: Tensor) -> Tensors:
    """Return the further inputs with which copy k of a row has unit k switched off.

    A unit is a column of all states of the greatest width; narrower states stay as they are.
    """
    units, copies = max(graph.state_sizes.values()), x.size(1)
    found: dict[str, Tensor] = {}
    for name, width in graph.state_sizes.items():
        off = torch.eye(copies, width) if width == units else torch.zeros(copies, width)
        found[f"off_{name}"] = off.to(x)
        found[f"mean_{name}"] = means[name].to(x).expand(copies, width)
    return found
