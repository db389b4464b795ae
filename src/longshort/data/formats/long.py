"""Long tables: a row for each step, with the sequence's id, the time, values and the label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from longshort.config import DataConfig
from longshort.config.sequences import SequenceData
from longshort.data.columns import decide_notation, is_numeric, number, refuse_text
from longshort.data.findings import Finding
from longshort.data.formats.table import LABELS, TEXTS, find_column, opened
from longshort.data.labelled import Examples, Item
from longshort.data.labels import group_names, kind_of_labels, label_names
from longshort.data.sources import Source, polars_errors
from longshort.data.stamps import read_stamps, refuse_bad_stamps
from longshort.errors import DataError, nearest
from longshort.lazy import polars as pl

IDS = ("id", "sequence", "series", "sample", "case", "instance", "sequence_id", "series_id")
TIMES = ("time", "timestamp", "step", "t", "date", "datetime")


@dataclass(frozen=True)
class _Columns:
    id: str
    time: str
    features: tuple[str, ...]
    label: str | None
    group: str | None

    def found(self) -> dict[str, str]:
        """The columns as settings of `data`."""
        label = {} if self.label is None else {"label": self.label}
        return {"format": "long", "id": self.id, "time": self.time, **label}


def is_long(source: Source, config: SequenceData) -> bool:
    """Whether rows seem to be steps: an id that repeats, a time, and no column of texts."""
    roles = {name.strip().lower(): name for name in source.columns}
    ids = [roles[name] for name in IDS if name in roles]
    if not ids or not any(name in roles for name in TIMES) or any(name in roles for name in TEXTS):
        return False
    known = {roles.get(name) for name in (*IDS, *TIMES, *LABELS)} | {config.label}
    rest = [name for name in source.columns if name not in known]
    return _repeats(source, ids[0]) and not any(_is_prose(source, ids[0], name) for name in rest)


def _repeats(source: Source, name: str) -> bool:
    return bool(_asked(source, source.lazy.select(pl.col(name).is_duplicated().any())))


def _is_prose(source: Source, own: str, name: str) -> bool:
    """Whether a column varies within an id, and most cells differ or have several words."""
    if source.types[name] != pl.String or is_numeric(source, name, DataConfig()):
        return False
    kinds = source.lazy.group_by(own).agg(pl.col(name).n_unique())
    if _asked(source, kinds.select(pl.col(name).max())) == 1:
        return False
    cells = source.sample[name].drop_nulls()
    several = cells.str.strip_chars().str.contains(r"\s").sum()
    return bool(len(cells) < 2 * max(cells.n_unique(), several))


def _asked(source: Source, query: pl.LazyFrame) -> Any:
    """Return the single cell of a query's result."""
    try:
        return query.collect().item()
    except polars_errors() as error:
        raise DataError(source.explain(error)) from None


def read(data: object, config: SequenceData, *, with_labels: bool = True) -> Examples:
    """Read a sequence [T, F] for each id, sorted by time; its label is the same in all its rows.

    A table in any format that `open_source` reads. Columns that are not named are found by name;
    features are then all other numeric columns. Raises `DataError` with the row.
    """
    source = opened(data, config)
    columns = _columns(source, config, with_labels)
    numbers, decided = decide_notation(source, list(columns.features), DataConfig())
    table = _collected(source, columns, numbers)
    items: list[Item] = []
    places: list[str] = []
    labels: list[object] = []
    cells: list[str] = []
    groups: list[object] = []
    for group in table.partition_by("id", maintain_order=True):
        name, first = str(group["id"][0]), int(group["row"][0])
        _refuse_doubled(source, columns, group)
        group = group.sort("time")
        items.append(group.select(f"x{i}" for i in range(len(columns.features))).to_numpy())
        places.append(f"{columns.id} {name!r} ({source.row(first)})")
        if columns.label is not None:
            labels.append(_one_of(source, columns, group, name, "label"))
            cells.append(f"{source.row(int(group['row'][0]))}, column {columns.label!r}")
        if columns.group is not None:
            groups.append(_one_of(source, columns, group, name, "group"))
    owner = source.path or source.name
    return Examples(
        source.name,
        items,
        None if columns.label is None else label_names(labels, cells, owner),
        places,
        source.path,
        source.sha256,
        columns.features,
        columns.found(),
        kind_of_labels(labels),
        (*source.findings, *(Finding("notation", "note", each) for each in decided)),
        groups=None if columns.group is None else group_names(groups, places, source.name),
    )


def _columns(source: Source, config: SequenceData, with_labels: bool) -> _Columns:
    own = find_column(source, config.id, IDS, "id", "--set data.id=NAME")
    time = find_column(source, config.time, TIMES, "time", "--time")
    label = group = None
    if with_labels:
        label = find_column(source, config.label, LABELS, "label", "--label")
        if config.group is not None:
            group = find_column(source, config.group, (), "group", "--group")
    known = {own, time, label, config.label, config.group}
    if not with_labels and config.label is None:
        known |= {name for name in source.columns if name.strip().lower() in LABELS}
    table = DataConfig()
    for name in config.features:
        if name not in source.columns:
            raise DataError(
                f"{source.name}: has no column {name!r}; {nearest(name, source.columns)}"
            )
    rest = (name for name in source.columns if name not in known)
    features = config.features or tuple(name for name in rest if is_numeric(source, name, table))
    if not features:
        raise DataError(
            f"{source.name}: has no column of numbers beside {own!r} and {time!r}; where every row "
            "is a text with a label, name its column with --text"
        )
    return _Columns(own, time, features, label, group)


def _collected(source: Source, columns: _Columns, config: DataConfig) -> pl.DataFrame:
    """Return the columns id, time, x0, x1, …, label and row.

    Raises `DataError` for bad cells, and for missing ids, times and labels.
    """
    try:
        refuse_text(source, list(columns.features), config)
        time = _time(source, columns.time, config)
        values = [
            number(source, name, config).alias(f"x{i}") for i, name in enumerate(columns.features)
        ]
        named = {"label": columns.label, "group": columns.group}
        further = [_label(source, n).alias(k) for k, n in named.items() if n is not None]
        table = (
            source.lazy.select(
                pl.col(columns.id).cast(pl.String).alias("id"),
                time.alias("time"),
                *values,
                *further,
            )
            .with_row_index("row")
            .collect()
        )
    except polars_errors() as error:
        raise DataError(source.explain(error)) from None
    if table.is_empty():
        raise DataError(f"{source.name}: has no rows")
    names = {"id": columns.id, "time": columns.time, **named}
    for short, name in names.items():
        if name is not None and table[short].null_count():
            row = int(table.filter(pl.col(short).is_null())["row"][0])
            raise DataError(
                f"{source.name}: {source.row(row)}, column {name!r}: the value is missing; fill it "
                "in, or remove the row"
            )
    return table


def _time(source: Source, name: str, config: DataConfig) -> pl.Expr:
    """Return an expression that orders steps: numbers as they are, otherwise timestamps."""
    if is_numeric(source, name, config):
        refuse_text(source, [name], config)
        return number(source, name, config)
    reading = read_stamps(source, (name,), config)
    refuse_bad_stamps(source, (name,), reading)
    return reading.value


def _refuse_doubled(source: Source, columns: _Columns, group: pl.DataFrame) -> None:
    doubled = group.filter(~pl.col("time").is_first_distinct())
    if doubled.height:
        raise DataError(
            f"{source.name}: {source.row(int(doubled['row'][0]))}, column {columns.time!r}: "
            f"{columns.id} {group['id'][0]!r} has this time twice; remove one of the rows"
        )


def _label(source: Source, name: str) -> pl.Expr:
    column = pl.col(name)
    return column.str.strip_chars() if source.types[name] == pl.String else column


def _one_of(source: Source, columns: _Columns, group: pl.DataFrame, name: str, what: str) -> object:
    """Return a sequence's label or group; raises `DataError` if its rows have several."""
    first = group[what][0]
    others = group.filter(pl.col(what) != first)
    if others.height:
        other = others[what][0]
        column = columns.label if what == "label" else columns.group
        raise DataError(
            f"{source.name}: {source.row(int(others['row'][0]))}, column {column!r}: "
            f"{columns.id} {name!r} has the {what}s {str(first)!r} and {str(other)!r}; a sequence "
            "has one"
        )
    found: object = first
    return found
