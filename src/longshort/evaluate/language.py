"""Scores of language models, from the nats of every token."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST = 700.0
"""Its exponential is still a number."""


def scores(nats: Floats, characters: int, size: int) -> dict[str, float]:
    """perplexity, nats_per_token, bits_per_character, bits_per_byte.

    nats [n]: negative logarithm of each token's probability; characters and size (bytes): of the
    same text, so that models with different tokens can be compared.
    """
    mean, bits = float(nats.mean()), float(nats.sum()) / math.log(2.0)
    return {
        "perplexity": math.exp(min(mean, _MOST)),
        "nats_per_token": mean,
        "bits_per_character": bits / characters,
        "bits_per_byte": bits / size,
    }
