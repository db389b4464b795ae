"""What the data doctors of several tasks look for alike, whatever an example is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

from longshort.data.findings import Finding
from longshort.data.parts import Divisible

SHOWN = 5
"""So many places are named."""
_FEW = 10


def repeated(part: str, source: Divisible, items: str) -> list[Finding]:
    """Equal content within a part; `items` is what the examples are called."""
    groups = _equal(source)
    if not groups:
        return []
    extra = sum(len(group) - 1 for group in groups)
    return [
        Finding(
            "repeated",
            "note",
            f"{extra:,} of {len(source):,} {part} {items} repeat another one of the part",
            tuple(source.places[group[1]] for group in groups[:SHOWN]),
            "remove them if they should count once",
        )
    ]


def contradicting(
    part: str,
    source: Divisible,
    truths: Sequence[Hashable],
    what: str,
    show: Callable[[Sequence[int]], str],
) -> list[Finding]:
    """Equal content within a part with different truths [n], called `what`.

    show: the numbers of examples with equal content to a line for people.
    """
    torn = [group for group in _equal(source) if len({truths[i] for i in group}) > 1]
    if not torn:
        return []
    return [
        Finding(
            "contradiction",
            "warning",
            f"{len(torn):,} contents of the {part} part stand there with different {what}",
            tuple(show(group) for group in torn[:SHOWN]),
            f"decide for one, and correct the {what} of the others",
        )
    ]


def scarce(counts: Counter[str], what: str, items: str) -> list[Finding]:
    """Labels or types, called `what`, of which training has few `items`."""
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


def _equal(source: Divisible) -> list[list[int]]:
    """Numbers of the examples with equal content, where there are several."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for index, key in enumerate(source.keys()):
        groups[key].append(index)
    return [group for group in groups.values() if len(group) > 1]
