"""Series as samples: a data set, its rows of one split, and the windows over them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from longshort.data.dataset import Dataset
from longshort.data.findings import Finding, refuse_errors
from longshort.data.panel import Panel
from longshort.data.split import Part, Split, make_split
from longshort.data.timeline import Ints
from longshort.data.windows import WindowReader
from longshort.errors import ConfigError
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.defaults import resolve
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.windows import Windows


class Timeline:
    """A data set before and after its settings are decided; each step is done when it is needed.

    Reading is enough to check a data set, while deciding takes longer on long series. share: the
    newest part of each series' training rows that is learned from.
    """

    def __init__(self, dataset: Dataset, config: ForecastConfig, share: float = 1.0) -> None:
        self.whole, self.config, self.share = dataset, config, share
        self._read: tuple[ForecastEncoder, WindowReader] | None = None

    @cached_property
    def dataset(self) -> Dataset:
        """The data set without rows past the last value."""
        return self.whole.until_last_value()

    @property
    def panel(self) -> Panel:
        """The series that are learned."""
        return self.dataset.panel

    @cached_property
    def decided(self) -> tuple[ForecastConfig, list[str]]:
        """The config with every open setting decided, and a line for each decision."""
        refuse_errors(self.dataset.findings, self.dataset.source.name)
        schema = self.dataset.schema
        config = self.config.model_copy(update={"data": self.dataset.config})
        named = {"time": schema.time_setting, "target": schema.target}
        return resolve(config.updated("data", named), self.panel)

    @cached_property
    def split(self) -> Split:
        """Rows of training, validation and test."""
        given = self.config.split
        is_open = given.val is None or given.test is None
        whole = make_split(self.panel, (self.decided[0] if is_open else self.config).split)
        return whole.with_newest(self.share)

    def reader(self, encoder: ForecastEncoder) -> WindowReader:
        """Return the windows in this encoder's scales, made once for all splits."""
        if self._read is None or self._read[0] is not encoder:
            self._read = encoder, encoder.reader(self.panel)
        return self._read[1]


@dataclass(frozen=True)
class AnySeries(ABC):
    """Rows of the series of a data set, as samples: a split of a run's data, or new data."""

    dataset: Dataset
    findings: tuple[Finding, ...] = field(default=(), kw_only=True)

    @property
    def name(self) -> str:
        """Name of the data in messages."""
        return self.dataset.source.name

    @property
    def path(self) -> str | None:
        """The file; None for a frame."""
        return self.dataset.source.path

    @property
    def sha256(self) -> str | None:
        """Digest of the file; None for a frame."""
        return self.dataset.source.sha256

    @property
    def panel(self) -> Panel:
        """All rows of the data set."""
        return self.dataset.panel

    def digest(self) -> str:
        """Return a digest of the content of the whole data set."""
        return self.panel.digest()

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows."""

    @abstractmethod
    def windows(self, encoder: ForecastEncoder) -> Windows:
        """Return all windows whose whole horizon lies in these rows; raises if there is none."""


@dataclass(frozen=True)
class Series(AnySeries):
    """One split of a data set."""

    timeline: Timeline
    split: Part

    def __len__(self) -> int:
        split = self.timeline.split
        return int((split.end[self.split] - split.start[self.split]).clip(0).sum())

    def windows(self, encoder: ForecastEncoder) -> Windows:
        """Return all windows of this split; of the test split one in every `split.stride` rows."""
        config = encoder.config
        reader = self.timeline.reader(encoder)
        stride = (config.split.stride or 1) if self.split == "test" else 1
        origins = reader.origins(self.split, self.timeline.split, stride)
        if len(origins):
            return Windows(encoder, reader, origins)
        if self.split == "test":
            raise ConfigError(
                "split: the test split has no window with a known value; make split.test larger"
            )
        raise ConfigError(
            f"split: the {self.split} split has no complete window of context_length "
            f"{config.model.context_length} + horizon {config.model.horizon}; make it larger, or "
            "those smaller"
        )


def only_test(start: Ints, end: Ints) -> Split:
    """Return a split whose test rows are those from start to end of each group, and no others."""
    none = np.zeros_like(end)
    return Split(
        {"train": none, "val": none, "test": start},
        {"train": none, "val": none, "test": end},
        gap=0,
        isolate=False,
    )
