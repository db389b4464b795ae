"""Scores of language models, from the nats of every token."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST = 700.0
"""Largest logarithm whose exponential is still a finite number."""


def scores(nats: Floats, text: str | None, more_bits: float = 0.0) -> dict[str, float | None]:
    """Return perplexity, nats_per_token, bits_per_character and bits_per_byte.

    nats [n]: negative logarithm of each token's probability. text: the text of the tokens; None
    where the tokens do not restore it, and then there are no bits, since something would be left
    unpredicted. more_bits: bits that the text needs beside those of the tokens.
    """
    mean, bits = float(nats.mean()), float(nats.sum()) / math.log(2.0) + more_bits
    return {
        "perplexity": math.exp(min(mean, _MOST)),
        "nats_per_token": mean,
        "bits_per_character": None if text is None else bits / len(text),
        "bits_per_byte": None if text is None else bits / len(text.encode()),
    }
