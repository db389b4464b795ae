"""Scores of language models, from the nats of every token."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST = 700.0
"""Its exponential is still a number."""


def scores(nats: Floats, text: str | None, more_bits: float = 0.0) -> dict[str, float | None]:
    """perplexity, nats_per_token, bits_per_character, bits_per_byte.

    nats [n]: negative logarithm of each token's probability; text: what the tokens are made of.
    Without it there are no bits: tokens that do not restore the text leave something unpredicted.
    more_bits: what it takes beside them to tell the text.
    """
    mean, bits = float(nats.mean()), float(nats.sum()) / math.log(2.0) + more_bits
    return {
        "perplexity": math.exp(min(mean, _MOST)),
        "nats_per_token": mean,
        "bits_per_character": None if text is None else bits / len(text),
        "bits_per_byte": None if text is None else bits / len(text.encode()),
    }
