"""Series on a regular grid: flat arrays, one block of rows per group, gaps as NaN rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.forms import Form, Kind
from longshort.data.schema import Schema
from longshort.data.timeline import Freq, Ints

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """Rows of G groups on one grid; group g owns rows offsets[g] to offsets[g+1].

    target [N, K], past [N, P], future [N, F] in the user's units with NaN where nothing was given,
    static [G, Q]; `first` [G] is the grid index of each group's first row.
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
    """Words that the values of a covariate are the numbers of, by its name."""

    @property
    def kind(self) -> Kind:
        """Whether timestamps are dates, dates with a time of day, or row numbers."""
        return self.form.kind

    @property
    def num_groups(self) -> int:
        """G."""
        return len(self.groups)

    @property
    def num_rows(self) -> int:
        """N."""
        return int(self.offsets[-1])

    @property
    def lengths(self) -> Ints:
        """Rows of each group, [G]."""
        return np.diff(self.offsets)

    def index(self) -> Ints:
        """Grid index of every row, [N]."""
        rows = np.arange(self.num_rows)
        return rows + np.repeat(self.first - self.offsets[:-1], self.lengths)

    @cached_property
    def filled(self) -> Floats:
        """The target with gaps filled by the last known value; leading gaps stay NaN."""
        return forward_fill(self.target, self.offsets)

    @cached_property
    def lowest_so_far(self) -> Floats:
        """The least target of each group up to every row, [N, K]; NaN before the first known."""
        blocks = np.split(self.target, self.offsets[1:-1])
        return np.concatenate([np.fmin.accumulate(block, axis=0) for block in blocks])

    def words(self, names: Sequence[str]) -> tuple[tuple[str, ...] | None, ...]:
        """The categories of these columns; None for a column of numbers."""
        return tuple(self.categories.get(name) for name in names)

    def digest(self) -> str:
        """A sha256 of all that a run learns from."""
        what = (self.groups, self.freq, self.schema, sorted(self.categories.items()))
        sha = hashlib.sha256(repr(what).encode())
        for values in (self.first, self.offsets, self.target, self.past, self.future, self.static):
            sha.update(np.ascontiguousarray(values).tobytes())
        return sha.hexdigest()

    def stamps(self, group: int, rows: Ints) -> list[str]:
        """Timestamps of a group's rows (0 is its first; past its end is the future)."""
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
        """How a person calls one series: its group, and its column where there are several."""
        parts = list(self.groups[group])
        if len(self.schema.target) > 1 or not parts:
            parts.append(self.schema.target[column])
        return "/".join(parts)

    def extend(self, lengths: Ints) -> Panel:
        """The same panel with each group's rows continued, empty, to at least `lengths` [G]."""
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
        """Without the rows at a group's end that hold no target, as given for future covariates."""
        known = ~np.isnan(self.target).all(axis=1)
        row = np.arange(self.num_rows) - np.repeat(self.offsets[:-1], self.lengths)
        group = np.repeat(np.arange(self.num_groups), self.lengths)
        ends = np.zeros(self.num_groups, np.int64)
        np.maximum.at(ends, group[known], row[known] + 1)
        return self if np.array_equal(ends, self.lengths) else self.cut(dict(enumerate(ends)))

    def cut(self, lengths: dict[int, int]) -> Panel:
        """The same panel with the given groups shortened to their first rows."""
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
    """Last known value within each group's rows; leading gaps stay NaN. values [N, C]."""
    filled = values.copy()
    row = np.arange(len(values))
    begin = np.repeat(offsets[:-1], np.diff(offsets))
    for column in range(values.shape[1]):
        known = ~np.isnan(values[:, column])
        latest = np.maximum.accumulate(np.where(known, row, -1))
        has_past = latest >= begin
        filled[:, column] = np.where(has_past, values[np.maximum(latest, 0), column], np.nan)
    return filled
