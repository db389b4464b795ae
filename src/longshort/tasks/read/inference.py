"""The way from encoded lines to the signs that are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.coding import BEGIN, END
from longshort.decoding.ctc_alignment import Span, align
from longshort.decoding.forced import forced
from longshort.decoding.label_scorer import LabelScorer
from longshort.runs.decoded import decoded
from longshort.runs.stepping import NetworkStepper
from longshort.runs.task import Model
from longshort.runs.writing import Writing
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.encoder import LineArrays, ReadEncoder
from longshort.tasks.read.language import BONUS, SEARCH, WEIGHT, gram_scorer, spelled

ReadModelOf = Model[ReadConfig, ReadEncoder]
TOGETHER = 32
"""Lines that are read together; they are of similar length."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Readings:
    """What was read of n lines: numbers of the signs, and the probability of each sign.

    The probabilities are empty where no network read.
    """

    texts: list[str]
    signs: list[list[str]]
    sureness: list[list[float]] = field(default_factory=list)


def read(
    model: ReadModelOf, arrays: LineArrays, *, greedy: bool = False, how: Writing | None = None
) -> Readings:
    """Read lines; greedy: by the most probable path, whatever the settings say.

    how: the way in which a decoder writes, as the settings say when None.
    """
    if model.config.model.head == "attention":
        return _written(model, arrays, Writing(beam=1) if greedy else how or Writing())
    width, scorer = (1, None) if greedy else _search(model)
    return spelled_lines(model, frames(model, arrays), width, scorer)


def spelling(model: ReadModelOf, arrays: LineArrays) -> list[list[Span]]:
    """Return the signs of lines that are read by CTC, each with its steps of the network."""
    logs = frames(model, arrays)
    found = spelled(logs, *_search(model))
    return [align(each, best.labels) for each, best in zip(logs, found, strict=True)]


def _search(model: ReadModelOf) -> tuple[int, LabelScorer | None]:
    """Return the width of the search, and what the n-gram adds to it, as the run chose them."""
    if not float(model.kept.get(SEARCH, 1.0)):
        return 1, None
    return model.config.write.beam, scorer_of(model)


def scorer_of(model: ReadModelOf) -> LabelScorer | None:
    """Return what the n-gram adds to the search; None where there is none, or it does not help."""
    grams, weight = model.encoder.grams, float(model.kept.get(WEIGHT, 0.0))
    return gram_scorer(grams, weight, float(model.kept[BONUS])) if grams and weight else None


def spelled_lines(
    model: ReadModelOf, logs: list[Floats], width: int, scorer: LabelScorer | None
) -> Readings:
    """Return what frames spell, with the probability of each sign on its own frames."""
    labels = [each.labels for each in spelled(logs, width, scorer)]
    sureness = [
        [span.probability for span in align(each, found)] if found else []
        for each, found in zip(logs, labels, strict=True)
    ]
    return _readings(model.encoder, [list(each) for each in labels], sureness)


def frames(model: ReadModelOf, arrays: LineArrays) -> list[Floats]:
    """Return the log probabilities [T, K] of each line's frames."""
    found: list[Any] = [None] * len(arrays.inputs)
    for rows in _together(arrays):
        batch = arrays.batch(rows)
        logs, lengths = model.call("logs", batch.x, batch.lengths)
        for place, row in enumerate(rows.tolist()):
            found[row] = np.ascontiguousarray(logs[: int(lengths[place]), place])
    return found


def _written(model: ReadModelOf, arrays: LineArrays, how: Writing) -> Readings:
    """Read lines by a decoder that writes sign by sign."""
    count = len(arrays.inputs)
    labels: list[list[int]] = [[] for _ in range(count)]
    sureness: list[list[float]] = [[] for _ in range(count)]
    most = model.config.write.max_length
    for rows in _together(arrays):
        batch = arrays.batch(rows)
        begun = NetworkStepper(model.call, model.call("begin", batch.x, batch.lengths))
        longest = np.full(len(rows), most)
        keys = [str(row).encode() for row in rows.tolist()]
        best = [each[0] for each in decoded(model, begun, how, keys=keys, longest=longest)]
        for row, each in zip(rows.tolist(), best, strict=True):
            labels[row] = [int(n) for n in each.tokens]
        found = _probabilities(begun, [labels[row] for row in rows.tolist()])
        for row, probabilities in zip(rows.tolist(), found, strict=True):
            sureness[row] = probabilities
    return _readings(model.encoder, labels, sureness)


def _probabilities(begun: NetworkStepper, labels: list[list[int]]) -> list[list[float]]:
    """Return the probability of each sign after those before it."""
    width = max(1, *(len(each) for each in labels))
    padded = np.full((len(labels), width), END, dtype=np.int64)
    for row, each in enumerate(labels):
        padded[row, : len(each)] = each
    lengths = np.array([len(each) for each in labels], dtype=np.int64)
    logs = forced(begun, padded, lengths, begin=BEGIN)
    return [np.exp(logs[row, :n]).tolist() for row, n in enumerate(lengths.tolist())]


def _readings(
    encoder: ReadEncoder, labels: list[list[int]], sureness: list[list[float]]
) -> Readings:
    signs = [encoder.listed(each) for each in labels]
    return Readings([encoder.text(each) for each in labels], signs, sureness)


def readings_of(encoder: ReadEncoder, texts: list[str]) -> Readings:
    """Return texts that no network read, such as those of a baseline."""
    return Readings(texts, [encoder.split(text) for text in texts])


def _together(arrays: LineArrays) -> list[NDArray[np.int64]]:
    """Return the numbers of lines that are read together."""
    order = np.argsort(arrays.lengths, kind="stable")
    return [order[i : i + TOGETHER] for i in range(0, len(order), TOGETHER)]
