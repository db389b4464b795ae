"""The Kneser-Ney model, by hand and in itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from longshort.metrics.ngram import NGram


def test_kneser_ney_by_hand() -> None:
    """Bigrams ab, bc, ca, ab, bd of abcabd: too few counts of counts, so every discount is 1/2."""
    model = NGram(np.array([0, 1, 2, 0, 1, 3]), 4, 2)
    # Continuations: a after c; b after a; c after b; d after b. One each, of 4.
    lower = (1 - 0.5) / 4 + (4 * 0.5 / 4) / 4
    np.testing.assert_allclose(model.distribution(np.array([], dtype=np.int64)), [lower] * 4)
    after_a = [0.25 * lower, (2 - 0.5) / 2 + 0.25 * lower, 0.25 * lower, 0.25 * lower]
    np.testing.assert_allclose(model.distribution(np.array([0])), after_a)
    after_b = [0.5 * lower, 0.5 * lower, 0.25 + 0.5 * lower, 0.25 + 0.5 * lower]
    np.testing.assert_allclose(model.distribution(np.array([1])), after_b)


def test_a_stream_and_single_histories_have_the_same_probabilities() -> None:
    stream = np.cumsum(np.random.default_rng(0).integers(0, 3, 400)) % 8
    model = NGram(stream[:300], 8, 3)
    nats = model.losses(stream[300:], np.array([0]))
    for place in range(5, 30):
        p = model.distribution(stream[300 : 300 + place])
        assert -math.log(p[stream[300 + place]]) == pytest.approx(nats[place])
