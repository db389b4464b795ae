"""From a vector, such as one of a whole image, to the first states of recurrent layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from longshort.nn.recurrent import Recurrent


class FirstStates(nn.Module):
    """Maps vectors [B, M] linearly to states of every layer; the output state goes through tanh.

    As in Show, Attend and Tell (Xu et al., 2015), where the vector is the mean of the image's
    features.
    """

    def __init__(self, size: int, layers: Recurrent) -> None:
        super().__init__()
        self.layers = layers.num_layers
        widths = layers.stack.states.items()
        self.maps = nn.ModuleDict(
            {name: nn.Linear(size, self.layers * width) for name, width in widths}
        )

    def forward(self, vectors: Tensor) -> Any:
        """Return first states [L, B, W], a tuple where the cell has several."""
        found = []
        for name, layer in self.maps.items():
            mapped: Tensor = layer(vectors)
            mapped = mapped.tanh() if name == "h" else mapped
            found.append(torch.stack(mapped.chunk(self.layers, dim=-1)))
        return tuple(found) if len(found) > 1 else found[0]
