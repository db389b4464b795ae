"""Series on a regular grid, as flat arrays: consecutive rows per group, gaps as NaN rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from longshort.data.forms import Form, Kind
from longshort.data.schema import Schema
from longshort.data.timeline import Freq, Ints
from longshort.lazy import polars as pl

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Rows of G groups on one grid; group g has the rows offsets[g] to offsets[g+1].

    target [N, K], past [N, P] and future [N, F] are in the user's units, NaN where missing; static
    [G, Q]; first [G]: grid index of each group's first row.
    """

    groups: tuple[tuple[str, ...], ...]
    offsets: Ints
    first: Ints
    target: Floats
    past: Floats
    future: Floats
    static: Floats
    freq: Freq
    form: Form
    schema: Schema
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Words of categorical covariates by column name; the column's values are their numbers."""

    @property
    def kind(self) -> Kind:
        """Whether timestamps are dates, dates with a time of day, or row numbers."""
        return self.form.kind

    @property
    def num_groups(self) -> int:
        """Number of groups, G."""
        return len(self.groups)

    @property
    def num_rows(self) -> int:
        """Number of rows, N."""
        return int(self.offsets[-1])

    @property
    def lengths(self) -> Ints:
        """Number of rows of each group, [G]."""
        return np.diff(self.offsets)

    @property
    def position(self) -> Ints:
        """Place of every row in its group, [N]."""
        return np.arange(self.num_rows) - np.repeat(self.offsets[:-1], self.lengths)

    def index(self) -> Ints:
        """Grid index of every row, [N]."""
        return self.position + np.repeat(self.first, self.lengths)

    def is_within(self, rows: Ints) -> NDArray[np.bool_]:
        """Which rows are among the first `rows` [G] of their group, [N]."""
        return np.asarray(self.position < np.repeat(rows, self.lengths))

    @cached_property
    def filled(self) -> Floats:
        """The target with gaps filled by the last known value; leading gaps stay NaN."""
        return forward_fill(self.target, self.offsets)

    @cached_property
    def lowest_so_far(self) -> Floats:
        """The minimum of each target up to every row of a group, [N, K]; NaN before any value."""
        blocks = np.split(self.target, self.offsets[1:-1])
        return np.concatenate([np.fmin.accumulate(block, axis=0) for block in blocks])

    def words(self, names: Sequence[str]) -> tuple[tuple[str, ...] | None, ...]:
        """Return the categories of these columns; None for a numeric column."""
        return tuple(self.categories.get(name) for name in names)

    def digest(self) -> str:
        """Return a sha256 of all data that a run learns from."""
        what = (self.groups, self.freq, self.schema, sorted(self.categories.items()))
        sha = hashlib.sha256(repr(what).encode())
        for values in (self.first, self.offsets, self.target, self.past, self.future, self.static):
            sha.update(np.ascontiguousarray(values).tobytes())
        return sha.hexdigest()

    def stamps(self, group: int, rows: Ints) -> list[str]:
        """Return timestamps of a group's rows; 0 is its first, those past its end lie ahead."""
        return self.form.texts(self.freq.to_stamps(self.first[group] + rows))

    def time_columns(self, group: Ints, row: Ints) -> dict[str, pl.Series]:
        """Timestamps of rows [n] of these groups [n], in the form and the columns as they came."""
        written = self.form.write(self.freq.to_stamps(self.first[group] + row))
        time, clock = self.schema.time, self.schema.clock
        if time is None or clock is None:
            return {time or "step": written}
        parts = written.str.split("\t").list
        return {name: parts.get(place) for place, name in enumerate((time, clock))}

    def series_name(self, group: int, column: int) -> str:
        """Return a series' name for people: its group, and its column where there are several."""
        parts = list(self.groups[group])
        if len(self.schema.target) > 1 or not parts:
            parts.append(self.schema.target[column])
        return "/".join(parts)

    def extend(self, lengths: Ints) -> Panel:
        """Return the panel with empty rows added: groups have at least `lengths` [G] rows."""
        sizes = np.maximum(self.lengths, lengths)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        moved = np.repeat(offsets[:-1] - self.offsets[:-1], self.lengths)
        rows = np.arange(self.num_rows) + moved

        def spread(values: Floats) -> Floats:
            longer = np.full((int(offsets[-1]), values.shape[1]), np.nan)
            longer[rows] = values
            return longer

        return replace(
            self,
            offsets=offsets,
            target=spread(self.target),
            past=spread(self.past),
            future=spread(self.future),
        )

    def until_last_value(self) -> Panel:
        """Return the panel without trailing rows that have no target, as future covariates have."""
        known = ~np.isnan(self.target).all(axis=1)
        row = self.position
        group = np.repeat(np.arange(self.num_groups), self.lengths)
        ends = np.zeros(self.num_groups, np.int64)
        np.maximum.at(ends, group[known], row[known] + 1)
        return self if np.array_equal(ends, self.lengths) else self.cut(dict(enumerate(ends)))

    def cut(self, lengths: dict[int, int]) -> Panel:
        """Return the panel with the given groups shortened to their first rows."""
        keep = np.ones(self.num_rows, bool)
        for group, rows in lengths.items():
            keep[self.offsets[group] + rows : self.offsets[group + 1]] = False
        sizes = [lengths.get(g, int(n)) for g, n in enumerate(self.lengths)]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return replace(
            self,
            offsets=offsets,
            target=self.target[keep],
            past=self.past[keep],
            future=self.future[keep],
        )


def forward_fill(values: Floats, offsets: Ints) -> Floats:
    """Fill gaps in values [N, C] by the last known value of the group; leading gaps stay NaN."""
    filled = values.copy()
    row = np.arange(len(values))
    begin = np.repeat(offsets[:-1], np.diff(offsets))
    for column in range(values.shape[1]):
        known = ~np.isnan(values[:, column])
        latest = np.maximum.accumulate(np.where(known, row, -1))
        has_past = latest >= begin
        filled[:, column] = np.where(has_past, values[np.maximum(latest, 0), column], np.nan)
    return filled
