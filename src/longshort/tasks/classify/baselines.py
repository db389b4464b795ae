"""Baselines of a classifier: the most frequent label, linear models, neighbours, convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.data.grams import Grams, Kind, kinds_for, occurrences
from longshort.data.labelled import Examples
from longshort.data.sequences import Sequences
from longshort.metrics.statistics import statistics_of
from longshort.runs.task import Baseline, Track, untracked
from longshort.tasks.classify.convolutions import convolution_features
from longshort.tasks.classify.defaults import ENOUGH
from longshort.tasks.classify.nearest import nearest
from longshort.tasks.classify.regression import Regression, Rows, dense, sparse
from longshort.tasks.classify.targets import Prediction, Targets

Floats = NDArray[np.float64]
_INVERSE_PENALTIES = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""C: the weight of the losses of all examples against half the sum of squared weights."""
_RISES = 2
"""Number of larger C in a row without gain that end the search."""
_FOLDS = 3
_MOST_GRAMS = 200_000
_CHOICE, _FINAL = 1_000_000, 6_000_000
"""Most occurrences of n-grams on which kinds are compared, and to which the best is fitted."""
_COMPARED = 10_000
"""Most sequences of numbers on which the penalty is chosen."""


@dataclass(frozen=True)
class Known:
    """Samples for a baseline: as they were read, and encoded."""

    examples: Examples
    encoded: Sequences

    def __len__(self) -> int:
        return len(self.encoded)

    @property
    def targets(self) -> Tensor:
        """The true labels as `Targets.numbers` returns them."""
        return torch.from_numpy(self.encoded.targets)

    @property
    def texts(self) -> list[str]:
        """The texts, uncut."""
        return [str(item) for item in self.examples.items]

    def take(self, rows: Sequence[int]) -> Known:
        """Return the examples with these numbers, in this order."""
        return Known(self.examples.take(rows), self.encoded.take(rows))


Found = dict[str, Baseline[Prediction]]
"""Predictions of the test split, by the baseline's name."""


def baselines(
    train: Known, val: Known, test: Known, targets: Targets, track: Track = untracked
) -> Found:
    """Return all baselines that are fitted to the training split.

    Settings are chosen on `val` if it is large. Neighbours and fixed convolutions are only for
    sequences with one label each.
    """
    found = majority(train, len(test), targets)
    if train.examples.is_text:
        return found | bag_of_grams(train, val, test, targets, track)
    found |= statistics(train, val, test, targets, track)
    if targets.separator is not None:
        return found
    if train.examples.sounds is not None:
        from longshort.tasks.classify.sound_baselines import sound_baselines

        found |= sound_baselines(train, val, test, targets, track)
    track("looking for nearest neighbours", 0, 0)
    found |= nearest_neighbour(train, test, targets.classes)
    track("fitting the fixed convolutions", 0, 0)
    return found | random_convolutions(train, test, targets.classes)


def majority(train: Known, count: int, targets: Targets) -> Found:
    """Predict the labels' shares in the training split for each of `count` examples."""
    shares = targets.known(train.targets).mean(0).numpy()
    threshold = targets.threshold(np.tile(shares, (len(train), 1)), train.encoded.targets)
    p = np.tile(shares, (count, 1))
    return {"majority": Baseline(Prediction(p, threshold), targets.constant)}


def nearest_neighbour(train: Known, test: Known, classes: int) -> Found:
    """Predict for each test sequence the label of the nearest training sequence."""
    p, note = nearest(train.encoded, test.encoded, classes)
    return {"nearest": Baseline(Prediction(p), "the nearest training sequence", note)}


def random_convolutions(train: Known, test: Known, classes: int) -> Found:
    """Predict by ridge regression on many fixed convolutions."""
    p, note = convolution_features(train.encoded, test.encoded, classes)
    title = "ridge regression on fixed convolutions"
    return {"convolutions": Baseline(Prediction(p), title, note)}


Encode = Callable[[Known, Sequence[Known]], list[Rows]]
"""Fits itself to the first samples, and returns the rows of the others."""


@dataclass(frozen=True)
class _Candidate:
    """A way to encode, and as many training examples as it can afford."""

    name: str
    encode: Encode
    train: Known


def bag_of_grams(
    train: Known, val: Known, test: Known, targets: Targets, track: Track = untracked
) -> Found:
    """Predict by logistic regression on tf-idf of n-grams of the whole texts.

    The kind of n-grams is chosen like the penalty, whatever the tokens of the network are.
    """
    kinds = kinds_for(train.texts)
    candidates = [
        _Candidate(kind.name, _bags(kind), _affordable(train, kind, _CHOICE)) for kind in kinds
    ]
    chosen, inverse, how = _choose(candidates, val, targets, track)
    kind = next(kind for kind in kinds if kind.name == chosen.name)
    learned = _affordable(train, kind, _FINAL)
    found = _fitted(replace(chosen, train=learned), inverse, val, test, targets)
    note = f"counts {kind.name}, with the inverse penalty C = {inverse:g}; both were chosen {how}"
    note += _decides(found)
    if len(learned) < len(train):
        note += f"; it is fitted to {len(learned):,} of {len(train):,} training texts"
    name = "bag_of_characters" if kinds[0].blocks[0][0] == "characters" else "bag_of_words"
    title = f"logistic regression on {kind.name}"
    return {name: Baseline(found, title, note)}


class Linear(NamedTuple):
    """A linear baseline: its name, the rows that it reads, and its title in the verdict."""

    name: str
    encode: Encode
    title: str


def statistics(
    train: Known, val: Known, test: Known, targets: Targets, track: Track = untracked
) -> Found:
    """Predict by logistic regression on simple statistics of each channel."""
    how = Linear("statistics", _statistics, "logistic regression on simple statistics")
    return linear(how, train, val, test, targets, track)


def linear(
    how: Linear, train: Known, val: Known, test: Known, targets: Targets, track: Track
) -> Found:
    """Predict by logistic regression on rows of numbers."""
    name, encode, title = how
    few = _drawn(train, _COMPARED)
    chosen, inverse, said = _choose([_Candidate(name, encode, few)], val, targets, track)
    found = _fitted(replace(chosen, train=train), inverse, val, test, targets)
    note = f"has the inverse penalty C = {inverse:g}, chosen {said}{_decides(found)}"
    return {name: Baseline(found, title, note)}


def _decides(prediction: Prediction) -> str:
    """Return a remark on the threshold above which a label is predicted, if there is one."""
    threshold = prediction.threshold
    return "" if threshold is None else f", and predicts a label from {threshold:.2g} on"


def _choose(
    candidates: Sequence[_Candidate], val: Known, targets: Targets, track: Track
) -> tuple[_Candidate, float, str]:
    """Return the candidate and inverse penalty with the best log loss, and how it was measured."""
    found = []
    for number, candidate in enumerate(candidates):
        track(f"fitting the linear baseline on {candidate.name}", number, len(candidates))
        splits = _checked(candidate.train, val, targets)
        found.append(_best_penalty(candidate.encode, splits, targets))
    best = int(np.argmin([loss for loss, _ in found]))
    folds = f"by {_FOLDS}-fold cross-validation of the training split"
    how = "on the validation split" if len(val) >= ENOUGH else folds
    return candidates[best], found[best][1], how


def _checked(train: Known, val: Known, targets: Targets) -> list[tuple[Known, Known]]:
    """Return pairs of examples to learn from and examples held out, for choosing settings."""
    return [(train, val)] if len(val) >= ENOUGH else _folds(train, targets)


def _best_penalty(
    encode: Encode, splits: Sequence[tuple[Known, Known]], targets: Targets
) -> tuple[float, float]:
    """Return the least mean log loss on held-out examples, and its inverse penalty."""
    rows = [encode(one, (one, other)) for one, other in splits]
    states = [Regression.zero(one.width, targets) for one, _ in rows]
    known = [[targets.known(half.targets) for half in split] for split in splits]
    best, chosen, rises = np.inf, _INVERSE_PENALTIES[0], 0
    for inverse in _INVERSE_PENALTIES:
        loss = 0.0
        for i, ((one, other), (learned, held)) in enumerate(zip(rows, known, strict=True)):
            states[i] = states[i].fitted(one, learned, inverse)
            loss += float(targets.losses(states[i].logits(other), held).sum())
        loss /= sum(len(other) for _, other in splits)
        rises = 0 if loss < best else rises + 1
        if loss < best:
            best, chosen = loss, inverse
        if rises == _RISES:
            break
    return best, chosen


def _fitted(
    candidate: _Candidate, inverse: float, val: Known, test: Known, targets: Targets
) -> Prediction:
    """Return the prediction of the test split.

    The threshold for several labels is the best on the examples on which settings were chosen.
    """
    p = _learned(candidate, inverse, test, targets)
    if not targets.has_threshold:
        return Prediction(p)
    splits = _checked(candidate.train, val, targets)
    held = [_learned(replace(candidate, train=a), inverse, b, targets) for a, b in splits]
    truth = np.concatenate([other.encoded.targets for _, other in splits])
    return Prediction(p, targets.threshold(np.concatenate(held), truth))


def _learned(candidate: _Candidate, inverse: float, asked: Known, targets: Targets) -> Floats:
    """Return probabilities [n, K] of `asked` by a regression on the candidate's examples."""
    rows, others = candidate.encode(candidate.train, (candidate.train, asked))
    state = Regression.zero(rows.width, targets)
    state = state.fitted(rows, targets.known(candidate.train.targets), inverse)
    found: Floats = state.probabilities(others).numpy()
    return found


def _folds(known: Known, targets: Targets) -> list[tuple[Known, Known]]:
    """Return for each fold the rest and the fold, with the same shares of every label in all."""
    draw = np.random.default_rng(0)
    order = draw.permutation(len(known))
    order = order[np.argsort(targets.strata(known.encoded.targets)[order], kind="stable")]
    fold = np.empty(len(known), dtype=np.int64)
    fold[order] = np.arange(len(known)) % _FOLDS
    sides = ((np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(_FOLDS))
    return [(known.take(rest.tolist()), known.take(one.tolist())) for rest, one in sides]


def _drawn(known: Known, most: int) -> Known:
    """Return the examples, or `most` of them, drawn at random."""
    if len(known) <= most:
        return known
    return known.take(np.random.default_rng(0).permutation(len(known))[:most].tolist())


def _affordable(known: Known, kind: Kind, most: int) -> Known:
    """Return random examples, as many as have `most` n-grams of this kind together."""
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
    """Return mean, deviation, least, largest, first, last and slope of each channel."""
    known = statistics_of(train.encoded.items)
    mean, deviation = known.mean(0), known.std(0)
    scale = np.where(deviation > 1e-8, deviation, 1.0)
    return [dense((statistics_of(other.encoded.items) - mean) / scale) for other in others]
