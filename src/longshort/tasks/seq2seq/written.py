"""Written targets, and the way from encoded sources to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.coding import BEGIN, END, PADDING, UNKNOWN
from longshort.decoding.beam import beam_search
from longshort.decoding.forced import forced
from longshort.decoding.greedy import greedy
from longshort.decoding.hypothesis import Hypothesis
from longshort.decoding.options import Beam, Limits
from longshort.runs.task import Model
from longshort.tasks.seq2seq.config import PairConfig
from longshort.tasks.seq2seq.encoder import PairArrays, PairEncoder

PairModelOf = Model[Any, PairEncoder]
Floats = NDArray[np.float64]
TOGETHER = 64
"""Sources that are written together."""


@dataclass(frozen=True)
class Target:
    """One way to write a source.

    tokens: as people read them; log_prob: of all of them and the end; attention [T, S]: of each
    token to those of the source, None without attention; is_cut: whether it ended at the greatest
    length.
    """

    text: str
    tokens: tuple[str, ...] = ()
    log_prob: float = 0.0
    attention: NDArray[Any] | None = None
    is_cut: bool = False


@dataclass(frozen=True)
class Written:
    """The best targets of n sources, best first; one each of a baseline.

    sources: the sources' tokens as people read them, where a model wrote. nats [n]: negative
    log-likelihood of each given target, and tokens [n] in it with its end, by forced decoding;
    empty where no targets were given.
    """

    targets: list[list[Target]]
    sources: list[list[str]] = field(default_factory=list)
    nats: Floats = field(default_factory=lambda: np.zeros(0))
    tokens: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def texts(self) -> list[str]:
        """The best text of each source."""
        return [each[0].text for each in self.targets]


def written_by(texts: Sequence[str]) -> Written:
    """Return the texts of a baseline."""
    return Written([[Target(text)] for text in texts])


def write(
    model: PairModelOf,
    arrays: PairArrays,
    *,
    width: int | None = None,
    n_best: int = 1,
    with_scores: bool = True,
) -> Written:
    """Write the targets of encoded sources by beam search.

    width: of the beam, the settings' own when None; 1 is greedy. with_scores: also score the given
    targets, where there are any.
    """
    model.network.eval()
    count, scored = len(arrays.sources), with_scores and bool(arrays.targets)
    found: list[list[Target]] = [[] for _ in range(count)]
    nats, tokens = (np.zeros(count if scored else 0) for _ in range(2))
    order = np.argsort([len(each) for each in arrays.sources], kind="stable")
    for begin in range(0, count, TOGETHER):
        rows = order[begin : begin + TOGETHER]
        together = arrays.take(rows)
        stepper, lengths = begun(model, together)
        best = _decoded(model.config, stepper, lengths, width or model.config.write.beam, n_best)
        for row, each, length in zip(rows.tolist(), best, lengths.tolist(), strict=True):
            found[row] = [_target(model.encoder, one, length) for one in each]
        if scored:
            nats[rows], tokens[rows] = _forced(stepper, together)
    sources = [model.encoder.coder.source.tokens(each.tolist()) for each in arrays.sources]
    return Written(found, sources, nats, tokens)


def begun(model: PairModelOf, arrays: PairArrays) -> tuple[Any, NDArray[np.int64]]:
    """Return the state of all sources before their first token, and their lengths."""
    import torch

    from longshort.nn.blocks.stepper import TorchStepper

    batch = PairArrays(arrays.sources, []).batch(np.arange(len(arrays.sources)))
    source = torch.from_numpy(batch.source).to(model.device)
    with torch.no_grad():
        state = model.network.begin(source, torch.from_numpy(batch.lengths))
    return TorchStepper(model.network.decoder, state, source), batch.lengths


def _decoded(
    config: PairConfig, stepper: Any, lengths: NDArray[np.int64], width: int, n_best: int
) -> list[list[Hypothesis]]:
    """Hypotheses of each source, the best first."""
    write = config.write
    longest = np.floor(write.max_ratio * lengths).astype(np.int64) + write.max_more
    limits: dict[str, Any] = {
        "min_length": write.min_length,
        "max_length": np.maximum(longest, max(1, write.min_length)),
        "no_repeat": write.no_repeat,
        "banned": (PADDING, UNKNOWN, BEGIN),
    }
    how: dict[str, Any] = {"batch": len(lengths), "begin": BEGIN, "end": END}
    how["source_lengths"] = lengths
    if max(width, n_best) == 1:
        return [[each] for each in greedy(stepper, options=Limits(**limits), **how)]
    penalties: dict[str, Any] = {"length_penalty": write.length_penalty}
    if config.model.attention != "none":
        penalties["coverage_penalty"] = write.coverage_penalty
    beam = Beam(**limits, **penalties, width=max(width, n_best), n_best=n_best)
    return beam_search(stepper, options=beam, **how)


def _target(encoder: PairEncoder, found: Hypothesis, length: int) -> Target:
    coder = encoder.coder.target
    weights = None if found.attention is None else found.attention[:, :length]
    tokens = tuple(coder.tokens(found.tokens))
    return Target(coder.decode(found.tokens), tokens, found.log_prob, weights, found.is_cut)


def _forced(stepper: Any, arrays: PairArrays) -> tuple[Floats, Floats]:
    """Negative log-likelihood of each target with its end mark, and its tokens."""
    lengths = np.array([len(each) + 1 for each in arrays.targets])
    whole = np.zeros((len(lengths), int(lengths.max())), dtype=np.int64)
    for row, each in enumerate(arrays.targets):
        whole[row, : len(each)], whole[row, len(each)] = each, END
    logs = forced(stepper, whole, lengths, begin=BEGIN)
    return -logs.sum(1, dtype=np.float64), lengths.astype(np.float64)
