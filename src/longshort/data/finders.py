"""Findings that several tasks' data checks have in common."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

from longshort.data.findings import Finding
from longshort.data.splits import Divisible
from longshort.data.vocabulary import Vocabulary

SHOWN = 5
"""Largest number of places that a finding names."""
_FEW = 10
_MANY = 0.1
"""Share of unknown tokens from which a finding is a warning."""
_UNKNOWN_SHOWN = 3


def repeated(split: str, source: Divisible, items: str) -> list[Finding]:
    """Find equal content within a split; `items` is the plural of what samples are called."""
    groups = _equal(source)
    if not groups:
        return []
    extra = sum(len(group) - 1 for group in groups)
    return [
        Finding(
            "repeated",
            "note",
            f"{extra:,} of {len(source):,} {split} {items} repeat another one of the split",
            tuple(source.places[group[1]] for group in groups[:SHOWN]),
            "remove them if they should count once",
        )
    ]


def contradicting(
    split: str,
    source: Divisible,
    truths: Sequence[Hashable],
    what: str,
    show: Callable[[Sequence[int]], str],
) -> list[Finding]:
    """Find equal content within a split that has different truths [n], called `what`.

    show: returns a line for people about samples of equal content, given by number.
    """
    torn = [group for group in _equal(source) if len({truths[i] for i in group}) > 1]
    if not torn:
        return []
    return [
        Finding(
            "contradiction",
            "warning",
            f"{len(torn):,} contents of the {split} split stand there with different {what}",
            tuple(show(group) for group in torn[:SHOWN]),
            f"decide for one, and correct the {what} of the others",
        )
    ]


def scarce(counts: Counter[str], what: str, items: str) -> list[Finding]:
    """Find labels or types, called `what`, with few training `items`."""
    few = [f"{name}: {count}" for name, count in counts.most_common() if count < _FEW]
    if not few:
        return []
    return [
        Finding(
            "few-examples",
            "warning",
            f"{len(few):,} of {len(counts):,} {what} have fewer than {_FEW} training {items}",
            tuple(few[:SHOWN]),
            f"give more of them, or merge {what}",
        )
    ]


def unknown(
    split: str,
    tokens: Sequence[str],
    vocabulary: Vocabulary,
    *,
    is_learned: bool,
    least: float = 0.0,
) -> list[Finding]:
    """Find tokens of a split that are unknown from training, if their share is above `least`.

    is_learned: whether training has unknown tokens too, so that their vector is trained.
    """
    found = Counter(token for token in tokens if token not in vocabulary)
    share = found.total() / max(1, len(tokens))
    if share <= least:
        return []
    chance = "" if is_learned else "; training has none, so what it makes of them is chance"
    fixes = ["give more training text, or other tokens, if they matter"] if share >= _MANY else []
    fixes += [] if is_learned else ["a higher text.min_count makes rare ones unknown in training"]
    return [
        Finding(
            "unknown",
            "warning" if share >= _MANY else "note",
            f"{found.total():,} of {len(tokens):,} {split} tokens ({share:.2%}) count as "
            f"unknown{chance}",
            tuple(f"{token!r}: {times:,}" for token, times in found.most_common(_UNKNOWN_SHOWN)),
            "; ".join(fixes),
        )
    ]


def _equal(source: Divisible) -> list[list[int]]:
    """Return the numbers of samples with equal content, in groups of two or more."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for index, key in enumerate(source.keys()):
        groups[key].append(index)
    return [group for group in groups.values() if len(group) > 1]
