"""A table with a column of texts and a column of labels."""

from __future__ import annotations

import polars as pl

from longshort.config import DataConfig
from longshort.config.sequences import SequenceData
from longshort.data.labelled import Examples
from longshort.data.sources import Source, open_source
from longshort.errors import DataError, nearest

TEXTS = ("text", "sentence", "review", "content", "document", "comment", "message")
LABELS = ("label", "class", "category", "target", "sentiment", "topic", "y")


def read(data: object, config: SequenceData, *, with_labels: bool = True) -> Examples:
    """A CSV, TSV, JSON-lines or Parquet file, or a frame."""
    source = open_source(data, table_config(config))
    text = find_column(source, config.text, TEXTS, "text", "--text")
    label = find_column(source, config.label, LABELS, "label", "--label") if with_labels else None
    if text == label:
        raise DataError(f"{source.name}: the column {text!r} cannot be text and label at once")
    table = _collected(source, [text] if label is None else [text, label])
    texts = table[text].cast(pl.String).fill_null("").to_list()
    labels = None if label is None else table[label].cast(pl.String).to_list()
    places = [source.row(i) for i in range(len(texts))]
    if labels is not None and None in labels:
        place = places[labels.index(None)]
        raise DataError(
            f"{source.name}: {place}: the label (column {label!r}) is missing; fill it in, or "
            "remove the row"
        )
    return Examples(source.name, list(texts), labels, places, source.path, source.sha256)


def table_config(config: SequenceData) -> DataConfig:
    """What a table's reader has to know."""
    kind = config.format if config.format in ("csv", "jsonl", "parquet") else None
    return DataConfig(format=kind, delimiter=config.delimiter)


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
    except pl.exceptions.PolarsError as error:
        raise DataError(source.explain(error)) from None
