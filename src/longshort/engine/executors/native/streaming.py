"""Single steps through a stack of layers, with minimal overhead around the native call.

For inference only: no gradients, no noise, and nothing that has to see an operator. Native code
gets raw addresses here, so `readable` checks all its assumptions; where it returns False, the layer
runs a sequence of one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Size, Tensor

from longshort.engine.executors.common.memory import hollow
from longshort.engine.executors.common.observed import PLAIN
from longshort.engine.executors.native.compile import Compiled, compile_forward, compile_single
from longshort.engine.executors.native.memory import Format
from longshort.engine.executors.native.steps import Layer, Steps
from longshort.engine.graph import Graph

FORMATS = {torch.float32: Format.FLOAT32, torch.float64: Format.FLOAT64}
EXACT = {"vector", "constant", "slice", "expand", "concat", "add", "sub", "mul", "neg", "maximum",
         "minimum"}  # fmt: skip
"""Operations with one right result, which a step's program and torch therefore share."""


class StackStep:
    """A step of all layers for one batch size and dtype, prepared once for many calls."""

    def __init__(self, graphs: tuple[Graph, ...], batch: int, dtype: torch.dtype) -> None:
        compiled = [compile_single(graph) for graph in graphs]
        self._steps = Steps([Layer(one) for one in compiled], batch, FORMATS[dtype])
        self.dtype = dtype
        self._output = self._steps.output_shape, (self._steps.output_shape[1], 1)
        self.state_shapes = [Size(shape) for shape in self._steps.state_shapes]
        self.parameters = [
            (layer, _parameter(compiled[layer], name)) for layer, name in self._steps.parameters
        ]
        """Layer and name of every parameter, in the order of a step's arguments."""
        weights = [Size(_parameter_shape(graphs[layer], n)) for layer, n in self.parameters]
        shapes = [Size(self._steps.x_shape), *self.state_shapes, *weights]
        self._expected = [(shape, shape.numel() * dtype.itemsize) for shape in shapes]

    def readable(self, tensors: Sequence[Any]) -> bool:
        """Whether native code can read x [B, I], the states [L, B, W] and weights as they are."""
        if len(tensors) != len(self._expected):
            return False
        dtype = self.dtype
        for value, (shape, size) in zip(tensors, self._expected, strict=True):
            if (
                type(value) not in PLAIN
                or value.shape != shape
                or value.dtype is not dtype
                or not value.is_cpu
                or not value.is_contiguous()
                or value.is_neg()
                # A tensor that fills its own storage needs no further check.
                or (
                    (value.untyped_storage().nbytes() != size or value.storage_offset())
                    and hollow(value)
                )
            ):
                return False
        return True

    def __call__(
        self, x: Tensor, state: tuple[Tensor, ...], parameters: list[Tensor]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the output [B, P] and the new states."""
        output = x.new_empty_strided(*self._output)
        new = tuple([torch.empty_like(value) for value in state])
        tensors = (x, output, *state, *new, *parameters)
        self._steps([tensor.data_ptr() for tensor in tensors])
        return output, new


def _parameter(compiled: Compiled, name: str) -> str:
    kind, _, key = name.partition(":")
    return key if kind == "matrix" else compiled.schedule.nodes[int(key)].name


def _parameter_shape(graph: Graph, name: str) -> tuple[int, ...]:
    return graph.matrices[name] if name in graph.matrices else (graph.vectors[name],)


@lru_cache(maxsize=256)
def stack_step(graphs: tuple[Graph, ...], batch: int, dtype: torch.dtype) -> StackStep | None:
    """Return the prepared step; None for equations that need more than x, states and parameters."""
    if batch == 0 or dtype not in FORMATS or not all(map(_plain, graphs)):
        return None
    same = all(graph.state_sizes == graphs[0].state_sizes for graph in graphs)
    return StackStep(graphs, batch, dtype) if same else None


def _plain(graph: Graph) -> bool:
    """Whether a step takes x alone, and its program has the bits of a whole sequence.

    A whole sequence gets values that depend on parameters alone from torch.
    """
    values = compile_forward(graph).values
    exact = all(values.nodes[index].op in EXACT for index in values.order)
    return exact and len(graph.inputs) == 1
