"""The same encoder-decoder on torch's own LSTM, to be compared with ours."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from longshort.tasks.seq2seq.config import PairModel
from longshort.tasks.seq2seq.encoder import Batch


class Nats(NamedTuple):
    """The mean loss."""

    nats: Tensor


class WithTorch(nn.Module):
    """Packed nn.LSTM in both directions, then nn.LSTM, or LSTMCell with feeding, and attention."""

    def __init__(self, model: PairModel, tokens: int) -> None:
        super().__init__()
        size, hidden = model.embedding or 1, model.hidden or 1
        self.feeding = model.placement == "feeding"
        self.embedding = nn.Embedding(tokens, size, padding_idx=0)
        self.encoder = nn.LSTM(size, hidden // 2, bidirectional=True)
        self.bridge = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(2)])
        if self.feeding:
            self.cell = nn.LSTMCell(2 * size, hidden)
        else:
            self.decoder = nn.LSTM(size, hidden)
        self.keys = nn.Linear(hidden, hidden, bias=False)
        self.join = nn.Linear(2 * hidden, size)
        self.bias = nn.Parameter(torch.zeros(tokens))
        self.dropout = nn.Dropout(model.dropout)

    def losses(self, batch: Batch) -> Nats:
        """Mean negative log-likelihood of the targets."""
        vectors = self.dropout(self.embedding(batch.source))
        packed, (h, c) = self.encoder(pack_padded_sequence(vectors, batch.lengths))
        memory = self.dropout(pad_packed_sequence(packed)[0]).transpose(0, 1)
        first = [
            layer(torch.cat(list(each), -1))
            for layer, each in zip(self.bridge, (h, c), strict=True)
        ]
        first[0] = first[0].tanh()
        steps = torch.arange(memory.shape[1])
        real = steps < batch.lengths[:, None]
        read = self.dropout(self.embedding(batch.read))
        keys = self.keys(memory)
        if self.feeding:
            outputs = self._fed(read, first, memory, keys, real)
        else:
            hidden, _ = self.decoder(read, (first[0][None], first[1][None]))
            outputs = self._attended(hidden, memory, keys, real)
        wanted = batch.wanted > 0
        scores = F.linear(outputs[wanted], self.embedding.weight, self.bias).log_softmax(-1)
        return Nats(-scores.gather(1, batch.wanted[wanted][:, None]).mean())

    def _attended(self, hidden: Tensor, memory: Tensor, keys: Tensor, real: Tensor) -> Tensor:
        scores = hidden.transpose(0, 1) @ keys.transpose(1, 2)
        weights = scores.masked_fill(~real[:, None], -torch.inf).softmax(-1)
        context = (weights @ memory).transpose(0, 1)
        return self.dropout(self.join(torch.cat([context, hidden], -1)).tanh())

    def _fed(
        self, read: Tensor, first: list[Tensor], memory: Tensor, keys: Tensor, real: Tensor
    ) -> Tensor:
        h, c = first
        fed, found = h.new_zeros(h.shape[0], read.shape[-1]), []
        for each in read:
            h, c = self.cell(torch.cat([each, fed], -1), (h, c))
            fed = self._attended(h[None], memory, keys, real)[0]
            found.append(fed)
        return torch.stack(found)
