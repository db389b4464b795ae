"""Detection of the columns of a table that hold the sources and targets of pairs of texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from longshort.config.parallel import ParallelData
from longshort.data.findings import Finding
from longshort.errors import DataError, nearest

SOURCES = ("source", "sources", "src", "source_text", "input", "input_text", "text", "document",
           "article", "body", "email_body", "dialogue", "question", "prompt")  # fmt: skip
TARGETS = ("target", "targets", "tgt", "trg", "target_text", "output", "output_text", "translation",
           "summary", "highlights", "reference", "references", "subject", "subject_line", "title",
           "headline", "answer", "completion")  # fmt: skip
_LANGUAGES = (
    "af am ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id "
    "is it ja ka kk km kn ko ky lo lt lv mg mi mk ml mn mr ms mt my nb ne nl nn no pa pl ps pt ro "
    "ru si sk sl so sq sr sv sw ta te tg th tk tl tr tt uk ur uz vi xh yi yo zh zu "
    "ara ces cmn dan deu ell eng fin fra heb hin hun ind ita jpn kor nld nob pol por ron rus spa "
    "swe tur ukr vie zho"
)
"""Codes of languages (ISO 639) by which columns may be named."""
_CODE = re.compile(r"([a-z]{2,3})(?:[-_][a-z]{2,4})?")
_NAME = re.compile(r"[^\W\d][\w-]*(?: [\w-]+){0,2}")
"""Pattern of names of columns: at most three words without punctuation."""
_LONGEST_NAME = 24


def pair_columns(
    name: str, columns: Sequence[str], config: ParallelData, *, with_targets: bool = True
) -> tuple[str, str | None]:
    """Return the columns of sources and targets.

    They are those of the settings, else those with usual names, else the only two columns. name:
    name of the table in messages. with_targets: if false, the target is None. Raises `DataError`
    with the candidates if the columns are not clear.
    """
    target = _asked(name, columns, config.target) if with_targets else None
    source = _asked(name, columns, config.source) or _found(columns, SOURCES, 0, target)
    if source is None:
        raise DataError(_unsure(name, columns, "source"))
    if not with_targets:
        return source, None
    target = target or _found(columns, TARGETS, 1, source)
    if target is None:
        raise DataError(_unsure(name, columns, "target"))
    if source == target:
        raise DataError(f"{name}: the column {source!r} cannot be source and target at once")
    return source, target


def is_heading(cells: Sequence[str], config: ParallelData, *, may_be_any: bool) -> bool:
    """Return whether a table's first line names its columns.

    may_be_any: accept unusual names too, for tables that usually have a heading.
    """
    names = [cell.strip() for cell in cells]
    if {config.source, config.target} & set(names):
        return True
    found = (_usual(names, SOURCES), _usual(names, TARGETS))
    if all(found) or len(_codes(names)) == 2:
        return True
    return may_be_any and all(_NAME.fullmatch(n) and len(n) <= _LONGEST_NAME for n in names)


def columns_note(
    name: str, columns: Sequence[str], source: str, target: str | None, config: ParallelData
) -> tuple[Finding, ...]:
    """Return a finding on the columns that are read; none if the settings name them."""
    if config.source is not None and (config.target is not None or target is None):
        return ()
    to = "" if target is None else f", and {target!r} the target"
    others = [each for each in columns if each not in (source, target)]
    unread = f"; not read: {', '.join(map(repr, others[:5]))}" if others else ""
    message = f"{name}: the column {source!r} is the source{to}{unread}"
    fix = "if that is wrong, say --source and --target (data.header=false if there are no names)"
    return (Finding("columns", "note", message, (), fix),)


def _asked(name: str, columns: Sequence[str], column: str | None) -> str | None:
    if column is not None and column not in columns:
        raise DataError(f"{name}: has no column {column!r}; {nearest(column, columns)}")
    return column


def _found(
    columns: Sequence[str], usual: Sequence[str], side: int, other: str | None
) -> str | None:
    """Return the column of a side by its name, else the only one that is left, else None.

    usual: usual names of the side. side: 0 for sources, 1 for targets. other: the column of the
    other side, if it is known.
    """
    left = [column for column in columns if column != other]
    named = _usual(left, usual)
    if len(named) == 1:
        return named[0]
    for pair in (_codes(columns), columns):
        if len(pair) == 2:
            return pair[side] if other is None else next(each for each in pair if each != other)
    return left[0] if len(left) == 1 else None


def _usual(columns: Sequence[str], usual: Sequence[str]) -> list[str]:
    return [column for column in columns if column.strip().lower() in usual]


def _codes(columns: Sequence[str]) -> list[str]:
    """Return the columns named by a language; "id" is left out if there are two others."""
    known = set(_LANGUAGES.split())
    matches = ((column, _CODE.fullmatch(column.strip().lower())) for column in columns)
    found = [column for column, match in matches if match and match[1] in known]
    without = [column for column in found if column.lower() != "id"]
    return without if len(without) >= 2 else found


def _unsure(name: str, columns: Sequence[str], role: str) -> str:
    shown = ", ".join(map(repr, columns[:20]))
    return f"{name}: which column is the {role}? Name it with --{role}; there are {shown}"
