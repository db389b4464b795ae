"""Tagging schemes, which mark where an entity begins and ends: detected, and checked.

BIO: B- begins, I- goes on. IOB1: B- only where an entity of the same type stands just before.
BIOES: also E- for the last token and S- for a lone one. BMES is BIOES with M- for I-, BILOU is
BIOES with L- for E- and U- for S-. plain: tags without positions, such as parts of speech; every
tagged token stands for itself. Positions alone (B, I, O) are of one type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal

from longshort.data.findings import Finding
from longshort.errors import DataError
from longshort.tasks.tag.conll import Tagged

Scheme = Literal["bio", "iob1", "bioes", "bmes", "bilou", "plain"]
_ALPHABETS: dict[Scheme, str] = {"bio": "BI", "bioes": "BIES", "bmes": "BMES", "bilou": "BILU"}
"""Positions of the schemes, the commonest first."""
_COMMON, _RARE = frozenset("BIES"), frozenset("MLU")
"""Letters that are positions by themselves, and only beside others of their scheme."""
_UNNAMED = "entity"
"""Type of entities whose tags are positions alone."""
_NEAR = re.compile(r"b|[bi][-_.:].+|.+[-_.:][bi]", re.IGNORECASE)
"""Tags that seem to be meant as positions, but are written otherwise."""


def with_types(source: Tagged) -> Tagged:
    """Return the source; tags that are positions alone get a type: B becomes B-entity."""
    assert source.tags is not None
    used = {tag for tags in source.tags for tag in tags} - {"O"}
    are_positions = bool(used) and used <= _COMMON | _RARE and _scheme_of("".join(used))
    if not are_positions or not (used <= _COMMON or "B" in used or used == {"U"}):
        return source
    named = [[tag if tag == "O" else f"{tag}-{_UNNAMED}" for tag in tags] for tags in source.tags]
    return replace(source, tags=named)


def detect(source: Tagged) -> Scheme:
    """Return the scheme of the tags.

    Mistakes do not change it: if entities begin now with B- and now with I-, it is BIO.
    Raises `DataError` for tags of other schemes, and for tags with and without positions mixed.
    """
    assert source.tags is not None
    used = {tag for tags in source.tags for tag in tags} - {"O"}
    if "" in used:
        place, at = _first(source, "")
        raise DataError(f"{source.name}: {place}: token {at + 1} has an empty tag; O is for none")
    shaped = {tag for tag in used if tag[0] in _COMMON | _RARE and tag[1:2] == "-"}
    marked = {tag for tag in shaped if tag[0] in _COMMON}
    if marked or {tag[0] for tag in shaped} == {"U"}:
        marked = shaped
    for bare in sorted(tag for tag in marked if not tag[2:]):
        place, at = _first(source, bare)
        raise DataError(
            f"{source.name}: {place}: token {at + 1} has the tag {bare!r} without a type; write "
            f"one behind it, such as {bare}{_UNNAMED}"
        )
    if not marked:
        return "plain"
    for strange in sorted(used - marked):
        place, at = _first(source, strange)
        raise DataError(
            f"{source.name}: {place}: token {at + 1} has the tag {strange!r}, others have tags "
            f"like {min(marked)!r}; O and the positions of BIO, BIOES, BMES and BILOU are known"
        )
    positions = "".join(sorted({tag[0] for tag in marked}))
    scheme = _scheme_of(positions)
    if scheme is None:
        raise DataError(
            f"{source.name}: its tags have the positions {', '.join(positions)}, which are of "
            f"different schemes (there are {', '.join(_ALPHABETS.values())}); write them in one"
        )
    if scheme != "bio":
        return scheme
    begins = [each for tags in source.tags for each in _begun(tags)]
    needless = sum(tag[0] == "B" and not follows for _, tag, follows in begins)
    missing = sum(tag[0] == "I" for _, tag, _ in begins)
    return "iob1" if missing and not needless else "bio"


def _scheme_of(positions: str) -> Scheme | None:
    """Return the first scheme that has all these positions; None if there is none."""
    fits = (scheme for scheme, letters in _ALPHABETS.items() if set(positions) <= set(letters))
    return next(fits, None)


def title(scheme: Scheme) -> str:
    """Return the name of the scheme for people; letters that BIOES lacks are explained."""
    means = {"bmes": "M is I", "bilou": "L is E and U is S"}
    return scheme.upper() + (f" ({means[scheme]} of BIOES)" if scheme in means else "")


def examine(source: Tagged, scheme: Scheme) -> list[Finding]:
    """Return a finding on tags that the scheme does not allow where they stand.

    They are read as conlleval reads them. In the plain scheme the finding is on tags that look
    like positions.
    """
    assert source.tags is not None
    if scheme == "plain":
        return _near_positions(source)
    if scheme == "iob1":
        return []
    faults = (
        f"{place}: token {at + 1} {tokens[at]!r}: {tags[at]} after {tags[at - 1] if at else 'none'}"
        for place, tokens, tags in zip(source.places, source.tokens, source.tags, strict=True)
        for at in range(len(tags))
        if not _is_allowed(tags[at - 1] if at else "O", tags[at], scheme)
    )
    shown = list(islice(faults, 5))
    count = len(shown) + sum(1 for _ in faults)
    if not count:
        return []
    return [
        Finding(
            "tags",
            "warning",
            f"{source.name}: {count:,} tags break {scheme.upper()}; they were read as the standard "
            "scorer reads them, where they begin or continue an entity",
            tuple(shown),
            "correct them in the file",
        )
    ]


def _near_positions(source: Tagged) -> list[Finding]:
    near = sorted({tag for tags in source.tags or [] for tag in tags if _NEAR.fullmatch(tag)})
    if not near:
        return []
    firsts = [(tag, *_first(source, tag)) for tag in near[:5]]
    return [
        Finding(
            "tags",
            "warning",
            f"{source.name}: tags look like positions in entities, but are not written so; every "
            "tagged token counts for itself",
            tuple(f"{place}: token {at + 1}: {tag!r}" for tag, place, at in firsts),
            "write B-TYPE, I-TYPE and O (also E-TYPE, S-TYPE) if they mark entities",
        )
    ]


def _is_allowed(previous: str, tag: str, scheme: Scheme) -> bool:
    if tag[0] in "IEML":
        return previous[0] in "BIM" and previous[1:] == tag[1:]
    return scheme == "bio" or previous[0] in "OESLU"


def _begun(tags: Sequence[str]) -> Iterator[tuple[int, str, bool]]:
    """Yield place and tag of each entity's first token, and whether its type stands just before."""
    previous = "O"
    for at, tag in enumerate(tags):
        follows = previous[1:] == tag[1:]
        if tag != "O" and (tag[0] in "BSU" or not follows):
            yield at, tag, follows
        previous = tag


def _first(source: Tagged, tag: str) -> tuple[str, int]:
    assert source.tags is not None
    return next(
        (place, tags.index(tag))
        for place, tags in zip(source.places, source.tags, strict=True)
        if tag in tags
    )
