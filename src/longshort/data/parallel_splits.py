"""Splits of pairs of texts that share neither a source nor a target."""

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
    """Return the splits; those that are not given are drawn at random from "train", seeded.

    Pairs with the same source or the same target stay together. Misaligned lines are looked for
    here, as neighbouring lines may lie in different splits afterwards.
    """
    found = make_splits(
        given, val=split.val, test=split.test, stratify=False, seed=split.seed, groups=linked
    )
    shifted = (finding for pairs in given.values() for finding in misaligned(pairs))
    return replace(found, findings=(*shifted, *found.findings, *_shared_targets(found)))


def linked(pairs: Pairs) -> list[int]:
    """Return the number of a group for each pair; pairs that share a source or target share it.

    The link may be indirect: of the pairs a-x, b-x and b-y, the first and the last share a group.
    """
    sides = [[source, *targets] for source, targets in zip(
        pairs.keys(), _target_keys(pairs), strict=True)]  # fmt: skip
    return _components(sides)


def _target_keys(pairs: Pairs) -> list[list[bytes]]:
    """Return the keys of each pair's targets; empty targets have none.

    They differ from keys of sources, so that equal texts link pairs on the same side only.
    """
    references: Sequence[tuple[str, ...]] = pairs.references or [()] * len(pairs)
    return [[b"t" + key_of(text) for text in texts if text.strip()] for texts in references]


def _components(members: Iterable[Sequence[bytes]]) -> list[int]:
    """Return for each sample the number of the first sample that it is linked with.

    members: keys of each sample; samples with a common key are linked, also through others.
    """
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
    named = {"train": splits.train, "val": splits.val, "test": splits.test}
    titles = {"train": "training", "val": "validation"}
    known = {name: {key for keys in _target_keys(pairs) for key in keys}
             for name, pairs in named.items()}  # fmt: skip
    sources = {name: set(pairs.keys()) for name, pairs in named.items()}
    findings = []
    for earlier, name in combinations(SPLITS, 2):
        pairs = named[name]
        where = [
            pairs.places[i]
            for i, (source, keys) in enumerate(zip(pairs.keys(), _target_keys(pairs), strict=True))
            if source not in sources[earlier] and known[earlier].intersection(keys)
        ]
        if where:
            message = (
                f"{len(where):,} of {len(pairs):,} {name} pairs have a target that stands in the "
                f"{titles[earlier]} split too, beside another source"
            )
            findings.append(Finding("shared-target", "note", message, tuple(where[:SHOWN])))
    return findings
