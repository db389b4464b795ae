"""A table with a column of texts and a column of labels."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from longshort.config import DataConfig
from longshort.config.sequences import SequenceData
from longshort.data.labelled import Examples
from longshort.data.labels import kind_of_labels, label_names
from longshort.data.sources import POLARS_ERRORS, Source, open_source
from longshort.errors import DataError, nearest

TEXTS = ("text", "sentence", "review", "content", "document", "comment", "message")
LABELS = ("label", "class", "category", "target", "sentiment", "topic", "y")
_TEXT_FLAG = "--text (or, where every row is a step of numbers, give --set data.format=long)"
_LONGEST_LINE = 1 << 26
"""Bytes; a text may be a book."""


def read(data: object, config: SequenceData, *, with_labels: bool = True) -> Examples:
    """A CSV, TSV, JSON-lines or Parquet file, or a frame."""
    source = opened(data, config)
    text = find_column(source, config.text, TEXTS, "text", _TEXT_FLAG)
    label = find_column(source, config.label, LABELS, "label", "--label") if with_labels else None
    if text == label:
        raise DataError(f"{source.name}: the column {text!r} cannot be text and label at once")
    table = _collected(source, [text] if label is None else [text, label])
    texts = _texts(source, table[text])
    places = [source.row(i) for i in range(len(texts))]
    found: dict[str, str] = {} if config.format is None else {"format": config.format}
    found["text"] = text
    examples = Examples(
        source.name,
        list(texts),
        None,
        places,
        source.path,
        source.sha256,
        read_as=found,
        findings=source.findings,
    )
    if label is None:
        return examples
    found["label"] = label
    cells = [f"{place}, column {label!r}" for place in places]
    labels = label_names(table[label].to_list(), cells, source.path or source.name)
    return replace(examples, labels=labels, label_kind=kind_of_labels(table[label]))


def opened(data: object, config: SequenceData) -> Source:
    """The table, in which lines may be as long as texts are."""
    kind = config.format if config.format in ("csv", "jsonl", "parquet") else None
    how = DataConfig(format=kind, delimiter=config.delimiter, encoding=config.encoding)
    return open_source(data, how, _LONGEST_LINE)


def find_column(
    source: Source, asked: str | None, usual: tuple[str, ...], role: str, flag: str
) -> str:
    """The column that was asked for, else the only one with a usual name."""
    if asked is not None:
        if asked not in source.columns:
            raise DataError(
                f"{source.name}: has no column {asked!r}; {nearest(asked, source.columns)}"
            )
        return asked
    found = [name for name in source.columns if name.strip().lower() in usual]
    if len(found) == 1:
        return found[0]
    raise DataError(
        f"{source.name}: which column is the {role}? Name it with {flag}; there are "
        f"{', '.join(source.columns[:20])}"
    )


def _collected(source: Source, columns: list[str]) -> pl.DataFrame:
    try:
        return source.lazy.select(columns).collect()
    except POLARS_ERRORS as error:
        raise DataError(source.explain(error)) from None


def _texts(source: Source, cells: pl.Series) -> list[str]:
    """A missing text is an empty one."""
    if cells.dtype.is_nested() or cells.dtype in (pl.Object, pl.Binary):
        raise DataError(
            f"{source.name}: column {cells.name!r} holds {cells.dtype}; one text for each example "
            "is expected, so write texts there, or name another column with --text"
        )
    return cells.cast(pl.String).fill_null("").to_list()
