"""What the data doctors of several tasks look for alike, whatever an example is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

from longshort.data.findings import Finding
from longshort.data.splits import Divisible
from longshort.data.vocabulary import Vocabulary

SHOWN = 5
"""So many places are named."""
_FEW = 10
_MANY = 0.1
"""Share of unknown tokens from which on scores say little about the text."""
_UNKNOWN_SHOWN = 3


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


def unknown(
    part: str,
    tokens: Sequence[str],
    vocabulary: Vocabulary,
    *,
    is_learned: bool,
    least: float = 0.0,
) -> list[Finding]:
    """Tokens of a part that training does not know, where they are more than the share `least`.

    is_learned: some of training's are unknown too.
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
            f"{found.total():,} of {len(tokens):,} {part} tokens ({share:.2%}) count as "
            f"unknown{chance}",
            tuple(f"{token!r}: {times:,}" for token, times in found.most_common(_UNKNOWN_SHOWN)),
            "; ".join(fixes),
        )
    ]


def _equal(source: Divisible) -> list[list[int]]:
    """Numbers of the examples with equal content, where there are several."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for index, key in enumerate(source.keys()):
        groups[key].append(index)
    return [group for group in groups.values() if len(group) > 1]
