"""Recurrent layers of a loaded network, packed once for the native kernels where they can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.engine.text import from_text
from longshort.errors import ArgumentError, BackendError
from longshort.runtime.scan import scan

Array = NDArray[Any]
Scan = Callable[..., list[Array]]
"""Takes x, lengths or None, and the states; returns what `longshort.scan` does."""

NATIVE, READABLE = "native kernels", "NumPy"


class Layers:
    """The recurrent layers of one network.

    weights: the format in which the kernels keep them, a name in `inference.WEIGHTS`; float64
    layers stay so. is_native: False to run the equations in NumPy.
    """

    def __init__(self, weights: str = "float32", *, is_native: bool = True) -> None:
        self.weights = weights
        self.reasons: set[str] = set()
        """Why layers run in NumPy."""
        self._prepared: dict[tuple[str, tuple[int, ...]], tuple[Scan, list[Array]]] = {}
        self._inference: Any = None
        try:
            if is_native:
                self._inference = import_module("longshort.engine.executors.native.inference")
            else:
                self.reasons.add("asked for")
        except ImportError:
            self.reasons.add("this installation has no native extension")

    def prepared(self, equations: str, parameters: Sequence[Array]) -> Scan:
        """Return the layer with these parameters; the same for the same arrays."""
        key = equations, tuple(id(each) for each in parameters)
        found = self._prepared.get(key)
        if found is None:
            kept = list(parameters)  # without them their ids could be those of others
            found = self._prepared[key] = self._prepare(equations, kept), kept
        return found[0]

    def _prepare(self, equations: str, parameters: list[Array]) -> Scan:
        if self._inference is not None:
            try:
                return self._native(equations, parameters)
            except (ArgumentError, BackendError) as error:
                self.reasons.add(str(error))

        def readable(x: Array, lengths: Array | None, *state: Array) -> list[Array]:
            return scan(equations, [x], state, parameters, lengths)

        return readable

    def _native(self, equations: str, parameters: list[Array]) -> Scan:
        graph = from_text(equations)
        names = [*graph.matrices, *graph.vectors]
        weights = "float64" if parameters[0].dtype == np.float64 else self.weights
        stack = self._inference.PackedStack(
            [(graph, dict(zip(names, parameters, strict=True)))], weights
        )
        nothing = np.zeros(0, stack.dtype)

        def native(x: Array, lengths: Array | None, *state: Array) -> list[Array]:
            given = tuple([value[None] for value in state])
            if len(x) == 1:
                output, after = stack.step(x[0], given)
                return [output[None], nothing, *[value[0] for value in after]]
            if lengths is not None:
                lengths = np.broadcast_to(lengths, x.shape[1])
            output, after = stack.run(x, given, lengths)
            return [output, nothing, *[value[0] for value in after]]

        return native

    @property
    def is_native(self) -> bool:
        """Whether the native kernels run all layers that were prepared."""
        return self._inference is not None and not self.reasons

    @property
    def said(self) -> str:
        """What runs the layers, and why, for people."""
        if self.is_native:
            return NATIVE if self.weights == "float32" else f"{NATIVE}, {self.weights} weights"
        return f"{READABLE} ({'; '.join(sorted(self.reasons))})"
