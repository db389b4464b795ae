"""A classification as code: from a sequence to the labels' probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from longshort.data.grams import Bags
from longshort.data.sequences import Batch
from longshort.runs.portable import Part, Portable
from longshort.runs.portable_sequences import (
    MOST_TRIALS,
    SAMPLES,
    sequence_arguments,
    sequence_name,
    sequence_page,
    sequence_trials,
)
from longshort.runs.portable_steps import step_parts
from longshort.runs.portable_values import Computed, Given, Result, computed

_GRAMS = 1024
"""Number of different n-grams that a text may have at least."""


def portable(model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
    """Return what becomes code; see `longshort.runs.abilities.Ports`."""
    encoder = model.encoder
    batches = [each.inputs[0] for each in golden if each.function == "logits"]
    calls = [(each.x, each.lengths) for each in batches]
    x, count, steps = sequence_arguments(encoder.reader, calls, steps)
    trials = sequence_trials(encoder.reader, calls, steps)
    grams, page = None, dict[str, Any]()
    if encoder.grams is not None:
        most = max(_GRAMS, *(int(np.diff(each.grams.begins).max()) for each in batches))
        columns: Any = Given("grams", np.zeros(most, np.int64), axes=("grams",))
        weights: Any = Given("weights", np.zeros(most, np.float32), axes=("grams",))
        grams = Bags(columns, weights, np.array([0, most]), encoder.grams.width)
        x, count = (_one(each) for each in (x, count))
        trials = _with_grams(trials, batches, most)
        page = {**_grams_page(encoder.grams), "most_grams": most}
    arguments = (Batch(x, count, None, grams),)
    answers = {"probabilities": _shares(encoder.targets)}
    whole = Part("run", "logits", arguments, answers, trials)
    parts = (whole, *step_parts(model, encoder.reader, trials, answers))
    page |= sequence_page(encoder.reader, model.config.data.features, steps)
    labels = list(encoder.labels)
    several = encoder.targets.separator is not None
    says = (
        f"{sequence_name(encoder.reader)}: the sequence, {steps} steps at most; what lies past "
        "its end is not read",
        "count: the number of its steps, from 1",
        *([f"grams, weights: numbers of its n-grams, {page['most_grams']} at most, and their "
           "weights, 0 where there are no more"] if grams else []),
        f"probabilities: of {', '.join(labels[:20])}",
    )  # fmt: skip
    what = f"Give it {SAMPLES[page['reads']]}, and see which labels it finds likely."
    return Portable(
        parts, {"kind": "labels", "labels": labels, "several": several, **page}, what, says
    )


def _one(given: Any) -> Any:
    """Return an argument of one text alone, since n-grams are given for one."""
    return replace(given, axes=tuple(None if each == "batch" else each for each in given.axes))


def _shares(targets: Any) -> Computed:
    """Return the probabilities [1, K] from logits [M, 1, K]."""
    each = computed("softmax.int", Result(), -1)
    if targets.separator is not None:
        each = computed("sigmoid", Result())
    return computed("mean.dim", each, [0])


def _with_grams(
    trials: Sequence[dict[str, Any]], batches: Sequence[Any], most: int
) -> list[dict[str, Any]]:
    found, bags = [], [bag for each in batches for bag in _rows(each.grams)]
    for trial, bag in zip(trials, bags, strict=False):
        columns, weights = np.zeros(most, np.int64), np.zeros(most, np.float32)
        columns[: len(bag.columns)], weights[: len(bag.columns)] = bag.columns, bag.weights
        found.append({**trial, "grams": columns, "weights": weights})
    return found


def _rows(stored: Any) -> list[Bags]:
    """Return the n-grams of as many texts of a batch as `sequence_trials` takes."""
    bags = Bags(stored.columns, stored.weights, stored.begins, stored.width)
    return [bags.take([row]) for row in range(min(len(bags), MOST_TRIALS))]


def _grams_page(grams: Any) -> dict[str, Any]:
    return {
        "units": [list(block) for block in grams.kind.blocks],
        "blocks": [list(block) for block in grams.blocks],
        "idf": [[round(each, 6) for each in block] for block in grams.idf],
    }
