"""Token vectors from spelling: by a convolution or an LSTM over the characters."""

from __future__ import annotations

from torch import Tensor, nn

from longshort.nn.blocks.convolution import Convolution
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.pooling import Pooling
from longshort.nn.layers import LSTM


class CharacterCNN(nn.Module):
    """Convolution over the characters of each token, and the maximum over them (Ma & Hovy, 2016).

    Character numbers [L, N] of N tokens and lengths [N] become [N, filters]; padding has no effect.
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
        """Return vectors [N, filters] of the tokens."""
        characters = self.dropout(self.embedding(numbers))
        found: Tensor = self.pooling(self.convolution(characters, lengths), lengths)
        return found


class CharacterLSTM(nn.Module):
    """The last states of an LSTM in both directions over each token (Lample et al., 2016).

    Character numbers [L, N] of N tokens and lengths [N] become [N, width]; width is even, half of
    it for each direction. Padding has no effect.
    """

    def __init__(self, count: int, size: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = Embedding(count, size)
        self.dropout = nn.Dropout(dropout)
        self.layers = LSTM(size, width // 2, bidirectional=True)

    def forward(self, numbers: Tensor, lengths: Tensor) -> Tensor:
        """Return vectors [N, width] of the tokens."""
        characters = self.dropout(self.embedding(numbers))
        _, (last, _) = self.layers(characters, lengths=lengths)
        found: Tensor = last.transpose(0, 1).flatten(1)
        return found
