"""The contract of a baseline, and the data to which it is fitted.

Letters: m windows (one per origin and column), H horizon, K columns, N rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Freq
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.windows import Windows

Arrays = Mapping[str, Floats]
"""Fitted numbers of a baseline, by name, which a run keeps."""


@dataclass(frozen=True)
class Seen:
    """The training rows of a panel, and the encoder that was fitted on them."""

    encoder: ForecastEncoder
    panel: Panel

    @property
    def freq(self) -> Freq:
        """The grid."""
        return self.panel.freq

    @property
    def season(self) -> int:
        """Number of steps of a season; 1 for none."""
        return self.encoder.config.model.season or 1

    @cached_property
    def target(self) -> Floats:
        """Training values [N, K] in the data's units, NaN in other rows and where none is known."""
        seen = self.panel.is_within(self.encoder.rows)
        return np.where(seen[:, None], self.panel.target, np.nan)

    @cached_property
    def values(self) -> Floats:
        """Z-scored training values [N, K], NaN in other rows and where none is known."""
        return self.encoder.zscore.apply_to(self.target, self.panel.lengths)


@dataclass(frozen=True)
class Baseline(ABC):
    """A forecast that needs no network.

    name: name of its column. title: name in the words of the verdict.
    """

    name: str
    title: str

    @abstractmethod
    def forecast(self, windows: Windows) -> Floats:
        """Forecast windows; returns values [m, H] in the data's units."""
