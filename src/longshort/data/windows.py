"""Windows over a panel: a list of origins, gathered in one indexing operation.

An origin is the row of the first forecast step. Windows are never built row by row or stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from longshort.data.panel import Floats, Panel
from longshort.data.split import Part, Split
from longshort.data.timeline import Ints
from longshort.errors import DataError

Singles = NDArray[np.float32]
A = TypeVar("A")
"""An array, or a tensor where a network takes it."""


@dataclass(frozen=True)
class Batch(Generic[A]):
    """B windows of L context and H horizon steps; C columns are forecast together.

    context [B, L, C] and target [B, H, C], scaled; effects [B, H, C]: known effects, subtracted
    from the target; observed [B, H, C]: 0 where the target is missing, otherwise 1; past [B, L, P];
    future [B, L+H, F]; static [B, Q]; series [B]: the numbers of the series.
    """

    context: A
    target: A
    effects: A
    observed: A
    past: A
    future: A
    static: A
    series: A


@dataclass(frozen=True)
class Origins:
    """n windows: their group, column, and row of the first forecast step in the group.

    Columns that are forecast together have one window, with column 0.
    """

    group: Ints
    column: Ints
    row: Ints

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, chosen: Ints | slice) -> Origins:
        return Origins(self.group[chosen], self.column[chosen], self.row[chosen])

    def thinned(self, most: int) -> Origins:
        """Return about `most` of them at most, at even distances."""
        return self[:: max(1, -(-len(self) // most))]

    def for_columns(self, columns: int) -> Origins:
        """Return each window once for each of the columns that it forecasts together."""
        return Origins(
            np.repeat(self.group, columns),
            np.tile(np.arange(columns), len(self)),
            np.repeat(self.row, columns),
        )


class WindowReader:
    """Gathers windows of `context` + `horizon` steps from scaled values.

    scaled [N, K] and the covariates past [N, P], future [N, F], static [G, Q] are encoded for a
    model. effects [N, K]: known effects, which were subtracted from the scaled values and are added
    to forecasts. joint: the K columns are forecast together; otherwise each is a series of its own.
    number [G]: number of each group in `Batch.series`.
    """

    def __init__(
        self,
        panel: Panel,
        scaled: Floats,
        effects: Floats,
        past: Floats,
        future: Floats,
        static: Floats,
        *,
        context: int,
        horizon: int,
        joint: bool,
        number: Ints,
    ) -> None:
        if panel.num_rows < context + horizon:
            raise DataError(
                f"the data has {panel.num_rows} steps, and one window needs {context} + {horizon} "
                "(context_length + horizon)"
            )
        self.panel = panel
        self.context = context
        self.horizon = horizon
        self.joint = joint
        self.number = number
        self.scaled = scaled
        self._effects = effects
        known = ~np.isnan(panel.target) & ~np.isnan(scaled)
        values, columns = np.nan_to_num(scaled), scaled.shape[1] if joint else 1
        self._contexts = _windowed(values, context, columns)
        self._targets = _windowed(values, horizon, columns)
        self._taken_off = _windowed(effects, horizon, columns)
        self._known = _windowed(known.astype(np.float64), horizon, columns)
        self._past = _windowed(past, context, past.shape[1])
        self._future = _windowed(future, context + horizon, future.shape[1])
        self._static = static.astype(np.float32)
        self._starts_known = ~np.isnan(scaled)
        self._count_known = np.concatenate(
            [np.zeros((1, known.shape[1]), np.int64), np.cumsum(known, axis=0)]
        )

    def origins(self, part: Part, split: Split, stride: int = 1) -> Origins:
        """Return all windows whose horizon lies in a split and whose context is known."""
        groups, columns, rows = [], [], []
        for group in range(self.panel.num_groups):
            start, end = int(split.start[part][group]), int(split.end[part][group])
            floor = start if split.isolate and part != "train" else 0
            first = max(start, floor + self.context)
            row = np.arange(first, end - self.horizon + 1, stride)
            for column in range(1 if self.joint else self.scaled.shape[1]):
                kept = row[self._usable(group, column, row)]
                groups.append(np.full(len(kept), group))
                columns.append(np.full(len(kept), column))
                rows.append(kept)
        return Origins(*(np.concatenate(part).astype(np.int64) for part in (groups, columns, rows)))

    def _usable(self, group: int, column: int, row: Ints) -> NDArray[np.bool_]:
        """Whether the context has a first value and the horizon at least one."""
        at = self.panel.offsets[group] + row
        chosen = slice(None) if self.joint else slice(column, column + 1)
        begins = self._starts_known[at - self.context][:, chosen].all(axis=1)
        count = self._count_known[at + self.horizon] - self._count_known[at]
        return np.asarray(begins & (count[:, chosen].sum(axis=1) > 0))

    def gather(self, origins: Origins) -> Batch[NDArray[Any]]:
        """Return windows in single precision, each role by a single indexing operation."""
        begin = self.panel.offsets[origins.group] + origins.row - self.context
        own = begin + origins.column * self.panel.num_rows
        ahead = own + self.context
        columns = 1 if self.joint else self.scaled.shape[1]
        return Batch(
            context=self._contexts[own],
            target=self._targets[ahead],
            effects=self._taken_off[ahead],
            observed=self._known[ahead],
            past=self._past[begin],
            future=self._future[begin],
            static=self._static[origins.group],
            series=self.number[origins.group] * columns + origins.column,
        )

    def flat(self, origins: Origins) -> Origins:
        """Return one origin per column, in the order of [n, C] flattened."""
        return origins.for_columns(self.scaled.shape[1]) if self.joint else origins

    def before(self, flat: Origins, steps: Ints) -> Floats:
        """Return values [m, …] in the user's units, `steps` (1: the last) before each origin.

        steps [m, …], or broadcast to it; gaps are filled from the past, and there is NaN before a
        group's first row.
        """
        wide = (slice(None), *([None] * max(1, steps.ndim - 1)))
        row = flat.row[wide] - steps
        at = self.panel.offsets[flat.group][wide] + np.maximum(row, 0)
        return np.where(row < 0, np.nan, self.panel.filled[at, flat.column[wide]])

    def known_ahead(self, flat: Origins) -> Floats:
        """Return known effects over the horizon, scaled, [m, H], which are added to forecasts."""
        found: Floats = self._effects[self._ahead(flat), flat.column[:, None]]
        return found

    def truth(self, flat: Origins) -> Floats:
        """Return targets in the user's units [m, H], NaN where missing."""
        values: Floats = self.panel.target[self._ahead(flat), flat.column[:, None]]
        return values

    def _ahead(self, flat: Origins) -> Ints:
        """Rows of the panel over each horizon, [m, H]."""
        first = self.panel.offsets[flat.group] + flat.row
        return np.asarray(first[:, None] + np.arange(self.horizon))

    def is_known(self, group: int, column: int, row: int) -> bool:
        """Whether a window from this origin has a whole context."""
        if row < self.context:
            return False
        begin = self.panel.offsets[group] + row - self.context
        chosen = slice(None) if self.joint else slice(column, column + 1)
        return bool(self._starts_known[begin, chosen].all())


def _windowed(values: Floats, steps: int, columns: int) -> Singles:
    """Return a view [rows - steps + 1, steps, columns] of values [N, K].

    The K columns stand beside each other, or with one column end to end.
    """
    flat = values if columns == values.shape[1] else values.T.reshape(-1, 1)
    rows = np.ascontiguousarray(flat, np.float32)
    return sliding_window_view(rows, steps, axis=0).swapaxes(1, 2)
