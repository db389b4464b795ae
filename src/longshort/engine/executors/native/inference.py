"""Inference with packed weights on numpy arrays: whole sequences and single steps, without torch.

A row's results are the same bits in any batch, with any number of threads, and whether a sequence
is computed whole, in pieces or step by step; they depend on the instruction set.

Letters: T time steps, B batch, I input size, W width of a state, P output size, L layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort import _native
from longshort.engine.executors.native.compile import compile_forward
from longshort.engine.executors.native.encode import encode
from longshort.engine.executors.native.memory import Format, Span, span
from longshort.engine.executors.native.steps import Layer, Steps
from longshort.engine.executors.native.weights import quantised
from longshort.engine.executors.numpy import evaluate
from longshort.engine.graph import Graph
from longshort.errors import ArgumentError, nearest

Array = NDArray[Any]
Arrays = Mapping[str, Array]
State = tuple[Array, ...]
"""States [L, B, W] in the order of the cell."""

WEIGHTS = {
    "float32": Format.FLOAT32,
    "float64": Format.FLOAT64,
    "bfloat16_products": Format.BFLOAT16_PRODUCTS,
    "bfloat16": Format.BFLOAT16_WEIGHTS,
    "int8": Format.INT8_WEIGHTS,
}
"""Formats of weights by name. Values are float32, or float64 with weights of that kind."""


def address(array: Array) -> int:
    """Return where an array begins."""
    found: int = array.__array_interface__["data"][0]
    return found


class PackedLayer:
    """A layer's equations with the weights that it was made from; later changes do not reach it.

    parameters: by the names of the graph. weights: a name in `WEIGHTS`. isa: an instruction set of
    `longshort._native.isas()`, by default the best. The equations take x alone.
    """

    def __init__(
        self, graph: Graph, parameters: Arrays, weights: str = "float32", isa: str | None = None
    ) -> None:
        if weights not in WEIGHTS:
            raise ArgumentError(f"weights: {weights!r} is not known; {nearest(weights, WEIGHTS)}")
        if len(graph.inputs) != 1:
            names = ", ".join(spec.name for spec in graph.inputs)
            raise ArgumentError(f"packed weights take equations of x alone, got inputs {names}")
        self.graph, self.format = graph, WEIGHTS[weights]
        self.dtype = np.dtype(np.float64 if self.format == Format.FLOAT64 else np.float32)
        self.compiled = compile_forward(graph)
        own = {name: _parameter(graph, parameters, name, self.dtype) for name in _shapes(graph)}
        self._packed = self._pack(own, isa)
        values = self.compiled.values
        found = evaluate(values, own)
        self._values = {
            f"value:{index}": np.array(value, self.dtype, order="C")
            for index, value in zip(values.targets, found, strict=True)
        }

    def _pack(self, parameters: dict[str, Array], isa: str | None) -> _native.Packed:
        matrices: list[int] = []
        scales: list[int] = []
        kept: list[Array] = []
        for name in self.compiled.program.externals:
            key = name.removeprefix("matrix:")
            if not name.startswith("matrix:"):
                matrices += (0, 0, 0, 0)
                scales += (0, 0, 0, 0)
                continue
            matrices += _span(parameters[key])
            if self.format == Format.INT8_WEIGHTS:
                scale = quantised(parameters[key]).scales
                kept.append(scale)
                scales += _span(scale)
        if self.format != Format.INT8_WEIGHTS:
            scales = []
        return _native.pack(encode(self.compiled.program), self.format, matrices, scales, isa)

    @property
    def nbytes(self) -> int:
        """Bytes of the packed weights."""
        return self._packed.bytes

    @property
    def as_step(self) -> Layer:
        """The layer as `Steps` takes it."""
        fixed = {name: address(value) for name, value in self._values.items()}
        return Layer(self.compiled, self._packed, fixed, self._values)

    def run(
        self, x: Array, state: Sequence[Array], lengths: Array | None = None, threads: int = 1
    ) -> tuple[Array, State]:
        """Return the output [T, B, P] and the final states [B, W].

        x [T, B, I], the states [B, W] before the first step; lengths [B]: from 1 to T. Past the end
        of a sequence outputs are 0 and its states stay. Shapes are taken on trust.
        """
        steps, batch = x.shape[:2]
        order, ends = None, None
        if lengths is not None:
            order = np.argsort(-lengths, kind="stable")
            ends = np.ascontiguousarray(lengths[order], np.int64)
            x, state = x[:, order], [value[order] for value in state]
        names = self.graph.state_sizes
        arrays = {"input:x": _dense(x, self.dtype)} | self._values
        arrays |= {f"state:{n}": _dense(v, self.dtype) for n, v in zip(names, state, strict=True)}
        results = ["output", *(f"final:{name}" for name in names)]
        for name in [*results, "tape"]:
            shape = self.compiled.shape(name, steps, batch)
            # What is computed fills it, but for what lies past an end.
            past = name == "output" and lengths is not None
            arrays[name] = (np.zeros if past else np.empty)(shape, self.dtype)
        numbers: list[int] = []
        for name in self.compiled.program.externals:
            numbers += _span(arrays[name]) if name in arrays else (0, 0, 0, 0)
        self._packed.run(steps, batch, numbers, 0 if ends is None else address(ends), threads)
        output, *final = (arrays[name] for name in results)
        if order is not None:
            back = np.argsort(order)
            output, final = output[:, back], [value[back] for value in final]
        return output, tuple(final)


class PackedStack:
    """Layers one after the other, in one direction, for whole sequences and single steps.

    layers: the equations of each with its parameters. weights and isa: as in `PackedLayer`.
    threads: of whole sequences; a step has one.
    """

    def __init__(
        self,
        layers: Sequence[tuple[Graph, Arrays]],
        weights: str = "float32",
        isa: str | None = None,
        threads: int = 1,
    ) -> None:
        if threads < 1:
            raise ArgumentError(f"threads: at least 1 is needed, got {threads}")
        if not layers:
            raise ArgumentError("layers: at least one is needed, got none")
        self.layers = [PackedLayer(*layer, weights, isa) for layer in layers]
        first = self.layers[0]
        self.threads, self.dtype = threads, first.dtype
        self.states = first.graph.state_sizes
        if any(layer.graph.state_sizes != self.states for layer in self.layers):
            raise ArgumentError("layers: all of a stack have the same states; make one stack each")
        self.input_size = first.graph.inputs[0].width
        self.output_size = self.layers[-1].graph.output_size
        self._steps: dict[int, Steps] = {}

    def steps(self, batch: int) -> Steps:
        """Return the step for a batch of this size, which takes addresses; prepared once."""
        found = self._steps.get(batch)
        if found is None:
            layers = [layer.as_step for layer in self.layers]
            found = self._steps[batch] = Steps(layers, batch, self.layers[0].format)
        return found

    @property
    def nbytes(self) -> int:
        """Bytes of the packed weights."""
        return sum(layer.nbytes for layer in self.layers)

    def start(self, batch: int) -> State:
        """Return states of zeros."""
        shapes = [(len(self.layers), batch, width) for width in self.states.values()]
        return tuple([np.zeros(shape, self.dtype) for shape in shapes])

    def run(
        self, x: Array, state: State | None = None, lengths: Array | None = None
    ) -> tuple[Array, State]:
        """Run x [T, B, I] through all layers; return the output [T, B, P] and the states [L, B, W].

        state: before the first step, by default zeros. lengths [B], whole numbers from 1 to T: past
        the end of a sequence outputs are 0 and its states stay.
        """
        x = self._array("x", x, (None, None, self.input_size))
        steps, batch = x.shape[:2]
        given = self._state(state, batch)
        if lengths is not None:
            lengths = np.asarray(lengths)
            inside = lengths.shape == (batch,) and lengths.dtype.kind in "iu"
            if not (inside and ((lengths >= 1) & (lengths <= steps)).all()):
                raise ArgumentError(
                    f"lengths: {batch} whole numbers from 1 to {steps} are needed, got {lengths}"
                )
        found = []
        for number, layer in enumerate(self.layers):
            rows = [value[number] for value in given]
            x, final = layer.run(x, rows, lengths, self.threads) if steps else (x, tuple(rows))
            found.append(final)
        if not steps:
            x = np.zeros((0, batch, self.output_size), self.dtype)
        return x, tuple([np.stack(values) for values in zip(*found, strict=True)])

    def step(self, x: Array, state: State | None = None) -> tuple[Array, State]:
        """Return the output [B, P] and the states [L, B, W] after a step x [B, I]."""
        if not isinstance(x, np.ndarray) or x.ndim != 2:
            x = self._array("x", x, (None, self.input_size))
        batch = len(x)
        if not batch:
            output, after = self.run(np.reshape(x, (1, 0, self.input_size)), state)
            return output[0], after
        steps = self.steps(batch)
        given = self.start(batch) if state is None else state
        output = np.empty(steps.output_shape, self.dtype)
        new = tuple([np.empty(shape, self.dtype) for shape in steps.state_shapes])
        if not steps.on_arrays([x, output, *given, *new]):
            x = self._array("x", x, (None, self.input_size))
            found = steps.on_arrays([x, output, *self._state(given, batch), *new])
            assert found
        return output, new

    def _state(self, state: State | None, batch: int) -> State:
        if state is None:
            return self.start(batch)
        if len(state) != len(self.states):
            raise ArgumentError(
                f"state: {len(self.states)} arrays are needed, for {', '.join(self.states)}; "
                f"got {len(state)}"
            )
        shape = (len(self.layers), batch)
        rows = zip(self.states.items(), state, strict=True)
        return tuple([self._array(name, value, (*shape, width)) for (name, width), value in rows])

    def _array(self, name: str, value: Array, shape: tuple[int | None, ...]) -> Array:
        """Return a dense array of the stack's dtype; raises `ArgumentError` for what is none."""
        try:
            found = np.ascontiguousarray(value, self.dtype)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ArgumentError(
                f"{name}: packed weights take arrays of numbers and have no gradients, got "
                f"{type(value).__name__}: {error}"
            ) from error
        fits = found.ndim == len(shape) and all(
            wanted in (None, size) for wanted, size in zip(shape, found.shape, strict=True)
        )
        if not fits:
            expected = ", ".join("any" if size is None else str(size) for size in shape)
            raise ArgumentError(f"{name}: shape ({expected}) is needed, got {np.shape(value)}")
        return found


def _shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    vectors: dict[str, tuple[int, ...]] = {name: (n,) for name, n in graph.vectors.items()}
    return {**graph.matrices, **vectors}


def _parameter(graph: Graph, parameters: Arrays, name: str, dtype: np.dtype[Any]) -> Array:
    """Return a parameter as numbers that can be packed."""
    shape = _shapes(graph)[name]
    if name not in parameters:
        raise ArgumentError(f"parameters: {name} is missing; {nearest(name, parameters)}")
    found = np.ascontiguousarray(parameters[name], dtype)
    if found.shape != shape:
        raise ArgumentError(f"parameters: {name} has to have shape {shape}, got {found.shape}")
    return found


def _dense(value: Array, dtype: np.dtype[Any]) -> Array:
    """Return an array of the dtype whose last dimension is dense."""
    value = np.asarray(value, dtype)
    dense = value.shape[-1] == 1 or value.strides[-1] == value.itemsize
    return value if dense else np.ascontiguousarray(value)


def _span(value: Array) -> Span:
    strides = [stride // value.itemsize for stride in value.strides]
    return span(address(value), value.shape, strides, value.flags.c_contiguous)
