"""The weights before training: units that are all alike."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from longshort.diagnosis.capture import recurrent_layers
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject


def measure(subject: Subject) -> Measured | None:
    """Measure whether the units of a recurrent layer differ.

    alike: 1 where all units of a layer have the same weights, so that they stay the same.
    """
    layers = recurrent_layers(subject.module)
    if not layers:
        return None
    alike = next((name for name, layer in layers.items() if _is_alike(layer)), None)
    said = "units differ" if alike is None else f"all units of {alike} start with the same weights"
    return Measured(said, {"alike": float(alike is not None)}, where={"alike": alike or ""})


def _is_alike(layer: nn.Module) -> bool:
    """Whether every matrix has equal rows within each gate."""
    size: Any = layer.hidden_size
    hidden = int(size)
    matrices = [weight.detach() for weight in layer.parameters() if weight.dim() == 2]
    gates = [rows for weight in matrices for rows in torch.split(weight, hidden)]
    return hidden > 1 and bool(gates) and all(_are_equal(rows) for rows in gates)


def _are_equal(rows: Tensor) -> bool:
    return bool((rows == rows[0]).all())
