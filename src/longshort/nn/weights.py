"""Checks of a layer's weights, which users may replace; errors name the one that does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Size, Tensor

from longshort.engine.executors.common.memory import hollow
from longshort.engine.executors.common.observed import PLAIN
from longshort.errors import ArgumentError, ArgumentTypeError, TensorError


def check_weights(weights: Sequence[Tensor], built: dict[str, Size], stored: bool) -> None:
    """Raise `TensorError` for a weight that is None or has another shape, dtype, device or layout.

    built: names and shapes of the weights when the layer was built. stored: all tensors are plain
    torch tensors, so that their storage can be checked.
    """
    first = weights[0]
    for weight, shape in zip(weights, built.values(), strict=True):
        if (
            not isinstance(weight, Tensor)
            or weight.shape != shape
            or weight.dtype is not first.dtype
            or weight.device != first.device
            or weight.layout is not torch.strided
            or (
                stored
                and type(weight) in PLAIN
                # A tensor that fills its own storage needs no further check.
                and (weight.untyped_storage().nbytes() != weight.nbytes or weight.storage_offset())
                and hollow(weight)
            )
        ):
            raise _unfit(weights, built, stored)


def _unfit(weights: Sequence[Tensor], built: dict[str, Size], stored: bool) -> ArgumentError:
    tensors = [weight for weight in weights if isinstance(weight, Tensor)]
    places = Counter((weight.dtype, weight.device) for weight in tensors)
    dtype, device = max(places, key=places.__getitem__, default=(None, None))
    for weight, (name, shape) in zip(weights, built.items(), strict=True):
        was = f"{name}: the layer was built with shape {tuple(shape)}, the weight"
        if not isinstance(weight, Tensor):
            got = "None" if weight is None else f"a {type(weight).__name__}"
            return ArgumentTypeError(f"{was} is {got} now; give one of that shape")
        if weight.shape != shape:
            return TensorError(
                f"{was} has {tuple(weight.shape)} now; give one of that shape, or build another "
                "layer"
            )
        if weight.layout != torch.strided:
            return TensorError(f"{name}: a dense weight is expected, got {weight.layout}")
        if (weight.dtype, weight.device) != (dtype, device):
            return TensorError(
                f"{name}: is {weight.dtype} on {weight.device}, the layer's other weights are "
                f"{dtype} on {device}; convert one with .to()"
            )
        if stored and type(weight) in PLAIN and hollow(weight):
            return emptied(name, weight)
    raise AssertionError("every weight fits")


def emptied(name: str, value: Tensor) -> TensorError:
    """Return the error for a tensor whose storage ends before its last element."""
    return TensorError(
        f"{name}: its memory has {value.untyped_storage().nbytes()} bytes, too few for its shape "
        f"{tuple(value.shape)} of {value.dtype}: its storage was resized or freed; give it "
        "back, or pass another tensor"
    )
