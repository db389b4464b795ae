"""Nats of tokens by a trained language model."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.tasks.language.encoder import Ints
from longshort.tasks.language.network import LanguageModel

_STEPS = 128
_ROWS = 1024
"""Number of outputs that go through the softmax at once, to bound memory."""


def side_by_side(numbers: Ints, count: int, begin: int) -> Tensor:
    """Arrange token numbers [n] as `count` streams, [n // count + 1, count].

    The first row holds the token before each stream, `begin` for the first stream. Up to count - 1
    tokens at the end are left out.
    """
    steps = len(numbers) // count
    led = np.concatenate([[begin], numbers])
    rows = np.arange(steps + 1)[:, None] + steps * np.arange(count)
    return torch.from_numpy(led[rows])


@torch.no_grad()
def nats_of(
    network: LanguageModel, numbers: Ints, begin: int, streams: int = 1
) -> NDArray[np.float64]:
    """Return the nats of every token, [n], each given all tokens before it in its stream.

    A single stream is the whole text. Several are faster, but each starts without a past.
    """
    network.eval()
    streams = max(1, min(streams, len(numbers) // _STEPS))
    steps = -(-len(numbers) // streams)
    filled = np.concatenate([numbers, np.full(steps * streams - len(numbers), begin)])
    table = side_by_side(filled, streams, begin).to(network.embedding.weight.device)
    found, states = torch.empty(steps, streams, dtype=torch.float64), None
    for place in range(0, steps, _STEPS):
        chunk = table[place : place + _STEPS + 1]
        read = network(chunk[:-1], states)
        states = read.states
        rows, here = max(1, _ROWS // streams), found[place : place + _STEPS]
        for first in range(0, len(here), rows):
            part = slice(first, first + rows)
            here[part] = network.losses(read.output[part], chunk[1:][part])
    nats: NDArray[np.float64] = found.T.flatten().numpy()[: len(numbers)]
    return nats
