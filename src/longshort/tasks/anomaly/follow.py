"""Alarms for a growing file: new rows are judged as they come, and state is kept between calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from longshort.data.panel import Panel
from longshort.errors import DataError, RunError
from longshort.runfolder import write_atomic
from longshort.runs.task import Model
from longshort.tasks.anomaly.alarms import Calibration
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import AnomalyEncoder, Key, known_of
from longshort.tasks.anomaly.samples import read_stretch
from longshort.tasks.anomaly.stream import Step, Stream, refuse_streaming

VERSION = 2


class SeriesFollower:
    """All series of a growing CSV file, from where the state file left off.

    Only whole lines are read; the first line of the file holds the columns' names. `lines` reports
    where alarms begin and end.
    """

    header = "series,time,what,score,p,expected"

    def __init__(
        self,
        model: Model[AnomalyConfig, AnomalyEncoder],
        kept: Calibration,
        path: Path,
        state: Path,
    ) -> None:
        refuse_streaming(model.config)
        self.model, self.kept, self.path, self.state = model, kept, path, state
        self._header, self._read = b"", 0
        self._streams: dict[Key, Stream] = {}
        self._index: dict[Key, int] = {}
        self._alarmed: dict[Key, int] = {}
        """Last flagged row of the series whose alarm goes on."""
        if state.exists():
            self._resume()

    def news(self) -> Iterator[tuple[Panel, int, int, Step]]:
        """Yield every new row of the grid: its panel, series and row, and its judgement.

        Missing steps between two rows count as rows without a value. Raises `DataError` if a row is
        not later than the last one of its series.
        """
        lines = self._new_lines()
        if not lines:
            return
        stretch = read_stretch(
            _frame(self._header, lines), self.model.config, labelled=False,
            axis=self.model.encoder.axis,
        )  # fmt: skip
        panel = stretch.panel
        for group, key in enumerate(panel.groups):
            known_of(self.model.encoder, key, str(self.path))
            self._refuse_backwards(panel, group, key)
        columns = np.concatenate([panel.target, panel.past, panel.future], axis=1)
        for group, key in enumerate(panel.groups):
            stream = self._streams.setdefault(key, Stream(self.model, self.kept, key))
            first = int(panel.first[group])
            for _ in range(self._index.get(key, first - 1) + 1, first):
                stream.step(np.full(columns.shape[1], np.nan))
            begin = int(panel.offsets[group])
            for row in range(int(panel.lengths[group])):
                yield panel, group, row, stream.step(columns[begin + row])
            self._index[key] = first + int(panel.lengths[group]) - 1
        self._read += len(lines)

    def lines(self) -> Iterator[str]:
        """Yield a line where an alarm begins, and where it ends.

        An alarm ends when no row was flagged over the span of the smoothing.
        """
        for panel, group, row, step in self.news():
            key = panel.groups[group]
            what = self._turn(key, int(panel.first[group]) + row, step.is_alarm)
            if not what:
                continue
            expected = " ".join(f"{value:.6g}" for value in step.expected)
            stamp = panel.stamps(group, np.array([row]))[0]
            yield f"{'/'.join(key)},{stamp},{what},{step.score:.6g},{step.p:.6g},{expected}"

    def _turn(self, key: Key, index: int, is_alarm: bool) -> str:
        """Return "begin" or "end" if the row begins or ends an alarm of the series, else ""."""
        last = self._alarmed.get(key)
        if is_alarm:
            self._alarmed[key] = index
            return "begin" if last is None else ""
        if last is None or index - last <= self._streams[key].span:
            return ""
        del self._alarmed[key]
        return "end"

    def save(self) -> None:
        """Write the state file."""
        series = [
            {
                "key": list(key),
                "index": self._index[key],
                "alarm": self._alarmed.get(key),
                "state": stream.state(),
            }
            for key, stream in self._streams.items()
        ]
        content = {
            "version": VERSION,
            "header": self._header.decode("utf-8", "surrogateescape"),
            "read": self._read,
            "series": series,
        }
        write_atomic(self.state, json.dumps(content).encode())

    def _new_lines(self) -> bytes:
        """Return the lines since the last call, up to the last line end."""
        with self.path.open("rb") as file:
            if not self._header:
                self._header = file.readline()
                if not self._header.endswith(b"\n"):
                    self._header = b""
                    return b""
                self._read = len(self._header)
            file.seek(0, 2)
            if file.tell() < self._read:
                raise DataError(
                    f"{self.path}: is shorter than it was ({file.tell():,} bytes, {self._read:,} "
                    "were read); a file that is followed only grows: give the new file, and its "
                    "own --state"
                )
            file.seek(self._read)
            found = file.read()
        return found[: found.rfind(b"\n") + 1]

    def _refuse_backwards(self, panel: Panel, group: int, key: Key) -> None:
        last, first = self._index.get(key), int(panel.first[group])
        if last is None or first > last:
            return
        stamp = panel.stamps(group, np.array([0]))[0]
        before = panel.stamps(group, np.array([last - first]))[0]
        name = "/".join(key)
        raise DataError(
            f"{self.path}: {name + ': ' if name else ''}the clock goes backwards: a row of {stamp} "
            f"comes after one of {before}; a stream is in order of time: correct the file, and "
            f"remove {self.state} to begin anew"
        )

    def _resume(self) -> None:
        try:
            stored: dict[str, Any] = json.loads(self.state.read_text())
            if stored["version"] != VERSION:
                raise ValueError(f"version {stored['version']}")
            self._header = stored["header"].encode("utf-8", "surrogateescape")
            self._read = int(stored["read"])
            for each in stored["series"]:
                key = tuple(each["key"])
                known_of(self.model.encoder, key, str(self.state))
                self._streams[key] = Stream(self.model, self.kept, key)
                self._streams[key].resume(each["state"])
                self._index[key] = int(each["index"])
                if each["alarm"] is not None:
                    self._alarmed[key] = int(each["alarm"])
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{self.state}: is damaged, or no state of this run ({error}); remove it to begin "
                "anew"
            ) from None


def _frame(header: bytes, lines: bytes) -> Any:
    """Return the new lines below the file's header, as a frame of texts."""
    import io

    import polars as pl

    return pl.read_csv(io.BytesIO(header + lines), infer_schema=False)
