"""The data check for labelled sequences: what would harm a classifier, where, and the remedy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from longshort.data.finders import SHOWN, contradicting, repeated, scarce, unknown
from longshort.data.findings import Finding
from longshort.data.labelled import Examples
from longshort.data.padding import MOST_STEPS
from longshort.data.splits import Splits
from longshort.data.vocabulary import Vocabulary

_IMBALANCE = 10
_LONG = 10_000
"""Number of steps from which the backward pass of a batch of numbers needs gigabytes."""
_BYTES_A_LETTER = 4
_MOSTLY = 0.3
"""Share of unknown tokens from which a text is reported; some are unknown in any language."""


@dataclass(frozen=True)
class Reading:
    """Cutting of texts into tokens."""

    cut: Callable[[str], Sequence[str]]
    """Returns the tokens of a text."""
    vocabulary: Vocabulary
    max_length: int
    """Longer texts are shortened to this number of tokens."""


def examine_splits(splits: Splits[Examples], reading: Reading | None) -> list[Finding]:
    """Return all findings on the splits, those of drawing them first.

    reading: None for numbers.
    """
    found = list(splits.findings)
    for name, examples in splits.by_name().items():
        found += _empty(name, examples) + repeated(name, examples, "examples")
        found += _contradicting(name, examples)
        found += _shortened(name, examples, reading) if reading else _long(name, examples)
    if reading:
        found += _unknown(splits, reading)
    found += _contradicting_between(splits)
    found += [*_labels(splits.train), *_unseen(splits), *_never(splits)]
    return [*found, *_constant(splits.train)]


def _empty(split: str, examples: Examples) -> list[Finding]:
    """Find texts of white space, and sequences without steps."""
    where = [
        place
        for place, item in zip(examples.places, examples.items, strict=True)
        if not (item.strip() if isinstance(item, str) else len(item))
    ]
    if not where:
        return []
    return [
        Finding(
            "empty",
            "warning" if examples.is_text else "error",
            f"{len(where):,} of {len(examples):,} {split} examples are empty",
            tuple(where[:SHOWN]),
            "remove them",
        )
    ]


def _contradicting(split: str, examples: Examples) -> list[Finding]:
    labels = examples.labels or [""] * len(examples)

    def show(group: Sequence[int]) -> str:
        firsts = {labels[i]: examples.places[i] for i in reversed(group)}
        ordered = sorted(firsts, key=lambda label: [labels[i] for i in group].index(label))
        return ", ".join(f"{firsts[label]}: {label}" for label in ordered[:SHOWN])

    return contradicting(split, examples, labels, "labels", show)


def _contradicting_between(splits: Splits[Examples]) -> list[Finding]:
    """Find content that is in two splits with different labels."""
    found = []
    for (earlier, first), (split, second) in combinations(splits.by_name().items(), 2):
        known = {
            key: (place, label)
            for key, place, label in zip(
                first.keys(), first.places, first.labels or [], strict=False
            )
        }
        torn = [
            f"{second.name}, {place}: {label}, {first.name}, {known[key][0]}: {known[key][1]}"
            for key, place, label in zip(
                second.keys(), second.places, second.labels or [], strict=False
            )
            if key in known and known[key][1] != label
        ]
        if torn:
            found.append(
                Finding(
                    "contradiction",
                    "warning",
                    f"{len(torn):,} of {len(second):,} {split} examples stand in the {earlier} "
                    "split with another label",
                    tuple(torn[:SHOWN]),
                    "decide for one, and correct the others",
                )
            )
    return found


def _labels(train: Examples) -> list[Finding]:
    tally = Counter(label for each in train.label_sets for label in each)
    return _of_several(train, tally) if train.separator is not None else _of_one(train, tally)


def _of_several(train: Examples, tally: Counter[str]) -> list[Finding]:
    """Labels of which any number is true of an example."""
    if not tally:
        message = f"none of the {len(train):,} training examples has a label"
        return [Finding("no-label", "error", message, (), "give examples with labels")]
    found, empty = [], sum(not each for each in train.label_sets)
    if empty:
        message = f"{empty:,} of {len(train):,} training examples have no label"
        found.append(Finding("no-label", "note", message))
    always = [label for label, count in tally.items() if count == len(train)]
    if always:
        message = f"all training examples have {len(always):,} of the {len(tally):,} labels"
        shown = tuple(sorted(always)[:SHOWN])
        fix = "leave them out, or give examples without them"
        found.append(Finding("always", "warning", message, shown, fix))
    return [*found, *scarce(tally, "labels", "examples"), *_alike(tally)]


def _of_one(train: Examples, tally: Counter[str]) -> list[Finding]:
    """Labels of which one is true of each example."""
    counts = tally.most_common()
    if len(counts) < 2:
        only = counts[0][0] if counts else "none"
        return [
            Finding(
                "one-label",
                "error",
                f"all {len(train):,} training examples have the label {only!r}",
                (),
                "give examples of at least two labels",
            )
        ]
    found = scarce(tally, "labels", "examples") + _alike(tally)
    (most, high), (least, low) = counts[0], counts[-1]
    if high >= _IMBALANCE * low:
        found.append(
            Finding(
                "imbalance",
                "warning",
                f"{most!r} has {high:,} training examples and {least!r} has {low:,}",
                (),
                "look at macro F1 rather than accuracy; --set train.class_weights=balanced weighs "
                "labels by the inverse of their share",
            )
        )
    return found


def _alike(tally: Counter[str]) -> list[Finding]:
    """Find labels that may be the same label in two spellings."""
    written: dict[str, list[str]] = defaultdict(list)
    for label in sorted(tally):
        written[label.casefold().removesuffix(".0")].append(label)
    return [
        Finding(
            "alike-labels",
            "warning",
            f"{', '.join(map(repr, labels))} count as {len(labels)} labels",
            tuple(f"{label!r}: {tally[label]:,} training examples" for label in labels[:SHOWN]),
            "write them in one way if they mean the same",
        )
        for labels in written.values()
        if len(labels) > 1
    ]


def _unseen(splits: Splits[Examples]) -> list[Finding]:
    known = {label for each in splits.train.label_sets for label in each}
    found = []
    for name, examples in (("val", splits.val), ("test", splits.test)):
        labels = examples.labels or []
        where = [i for i, each in enumerate(examples.label_sets) if not known.issuperset(each)]
        if where:
            found.append(
                Finding(
                    "unseen-label",
                    "error",
                    f"{len(where):,} {name} examples have a label that the training split lacks",
                    tuple(
                        f"{examples.name}, {examples.places[i]}: {labels[i]!r}"
                        for i in where[:SHOWN]
                    ),
                    "correct the labels, or give training examples of them",
                )
            )
    return found


def _never(splits: Splits[Examples]) -> list[Finding]:
    """Find labels that no example of a split has, where an example may have several."""
    if splits.train.separator is None:
        return []
    known = {label for each in splits.train.label_sets for label in each}
    found = []
    for name, examples in splits.by_name().items():
        missing = sorted(known.difference(*examples.label_sets)) if name != "train" else []
        if missing:
            message = f"{len(missing):,} of {len(known):,} labels stand in no {name} example"
            fix = "nothing is measured of them there; give more examples if they matter"
            found.append(Finding("never", "note", message, tuple(missing[:SHOWN]), fix))
    return found


def _unknown(splits: Splits[Examples], reading: Reading) -> list[Finding]:
    def tokens(examples: Examples) -> Iterator[str]:
        return (token for item in examples.items for token in reading.cut(str(item)))

    known = reading.vocabulary
    is_learned = any(token not in known for token in tokens(splits.train))
    return [
        finding
        for name, examples in (("val", splits.val), ("test", splits.test))
        for finding in unknown(
            name, list(tokens(examples)), known, is_learned=is_learned, least=_MOSTLY
        )
    ]


def _shortened(split: str, examples: Examples, reading: Reading) -> list[Finding]:
    """Find texts that are shortened; only texts long enough for that are cut into tokens."""
    where, most = [], reading.max_length
    for place, item in zip(examples.places, examples.items, strict=True):
        if isinstance(item, str) and _BYTES_A_LETTER * len(item) > most:
            count = len(reading.cut(item))
            if count > most:
                where.append((count, place))
    if not where:
        return []
    where.sort(key=lambda pair: -pair[0])
    return [
        Finding(
            "long",
            "note",
            f"{len(where):,} of {len(examples):,} {split} texts have more than {most:,} tokens and "
            "lose their middle",
            tuple(f"{place}: {count:,} tokens" for count, place in where[:SHOWN]),
            "raise text.max_length if the middle matters",
        )
    ]


def _long(split: str, examples: Examples) -> list[Finding]:
    """Find sequences that need much memory, or more than the machine has."""
    lengths = [len(item) for item in examples.items]
    most = MOST_STEPS if max(lengths) > MOST_STEPS else _LONG
    where = [i for i, length in enumerate(lengths) if length > most]
    if not where:
        return []
    return [
        Finding(
            "too-long" if most == MOST_STEPS else "long",
            "error" if most == MOST_STEPS else "warning",
            f"{len(where):,} of {len(examples):,} {split} sequences have more than {most:,} steps; "
            "training keeps the states of every step",
            tuple(f"{examples.places[i]}: {lengths[i]:,} steps" for i in where[:SHOWN]),
            "take every k-th step or a mean of k steps, or cut them into pieces",
        )
    ]


def _constant(train: Examples) -> list[Finding]:
    """Find constant channels; a note only, since images have such pixels at their edges."""
    if train.is_text:
        return []
    low = np.min([np.min(item, 0) for item in map(np.asarray, train.items) if len(item)], 0)
    high = np.max([np.max(item, 0) for item in map(np.asarray, train.items) if len(item)], 0)
    still = [int(i) for i in np.flatnonzero(low == high)]
    if not still:
        return []
    names = [train.features[i] if train.features else f"channel {i}" for i in still[:SHOWN]]
    return [
        Finding(
            "constant",
            "note",
            f"{len(still):,} of {train.width:,} values a step are the same throughout",
            tuple(names),
            "leave them out",
        )
    ]
