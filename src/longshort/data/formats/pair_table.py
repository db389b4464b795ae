"""Reader of pairs of texts in rows of a table: CSV, JSON lines, Parquet, or a frame."""

from __future__ import annotations

from dataclasses import replace

from longshort.config import DataConfig
from longshort.config.parallel import ParallelData
from longshort.data.formats.pair_columns import columns_note, is_heading, pair_columns
from longshort.data.parallel import Pairs, answers_of
from longshort.data.sources import Source, open_source, polars_errors
from longshort.errors import DataError
from longshort.lazy import polars as pl

_LONGEST_LINE = 1 << 26
"""Greatest length of a line in bytes; a text may be a whole book."""


def read_table(data: object, config: ParallelData, *, with_targets: bool = True) -> Pairs:
    """Read pairs from a file or frame; a target may be a list of right targets.

    Raises `DataError` that names the row or column at fault.
    """
    opened, has_names = _opened(data, config)
    source = _unnested(opened)
    names = [name for name in source.columns if _is_text(source.types[name])]
    if not names:
        raise DataError(f"{source.name}: has no column of texts; there are {_typed(source)}")
    _refuse_types(source, config.source, config.target)
    of, to = pair_columns(source.name, names, config, with_targets=with_targets)
    _refuse_types(source, of, to)
    table = _collected(source, [of] if to is None else [of, to])
    read_as = _read_as(source, has_names, config) | {"source": of}
    return Pairs(
        source.name,
        table[of].fill_null("").to_list(),
        None if to is None else _references(table[to]),
        [source.row(i) for i in range(table.height)],
        source.path,
        source.sha256,
        read_as=read_as if to is None else {**read_as, "target": to},
        findings=(*source.findings, *columns_note(source.name, source.columns, of, to, config)),
    )


def _opened(data: object, config: ParallelData) -> tuple[Source, bool]:
    """Open the table, and return it with true if its columns have names.

    The first line of a delimited file decides that if the settings do not.
    """
    kind = config.format if config.format in ("csv", "jsonl", "parquet") else None
    settings = {"format": kind, "delimiter": config.delimiter, "encoding": config.encoding}
    asked = DataConfig.model_validate(
        {**settings, "header": False if config.header is None else config.header}
    )
    found = open_source(data, asked, _LONGEST_LINE)
    if found.delimiter is None or config.header is not None or not found.sample.height:
        return found, config.header is not False
    first = [str(cell or "") for cell in found.sample.row(0)]
    if not is_heading(first, config, may_be_any=True):
        return found, False
    return open_source(data, asked.model_copy(update={"header": True}), _LONGEST_LINE), True


def _unnested(source: Source) -> Source:
    """Return a table with {"translation": {"de": …, "en": …}} as one with the columns de, en."""
    (name, *others) = [n for n in source.columns if isinstance(source.types[n], pl.Struct)] or [""]
    kind = source.types.get(name)
    if others or not isinstance(kind, pl.Struct):
        return source
    inner = [field.name for field in kind.fields]
    kept = [column for column in source.columns if column != name and column not in inner]
    lazy = source.lazy.select(*kept, name).unnest(name)
    return replace(source, lazy=lazy, columns=(*kept, *inner))


def _is_text(kind: pl.DataType) -> bool:
    return kind == pl.String or kind == pl.List(pl.String)


def _refuse_types(source: Source, of: str | None, to: str | None) -> None:
    """Raise `DataError` if the columns of source and target do not hold texts."""
    for name, what in ((of, "texts"), (to, "texts, or lists of texts,")):
        kind = source.types.get(name or "")
        if kind is not None and not (kind == pl.String or (what != "texts" and _is_text(kind))):
            raise DataError(f"{source.name}: column {name!r} holds {kind}; {what} are expected")


def _typed(source: Source) -> str:
    return ", ".join(f"{name!r} ({source.types[name]})" for name in source.columns[:20])


def _read_as(source: Source, has_names: bool, config: ParallelData) -> dict[str, object]:
    """Return the settings with which a file was read; none for a frame."""
    if source.path is None:
        return {}
    is_delimited = source.delimiter is not None
    found = {"format": config.format} if config.format is not None else {}
    return {**found, "header": has_names} if is_delimited else {**found}


def _references(cells: pl.Series) -> list[tuple[str, ...]]:
    if cells.dtype == pl.String:
        return [(text,) for text in cells.fill_null("").to_list()]
    return [answers_of(text or "" for text in texts or []) for texts in cells.to_list()]


def _collected(source: Source, columns: list[str]) -> pl.DataFrame:
    try:
        return source.lazy.select(columns).collect()
    except polars_errors() as error:
        raise DataError(source.explain(error)) from None
