"""A recurrent encoder of token numbers."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from longshort.nn.blocks.embedding import Embedding
from longshort.nn.recurrent import Recurrent


class TextEncoder(nn.Module):
    """Token numbers [S, B] and lengths [B] to states of every step [S, B, M], and the last states.

    embedding: made elsewhere, so that it can be shared; layers: any recurrent layers over it.
    dropout: on the vectors and on the states.
    """

    def __init__(self, embedding: Embedding, layers: Recurrent, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding, self.layers, self.dropout = embedding, layers, nn.Dropout(dropout)

    @property
    def size(self) -> int:
        """M."""
        return self.layers.output_size

    def forward(self, numbers: Tensor, lengths: Tensor) -> tuple[Tensor, Any]:
        """Encode; past the end of a text the states are 0."""
        vectors = self.dropout(self.embedding(numbers))
        states, last = self.layers(vectors, lengths=lengths)
        return self.dropout(states), last
