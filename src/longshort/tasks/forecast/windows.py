"""Windows of series, and forecasts of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints
from longshort.data.windows import Origins, WindowReader
from longshort.tasks.forecast.encoder import ForecastEncoder

_MOST_VALIDATED = 8192


@dataclass(frozen=True)
class Held:
    """The truth and the past of m windows, one row per origin and column, in the user's units.

    truth [m, H]. last [m]: the last known value. series [m]: number group · K + column. names [S]:
    the series' names for people. moment [m]: grid index of each origin. location, spread,
    naive_error [S]: those of each series at training.
    """

    origins: Origins
    series: Ints
    truth: Floats
    last: Floats
    names: tuple[str, ...]
    moment: Ints
    location: Floats
    spread: Floats
    naive_error: Floats


@dataclass(frozen=True)
class Windows:
    """Windows of a panel in an encoder's scales.

    Letters: m windows (one per origin and column), H horizon, S series (groups × columns).
    """

    encoder: ForecastEncoder
    reader: WindowReader
    origins: Origins

    def __len__(self) -> int:
        return len(self.origins)

    def chosen(self, origins: Origins) -> Windows:
        """Return the windows of these origins."""
        return replace(self, origins=origins)

    @property
    def panel(self) -> Panel:
        """The data of the windows."""
        return self.reader.panel

    @property
    def horizon(self) -> int:
        """Number of steps that are forecast, H."""
        return self.reader.horizon

    @cached_property
    def flat(self) -> Origins:
        """One origin per window, [m]: columns that are forecast together have one each."""
        return self.reader.flat(self.origins)

    @cached_property
    def index(self) -> Ints:
        """Grid indices of the horizon, [m, H]."""
        return np.asarray(self._moment[:, None] + np.arange(self.horizon))

    @property
    def _moment(self) -> Ints:
        return np.asarray(self.panel.first[self.flat.group] + self.flat.row)

    @property
    def for_validation(self) -> Windows:
        """The windows to validate after every epoch: if there are many, some at even distances."""
        return self.chosen(self.origins.thinned(_MOST_VALIDATED))

    def before(self, steps: Ints) -> Floats:
        """Return values [m, …] so many `steps` before each origin (`WindowReader.before`)."""
        return self.reader.before(self.flat, steps)

    def of_series(self, table: Floats) -> Floats:
        """Return rows [m, …] of a table [S, …] by series at training.

        A new series gets the mean of all rows.
        """
        return self.encoder.of_series(table, self.flat.group, self.flat.column)

    def in_slots(self, table: Floats, slot: Ints) -> Floats:
        """Return values [m, H] of a table [S, P] in slots [m, H].

        A new series gets the mean of all. Rows of the table are not copied for every window: a week
        of minutes has 10,080 slots.
        """
        place, is_new = self.encoder.place(self.flat.group, self.flat.column)
        found: Floats = table[place[:, None], slot]
        if is_new.any():
            found[is_new] = np.nanmean(table, axis=0)[slot[is_new]]
        return found

    def unscaled(self, scaled: Floats) -> Floats:
        """Return z-scored values [m, …] in the data's units."""
        none = np.empty((len(scaled), 0))
        return self.encoder.zscore.invert(scaled, self.flat.group, self.flat.column, none)

    def user_units(self, scaled: Floats) -> Floats:
        """Return scaled forecasts [m, H, …] with the known effects added, in the data's units."""
        effects, flat = self.reader.known_ahead(self.flat), self.flat
        whole = scaled + effects.reshape(*effects.shape, *([1] * (scaled.ndim - 2)))
        transform = self.encoder.transform
        before = self.before(np.arange(transform.config.difference, 0, -1))
        return transform.invert(whole, flat.group, flat.column, before)

    def above_floor(self, forecast: Floats) -> Floats:
        """Return forecasts [m, H, …] raised to the floor of their series, in the data's units.

        A series that has gone below 0 since training has no floor any more.
        """
        floor, flat = self.encoder.floors[self.flat.group, self.flat.column], self.flat
        if self.encoder.config.model.floor == "auto":
            row = self.panel.offsets[flat.group] + flat.row - 1
            before = self.panel.lowest_so_far[row, flat.column]
            floor = np.where(before < 0, -np.inf, floor)
        return np.maximum(forecast, floor.reshape(-1, *([1] * (forecast.ndim - 1))))

    @cached_property
    def held(self) -> Held:
        """The truth and the past of the windows."""
        flat, panel = self.flat, self.panel
        columns = panel.target.shape[1]
        return Held(
            origins=flat,
            series=flat.group * columns + flat.column,
            truth=self.reader.truth(flat),
            last=self.before(np.ones(1, np.int64))[:, 0],
            names=tuple(
                panel.series_name(g, k) for g in range(panel.num_groups) for k in range(columns)
            ),
            moment=self._moment,
            location=self.encoder.zscore.location.reshape(-1),
            spread=self.encoder.zscore.scale.reshape(-1),
            naive_error=self.encoder.naive_error.reshape(-1),
        )


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of windows.

    values [m, H]. quantiles [m, H, Q]: those of the model; None for a baseline. uncalibrated: the
    quantiles before calibration, if there was one.
    """

    held: Held
    values: Floats
    quantiles: Floats | None = None
    uncalibrated: Floats | None = None

    def losses(self, *, absolute: bool) -> Floats:
        """Return the loss of each window and step on scaled values, [m, H].

        It is the absolute error or the squared one; NaN where the truth is unknown.
        """
        spread = self.held.spread[self.held.series][:, None]
        error = (self.values - self.held.truth) / spread
        return np.abs(error) if absolute else error**2
