"""Rows of series as samples: the normal part of each series, and the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from longshort.data.dataset import Dataset, read_dataset
from longshort.data.findings import Finding
from longshort.data.panel import Panel
from longshort.data.split import row_at
from longshort.data.splits import Splits
from longshort.data.timeline import Ints, TimeAxis
from longshort.errors import ConfigError, DataError
from longshort.tasks.anomaly.config import AnomalyConfig, AnomalySplit

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Stretch:
    """Rows [start, end) of every series, counted from its first row; start and end are [G].

    labels [N] mark known anomalies in all rows of the panel; None where no column names them.
    """

    dataset: Dataset
    labels: Flags | None
    start: Ints
    end: Ints

    @property
    def panel(self) -> Panel:
        """All rows, also those before the start, which a network reads on its way."""
        return self.dataset.panel

    @property
    def name(self) -> str:
        """Name of the data in messages."""
        return self.dataset.source.name

    @property
    def path(self) -> str | None:
        """Path of the file; None for a frame."""
        return self.dataset.source.path

    @property
    def sha256(self) -> str | None:
        """Digest of the file; None for a frame."""
        return self.dataset.source.sha256

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of reading."""
        return self.dataset.findings

    def __len__(self) -> int:
        """Return the number of rows."""
        return int((self.end - self.start).clip(0).sum())

    def digest(self) -> str:
        """Return a digest of the values and labels of all rows."""
        labels = b"" if self.labels is None else self.labels.tobytes()
        return f"{self.panel.digest()}{hash_of(labels)}"

    def rows(self) -> Flags:
        """Return which rows of the panel are in this stretch, [N]."""
        panel = self.panel
        place = np.arange(panel.num_rows) - np.repeat(panel.offsets[:-1], panel.lengths)
        inside = place >= np.repeat(self.start, panel.lengths)
        found: Flags = inside & (place < np.repeat(self.end, panel.lengths))
        return found

    def between(self, start: Ints, end: Ints) -> Stretch:
        """Return other rows of the same series."""
        return replace(self, start=start, end=end)


def hash_of(data: bytes) -> str:
    """Return a SHA-256 in hexadecimal."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


def read_stretch(
    data: object, config: AnomalyConfig, *, labelled: bool, axis: TimeAxis | None = None
) -> Stretch:
    """Read all rows of a file or frame, with labels if a column is named and `labelled` is set.

    axis: the grid of a run that these rows continue. Raises `DataError` for labels other than 0 and
    1.
    """
    column = config.data.labels if labelled else None
    settings = config.data
    if column is not None:
        _refuse_two_roles(column, config)
        settings = settings.model_copy(update={"past": (*settings.past, column)})
    try:
        dataset = read_dataset(data, settings, axis).until_last_value()
    except DataError as error:  # labels are read as a covariate, which is not what was asked for
        raise DataError(
            str(error).replace(f"{column!r} for --past", f"{column!r} for --labels")
        ) from None
    labels = None
    if column is not None:
        dataset, labels = _taken_off(dataset, column)
    lengths = dataset.panel.lengths
    return Stretch(dataset, labels, np.zeros_like(lengths), lengths)


def _refuse_two_roles(column: str, config: AnomalyConfig) -> None:
    data = config.data
    for role in ("target", "group", "past", "future", "static"):
        if column in getattr(data, role):
            raise ConfigError(
                f"data.labels: {column!r} is also named by data.{role}; a column has one role"
            )


def _taken_off(dataset: Dataset, column: str) -> tuple[Dataset, Flags]:
    """Return the data without the column of labels, and the labels.

    An unknown label counts as normal.
    """
    panel, schema = dataset.panel, dataset.schema
    place = schema.past.index(column)
    values = panel.past[:, place]
    words = panel.categories.get(column)
    if words is not None:
        raise DataError(
            f"{dataset.source.name}: column {column!r}: labels are 0 (normal) and 1 (anomaly), got "
            f"{', '.join(repr(word) for word in words[:5])}; write them as numbers"
        )
    known = ~np.isnan(values)
    wrong = np.flatnonzero(known & (values != 0) & (values != 1))
    if wrong.size:
        where = place_of(panel, int(wrong[0]))
        raise DataError(
            f"{dataset.source.name}: column {column!r}: labels are 0 (normal) and 1 (anomaly), got "
            f"{values[wrong[0]]:g} at {where}; write 0 and 1, or leave --labels out"
        )
    past = tuple(name for name in schema.past if name != column)
    bare = replace(schema, past=past)
    config = dataset.config.model_copy(update={"past": past})
    rest = replace(panel, past=np.delete(panel.past, place, axis=1), schema=bare)
    return replace(dataset, panel=rest, schema=bare, config=config), known & (values == 1)


def place_of(panel: Panel, row: int) -> str:
    """Return series and time of a row of the panel, as people find it."""
    group = int(np.searchsorted(panel.offsets, row, side="right")) - 1
    stamp = panel.stamps(group, np.array([row - panel.offsets[group]]))[0]
    name = "/".join(panel.groups[group])
    return f"{name}: {stamp}" if name else stamp


def divide(given: Mapping[str, Stretch], config: AnomalyConfig) -> Splits[Stretch]:
    """Split into training and validation rows from the normal part, and test rows after it.

    Raises `ConfigError` if a series has too few rows of one kind.
    """
    whole = given["train"]
    normal = normal_rows(whole.panel, config.split)
    trained = np.minimum(normal - 1, np.round(normal * (1 - config.split.val)).astype(np.int64))
    ends = whole.panel.lengths
    for group in range(whole.panel.num_groups):
        sizes = (trained[group], normal[group] - trained[group], ends[group] - normal[group])
        if min(sizes) < 1:
            raise ConfigError(_too_short(whole, group, int(normal[group])))
    return Splits(
        whole.between(np.zeros_like(ends), trained),
        whole.between(trained, normal),
        whole.between(normal, ends),
        (),
        "the beginning is taken for normal: the network learns from its first "
        f"{1 - config.split.val:.0%}, the rest of it sets the threshold; what follows is searched",
    )


def _too_short(whole: Stretch, group: int, normal: int) -> str:
    name = "/".join(whole.panel.groups[group])
    length = int(whole.panel.lengths[group])
    return (
        f"split.normal: of {name + ': ' if name else ''}{length:,} rows, {normal:,} are taken for "
        "normal; training, validation and the search need some each: move --normal-until, or "
        "leave such a series out"
    )


def normal_rows(panel: Panel, config: AnomalySplit) -> Ints:
    """Return how many first rows of each series are taken for normal, [G]."""
    until, lengths = config.normal, panel.lengths
    if isinstance(until, str):
        return np.clip(row_at(panel, until, "split.normal") - panel.first, 0, lengths)
    if isinstance(until, float):
        return np.round(until * lengths).astype(np.int64)
    return np.minimum(until, lengths)
