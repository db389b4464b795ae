"""A layer's output in parts, for many phrases at once.

Letters: T steps, P phrases, I input size, W width of a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from longshort.engine.executors.common.contract import Tensors
from longshort.engine.graph import Graph, Level, Node
from longshort.engine.scan import Traced
from longshort.explanation.decomposition.parts import Parts, applied, constant, joined

_TINY = 1e-12


@dataclass(frozen=True)
class Decomposed:
    """What of the output comes from the phrases, [T, P, W].

    error: by how much the parts miss the output, as a share of its largest value.
    """

    phrase: Tensor
    error: float


def decomposed(
    traced: Traced,
    parameters: Tensors,
    x: Tensor,
    phrase: Tensor,
    state: Tensors,
    output_of_scan: Tensor,
    *,
    reverse: bool,
) -> Decomposed:
    """Part the output of one layer in one direction, for a single sequence without padding.

    x [T, 1, I]; phrase [T, P, I]: what of x comes from each phrase; a step belongs to a phrase if
    anything there comes from it. state [1, W]: before the first step, which belongs to the rest.
    output_of_scan [T, 1, W]: the whole output, with which the parts are compared.
    """
    if reverse:
        x, phrase = x.flip(0), phrase.flip(0)
    inside = (phrase != 0).any(-1, keepdim=True).to(x)
    cell = _Cell(traced.graph, parameters)
    states = {name: Parts(0 * value, value, 0 * value) for name, value in state.items()}
    found, whole = [], []
    for now, part, within in zip(x, phrase, inside, strict=True):
        output, states = cell.step(Parts(part, now - part, 0 * now), states, within)
        found.append(output.phrase.expand(len(part), traced.output_size))
        whole.append(output.whole.expand(len(part), traced.output_size))
    phrases, wholes = torch.stack(found), torch.stack(whole)
    if reverse:
        phrases, wholes = phrases.flip(0), wholes.flip(0)
    size = max(float(output_of_scan.abs().max()), _TINY)
    return Decomposed(phrases, float((wholes - output_of_scan).abs().max()) / size)


class _Cell:
    """The equations of one step on values in parts."""

    def __init__(self, graph: Graph, parameters: Tensors) -> None:
        self.graph, self.parameters = graph, parameters
        self.order = graph.needed(graph.output, *graph.states.values())
        self.new = set(graph.states.values())
        self.read_out = _read_out(graph)

    def step(
        self, x: Parts, states: dict[str, Parts], inside: Tensor
    ) -> tuple[Parts, dict[str, Parts]]:
        """Return the parts of the output and of the new states.

        New states and the output have no bias of their own: it belongs to the phrases whose step
        this is, and to the rest elsewhere.
        """
        values: dict[int, Parts] = {}
        for index in self.order:
            node = self.graph.nodes[index]
            given = [values[i] for i in node.inputs]
            found = self._value(index, node, given, x, states)
            is_kept = index in self.new or index == self.graph.output
            values[index] = found.merged(inside) if is_kept else found
        after = {name: values[index] for name, index in self.graph.states.items()}
        return values[self.graph.output], after

    def _value(
        self, index: int, node: Node, given: list[Parts], x: Parts, states: dict[str, Parts]
    ) -> Parts:
        like = x.rest
        match node.op:
            case "constant":
                return constant(like.new_full((1, 1), node.value))
            case "vector":
                return constant(self.parameters[node.name][None])
            case "input":
                return x
            case "state":
                return states[node.name]
            case "slice":
                return given[0].map(lambda part: part[..., slice(*node.span)])
            case "product":
                rows = self.parameters[node.name][slice(*node.span)]
                return given[0].map(lambda part: part @ rows.T)
            case "concat":
                return joined(given)
            case "mul" if index in self.read_out:
                carried, gate = self.read_out[index]
                whole = given[gate].whole
                return given[carried].map(lambda part: part * whole)
        return applied(node.op, given)


@lru_cache(maxsize=256)
def _read_out(graph: Graph) -> dict[int, tuple[int, int]]:
    """Return products in which a gate scales what is read out of a new state.

    Such a gate, as the output gate of an LSTM, is not parted. Values are the places of the carried
    factor and of the gate.
    """
    new = set(graph.states.values())
    reached: list[bool] = []
    for index, node in enumerate(graph.nodes):
        reached.append(index in new or any(reached[i] for i in node.inputs))
    found = {}
    for index, node in enumerate(graph.nodes):
        if node.op == "mul" and node.level > Level.PARAMETER:
            a, b = (reached[i] for i in node.inputs)
            if a != b:
                found[index] = (0, 1) if a else (1, 0)
    return found
