"""The format of timestamps in the data, in which they are also written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from longshort.data import moment
from longshort.data.patterns import has_offset, readable
from longshort.data.zones import Ints, fixed_offset, offset_name, to_wall
from longshort.lazy import polars as pl

Kind = Literal["datetime", "date", "integer"]
Holds = Literal["time", "text", "number"]

_TYPED = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%d %H:%M:%S"}


@dataclass(frozen=True)
class Form:
    """A format of timestamps.

    holds: the type of the cells: times, text or numbers. pattern: format of text, and of numbers
    such as 201801. per: microseconds per unit of Unix time. zone: time zone of the written wall
    times; None where it is unknown.
    """

    kind: Kind
    holds: Holds = "time"
    pattern: str = ""
    per: int = 0
    zone: str | None = None

    @property
    def shown(self) -> str:
        """The pattern for people, without zeros after the seconds."""
        return self.pattern.replace("\t", " ").replace("%S%.6f", "%S%.f")

    def write(self, stamps: Ints) -> pl.Series:
        """Return timestamps as a column of the type that the data had."""
        if self.kind == "integer":
            return pl.Series(stamps, dtype=pl.Int64)
        if self.per:
            whole = bool(np.all(stamps % self.per == 0))
            return pl.Series(stamps // self.per if whole else stamps / self.per)
        if self.holds != "time":
            text = self._text(stamps, self.pattern)
            return text.cast(pl.Int64) if self.holds == "number" else text
        moments = pl.Series(stamps, dtype=pl.Int64).cast(pl.Datetime("us"))
        if self.zone is not None:
            moments = moments.dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone)
        return moments.cast(pl.Date) if self.kind == "date" else moments

    def texts(self, stamps: Ints) -> list[str]:
        """Return timestamps as text for people."""
        if self.kind == "integer":
            return [str(value) for value in stamps.tolist()]
        if self.pattern:
            return self._text(stamps, self.shown).to_list()
        return self._text(stamps, _TYPED[self.kind] + self._mark).to_list()

    @property
    def _mark(self) -> str:
        """The directive of the offset of typed times, where their zone is known."""
        return "%:z" if self.zone is not None and self.kind == "datetime" else ""

    def read(self, text: str) -> int | None:
        """Return the timestamp of a text in this format; None if it has another format."""
        if not self.pattern:
            return None
        pattern = readable(self.shown)
        found = moment.read(text, pattern)
        if found is None or self.zone is None or has_offset(pattern):
            return found
        return moment.instant(found, self.zone)

    def text(self, stamp: int) -> str:
        """Return a timestamp as text for people, as `texts` does."""
        if self.kind == "integer":
            return str(stamp)
        return moment.write(stamp, self.shown or _TYPED[self.kind] + self._mark, self.zone)

    def cell(self, stamp: int) -> str | int | float:
        """Return a timestamp as the data has it, with times as texts."""
        if self.kind == "integer":
            return stamp
        if self.per:
            return stamp // self.per if stamp % self.per == 0 else stamp / self.per
        if self.holds == "time":
            is_day = self.kind == "date"
            pattern = _TYPED["date"] if is_day else f"{_TYPED['datetime']}%.f{self._mark}"
            return moment.write(stamp, pattern, self.zone)
        text = moment.write(stamp, self.pattern, self.zone)
        return int(text) if self.holds == "number" else text

    def _text(self, stamps: Ints, pattern: str) -> pl.Series:
        zone = self.zone
        if zone is None:
            return _dated(stamps).dt.to_string(pattern)
        fixed = fixed_offset(zone)
        if fixed is None and has_offset(pattern):
            there = _dated(stamps).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
            return there.dt.to_string(pattern)
        written = offset_name((fixed or 0) // 60_000_000)
        pattern = pattern.replace("%:z", written).replace("%z", written.replace(":", ""))
        return _dated(to_wall(stamps, zone)).dt.to_string(pattern)


def _dated(stamps: Ints) -> pl.Series:
    return pl.Series(stamps, dtype=pl.Int64).cast(pl.Datetime("us"))
