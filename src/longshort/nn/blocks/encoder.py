"""A recurrent encoder of vectors."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from longshort.nn.recurrent import Recurrent


class Encoder(nn.Module):
    """Vectors [S, B, E] and lengths [B] to states of every step [S, B, M], and the last states.

    layers: any recurrent layers. dropout: on the vectors and on the states. The embedding of tokens
    is elsewhere, since it may be shared with a decoder.
    """

    def __init__(self, layers: Recurrent, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers, self.dropout = layers, nn.Dropout(dropout)

    @property
    def size(self) -> int:
        """M."""
        return self.layers.output_size

    def forward(self, vectors: Tensor, lengths: Tensor) -> tuple[Tensor, Any]:
        """Encode; past the end of a sequence the states are 0."""
        states, last = self.layers(self.dropout(vectors), lengths=lengths)
        return self.dropout(states), last
