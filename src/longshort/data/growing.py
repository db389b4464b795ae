"""A series that grows row by row: rows are checked, put on the grid, and made into a panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.forms import Form
from longshort.data.given_rows import number_in, refuse_other_columns
from longshort.data.moment import instant
from longshort.data.panel import Panel
from longshort.data.schema import Schema
from longshort.data.timeline import TimeAxis
from longshort.errors import DataError

Floats = NDArray[np.float64]
Key = tuple[str, ...]
Grown = dict[str, Any]
"""A series so far: its key, the grid index of its first row, and values [n, C]; plain values."""

_SHOWN = 200
"""Number of words of a column that a schema names."""


@dataclass(frozen=True)
class GrowingSeries:
    """Reads the rows of one series of a run.

    words: those of columns that hold categories. begins: where the series of a run go on, by key:
    the grid index of a first row without a time. most: number of rows that are remembered.
    """

    axis: TimeAxis
    schema: Schema
    words: Mapping[str, tuple[str, ...]]
    begins: Mapping[Key, int]
    most: int

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of values, in the order of `Grown`."""
        schema = self.schema
        return (*schema.target, *schema.past, *schema.future, *schema.static)

    @property
    def columns(self) -> list[dict[str, Any]]:
        """The columns of a row, as plain values."""
        found: list[dict[str, Any]] = []
        for name in self.schema.times:
            kind = "number" if self.axis.form.kind == "integer" else "time"
            found.append({"name": name, "type": kind, "role": "time", "optional": True})
        for name in self.schema.group:
            found.append({"name": name, "type": "text", "role": "group", "optional": False})
        for role in ("target", "past", "future", "static"):
            for name in getattr(self.schema, role):
                kind = "text" if name in self.words else "number"
                found.append({"name": name, "type": kind, "role": role, "optional": False})
        return found

    def begin(self) -> Grown:
        """Return a series before its first row."""
        return {"key": None, "first": 0, "values": np.empty((0, len(self.numbers)))}

    def take(self, series: Grown, x: Any) -> Grown:
        """Return the series with one more row; skipped steps of the grid are rows without values.

        Raises `DataError`, which names the column, for a row that cannot be taken.
        """
        schema = self.schema
        if not isinstance(x, Mapping):
            raise DataError(f"a step: a row by column is expected, got {type(x).__name__}")
        refuse_other_columns(x, (*schema.group, *self.numbers), schema.times)
        key = tuple(_word(x, name) for name in schema.group)
        if series["key"] is not None and key != tuple(series["key"]):
            name = next(
                n for n, a, b in zip(schema.group, key, series["key"], strict=True) if a != b
            )
            raise DataError(
                f"column {name!r}: the session follows {'/'.join(series['key'])!r}, this row is "
                f"of {'/'.join(key)!r}; open a session for each series"
            )
        row = np.array([self._value(x, name) for name in self.numbers])
        values, first = series["values"], series["first"]
        after = first + len(values) if len(values) else self._first(x, key)
        index = self._index(x, after, bool(len(values)))
        if not len(values):
            first = index
        gap = min(index - after, self.most) if len(values) else 0
        gaps = np.full((gap, len(row)), np.nan)
        grown = np.concatenate([values, gaps, row[None]])[-self.most :]
        return {"key": key, "first": index + 1 - len(grown), "values": grown}

    def panel(self, series: Grown) -> Panel:
        """Return the series as a panel of its own."""
        schema, values = self.schema, series["values"]
        ends = np.cumsum([len(schema.target), len(schema.past), len(schema.future)])
        target, past, future, static = map(np.ascontiguousarray, np.split(values, ends, axis=1))
        return Panel(
            (tuple(series["key"]),),
            np.array([0, len(values)]),
            np.array([series["first"]]),
            target,
            past,
            future,
            static[-1:],
            self.axis.freq,
            self.axis.form,
            schema,
            dict(self.words),
        )

    def ahead(self, rows: Any, steps: int) -> Floats:
        """Return the future covariates of the next rows [steps, F], from rows by column."""
        names = self.schema.future
        if not isinstance(rows, Sequence) or isinstance(rows, str) or len(rows) != steps:
            raise DataError(
                f"column 'ahead': {steps} rows of {', '.join(map(repr, names))} are expected, one "
                "for each step that is forecast"
            )
        found = []
        for row in rows:
            if not isinstance(row, Mapping):
                raise DataError("column 'ahead': rows by column are expected")
            refuse_other_columns(row, names, self.schema.times)
            found.append([self._value(row, name) for name in names])
        return np.array(found, dtype=float).reshape(steps, len(names))

    def stamp(self, series: Grown) -> dict[str, str]:
        """Return the time of the newest row, by the name of its column."""
        index = np.array([series["first"] + len(series["values"]) - 1])
        text = self.axis.form.text(int(self.axis.freq.to_stamps(index)[0]))
        return {self.schema.time or "step": text}

    def _value(self, x: Mapping[str, Any], name: str) -> float:
        words = self.words.get(name)
        if words is None:
            return number_in(x, name, or_missing=True)
        if x[name] is None:
            return float("nan")
        if not isinstance(x[name], str):
            raise DataError(f"column {name!r}: one of {', '.join(words[:10])} is expected, as text")
        return float(words.index(x[name])) if x[name] in words else float(len(words))

    def _first(self, x: Mapping[str, Any], key: Key) -> int:
        """Return the grid index of a first row without a time."""
        if key in self.begins or not self.schema.times:
            return int(self.begins.get(key, 0))
        if self.schema.time in x:
            return 0
        raise DataError(
            f"column {self.schema.time!r} is missing: the run does not know the series "
            f"{'/'.join(key)!r}, so its first row needs a time"
        )

    def _index(self, x: Mapping[str, Any], after: int, has_past: bool) -> int:
        """Return the grid index of a row; `after` is that of one without a time."""
        given = [x[name] for name in self.schema.times if x.get(name) is not None]
        if not given:
            return after
        time, freq = self.schema.time, self.axis.freq
        stamp = stamp_of(self.axis.form, given)
        if stamp is None:
            raise DataError(
                f"column {time!r}: {' '.join(map(str, given))[:40]!r} is not a time of the run's "
                f"form{f' ({self.axis.form.shown})' if self.axis.form.pattern else ''}"
            )
        at = np.array([stamp])
        if bool(freq.far_off(at)[0]):
            raise DataError(f"column {time!r}: {given[0]!r} is not on the run's grid of {freq}")
        index = int(freq.to_nearest(at)[0])
        if has_past and index < after:
            raise DataError(
                f"column {time!r}: {given[0]!r} is not after the row before it; a session is in "
                "order of time"
            )
        return index


def with_usual(
    columns: Sequence[dict[str, Any]],
    ranges: Mapping[str, tuple[float, float]],
    values: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """Return columns of a schema with what is usual in them, for people who try a model.

    ranges: least and greatest usual number, by column. values: words and names of series.
    """
    usual = {name: {"usual": [float(each) for each in pair]} for name, pair in ranges.items()}
    words = {name: {"values": list(each)[:_SHOWN]} for name, each in values.items()}
    return [each | usual.get(each["name"], {}) | words.get(each["name"], {}) for each in columns]


def stamp_of(form: Form, cells: Sequence[Any]) -> int | None:
    """Return the timestamp of a row's cells, the clock time second; None if they are none."""
    cell = cells[0]
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    if form.kind == "integer":
        return int(cell) if is_number and float(cell).is_integer() else None
    if form.per:
        return round(cell * form.per) if is_number else None
    if isinstance(cell, str) and form.pattern:
        found = form.read(" ".join(str(each) for each in cells))
        if found is not None:
            return found
    if is_number and form.pattern:
        return form.read(str(cell))
    return _moment(cell, form.zone)


def _moment(cell: Any, zone: str | None) -> int | None:
    """Return the timestamp of a time, a day, or a text in ISO 8601."""
    try:
        moment = datetime.fromisoformat(cell) if isinstance(cell, str) else cell
    except ValueError:
        return None
    if isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    if not isinstance(moment, datetime):
        return None
    if moment.tzinfo is not None:
        moment, is_wall = moment.astimezone(UTC).replace(tzinfo=None), False
    else:
        is_wall = zone is not None
    stamp = int(np.datetime64(moment, "us").astype(np.int64))
    return instant(stamp, zone or "") if is_wall else stamp


def _word(x: Mapping[str, Any], name: str) -> str:
    if not isinstance(x[name], str | int) or isinstance(x[name], bool):
        raise DataError(
            f"column {name!r}: the name of a series is expected, got {type(x[name]).__name__}"
        )
    return str(x[name])
