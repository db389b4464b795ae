"""Series as samples: a data set, its rows of one split, and the windows over them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from longshort.data.dataset import Dataset
from longshort.data.findings import Finding, refuse_errors
from longshort.data.panel import Panel
from longshort.data.split import Part, Split, make_split
from longshort.data.timeline import Ints
from longshort.data.windows import Origins, WindowReader
from longshort.errors import ConfigError, DataError
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.defaults import resolve
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.windows import Windows


class Timeline:
    """A data set before and after its settings are decided; each step is done when it is asked for.

    Reading is enough to check a data set, while deciding takes longer on long series.
    """

    def __init__(self, dataset: Dataset, config: ForecastConfig) -> None:
        self.whole, self.config = dataset, config
        self._read: tuple[ForecastEncoder, WindowReader] | None = None

    @cached_property
    def dataset(self) -> Dataset:
        """Without rows past the last value."""
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
        return make_split(self.panel, (self.decided[0] if is_open else self.config).split)

    @cached_property
    def digest(self) -> str:
        """Of the content."""
        return self.panel.digest()

    def reader(self, encoder: ForecastEncoder) -> WindowReader:
        """Windows in this encoder's scales; made once for all splits."""
        if self._read is None or self._read[0] is not encoder:
            self._read = encoder, encoder.reader(self.panel)
        return self._read[1]


@dataclass(frozen=True)
class Series:
    """One split of a data set."""

    timeline: Timeline
    part: Part

    @property
    def name(self) -> str:
        """Of the data."""
        return self.timeline.whole.source.name

    @property
    def path(self) -> str | None:
        """Of the file."""
        return self.timeline.whole.source.path

    @property
    def sha256(self) -> str | None:
        """Of the file."""
        return self.timeline.whole.source.sha256

    @property
    def findings(self) -> tuple[Finding, ...]:
        """None of its own: those of the reading are among the doctor's."""
        return ()

    def __len__(self) -> int:
        """Rows."""
        split = self.timeline.split
        return int((split.end[self.part] - split.start[self.part]).clip(0).sum())

    def digest(self) -> str:
        """Of the whole data set."""
        return self.timeline.digest

    def windows(self, encoder: ForecastEncoder) -> Windows:
        """All windows whose horizon lies in this split; raises where there is none."""
        config = encoder.config
        reader = self.timeline.reader(encoder)
        stride = (config.split.stride or 1) if self.part == "test" else 1
        origins = reader.origins(self.part, self.timeline.split, stride)
        if len(origins):
            return Windows(encoder, reader, origins)
        if self.part == "test":
            raise ConfigError(
                "split: the test split has no window with a known value; make split.test larger"
            )
        raise ConfigError(
            f"split: the {self.part} split has no complete window of context_length "
            f"{config.model.context_length} + horizon {config.model.horizon}; make it larger, or "
            "those smaller"
        )


@dataclass(frozen=True)
class NewSeries:
    """Series that continue a run, from the rows `start` [G] on."""

    dataset: Dataset
    start: Ints
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """Of the data."""
        return self.dataset.source.name

    @property
    def path(self) -> str | None:
        """Of the file."""
        return self.dataset.source.path

    @property
    def sha256(self) -> str | None:
        """Of the file."""
        return self.dataset.source.sha256

    def __len__(self) -> int:
        """Rows."""
        return int((self.dataset.panel.lengths - self.start).clip(0).sum())

    def digest(self) -> str:
        """Of the content."""
        return self.dataset.panel.digest()

    def windows(self, encoder: ForecastEncoder) -> Windows:
        """All windows whose horizon lies behind the start; raises where there is none."""
        config, panel = encoder.config, self.dataset.panel
        context = np.minimum(panel.lengths, config.model.context_length or 1)
        own, _ = encoder.for_panel(panel, context)
        reader = own.reader(panel)
        rows = one_part(self.start, panel.lengths)
        found = Windows(own, reader, reader.origins("test", rows, config.split.stride or 1))
        if not len(found):
            raise DataError(
                f"{self.name}: no window of {reader.context} + {reader.horizon} steps "
                "(context_length + horizon) has its horizon after the run's training and "
                "validation rows; give later data, or score those rows too with "
                "--include-training"
            )
        return found


def one_part(start: Ints, end: Ints) -> Split:
    """Rows from start to end of each group as a test split, and nothing else."""
    none = np.zeros_like(end)
    return Split(
        {"train": none, "val": none, "test": start},
        {"train": none, "val": none, "test": end},
        gap=0,
        isolate=False,
    )


def joined(origins: list[Origins]) -> Origins:
    """One after another."""
    return Origins(
        np.concatenate([each.group for each in origins]),
        np.concatenate([each.column for each in origins]),
        np.concatenate([each.row for each in origins]),
    )
