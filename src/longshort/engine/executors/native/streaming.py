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

from longshort import _native
from longshort.engine.executors.common.memory import hollow
from longshort.engine.executors.common.observed import PLAIN
from longshort.engine.executors.native.compile import Compiled, compile_single
from longshort.engine.executors.native.encode import encode
from longshort.engine.graph import Graph

DTYPES = (torch.float32, torch.float64)


class StackStep:
    """A step of all layers for one batch size and dtype, prepared once for many calls."""

    def __init__(self, graphs: tuple[Graph, ...], batch: int, dtype: torch.dtype) -> None:
        x_shape = Size((batch, graphs[0].inputs[0].width))
        width = graphs[-1].output_size
        self._output = (batch, width), (width, 1)
        widths = graphs[0].state_sizes.values()
        self.state_shapes = [Size((len(graphs), batch, width)) for width in widths]
        self.dtype = dtype
        self._stream = _native.Stream(int(dtype == torch.float64), batch)
        self.parameters = [
            (layer, name) for layer, graph in enumerate(graphs) for name in self._add(graph, batch)
        ]
        """Layer and name of every parameter, in the order of a step's arguments."""
        weights = [_parameter_shape(graphs[layer], name) for layer, name in self.parameters]
        shapes = [x_shape, *self.state_shapes, *weights]
        self._expected = [(shape, shape.numel() * dtype.itemsize) for shape in shapes]

    def _add(self, graph: Graph, batch: int) -> list[str]:
        compiled = compile_single(graph)
        places = {name: i for i, name in enumerate(compiled.program.externals)}
        sizes: list[int] = []
        for name in places:
            rows, width = _shape(compiled, name, batch)
            sizes += (batch * width, width, rows * width)
        states: list[int] = []
        for name, width in graph.state_sizes.items():
            states += (places.get(f"state:{name}", -1), places[f"final:{name}"], width)
        read = [name for name in places if name.startswith(("matrix:", "value:"))]
        self._stream.add(
            encode(compiled.program),
            sizes,
            [places.get("input:x", -1), places["output"], places.get("tape", -1)],
            graph.output_size,
            2 * batch * compiled.tape.width,
            states,
            [places[name] for name in read],
        )
        return [_parameter(compiled, name) for name in read]

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
        self._stream.step([tensor.data_ptr() for tensor in tensors])
        return output, new


def _parameter(compiled: Compiled, name: str) -> str:
    kind, _, key = name.partition(":")
    return key if kind == "matrix" else compiled.schedule.nodes[int(key)].name


def _parameter_shape(graph: Graph, name: str) -> Size:
    return Size(graph.matrices[name] if name in graph.matrices else (graph.vectors[name],))


def _shape(compiled: Compiled, name: str, batch: int) -> tuple[int, int]:
    graph = compiled.schedule.graph
    kind, _, key = name.partition(":")
    match kind:
        case "matrix":
            return graph.matrices[key]
        case "value":
            return 1, compiled.schedule.nodes[int(key)].width
        case "tape":
            return 2 * batch, compiled.tape.width
        case "output":
            return batch, graph.output_size
        case "input":
            return batch, graph.inputs[0].width
    return batch, graph.state_sizes[key]


@lru_cache(maxsize=256)
def stack_step(graphs: tuple[Graph, ...], batch: int, dtype: torch.dtype) -> StackStep | None:
    """Return the prepared step; None for equations that need more than x, states and parameters."""
    if batch == 0 or dtype not in DTYPES or not all(map(_plain, graphs)):
        return None
    same = all(graph.state_sizes == graphs[0].state_sizes for graph in graphs)
    return StackStep(graphs, batch, dtype) if same else None


def _plain(graph: Graph) -> bool:
    compiled = compile_single(graph)
    vectors = all(compiled.schedule.nodes[i].op == "vector" for i in compiled.values.targets)
    return vectors and len(graph.inputs) == 1
