"""Splits of pairs of texts: neither a source nor a target lies in two of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from longshort.config.parallel import PairSplit
from longshort.data.alignment import misaligned
from longshort.data.findings import Finding
from longshort.data.parallel import SHOWN, Pairs, key_of
from longshort.data.splits import SPLITS, Splits, make_splits


def split_pairs(given: dict[str, Pairs], split: PairSplit) -> Splits[Pairs]:
    """Return the splits; those that are not given are drawn at random, seeded.

    Pairs with the same source or the same target stay together. Lines that are shifted against
    each other are looked for here, as their neighbours may lie in another split later.
    """
    found = make_splits(
        given, val=split.val, test=split.test, stratify=False, seed=split.seed, groups=linked
    )
    shifted = (finding for pairs in given.values() for finding in misaligned(pairs))
    return replace(found, findings=(*shifted, *found.findings, *_shared_targets(found)))


def linked(pairs: Pairs) -> list[int]:
    """Return a group for each pair: pairs of the same group share a source or a target.

    They may do so over others: of a-x, b-x, b-y the first and the last are in one group.
    """
    sides = [[source, *targets] for source, targets in zip(
        pairs.keys(), _target_keys(pairs), strict=True)]  # fmt: skip
    return _components(sides)


def _target_keys(pairs: Pairs) -> list[list[bytes]]:
    """Return keys of each pair's targets that differ from those of sources; empty ones have none.

    Equal texts link pairs on one side only: a copied source is no target of another pair.
    """
    references: Sequence[tuple[str, ...]] = pairs.references or [()] * len(pairs)
    return [[b"t" + key_of(text) for text in texts if text.strip()] for texts in references]


def _components(members: Iterable[Sequence[bytes]]) -> list[int]:
    """Return for each sample the number of the first one that it is linked with by members."""
    roots: list[int] = []
    first: dict[bytes, int] = {}

    def root(index: int) -> int:
        while roots[index] != index:
            roots[index] = roots[roots[index]]
            index = roots[index]
        return index

    for index, keys in enumerate(members):
        roots.append(index)
        found = {root(first.setdefault(key, index)) for key in keys} | {index}
        for each in found:
            roots[each] = min(found)
    return [root(index) for index in range(len(roots))]


def _shared_targets(splits: Splits[Pairs]) -> list[Finding]:
    """Find targets that stand in two splits beside different sources."""
    parts = {"train": splits.train, "val": splits.val, "test": splits.test}
    titles = {"train": "training", "val": "validation"}
    known = {name: {key for keys in _target_keys(part) for key in keys}
             for name, part in parts.items()}  # fmt: skip
    sources = {name: set(part.keys()) for name, part in parts.items()}
    findings = []
    for earlier, name in combinations(SPLITS, 2):
        part = parts[name]
        where = [
            part.places[i]
            for i, (source, keys) in enumerate(zip(part.keys(), _target_keys(part), strict=True))
            if source not in sources[earlier] and known[earlier].intersection(keys)
        ]
        if where:
            message = (
                f"{len(where):,} of {len(part):,} {name} pairs have a target that stands in the "
                f"{titles[earlier]} split too, beside another source"
            )
            findings.append(Finding("shared-target", "note", message, tuple(where[:SHOWN])))
    return findings
