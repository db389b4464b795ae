"""Nested NumPy arrays as tensors on a device, and back; a network that is called with arrays."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from longshort.runtime.network import Callee
from longshort.runtime.tree import mapped


class TorchCalls(Callee):
    """A torch network in inference: on its device, without dropout and without gradients."""

    def __init__(self, network: nn.Module, device: str) -> None:
        self.network, self.device = network, device

    @property
    def steps(self) -> bool:
        """Whether the network can go on from a state; see `Callee.steps`."""
        return bool(getattr(self.network, "steps", False))

    def call(self, function: str, *inputs: Any) -> Any:
        """Call one of the network's methods; see `Callee.call`."""
        self.network.eval()
        method = getattr(self.network, function)
        names = list(inspect.signature(method).parameters)
        given = [
            on_device(each, self.device, name) for name, each in zip(names, inputs, strict=False)
        ]
        with torch.no_grad():
            return to_arrays(method(*given))


def on_device(value: Any, device: str, name: str = "") -> Any:
    """Return a nested value with its NumPy arrays as tensors on a device.

    What is named `lengths` stays on the CPU, where the layers need it. name: that of the value.
    """

    def moved(name: str, each: Any) -> Any:
        if not isinstance(each, np.ndarray):
            return each
        tensor = torch.from_numpy(each)
        return tensor if name == "lengths" else tensor.to(device)

    return mapped(moved, value, name)


def to_arrays(value: Any) -> Any:
    """Return a nested value with its tensors as NumPy arrays."""
    return mapped(lambda _, x: x.cpu().numpy() if isinstance(x, Tensor) else x, value)
