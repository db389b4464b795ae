"""Detection of the text column and the label column of a table, by content."""

from __future__ import annotations

from longshort.data.sources import Source, polars_errors
from longshort.errors import DataError
from longshort.lazy import polars as pl

_LETTERS = 12
"""Least mean length of a text; labels are shorter than three times that."""
_TIMES = 3
_MOSTLY = 0.5
"""Least share of texts that differ, and of rows that have one."""
_EACH = 3
"""Least mean number of rows per label."""


def seems_text(source: Source) -> str | None:
    """Return the only column of long, differing texts, or the one of by far the longest."""
    lengths = {}
    for name in source.columns:
        cells = source.sample[name]
        if cells.dtype != pl.String:
            continue
        known = cells.drop_nulls()
        length = known.str.len_chars().mean()
        if (
            isinstance(length, float)
            and length >= _LETTERS
            and known.n_unique() > _MOSTLY * known.len()
            and known.len() > _MOSTLY * cells.len()
        ):
            lengths[name] = length
    if not lengths:
        return None
    first, *others = sorted(lengths, key=lambda name: -lengths[name])
    return first if all(lengths[first] >= _TIMES * lengths[name] for name in others) else None


def may_be_labels(source: Source, but: str) -> dict[str, int]:
    """Return columns of few, short, repeated values, with the number of different ones."""
    kinds = [pl.col(name) for name in source.columns if name != but and _is_flat(source, name)]
    if not kinds:
        return {}
    try:
        counts = source.lazy.select(pl.len().alias(" rows"), *(each.n_unique() for each in kinds))
        gaps = source.lazy.select(each.null_count() for each in kinds)
        found, missing = counts.collect().row(0, named=True), gaps.collect().row(0, named=True)
    except polars_errors() as error:
        raise DataError(source.explain(error)) from None
    rows = found.pop(" rows")
    most = rows // _EACH
    return {name: n for name, n in found.items() if 2 <= n <= most and not missing[name]}


def _is_flat(source: Source, name: str) -> bool:
    cells = source.sample[name]
    if cells.dtype == pl.String:
        length = cells.str.len_chars().mean()
        return isinstance(length, float) and length < _TIMES * _LETTERS
    return cells.dtype.is_integer() or cells.dtype == pl.Boolean
