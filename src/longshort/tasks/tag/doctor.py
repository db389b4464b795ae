"""The data doctor for tagged sentences: what would harm a tagger, where, and the remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from longshort.data.finders import SHOWN, contradicting, repeated, scarce
from longshort.data.findings import Finding
from longshort.data.splits import Splits
from longshort.tasks.tag.conll import Tagged
from longshort.tasks.tag.schemes import Scheme, beginnings, detect

_BARE = 0.9
"""Share of sentences without an entity from which a part is thin."""


def examine_splits(parts: Splits[Tagged], max_length: int) -> list[Finding]:
    """All findings on the parts of a tagging, those of their reading and drawing first.

    Sentences of more than `max_length` tokens are tagged in pieces. Unknown words are none: their
    spelling is read.
    """
    found = list(parts.findings)
    scheme = detect(parts.train)
    for name, source in parts.by_name().items():
        found += repeated(name, source, "sentences") + _contradicting(name, source)
        found += _long(name, source, max_length)
    counts = Counter(kind for _, _, kind in _entities(parts.train, scheme))
    found += _one_tag(parts.train) + _bare(parts.train)
    found += scarce(counts, "types", "entities") if counts else []
    for name, source in (("val", parts.val), ("test", parts.test)):
        found += unseen_types(parts.train, name, source)
    return [*found, *_untested(parts, scheme)]


def _entities(source: Tagged, scheme: Scheme) -> Iterator[tuple[int, int, str]]:
    """Sentence, token and type of every entity's beginning."""
    for number, tags in enumerate(source.tags or []):
        for at, kind in beginnings(tags, scheme):
            yield number, at, kind


def _contradicting(part: str, source: Tagged) -> list[Finding]:
    tags = source.tags or []

    def show(group: Sequence[int]) -> str:
        first, other = group[0], next(i for i in group if tags[i] != tags[group[0]])
        at = next(at for at, tag in enumerate(tags[first]) if tag != tags[other][at])
        token = source.tokens[first][at]
        return (
            f"token {at + 1} {token!r}: {tags[first][at]} in {source.places[first]}, "
            f"{tags[other][at]} in {source.places[other]}"
        )

    return contradicting(part, source, [tuple(each) for each in tags], "tags", show)


def _one_tag(train: Tagged) -> list[Finding]:
    used = {tag for tags in train.tags or [] for tag in tags}
    if len(used) > 1:
        return []
    return [
        Finding(
            "one-tag",
            "error",
            f"all tags of the training part are {min(used, default='none')}; there is nothing to "
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
    """Types of sentences that are called `name`, of which training has none."""
    scheme = detect(train)
    known = {kind for _, _, kind in _entities(train, scheme)}
    unseen = [each for each in _entities(source, scheme) if each[2] not in known]
    if not unseen or not known:
        return []
    kinds = sorted({kind for _, _, kind in unseen})
    return [
        Finding(
            "unseen-type",
            "warning",
            f"{len(unseen):,} {name} entities have a type that the training part lacks, "
            f"and count as missed: {', '.join(kinds[:SHOWN])}",
            tuple(
                f"{source.places[number]}: token {at + 1} {source.tokens[number][at]!r}: {kind}"
                for number, at, kind in unseen[:SHOWN]
            ),
            "correct the tags, or give training sentences with them",
        )
    ]


def _untested(parts: Splits[Tagged], scheme: Scheme) -> list[Finding]:
    """Types of the training part of which the test part has none."""
    tested = {kind for _, _, kind in _entities(parts.test, scheme)}
    kinds = {kind for _, _, kind in _entities(parts.train, scheme)}
    missing = sorted(kinds - tested)
    if not missing:
        return []
    return [
        Finding(
            "untested-type",
            "note",
            f"{len(missing):,} of {len(kinds):,} types do not occur in the test part, so nothing "
            "is known of how well they are found",
            tuple(missing[:SHOWN]),
            "give test sentences with them",
        )
    ]


def _long(part: str, source: Tagged, most: int) -> list[Finding]:
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
            f"{len(where):,} of {len(source):,} {part} sentences have more than {most:,} tokens "
            "and are tagged in pieces; an entity across the border of two is torn",
            tuple(f"{place}: {count:,} tokens" for count, place in where[:SHOWN]),
            "end sentences by empty lines, or raise text.max_length",
        )
    ]
