"""The data doctor for tagged sentences: what would harm a tagger, where, and the remedy."""

from __future__ import annotations

from collections.abc import Sequence

from longshort.data.finders import SHOWN, contradicting, repeated, scarce
from longshort.data.findings import Finding
from longshort.data.splits import Splits
from longshort.tasks.tag.conll import Tagged
from longshort.tasks.tag.encoder import entities_of
from longshort.tasks.tag.entities import kind_counts
from longshort.tasks.tag.schemes import Scheme, detect

_BARE = 0.9
"""Share of sentences without an entity above which training has few entities."""


def examine_splits(splits: Splits[Tagged], max_length: int) -> list[Finding]:
    """Return every finding on the splits, those of reading and splitting first.

    max_length: tokens above which a sentence is tagged in pieces. Unknown words are no finding,
    since the network reads their spelling.
    """
    found = list(splits.findings)
    scheme = detect(splits.train)
    for name, source in splits.by_name().items():
        found += repeated(name, source, "sentences") + _contradicting(name, source)
        found += _long(name, source, max_length)
    counts = kind_counts(entities_of(splits.train, scheme))
    found += _one_tag(splits.train) + _bare(splits.train)
    found += scarce(counts, "types", "entities") if counts else []
    for name, source in (("val", splits.val), ("test", splits.test)):
        found += unseen_types(splits.train, name, source)
    return [*found, *_untested(splits, scheme)]


def _contradicting(name: str, source: Tagged) -> list[Finding]:
    tags = source.tags or []

    def show(group: Sequence[int]) -> str:
        first, other = group[0], next(i for i in group if tags[i] != tags[group[0]])
        at = next(at for at, tag in enumerate(tags[first]) if tag != tags[other][at])
        token = source.tokens[first][at]
        return (
            f"token {at + 1} {token!r}: {tags[first][at]} in {source.places[first]}, "
            f"{tags[other][at]} in {source.places[other]}"
        )

    return contradicting(name, source, [tuple(each) for each in tags], "tags", show)


def _one_tag(train: Tagged) -> list[Finding]:
    used = {tag for tags in train.tags or [] for tag in tags}
    if len(used) > 1:
        return []
    return [
        Finding(
            "one-tag",
            "error",
            f"all tags of the training split are {min(used, default='none')}; there is nothing to "
            "tell apart",
            (),
            "give tagged sentences, or name their column with data.tag_column",
        )
    ]


def _bare(train: Tagged) -> list[Finding]:
    bare = sum(set(tags) <= {"O"} for tags in train.tags or [])
    if bare <= _BARE * len(train) or bare == len(train):
        return []
    return [
        Finding(
            "few-entities",
            "note",
            f"{bare:,} of {len(train):,} train sentences have no entity",
            (),
            "leave some of them out of the training file if too little is found",
        )
    ]


def unseen_types(train: Tagged, name: str, source: Tagged) -> list[Finding]:
    """Return a finding on entities of types that training lacks.

    name: name of the split, for the message.
    """
    scheme = detect(train)
    known = kind_counts(entities_of(train, scheme))
    unseen = [
        (number, at, kind)
        for number, found in enumerate(entities_of(source, scheme))
        for at, _, kind in found
        if kind not in known
    ]
    if not unseen or not known:
        return []
    kinds = sorted({kind for _, _, kind in unseen})
    return [
        Finding(
            "unseen-type",
            "warning",
            f"{len(unseen):,} {name} entities have a type that the training split lacks, "
            f"and count as missed: {', '.join(kinds[:SHOWN])}",
            tuple(
                f"{source.places[number]}: token {at + 1} {source.tokens[number][at]!r}: {kind}"
                for number, at, kind in unseen[:SHOWN]
            ),
            "correct the tags, or give training sentences with them",
        )
    ]


def _untested(splits: Splits[Tagged], scheme: Scheme) -> list[Finding]:
    """Return a finding on types of the training split that the test split lacks."""
    tested, kinds = (kind_counts(entities_of(s, scheme)) for s in (splits.test, splits.train))
    missing = sorted(kinds.keys() - tested)
    if not missing:
        return []
    return [
        Finding(
            "untested-type",
            "note",
            f"{len(missing):,} of {len(kinds):,} types do not occur in the test split, so nothing "
            "is known of how well they are found",
            tuple(missing[:SHOWN]),
            "give test sentences with them",
        )
    ]


def _long(name: str, source: Tagged, most: int) -> list[Finding]:
    where = [
        (len(tokens), place)
        for place, tokens in zip(source.places, source.tokens, strict=True)
        if len(tokens) > most
    ]
    if not where:
        return []
    where.sort(key=lambda pair: -pair[0])
    return [
        Finding(
            "long",
            "note",
            f"{len(where):,} of {len(source):,} {name} sentences have more than {most:,} tokens "
            "and are tagged in pieces; an entity across the border of two is torn",
            tuple(f"{place}: {count:,} tokens" for count, place in where[:SHOWN]),
            "end sentences by empty lines, or raise text.max_length",
        )
    ]
