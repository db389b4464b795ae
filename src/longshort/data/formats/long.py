"""Long tables: a row for every step, with the sequence's name, the time, values and the label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from longshort.config import DataConfig
from longshort.config.sequences import SequenceData
from longshort.data.columns import is_numeric, number, refuse_bad_stamps, refuse_text, stamp
from longshort.data.formats.table import LABELS, TEXTS, find_column, table_config
from longshort.data.labelled import Examples, Item
from longshort.data.sources import Source, open_source
from longshort.errors import DataError, nearest

IDS = ("id", "sequence", "series", "sample", "case", "instance", "sequence_id", "series_id")
TIMES = ("time", "timestamp", "step", "t", "date", "datetime")


@dataclass(frozen=True)
class _Columns:
    id: str
    time: str
    features: tuple[str, ...]
    label: str | None


def is_long(source: Source) -> bool:
    """Whether the columns' names say that every row is a step: an id, a time, and no text."""
    names = {name.strip().lower() for name in source.columns}
    return bool(names & {*IDS} and names & {*TIMES} and not names & {*TEXTS})


def read(data: object, config: SequenceData, *, with_labels: bool = True) -> Examples:
    """One sequence [T, F] for each id, its steps in order of time, its label the same in all rows.

    A table in any format that `open_source` reads. Columns that are not named are found by name;
    features are then all other columns of numbers.
    """
    source = open_source(data, table_config(config))
    columns = _columns(source, config, with_labels)
    table = _collected(source, columns)
    items: list[Item] = []
    places: list[str] = []
    labels: list[str] = []
    for group in table.partition_by("id", maintain_order=True):
        name, first = str(group["id"][0]), int(group["row"][0])
        _refuse_doubled(source, columns, group)
        group = group.sort("time")
        items.append(group.select(f"x{i}" for i in range(len(columns.features))).to_numpy())
        places.append(f"{columns.id} {name!r} ({source.row(first)})")
        if columns.label is not None:
            labels.append(_one_label(source, columns, group, name))
    arrays: list[Item] = [np.ascontiguousarray(item, dtype=np.float32) for item in items]
    return Examples(
        source.name,
        arrays,
        labels if columns.label is not None else None,
        places,
        source.path,
        source.sha256,
        columns.features,
    )


def _columns(source: Source, config: SequenceData, with_labels: bool) -> _Columns:
    own = find_column(source, config.id, IDS, "id", "--set data.id=NAME")
    time = find_column(source, config.time, TIMES, "time", "--time")
    label = None
    if with_labels:
        label = find_column(source, config.label, LABELS, "label", "--label")
    known = {own, time, label, config.label}
    if not with_labels and config.label is None:
        known |= {name for name in source.columns if name.strip().lower() in LABELS}
    table = table_config(config)
    for name in config.features:
        if name not in source.columns:
            raise DataError(
                f"{source.name}: has no column {name!r}; {nearest(name, source.columns)}"
            )
    rest = (name for name in source.columns if name not in known)
    features = config.features or tuple(name for name in rest if is_numeric(source, name, table))
    if not features:
        raise DataError(f"{source.name}: has no column of numbers beside {own!r} and {time!r}")
    return _Columns(own, time, features, label)


def _collected(source: Source, columns: _Columns) -> pl.DataFrame:
    """Columns id, time, x0, x1, …, label and row; a bad or missing cell is refused."""
    config = DataConfig()
    try:
        refuse_text(source, list(columns.features), config)
        time = _time(source, columns.time, config)
        values = [
            number(source, name, config).alias(f"x{i}") for i, name in enumerate(columns.features)
        ]
        label = [] if columns.label is None else [pl.col(columns.label).cast(pl.String)]
        table = (
            source.lazy.select(
                pl.col(columns.id).cast(pl.String).alias("id"),
                time.alias("time"),
                *values,
                *(each.alias("label") for each in label),
            )
            .with_row_index("row")
            .collect()
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(source.explain(error)) from None
    if table.is_empty():
        raise DataError(f"{source.name}: has no rows")
    names = {"id": columns.id, "time": columns.time, "label": columns.label}
    names |= {f"x{i}": name for i, name in enumerate(columns.features)}
    for short, name in names.items():
        if name is not None and table[short].null_count():
            row = int(table.filter(pl.col(short).is_null())["row"][0])
            raise DataError(
                f"{source.name}: {source.row(row)}, column {name!r}: the value is missing; fill it "
                "in, or remove the row"
            )
    return table


def _time(source: Source, name: str, config: DataConfig) -> pl.Expr:
    """Numbers as they are, for they only order; else timestamps."""
    if is_numeric(source, name, config):
        refuse_text(source, [name], config)
        return number(source, name, config)
    refuse_bad_stamps(source, name, config)
    return stamp(source, name, config)[0]


def _refuse_doubled(source: Source, columns: _Columns, group: pl.DataFrame) -> None:
    doubled = group.filter(~pl.col("time").is_first_distinct())
    if doubled.height:
        raise DataError(
            f"{source.name}: {source.row(int(doubled['row'][0]))}, column {columns.time!r}: "
            f"{columns.id} {group['id'][0]!r} has this time twice; remove one of the rows"
        )


def _one_label(source: Source, columns: _Columns, group: pl.DataFrame, name: str) -> str:
    label = str(group["label"][0])
    other = group.filter(pl.col("label") != label)
    if other.height:
        raise DataError(
            f"{source.name}: {source.row(int(other['row'][0]))}, column {columns.label!r}: "
            f"{columns.id} {name!r} has the labels {label!r} and {str(other['label'][0])!r}; a "
            "sequence has one"
        )
    return label
