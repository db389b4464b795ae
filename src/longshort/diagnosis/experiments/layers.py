"""The recurrent layers on real data: chunks with a carried state, and later steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from longshort.diagnosis.capture import Layer, layer_inputs, recurrent_layers, tensors_in
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject


def measure(subject: Subject) -> Measured | None:
    """Measure layers of one direction on the sequences they read, in evaluation mode.

    chunks: largest difference between a whole sequence and two chunks with the state carried.
    future: largest change of the first half by other values in the second. Both over the outputs'
    deviation.
    """
    layers = recurrent_layers(subject.module)
    with subject.untouched(), torch.no_grad():
        subject.module.eval()
        inputs = layer_inputs(subject, subject.batches[0])
        found = {
            name: _of_layer(layers[name], x)
            for name, x in inputs.items()
            if not layers[name].bidirectional and x.dim() == 3 and _time_of(layers[name], x) > 3
        }
    if not found:
        return None
    chunks = max(found, key=lambda name: found[name][0])
    future = max(found, key=lambda name: found[name][1])
    numbers = {"chunks": found[chunks][0], "future": found[future][1]}
    said = (
        f"chunks with a carried state differ from the whole by {numbers['chunks']:.1e} deviations, "
        f"and later steps change earlier outputs by {numbers['future']:.1e}"
    )
    return Measured(said, numbers, where={"chunks": chunks, "future": future})


def _time_of(layer: Layer, x: Tensor) -> int:
    return x.size(1 if layer.batch_first else 0)


def _of_layer(layer: Layer, x: Tensor) -> tuple[float, float]:
    axis = 1 if layer.batch_first else 0
    half = x.size(axis) // 2
    early, late = x.narrow(axis, 0, half), x.narrow(axis, half, x.size(axis) - half)
    whole = _call(layer, x)[0]
    first, state = _call(layer, early)
    second = _call(layer, late, state)[0]
    other = _call(layer, torch.cat([early, late.flip(axis) + 1.0], axis))[0]
    size = max(float(whole.std()), 1e-12)
    chunks = float((torch.cat([first, second], axis) - whole).abs().max())
    future = float((other - whole).narrow(axis, 0, half).abs().max())
    return chunks / size, future / size


def _call(layer: Layer, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
    output, after = layer(x) if state is None else layer(x, state)
    return tensors_in(output)[0], after
