"""Training, validation and test splits of series, as periods of time.

The cuts are the same for all series, or one per series. A window belongs to the split that contains
its whole horizon; one whose horizon crosses a border belongs to none. Its context may reach back
over the border, as in use, unless `split.isolate` forbids it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from longshort.config import SplitConfig
from longshort.data.panel import Panel
from longshort.data.timeline import Ints
from longshort.errors import ConfigError

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
_SHORTEST = 3
"""Number of steps of a series below which no split can be made smaller."""


@dataclass(frozen=True)
class Split:
    """Row ranges [start, end) of each group in each split, counted from the group's first row."""

    start: dict[Part, Ints]
    end: dict[Part, Ints]
    gap: int
    isolate: bool

    def with_newest(self, share: float) -> Split:
        """Return the split with this share of each group's training rows, the newest ones."""
        first, end = self.start["train"], self.end["train"]
        start = end - np.ceil(share * (end - first)).astype(np.int64)
        return replace(self, start={**self.start, "train": start})

    def describe(self, panel: Panel) -> dict[str, Any]:
        """Return each split's first and last timestamp over all groups, and number of rows."""
        parts: dict[str, Any] = {"gap": self.gap, "isolate": self.isolate}
        for part in ("train", "val", "test"):
            start, end = self.start[part], self.end[part]
            held = np.flatnonzero(end > start)
            if held.size == 0:
                parts[part] = {"rows": 0}
                continue
            low = held[np.argmin((panel.first + start)[held])]
            high = held[np.argmax((panel.first + end)[held])]
            parts[part] = {
                "rows": int((end - start).clip(0).sum()),
                "from": panel.stamps(int(low), start[low : low + 1])[0],
                "to": panel.stamps(int(high), end[high : high + 1] - 1)[0],
            }
        return parts


def make_split(panel: Panel, config: SplitConfig) -> Split:
    """Split the panel; raises `ConfigError` if a split would be empty."""
    val, test = config.val, config.test
    if val is None or test is None:
        raise ConfigError("split.val and split.test must be decided before the data is split")
    lengths = panel.lengths
    last = panel.first + lengths
    if config.by == "time":
        held = lengths > 0
        low = np.full_like(last, panel.first[held].min())
        high = np.full_like(last, last[held].max())
    else:
        low, high = panel.first, last
    test_start = _cut(panel, low, high, test, high, "split.test")
    test_end = high
    val_start = _cut(panel, low, high, val, test_start - config.gap, "split.val")

    def rows(index: Ints) -> Ints:
        return np.asarray(np.clip(index - panel.first, 0, lengths))

    split = Split(
        {"train": np.zeros_like(lengths), "val": rows(val_start), "test": rows(test_start)},
        {
            "train": rows(val_start - config.gap),
            "val": rows(test_start - config.gap),
            "test": rows(test_end),
        },
        config.gap,
        config.isolate,
    )
    is_tiny = int(lengths.max()) < _SHORTEST
    for part in ("train", "val", "test"):
        if not np.any(split.end[part] > split.start[part]):
            cure = "give a longer series" if is_tiny else "make the other splits smaller"
            raise ConfigError(
                f"split: the {part} split is empty with val = {val!r}, test = {test!r}, gap = "
                f"{config.gap} on {int(lengths.max()):,} steps; {cure}"
            )
    return split


def _cut(panel: Panel, low: Ints, high: Ints, size: float | int | str, end: Ints, key: str) -> Ints:
    """Return the grid index at which a split of this size that ends at `end` starts."""
    if isinstance(size, str):
        return np.full_like(high, row_at(panel, size, key))
    if isinstance(size, float):
        if not 0.0 < size < 1.0:
            raise ConfigError(f"{key}: a share lies between 0 and 1, got {size}; steps are whole")
        return end - np.maximum(1, np.round((high - low) * size)).astype(np.int64)
    if size < 1:
        raise ConfigError(f"{key}: at least 1 step is needed, got {size}")
    return end - size


def row_at(panel: Panel, text: str, key: str) -> int:
    """Grid index of a timestamp, or of a row number where the data counts rows.

    key: the setting that messages name. Raises `ConfigError` for text that is neither.
    """
    if panel.kind == "integer":
        try:
            value = np.array([int(text)])
        except ValueError:
            raise ConfigError(f"{key}: {text!r} is no row number, and the data counts rows") from (
                None
            )
    else:
        moment = _moment(panel, text.strip())
        if moment is None:
            raise ConfigError(
                f"{key}: {text!r} is no timestamp; write it like 2024-01-31 or 2024-01-31 06:00:00"
            )
        value = np.array([moment])
    return int(panel.freq.to_index(value)[0])


def _moment(panel: Panel, text: str) -> int | None:
    """Parse a timestamp in ISO 8601, with an offset or local, or in the data's own format."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _month_start(panel, text) or panel.form.read(text)
    wall = np.array([np.datetime64(moment.replace(tzinfo=None), "us")]).astype(np.int64)
    if moment.tzinfo is None:
        return int(panel.freq.stamp(wall)[0])
    offset = moment.utcoffset() or timedelta()
    return int(wall[0]) - round(offset.total_seconds() * 1e6) if panel.freq.zone else None


def _month_start(panel: Panel, text: str) -> int | None:
    """Parse a month or a year such as 2024-01 or 2024; returns its first instant."""
    if not re.fullmatch(r"\d{4}(-\d{2})?", text):
        return None
    try:
        return int(panel.freq.stamp(np.array([text], "datetime64[us]").astype(np.int64))[0])
    except ValueError:
        return None
