"""Windows over a panel: a list of origins, gathered in one indexing operation.

An origin is the row of the first forecast step. Windows are never built row by row or stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.data.panel import Floats, Panel
from longshort.data.split import Part, Split
from longshort.data.timeline import Ints
from longshort.errors import DataError


@dataclass(frozen=True)
class Batch:
    """B windows of L context and H horizon steps; C columns are forecast together.

    context [B, L, C] and target [B, H, C], scaled; effects [B, H, C]: known effects, subtracted
    from the target; observed [B, H, C]: 0 where the target is missing, otherwise 1; past [B, L, P];
    future [B, L+H, F]; static [B, Q]; series [B].
    """

    context: Tensor
    target: Tensor
    effects: Tensor
    observed: Tensor
    past: Tensor
    future: Tensor
    static: Tensor
    series: Tensor


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
        columns = scaled.shape[1] if joint else 1
        self._values = self._windowed(np.nan_to_num(scaled), columns)
        self._taken_off = self._windowed(effects, columns)
        self._known = self._windowed(known.astype(np.float64), columns)
        self._past = self._windowed(past, past.shape[1])
        self._future = self._windowed(future, future.shape[1])
        self._static = torch.as_tensor(static, dtype=torch.float32)
        self._starts_known = ~np.isnan(scaled)
        self._count_known = np.concatenate(
            [np.zeros((1, known.shape[1]), np.int64), np.cumsum(known, axis=0)]
        )

    def _windowed(self, values: Floats, columns: int) -> Tensor:
        """Return a view [rows - L - H + 1, columns, L + H] of all columns together or in turn."""
        flat = values if columns == values.shape[1] else values.T.reshape(-1, 1)
        rows = torch.as_tensor(np.ascontiguousarray(flat), dtype=torch.float32)
        return rows.unfold(0, self.context + self.horizon, 1)

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

    def gather(self, origins: Origins) -> Batch:
        """Return windows as tensors, each role by a single indexing operation."""
        begin = self.panel.offsets[origins.group] + origins.row - self.context
        row = torch.from_numpy(begin)
        own = torch.from_numpy(begin + origins.column * self.panel.num_rows)
        values = self._values[own].transpose(1, 2)
        known = self._known[own].transpose(1, 2)
        effects = self._taken_off[own].transpose(1, 2)
        cut = self.context
        columns = 1 if self.joint else self.scaled.shape[1]
        return Batch(
            context=values[:, :cut],
            target=values[:, cut:],
            effects=effects[:, cut:],
            observed=known[:, cut:],
            past=self._past[row].transpose(1, 2)[:, :cut],
            future=self._future[row].transpose(1, 2),
            static=self._static[torch.from_numpy(origins.group)],
            series=torch.from_numpy(self.number[origins.group] * columns + origins.column),
        )

    def flat(self, origins: Origins) -> Origins:
        """Return one origin per column, in the order of [n, C] flattened."""
        return origins.for_columns(self.scaled.shape[1]) if self.joint else origins

    def known_ahead(self, flat: Origins) -> Floats:
        """Return known effects over the horizon, scaled, [m, H], which are added to forecasts."""
        rows = (self.panel.offsets[flat.group] + flat.row)[:, None] + np.arange(self.horizon)
        found: Floats = self._effects[rows, flat.column[:, None]]
        return found

    def is_known(self, group: int, column: int, row: int) -> bool:
        """Whether a window from this origin has a whole context."""
        if row < self.context:
            return False
        begin = self.panel.offsets[group] + row - self.context
        chosen = slice(None) if self.joint else slice(column, column + 1)
        return bool(self._starts_known[begin, chosen].all())

    def truth(self, flat: Origins) -> Floats:
        """Return targets in the user's units [m, H], NaN where missing."""
        rows = (self.panel.offsets[flat.group] + flat.row)[:, None] + np.arange(self.horizon)
        values: Floats = self.panel.target[rows, flat.column[:, None]]
        return values
