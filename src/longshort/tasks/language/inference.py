"""Nats of tokens by a trained language model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.tasks.language.encoder import Ints

_STEPS = 128
_ROWS = 1024
"""Number of outputs that go through the softmax at once, to bound memory."""


def side_by_side(numbers: Ints, count: int, begin: int) -> Ints:
    """Arrange token numbers [n] as `count` streams, [n // count + 1, count].

    The first row holds the token before each stream, `begin` for the first stream. Up to count - 1
    tokens at the end are left out.
    """
    steps = len(numbers) // count
    led = np.concatenate([[begin], numbers])
    rows = np.arange(steps + 1)[:, None] + steps * np.arange(count)
    found: Ints = led[rows]
    return found


def nats_of(
    call: Callable[..., Any], numbers: Ints, begin: int, streams: int = 1
) -> NDArray[np.float64]:
    """Return the nats of every token, [n], each given all tokens before it in its stream.

    call: calls functions of the network (`Model.call`). A single stream is the whole text. Several
    are faster, but each starts without a past.
    """
    streams = max(1, min(streams, len(numbers) // _STEPS))
    steps = -(-len(numbers) // streams)
    filled = np.concatenate([numbers, np.full(steps * streams - len(numbers), begin)])
    table = side_by_side(filled, streams, begin)
    found, states = np.empty((steps, streams)), None
    for place in range(0, steps, _STEPS):
        chunk = table[place : place + _STEPS + 1]
        read = call("forward", chunk[:-1], states)
        states = read.states
        rows, here = max(1, _ROWS // streams), found[place : place + _STEPS]
        for first in range(0, len(here), rows):
            part = slice(first, first + rows)
            here[part] = call("losses", read.output[part], chunk[1:][part])
    return found.T.flatten()[: len(numbers)]
