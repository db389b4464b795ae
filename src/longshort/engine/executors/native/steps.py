"""Single steps through a stack of layers, from addresses alone.

Nothing here needs torch or numpy: `streaming.py` calls it with torch tensors whose weights may
change from step to step, `inference.py` with packed weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from longshort import _native
from longshort.engine.executors.native.compile import Compiled
from longshort.engine.executors.native.encode import encode
from longshort.engine.executors.native.memory import Format, span


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer's equations, and what it has besides x and states."""

    compiled: Compiled
    packed: _native.Packed | None = None
    """Its matrices; None: every step is given their addresses."""
    fixed: dict[str, int] = field(default_factory=dict)
    """Addresses of vectors that are the same at every step, by the program's names."""
    owner: object = None
    """Whatever holds the memory at these addresses."""


class Steps:
    """A step of all layers for one batch size and format, prepared once for many calls.

    All layers have the same states. Arrays are dense, in row-major order.
    """

    def __init__(self, layers: Sequence[Layer], batch: int, number_format: Format) -> None:
        first, last = layers[0].compiled.schedule.graph, layers[-1].compiled.schedule.graph
        self.x_shape = (batch, first.inputs[0].width)
        self.output_shape = (batch, last.output_size)
        self.state_shapes = [(len(layers), batch, width) for width in first.state_sizes.values()]
        self._owners = [layer.owner for layer in layers]
        self._stream = _native.Stream(number_format, batch)
        self.parameters = [
            (number, name)
            for number, layer in enumerate(layers)
            for name in self._add(layer, batch)
        ]
        """Layer and name, in its program, of every parameter that a step is given, in order."""

    def _add(self, layer: Layer, batch: int) -> list[str]:
        compiled = layer.compiled
        graph = compiled.schedule.graph
        places = {name: i for i, name in enumerate(compiled.program.externals)}
        sizes: list[int] = []
        for name in places:
            shape = compiled.shape(name, 1, batch)
            strides = [prod(shape[i + 1 :]) for i in range(len(shape))]
            sizes += span(0, shape, strides, True)[1:]
        states: list[int] = []
        for name, width in graph.state_sizes.items():
            states += (places.get(f"state:{name}", -1), places[f"final:{name}"], width)
        kinds = ("matrix:", "value:") if layer.packed is None else ("value:",)
        given = [n for n in places if n.startswith(kinds) and n not in layer.fixed]
        fixed: list[int] = []
        for name, address in layer.fixed.items():
            fixed += (places[name], address)
        self._stream.add(
            encode(compiled.program),
            sizes,
            [places.get("input:x", -1), places["output"], places.get("tape", -1)],
            graph.output_size,
            2 * batch * compiled.tape.width,
            states,
            [places[name] for name in given],
            layer.packed,
            fixed,
        )
        return given

    def __call__(self, addresses: Sequence[int]) -> None:
        """Compute a step.

        addresses: of x [B, I], the output [B, P], the old states [L, B, W], the new ones, and the
        parameters. New states must not lie where old ones do.
        """
        self._stream.step(addresses)

    def on_arrays(self, arrays: list[Any]) -> bool:
        """Compute a step of layers that have all their parameters; arrays: as in a call.

        Returns False, and does nothing, if one of them is no dense array of the format's values in
        the right shape; numpy's or another's that has a buffer.
        """
        return self._stream.step_arrays(arrays)
