"""What a classifier has to beat: the most frequent label, and what a sceptic would try first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from longshort.data.grams import Grams, Kind, kinds_for, occurrences
from longshort.data.labelled import Examples
from longshort.data.sequences import Sequences
from longshort.metrics.statistics import statistics_of
from longshort.runs.task import Baseline, Track, untracked
from longshort.tasks.classify.convolutions import convolution_features
from longshort.tasks.classify.defaults import ENOUGH
from longshort.tasks.classify.nearest import nearest
from longshort.tasks.classify.regression import Regression, Rows, dense, sparse

Floats = NDArray[np.float64]
_INVERSE_PENALTIES = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""C: how much the losses of all examples weigh against half the sum of squared weights."""
_RISES = 2
"""So many larger C in a row without gain end the search."""
_FOLDS = 3
_MOST_GRAMS = 200_000
_CHOICE, _FINAL = 1_000_000, 6_000_000
"""Occurrences of n-grams that kinds are compared on, and that the chosen one is fitted to."""
_COMPARED = 10_000
"""Sequences of numbers on which the penalty is chosen."""


@dataclass(frozen=True)
class Known:
    """What a baseline may learn from: samples as they came, and as numbers."""

    examples: Examples
    encoded: Sequences

    def __len__(self) -> int:
        return len(self.encoded)

    @property
    def targets(self) -> Tensor:
        """Numbers of the labels, [n]."""
        return torch.from_numpy(self.encoded.targets)

    @property
    def texts(self) -> list[str]:
        """Whole texts."""
        return [str(item) for item in self.examples.items]

    def take(self, rows: Sequence[int]) -> Known:
        """These examples, in their order."""
        return Known(self.examples.take(rows), self.encoded.take(rows))


Found = dict[str, Baseline[Floats]]
"""Probabilities [n, K] of the test split, by the baseline's name."""


def baselines(
    train: Known, val: Known, test: Known, classes: int, track: Track = untracked
) -> Found:
    """All that are fitted to the training split; settings are chosen on `val` where it is large."""
    frequent = majority(train, len(test), classes)
    found = {"majority": Baseline(frequent, "always the most frequent label")}
    if train.examples.is_text:
        return found | bag_of_grams(train, val, test, classes, track)
    found |= statistics(train, val, test, classes, track)
    track("looking for nearest neighbours", 0, 0)
    found |= nearest_neighbour(train, test, classes)
    track("fitting the fixed convolutions", 0, 0)
    return found | random_convolutions(train, test, classes)


def majority(train: Known, count: int, classes: int) -> Floats:
    """Every label's share of the training split, for each of `count` examples, [count, K]."""
    shares = torch.bincount(train.targets, minlength=classes).double() / len(train.targets)
    return np.tile(shares.numpy(), (count, 1))


def nearest_neighbour(train: Known, test: Known, classes: int) -> Found:
    """The label of the training sequence that is nearest."""
    p, note = nearest(train.encoded, test.encoded, classes)
    return {"nearest": Baseline(p, "the nearest training sequence", note or "")}


def random_convolutions(train: Known, test: Known, classes: int) -> Found:
    """Ridge regression on many fixed convolutions."""
    p, note = convolution_features(train.encoded, test.encoded, classes)
    title = "ridge regression on fixed convolutions"
    return {"convolutions": Baseline(p, title, note or "")}


Encode = Callable[[Known, Sequence[Known]], list[Rows]]
"""Fits itself to the first and gives the rows of the others."""


@dataclass(frozen=True)
class _Candidate:
    """A way to encode, and the training examples that are afforded for it."""

    name: str
    encode: Encode
    train: Known


def bag_of_grams(
    train: Known, val: Known, test: Known, classes: int, track: Track = untracked
) -> Found:
    """Logistic regression on tf-idf of n-grams of the whole texts.

    Which n-grams is chosen like the penalty, whatever the network's tokens are.
    """
    kinds = kinds_for(train.texts)
    candidates = [
        _Candidate(kind.name, _bags(kind), _affordable(train, kind, _CHOICE)) for kind in kinds
    ]
    chosen, inverse, how = _choose(candidates, val, classes, track)
    kind = next(kind for kind in kinds if kind.name == chosen.name)
    learned = _affordable(train, kind, _FINAL)
    p = _fitted(replace(chosen, train=learned), inverse, test, classes)
    part = f"{len(learned):,} of {len(train):,} training texts" if len(learned) < len(train) else ""
    note = f"counts {kind.name}, with the inverse penalty C = {inverse:g}; both were chosen {how}"
    name = "bag_of_characters" if kinds[0].blocks[0][0] == "characters" else "bag_of_words"
    title = f"logistic regression on {kind.name}"
    return {name: Baseline(p, title, f"{note}; it is fitted to {part}" if part else note)}


def statistics(
    train: Known, val: Known, test: Known, classes: int, track: Track = untracked
) -> Found:
    """Logistic regression on simple statistics of each channel."""
    few = _part(train, _COMPARED)
    chosen, inverse, how = _choose(
        [_Candidate("statistics", _statistics, few)], val, classes, track
    )
    p = _fitted(replace(chosen, train=train), inverse, test, classes)
    note = f"has the inverse penalty C = {inverse:g}, chosen {how}"
    return {"statistics": Baseline(p, "logistic regression on simple statistics", note)}


def _choose(
    candidates: Sequence[_Candidate], val: Known, classes: int, track: Track
) -> tuple[_Candidate, float, str]:
    """The candidate and the inverse penalty with the best log loss, and on what that is."""
    is_held_out = len(val) >= ENOUGH
    found = []
    for number, candidate in enumerate(candidates):
        track(f"fitting the linear baseline on {candidate.name}", number, len(candidates))
        splits = [(candidate.train, val)] if is_held_out else _folds(candidate.train)
        found.append(_best_penalty(candidate.encode, splits, classes))
    best = int(np.argmin([loss for loss, _ in found]))
    folds = f"by {_FOLDS}-fold cross-validation of the training split"
    how = "on the validation split" if is_held_out else folds
    return candidates[best], found[best][1], how


def _best_penalty(
    encode: Encode, splits: Sequence[tuple[Known, Known]], classes: int
) -> tuple[float, float]:
    """The least mean log loss on the second halves, and the inverse penalty that has it."""
    rows = [encode(one, (one, other)) for one, other in splits]
    states = [Regression.zero(one.width, classes) for one, _ in rows]
    best, chosen, rises = np.inf, _INVERSE_PENALTIES[0], 0
    for inverse in _INVERSE_PENALTIES:
        loss = 0.0
        for i, ((one, other), (known, checked)) in enumerate(zip(splits, rows, strict=True)):
            states[i] = states[i].fitted(known, one.targets, inverse)
            found = states[i].log_probabilities(checked)
            loss += float(F.nll_loss(found, other.targets, reduction="sum"))
        loss /= sum(len(other) for _, other in splits)
        rises = 0 if loss < best else rises + 1
        if loss < best:
            best, chosen = loss, inverse
        if rises == _RISES:
            break
    return best, chosen


def _fitted(candidate: _Candidate, inverse: float, test: Known, classes: int) -> Floats:
    known, asked = candidate.encode(candidate.train, (candidate.train, test))
    state = Regression.zero(known.width, classes)
    state = state.fitted(known, candidate.train.targets, inverse)
    found: Floats = state.log_probabilities(asked).exp().numpy()
    return found


def _folds(known: Known) -> list[tuple[Known, Known]]:
    """The rest and each fold; all have the same shares of every label."""
    draw = np.random.default_rng(0)
    order = draw.permutation(len(known))
    order = order[np.argsort(known.targets.numpy()[order], kind="stable")]
    fold = np.empty(len(known), dtype=np.int64)
    fold[order] = np.arange(len(known)) % _FOLDS
    sides = ((np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(_FOLDS))
    return [(known.take(rest.tolist()), known.take(one.tolist())) for rest, one in sides]


def _part(known: Known, most: int) -> Known:
    """By chance so many at most."""
    if len(known) <= most:
        return known
    return known.take(np.random.default_rng(0).permutation(len(known))[:most].tolist())


def _affordable(known: Known, kind: Kind, most: int) -> Known:
    """By chance as many as have this many n-grams together."""
    order = np.random.default_rng(0).permutation(len(known))
    texts = (str(known.examples.items[i]) for i in order)
    total = 0
    for count, size in enumerate(occurrences(texts, kind)):
        total += size
        if total > most:
            return known.take(order[: max(1, count)].tolist())
    return known


def _bags(kind: Kind) -> Encode:
    def encode(train: Known, others: Sequence[Known]) -> list[Rows]:
        grams = Grams.fit(train.texts, kind, _MOST_GRAMS)
        return [sparse(grams.bags(other.texts)) for other in others]

    return encode


def _statistics(train: Known, others: Sequence[Known]) -> list[Rows]:
    """Each channel's mean, deviation, least, largest, first, last and slope."""
    known = statistics_of(train.encoded.items)
    mean, deviation = known.mean(0), known.std(0)
    scale = np.where(deviation > 1e-8, deviation, 1.0)
    return [dense((statistics_of(other.encoded.items) - mean) / scale) for other in others]
