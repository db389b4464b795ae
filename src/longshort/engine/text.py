"""A graph as one line of text, for compiled and exported models, and parsing of it."""

from __future__ import annotations

import copyreg
import json
from functools import lru_cache

from longshort.engine.graph import Graph, Input, Level, Node


@lru_cache(maxsize=1024)
def to_text(graph: Graph) -> str:
    """Return a graph as JSON."""
    return _written(graph)


def shared(graph: Graph) -> Graph:
    """Return the one graph object with these equations, by which compiled programs are cached."""
    return from_text(_written(graph))


def _written(graph: Graph) -> str:
    return json.dumps(
        {
            "nodes": [
                (node.op, node.inputs, node.width, node.level, node.name, node.span, node.value)
                for node in graph.nodes
            ],
            "output": graph.output,
            "states": graph.states,
            "state_sizes": graph.state_sizes,
            "matrices": graph.matrices,
            "vectors": graph.vectors,
            "inputs": [
                (spec.name, spec.width, spec.per_sequence, spec.noise, spec.differentiable)
                for spec in graph.inputs
            ],
        },
        separators=(",", ":"),
    )


@lru_cache(maxsize=1024)
def from_text(text: str) -> Graph:
    """Return the graph of a text; the same object for the same text."""
    found = json.loads(text)
    return Graph(
        nodes=tuple(_node(*fields) for fields in found["nodes"]),
        output=found["output"],
        states=found["states"],
        state_sizes=found["state_sizes"],
        matrices={name: (rows, columns) for name, (rows, columns) in found["matrices"].items()},
        vectors=found["vectors"],
        inputs=tuple(_input(*fields) for fields in found["inputs"]),
    )


def _node(
    op: str,
    inputs: list[int],
    width: int,
    level: int,
    name: str,
    span: tuple[int, int],
    value: float,
) -> Node:
    return Node(op, tuple(inputs), width, Level(level), name, (span[0], span[1]), value)


def _input(
    name: str, width: int, per_sequence: bool, noise: tuple[str, float] | None, differentiable: bool
) -> Input:
    drawn = None if noise is None else (noise[0], noise[1])
    return Input(name, width, per_sequence, drawn, differentiable)


# Equations from a pickle or a copy become the object that exists already.
copyreg.pickle(Graph, lambda graph: (from_text, (to_text(graph),)))
