"""A vector for a token from how it is spelled: by a convolution, or by an LSTM."""

from __future__ import annotations

from torch import Tensor, nn

from longshort.nn.blocks.convolution import Convolution
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.pooling import Pooling
from longshort.nn.layers import LSTM


class CharacterCNN(nn.Module):
    """Character numbers [L, N] of N tokens and lengths [N] to [N, filters].

    A convolution over the characters and the largest answer of each filter (Ma & Hovy, 2016);
    padding is never seen.
    """

    def __init__(
        self, count: int, size: int, filters: int, kernel: int = 3, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.embedding = Embedding(count, size)
        self.dropout = nn.Dropout(dropout)
        self.convolution = Convolution(size, filters, kernel)
        self.pooling = Pooling("max", filters)

    def forward(self, numbers: Tensor, lengths: Tensor) -> Tensor:
        """The vectors."""
        characters = self.dropout(self.embedding(numbers))
        found: Tensor = self.pooling(self.convolution(characters, lengths), lengths)
        return found


class CharacterLSTM(nn.Module):
    """Character numbers [L, N] of N tokens and lengths [N] to [N, width]; width is even.

    The last states of an LSTM in both directions, each half of the width (Lample et al., 2016);
    padding is never seen.
    """

    def __init__(self, count: int, size: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = Embedding(count, size)
        self.dropout = nn.Dropout(dropout)
        self.layers = LSTM(size, width // 2, bidirectional=True)

    def forward(self, numbers: Tensor, lengths: Tensor) -> Tensor:
        """The vectors."""
        characters = self.dropout(self.embedding(numbers))
        _, (last, _) = self.layers(characters, lengths=lengths)
        found: Tensor = last.transpose(0, 1).flatten(1)
        return found
