"""Windows and forecasts of them: what scores and tables are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from longshort.data.panel import Floats
from longshort.data.timeline import Ints
from longshort.data.windows import Origins, WindowReader
from longshort.tasks.forecast.fitted import Fitted

_MOST_VALIDATED = 8192


@dataclass(frozen=True)
class Held:
    """What m windows hold, one row per origin and column, in the user's units.

    truth [m, H]; last [m]: the last known value; series [m]: numbers group · K + column, whose
    names [S] are what people call them; moment [m]: the grid index of each origin; location, spread
    and naive error [S] of the series at training.
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
    """Windows of a panel, scaled by what was fitted."""

    fitted: Fitted
    reader: WindowReader
    origins: Origins

    def __len__(self) -> int:
        return len(self.origins)

    @property
    def for_validation(self) -> Origins:
        """Those that are looked at after every epoch: of very many, some at even distances."""
        return self.origins.thinned(_MOST_VALIDATED)

    @cached_property
    def held(self) -> Held:
        """What they hold."""
        flat, panel = self.reader.flat(self.origins), self.reader.panel
        columns = panel.target.shape[1]
        return Held(
            origins=flat,
            series=flat.group * columns + flat.column,
            truth=self.reader.truth(flat),
            last=self.reader.before(flat, np.ones(1, np.int64))[:, 0],
            names=tuple(
                panel.series_name(g, k) for g in range(panel.num_groups) for k in range(columns)
            ),
            moment=panel.first[flat.group] + flat.row,
            location=self.fitted.zscore.location.reshape(-1),
            spread=self.fitted.zscore.scale.reshape(-1),
            naive_error=self.fitted.naive_error.reshape(-1),
        )


@dataclass(frozen=True)
class Forecasts:
    """Forecasts [m, H] of what windows hold; of the model quantiles [m, H, Q] too, and as they were
    before they were calibrated where they were."""

    held: Held
    values: Floats
    quantiles: Floats | None = None
    uncalibrated: Floats | None = None

    def losses(self, *, absolute: bool) -> Floats:
        """Of each window and step on scaled values, [m, H]; NaN where the truth is unknown."""
        spread = self.held.spread[self.held.series][:, None]
        error = (self.values - self.held.truth) / spread
        return np.abs(error) if absolute else error**2
