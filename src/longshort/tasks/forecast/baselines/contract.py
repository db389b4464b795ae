"""What a baseline is asked, and what it answers.

Letters: m windows (one per origin and column), H horizon, S series (groups × columns), N rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Freq, Ints
from longshort.data.windows import Origins, WindowReader
from longshort.tasks.forecast.fitted import Fitted

Arrays = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Asked:
    """The windows that have to be forecast, and all that may be looked at for it.

    is_flat: whether `origins` are one per column already.
    """

    fitted: Fitted
    reader: WindowReader
    origins: Origins
    is_flat: bool = False

    @property
    def panel(self) -> Panel:
        """The data."""
        return self.reader.panel

    @cached_property
    def flat(self) -> Origins:
        """One origin per window [m]."""
        return self.origins if self.is_flat else self.reader.flat(self.origins)

    @property
    def horizon(self) -> int:
        """H."""
        return self.reader.horizon

    def before(self, steps: Ints) -> Floats:
        """Values [m, …] so many `steps` before each origin, as `WindowReader.before` has them."""
        return self.reader.before(self.flat, steps)

    @cached_property
    def index(self) -> Ints:
        """Grid indices of the horizon, [m, H]."""
        first = self.panel.first[self.flat.group] + self.flat.row
        return np.asarray(first[:, None] + np.arange(self.horizon))

    def of_series(self, table: Floats) -> Floats:
        """Rows [m, …] of a table [S, …] by series at training; a new series gets their mean."""
        number = self.fitted.number[self.flat.group]
        columns = self.panel.target.shape[1]
        place = np.maximum(number, 0) * columns + self.flat.column
        found: Floats = table[place]
        is_new = number < 0
        if is_new.any():
            found[is_new] = np.nanmean(table, axis=0)
        return found

    def in_slots(self, table: Floats, slot: Ints) -> Floats:
        """Values [m, H] of a table [S, P] in slots [m, H]; a new series gets the mean of all.

        Rows of the table are not copied for every window: a week of minutes has 10,080 slots.
        """
        number = self.fitted.number[self.flat.group]
        place = np.maximum(number, 0) * self.panel.target.shape[1] + self.flat.column
        found: Floats = table[place[:, None], slot]
        is_new = number < 0
        if is_new.any():
            found[is_new] = np.nanmean(table, axis=0)[slot[is_new]]
        return found

    def unscaled(self, scaled: Floats) -> Floats:
        """Z-scored values [m, …] in the data's units."""
        group, column = self.flat.group, self.flat.column
        wide = (slice(None), *([None] * (scaled.ndim - 1)))
        scale = self.fitted.zscore.scale[group, column][wide]
        return np.asarray(scaled * scale + self.fitted.zscore.location[group, column][wide])


@dataclass(frozen=True)
class Seen:
    """What a baseline is fitted to: the training rows of a panel."""

    fitted: Fitted
    panel: Panel
    season: int

    @property
    def freq(self) -> Freq:
        """The grid."""
        return self.panel.freq

    @cached_property
    def is_seen(self) -> NDArray[np.bool_]:
        """Which rows are training rows, [N]."""
        row = np.arange(self.panel.num_rows) - np.repeat(
            self.panel.offsets[:-1], self.panel.lengths
        )
        return np.asarray(row < np.repeat(self.fitted.rows, self.panel.lengths))

    def zscored(self, values: Floats) -> Floats:
        """Values [N, K] in z-scored units."""
        repeats = self.panel.lengths
        location = np.repeat(self.fitted.zscore.location, repeats, 0)
        return (values - location) / np.repeat(self.fitted.zscore.scale, repeats, 0)

    @cached_property
    def values(self) -> Floats:
        """Z-scored training values [N, K], NaN in other rows and where nothing was measured."""
        return self.zscored(np.where(self.is_seen[:, None], self.panel.target, np.nan))


@dataclass(frozen=True)
class Baseline(ABC):
    """One forecast that needs no network. `note` says what a reader has to know about it."""

    name: str
    title: str
    note: str = field(default="", kw_only=True)

    @abstractmethod
    def forecast(self, asked: Asked) -> Floats:
        """Forecasts [m, H] in the data's units."""

    def arrays(self) -> Arrays:
        """Fitted numbers that a run keeps; none where they follow from the settings."""
        return {}
