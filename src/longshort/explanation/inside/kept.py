"""How much of a state a step keeps, unit by unit, on the way that leads through no matrix.

That is f of an LSTM's cell, z of a GRU, 0 of a plain RNN. It is measured on data, since the bias
of a gate alone says little of where the gate stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.engine.executors.common.contract import Tensors
from longshort.engine.graph import Graph, Node

Floats = NDArray[np.float64]
_LEAST = 1e-12


@dataclass(frozen=True)
class _Share:
    """Factors [T, B, W] of the old state's columns from `begin` on; they stand where they stood."""

    factors: Tensor
    begin: int = 0


def kept(graph: Graph, inputs: Tensors) -> Tensors:
    """Return the factor [T, B, W] of each old state in the new one, by name.

    graph: the linearised equations; inputs: all their inputs, [T, B, W] or [B, W].
    """
    found = {name: _Way(graph, inputs, name).factors() for name in graph.states}
    return {name: factors for name, factors in found.items() if factors is not None}


def half_lives(factors: Floats) -> Floats:
    """Return the steps [W] in which a state's share halves, by its factors [T, W].

    It is the mean over steps of the factors' logarithms that counts; infinite where nothing fades.
    """
    fading = -np.log(np.clip(np.abs(factors), _LEAST, 1.0)).mean(0)
    with np.errstate(divide="ignore"):
        found: Floats = np.where(fading > 0, np.log(2) / fading, np.inf)
    return found


def retention(factors: Floats) -> Floats:
    """Return what is left of each step's state after each later step, [T, T], mean over units."""
    logs = np.log(np.clip(np.abs(factors), _LEAST, 1.0))
    total = np.concatenate([np.zeros((1, logs.shape[1])), np.cumsum(logs, 0)])[1:]
    left = np.exp(np.minimum(total[None] - total[:, None], 0.0)).mean(2)
    found: Floats = np.triu(left)
    return found


class _Way:
    def __init__(self, graph: Graph, inputs: Tensors, state: str) -> None:
        self.graph, self.inputs, self.state = graph, inputs, state

    def factors(self) -> Tensor | None:
        """Return the factors of the state, or None where no direct way leads to the new one."""
        found: list[_Share | None] = []
        for node in self.graph.nodes:
            found.append(self._share(node, [found[i] for i in node.inputs]))
        share = found[self.graph.states[self.state]]
        steps, batch = self.inputs["x"].shape[:2]
        width = self.graph.state_sizes[self.state]
        if share is None or share.begin or share.factors.size(-1) != width:
            return None
        return share.factors.expand(steps, batch, width)

    def _share(self, node: Node, given: list[_Share | None]) -> _Share | None:
        match node.op, given:
            case "state", _:
                one = self.inputs["x"].new_ones(1, 1, node.width)
                return _Share(one) if node.name == self.state else None
            case "add", [a, b]:
                return _sum(a, b)
            case "sub", [a, b]:
                return _sum(a, None if b is None else _Share(-b.factors, b.begin))
            case "neg", [a]:
                return None if a is None else _Share(-a.factors, a.begin)
            case "mul", [a, b]:
                places = [(a, node.inputs[1]), (b, node.inputs[0])]
                return next((self._scaled(s, i) for s, i in places if s is not None), None)
            case "where", [_, a, b]:
                return self._chosen(node, a, b)
            case "slice", [a]:
                if a is None:
                    return None
                begin, end = node.span
                return _Share(a.factors[..., begin:end], a.begin + begin)
            case "concat", _:
                return self._joined(node, given)
        return None

    def _value(self, index: int) -> Tensor | None:
        """Return the value of a factor: an input or a number."""
        node = self.graph.nodes[index]
        if node.op == "constant":
            return self.inputs["x"].new_full((1, 1, 1), node.value)
        if node.op != "input":
            return None
        value = self.inputs[node.name]
        return value if value.dim() == 3 else value[None]

    def _scaled(self, share: _Share, index: int) -> _Share | None:
        value = self._value(index)
        return None if value is None else _Share(share.factors * value, share.begin)

    def _chosen(self, node: Node, a: _Share | None, b: _Share | None) -> _Share | None:
        condition = self._value(node.inputs[0])
        known = a if a is not None else b
        if condition is None or known is None:
            return None
        none = _Share(torch.zeros_like(known.factors), known.begin)
        first, second = a or none, b or none
        if first.begin != second.begin:
            return None
        return _Share(torch.where(condition != 0, first.factors, second.factors), first.begin)

    def _joined(self, node: Node, given: list[_Share | None]) -> _Share | None:
        """Return columns side by side; a part that stood elsewhere has no direct way."""
        if not any(share is not None for share in given):
            return None
        steps, batch = self.inputs["x"].shape[:2]
        parts, place = [], 0
        for share, index in zip(given, node.inputs, strict=True):
            width = self.graph.nodes[index].width
            if share is not None and share.begin == place:
                parts.append(share.factors.expand(steps, batch, width))
            else:
                parts.append(self.inputs["x"].new_zeros(steps, batch, width))
            place += width
        return _Share(torch.cat(parts, -1))


def _sum(a: _Share | None, b: _Share | None) -> _Share | None:
    if a is None or b is None:
        return a if b is None else b
    return _Share(a.factors + b.factors, a.begin) if a.begin == b.begin else None
