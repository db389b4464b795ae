"""From an encoder's last states to a decoder's first ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from longshort.nn.recurrent import Recurrent


class Bridge(nn.Module):
    """Maps the states of an encoder's last layer to those of every layer of a decoder.

    Both directions are joined. The output state, which lies between -1 and 1, goes through tanh;
    other states are mapped linearly, since a cell's content has no bounds. A state that the encoder
    lacks is mapped from its output state.
    """

    def __init__(self, encoder: Recurrent, decoder: Recurrent) -> None:
        super().__init__()
        self.names = tuple(encoder.stack.states)
        self.directions = 2 if encoder.bidirectional else 1
        self.layers = decoder.num_layers
        self.maps = nn.ModuleDict()
        for name, width in decoder.stack.states.items():
            source = encoder.stack.states[self._source(name)]
            self.maps[name] = nn.Linear(self.directions * source, self.layers * width)

    def _source(self, name: str) -> str:
        return name if name in self.names else self.names[0]

    def forward(self, last: Any) -> Any:
        """Return first states [L, B, W] of the decoder; `last` as an encoder returns it."""
        states = dict(zip(self.names, last if isinstance(last, tuple) else (last,), strict=True))
        found = []
        for name, layer in self.maps.items():
            top = states[self._source(name)][-self.directions :]
            joined = torch.cat(list(top), dim=-1)
            mapped: Tensor = layer(joined)
            mapped = mapped.tanh() if name == "h" else mapped
            found.append(torch.stack(mapped.chunk(self.layers, dim=-1)))
        return tuple(found) if len(found) > 1 else found[0]
