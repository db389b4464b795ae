"""Tables with a series in each row (columns V1, V2, … or dates), converted to long tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from longshort.config import DataConfig
from longshort.data.columns import text_cells
from longshort.data.findings import Finding
from longshort.data.sources import Source, polars_errors
from longshort.data.stamps import looks_like_time
from longshort.errors import DataError
from longshort.lazy import polars as pl

_FEWEST = 8
"""Number of consecutive columns from which a row is taken for a series without being asked."""
_NUMBERED = re.compile(r"(.*?)(\d+)")
_DATED = re.compile(r"(1[5-9]|20)\d{2}([-/.]?(\d{2}|[Qq][1-4])){0,2}([ T]\d{2}:\d{2}.*)?")
_VALUE, _SERIES = "value", "series"


@dataclass(frozen=True)
class _Across:
    """Columns that name a series, and those that hold its steps, in order."""

    ids: tuple[str, ...]
    steps: tuple[str, ...]
    are_dates: bool

    @property
    def time(self) -> str:
        """Name of the time column of the long table; years are called that."""
        if not self.are_dates:
            return "step"
        return "year" if all(map(str.isdigit, self.steps)) else "time"


def as_long(source: Source, config: DataConfig) -> tuple[Source, DataConfig]:
    """Convert a table of one series per row to a long one; returns it with its settings.

    A finding says so. Other tables are returned as they are. Raises `DataError` if the settings ask
    for rows and no columns are consecutive.
    """
    if config.layout == "columns" or (config.layout is None and not _is_open(config)):
        return source, config
    found = _across(source, config.group if config.layout == "rows" else ())
    if config.layout == "rows" and found is None:
        raise DataError(
            f"{source.name}: data.layout is 'rows', and no columns are called by dates or count "
            "on, such as V1, V2, …; name the steps so, or leave data.layout out"
        )
    if found is None or (config.layout is None and not _is_sure(source, found, config)):
        return source, config
    found = _without_ids(source, found)
    long = _melted(source, found)
    chosen = {
        "layout": "rows",
        "group": found.ids or (_SERIES,),
        "time": found.time,
        "target": (_VALUE,),
    }
    if config.layout is None:
        note = Finding(
            "layout",
            "note",
            f"every row is read as a series, named by {', '.join(found.ids)}, with steps "
            f"{found.steps[0]} to {found.steps[-1]}",
            (),
            "if time runs down the columns, say --set data.layout=columns",
        )
        long = replace(long, findings=(*long.findings, note))
    return long, config.model_copy(update=chosen)


def _is_open(config: DataConfig) -> bool:
    """Whether no roles of columns are set."""
    named = (config.time, config.group, config.past, config.future, config.static)
    return not any(named) and config.target in ((), ("all",))


def _across(source: Source, ids: tuple[str, ...]) -> _Across | None:
    """Return the trailing columns whose names are consecutive numbers or dates."""
    free = [name for name in source.columns if name not in ids]
    for are_dates, steps in ((True, _dated(free)), (False, _numbered(free))):
        if len(steps) > 1:
            before = tuple(name for name in free if name not in set(steps))
            return _Across(ids or before, steps, are_dates)
    return None


def _dated(names: list[str]) -> tuple[str, ...]:
    found = [name for name in names if _DATED.fullmatch(name.strip())]
    return tuple(found) if found == sorted(found) and found == names[-len(found) :] else ()


def _numbered(names: list[str]) -> tuple[str, ...]:
    """Return the longest tail of names with one prefix and consecutive numbers."""
    found: list[str] = []
    last: tuple[str, int] | None = None
    for name in reversed(names):
        match = _NUMBERED.fullmatch(name.strip())
        here = (match.group(1), int(match.group(2))) if match else None
        if here is None or (last is not None and here != (last[0], last[1] - 1)):
            break
        found.append(name)
        last = here
    return tuple(reversed(found))


def _is_sure(source: Source, found: _Across, config: DataConfig) -> bool:
    """Whether every row has a distinct name that is no time, and many columns hold numbers."""
    across = _without_ids(source, found)
    if len(across.steps) < _FEWEST or not across.ids:
        return False
    if any(looks_like_time(source, name, config) for name in across.ids):
        return False
    ids = source.sample.select(across.ids)
    return not ids.is_duplicated().any() and _share_of_numbers(source, across.steps) > 0.5


def _without_ids(source: Source, found: _Across) -> _Across:
    """Take the first numbered column for the series' name if it is one, as V1 in the M4 files."""
    first = found.steps[0]
    is_text = source.types[first] == pl.String and _share_of_numbers(source, (first,)) == 0
    if found.are_dates or found.ids or not is_text:
        return found
    return replace(found, ids=(first,), steps=found.steps[1:])


def _share_of_numbers(source: Source, names: tuple[str, ...]) -> float:
    sample = source.sample.select(names).head(100)
    texts = [name for name in names if sample.schema[name] == pl.String]
    cells = sample.with_columns(text_cells(name).alias(name) for name in texts)
    known: int = sum(cells.select(pl.all().count()).row(0))
    read = cells.with_columns(pl.col(name).cast(pl.Float64, strict=False) for name in texts)
    numbers: int = sum(read.select(pl.all().count()).row(0))
    return numbers / max(known, 1)


def _melted(source: Source, across: _Across) -> Source:
    """Return a row for each known value, with its series, its step, and its place."""
    ids = across.ids or (_SERIES,)
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    named = [pl.col(name) for name in across.ids] or [row.cast(pl.String).alias(_SERIES)]
    is_text = all(source.types[name] == pl.String for name in across.steps)
    steps = [
        text_cells(name).alias(name) if is_text else pl.col(name).cast(pl.Float64)
        for name in across.steps
    ]
    place = {name: number for number, name in enumerate(across.steps, 1)}
    when = pl.col("__column")
    if not across.are_dates:
        when = when.replace_strict(place, return_dtype=pl.Int64)
    try:
        frame = (
            source.lazy.select(row.alias("__row"), *named, *steps)
            .unpivot(
                on=list(across.steps),
                index=["__row", *ids],
                variable_name="__column",
                value_name=_VALUE,
            )
            .filter(pl.col(_VALUE).is_not_null())
            .with_columns(when.alias(across.time))
            .collect(engine="streaming")
        )
    except polars_errors() as error:
        raise DataError(source.explain(error)) from None

    def place_of(index: int) -> str:
        return f"{source.row(int(frame['__row'][index]))}, column {frame['__column'][index]!r}"

    table = frame.select(*ids, across.time, _VALUE)
    return replace(source, lazy=table.lazy(), columns=tuple(table.columns), place=place_of)
