"""The way from encoded sources to written targets, and to the likelihood of given ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.coding import BEGIN, END
from longshort.decoding.forced import forced
from longshort.decoding.hypothesis import Hypothesis
from longshort.runs.decoded import decoded
from longshort.runs.stepping import NetworkStepper
from longshort.runs.task import Model
from longshort.runs.writing import Floats, Likelihood, Target, Writing, Written
from longshort.tasks.seq2seq.encoder import PairArrays, PairEncoder

PairModelOf = Model[Any, PairEncoder]
TOGETHER = 64
"""Sources that are written together."""
_END = "</s>"
"""The end mark as people read it."""


def write(
    model: PairModelOf, arrays: PairArrays, *, how: Writing | None = None, with_scores: bool = True
) -> Written:
    """Write the targets of encoded sources; an empty source has an empty one.

    how: as the settings say when None. with_scores: also score the given targets, where there are
    any.
    """
    how = how or Writing()
    count, scored = len(arrays.sources), with_scores and bool(arrays.targets)
    found: list[list[Target]] = [[] for _ in range(count)]
    nats, tokens = (np.zeros(count if scored else 0) for _ in range(2))
    order = np.argsort([len(each) for each in arrays.sources], kind="stable")
    for begin in range(0, count, TOGETHER):
        rows = order[begin : begin + TOGETHER]
        together = arrays.take(rows)
        stepper, lengths = begun(model, together)
        best = _decoded(model, stepper, together, lengths, how)
        for row, each in zip(rows.tolist(), best, strict=True):
            length = len(arrays.sources[row])
            found[row] = [_target(model.encoder, one, length) for one in each]
        if scored:
            logs = _forced(stepper, together)
            nats[rows], tokens[rows] = [-each.sum() for each in logs], [len(each) for each in logs]
    sources = [model.encoder.coder.source.tokens(each.tolist()) for each in arrays.sources]
    return Written(found, sources, nats, tokens)


def likelihoods(model: PairModelOf, arrays: PairArrays) -> list[Likelihood]:
    """Return how probable each given target is, by forced decoding."""
    coder, found = model.encoder.coder.target, []
    for begin in range(0, len(arrays.sources), TOGETHER):
        together = arrays.take(np.arange(begin, min(begin + TOGETHER, len(arrays.sources))))
        stepper, _ = begun(model, together)
        each = zip(together.targets, _forced(stepper, together), strict=True)
        found += [Likelihood([*coder.tokens(t.tolist()), _END], logs) for t, logs in each]
    return found


def begun(model: PairModelOf, arrays: PairArrays) -> tuple[Any, NDArray[np.int64]]:
    """Return the state of all sources before their first token, and their lengths."""
    batch = PairArrays(arrays.sources, []).batch(np.arange(len(arrays.sources)))
    state = model.call("begin", batch.source, batch.lengths)
    source = batch.source if model.config.model.copying else None
    return NetworkStepper(model.call, state, source), batch.lengths


def _decoded(
    model: PairModelOf, stepper: Any, arrays: PairArrays, lengths: NDArray[np.int64], how: Writing
) -> list[list[Hypothesis]]:
    """Hypotheses of each source, the best first."""
    write = model.config.write
    longest = np.floor(write.max_ratio * lengths).astype(np.int64) + write.max_more
    attends = model.config.model.attention != "none"
    return decoded(
        model,
        stepper,
        how,
        keys=[each.tobytes() for each in arrays.sources],
        longest=longest,
        source_lengths=lengths,
        coverage_penalty=write.coverage_penalty if attends else 0.0,
    )


def _target(encoder: PairEncoder, found: Hypothesis, length: int) -> Target:
    if not length:
        return Target("")
    coder = encoder.coder.target
    weights = None if found.attention is None else found.attention[:, :length]
    tokens = tuple(coder.tokens(found.tokens))
    text, numbers = coder.decode(found.tokens), tuple(int(n) for n in found.tokens)
    return Target(text, tokens, found.log_prob, weights, found.is_cut, numbers)


def _forced(stepper: Any, arrays: PairArrays) -> list[Floats]:
    """Log probabilities of each target's tokens and its end mark."""
    lengths = np.array([len(each) + 1 for each in arrays.targets])
    whole = np.zeros((len(lengths), int(lengths.max())), dtype=np.int64)
    for row, each in enumerate(arrays.targets):
        whole[row, : len(each)], whole[row, len(each)] = each, END
    logs = forced(stepper, whole, lengths, begin=BEGIN).astype(np.float64)
    return [row[:length] for row, length in zip(logs, lengths.tolist(), strict=True)]
