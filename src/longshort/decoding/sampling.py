"""Sampling: tokens drawn at random by the model's probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from longshort.decoding.checks import numbers
from longshort.decoding.hypothesis import Hypothesis
from longshort.decoding.options import Sampling
from longshort.decoding.single import Single
from longshort.decoding.stepping import Floats, Rows, Stepper, Tokens


def sample(
    state: Stepper,
    *,
    batch: int,
    begin: ArrayLike,
    end: int | None,
    seeds: ArrayLike,
    options: Sampling | None = None,
    source_lengths: ArrayLike | None = None,
) -> list[Hypothesis]:
    """Draw a hypothesis for each of `batch` sentences.

    seeds: a seed for each sentence, [batch], or one for all. The other arguments are those of
    `beam_search`. The score is the model's log probability, whatever the temperature.
    """
    how = options or Sampling()
    single = Single(state, batch, begin, how)
    chance = _chance(numbers("seeds", seeds, batch, 0), single.tokens.shape[1])

    def pick(logs: Floats, sentences: Rows, step: int) -> Tokens:
        return draw(logs, chance[sentences, step], how)

    single.write(pick, end)
    return single.result(source_lengths)


def _chance(seeds: Rows, steps: int) -> Floats:
    """Return uniform numbers [batch, steps]; a seed's first ones do not depend on `steps`."""
    found = np.empty((len(seeds), steps))
    for row, seed in enumerate(seeds.tolist()):
        found[row] = np.random.default_rng(seed).random(steps)
    return found


def draw(logs: Floats, chance: Floats, how: Sampling) -> Tokens:
    """Return a token for each row of log probabilities [n, V], by uniform numbers below 1, [n]."""
    if how.temperature == 0.0:
        return np.asarray(logs.argmax(1))
    weights = _weights(logs, how.temperature)
    if how.top_k or how.top_p < 1.0:
        weights = _cut(weights, how.top_k or logs.shape[1], how.top_p)
    reached = weights.cumsum(1)
    before = (reached <= chance[:, None] * reached[:, -1:]).sum(1)
    return np.asarray(np.minimum(before, logs.shape[1] - 1))


def _weights(logs: Floats, temperature: float) -> Floats:
    """Return probabilities up to a factor, [n, V]; all 0 in rows where no token is possible."""
    peaks = logs.max(1, keepdims=True).astype(np.float64)
    return np.asarray(np.exp((logs - np.where(peaks == -np.inf, 0.0, peaks)) / temperature))


def _cut(weights: Floats, top_k: int, top_p: float) -> Floats:
    """Return weights [n, V] with 0 for all but the heaviest k, or fewer that reach `top_p`."""
    ordered = np.sort(weights, axis=1)[:, ::-1][:, :top_k]
    reached = ordered.cumsum(1)
    short = reached[:, :-1] < top_p * reached[:, -1:]
    return _heaviest(weights, ordered, 1 + short.sum(1, keepdims=True))


def _heaviest(weights: Floats, ordered: Floats, counts: Rows) -> Floats:
    """Return weights [n, V] with 0 for all but the `counts` [n, 1] heaviest of each row.

    Of equal weights the first ones are kept.
    """
    least = np.take_along_axis(ordered, counts - 1, 1)
    above, level = weights > least, weights == least
    room = counts - above.sum(1, keepdims=True)
    return np.where(above | (level & (level.cumsum(1) <= room)), weights, 0.0)
