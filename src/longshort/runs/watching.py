"""Lines that keep coming, answered one by one: a session for each key, with a state to go on from.

A line is a row as JSON or CSV, or a text for models of texts.
"""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from longshort.errors import ConfigError, DataError, LongshortError, RunError, nearest
from longshort.runfolder import write_atomic
from longshort.runs.session import Session
from longshort.runs.trained import AnyTrained

VERSION = 1
"""Format version of state files; others are refused."""

Key = tuple[str, ...]


class Watcher:
    """Answers lines in their order.

    keys: columns whose values name a session; those that name series in the run when empty. skips:
    whether a line that does not fit is reported and skipped, rather than raised. state: file to go
    on from, and to save to.
    """

    def __init__(
        self,
        trained: AnyTrained,
        keys: Sequence[str] = (),
        *,
        skips: bool = False,
        state: Path | None = None,
    ) -> None:
        self.trained, self.skips, self.state = trained, skips, state
        self.schema = trained.session_schema()
        if self.schema["kind"] not in ("row", "text"):
            raise ConfigError(
                f"watch: the task {trained.task.name!r} takes no rows or texts; use `longshort "
                "predict`"
            )
        columns = self.schema["columns"]
        self._kinds = {each["name"]: each["type"] for each in columns}
        own = tuple(each["name"] for each in columns if each["role"] == "group")
        self.keys = tuple(keys) or own
        self._sessions: dict[Key, Session] = {}
        self._header: list[str] = []
        self.lines = self.offset = 0
        if state is not None and state.exists():
            self.go_on(state.read_bytes(), str(state))

    def answers(self, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
        """Yield a plain value for each line but for the header of CSV and empty lines.

        It has the number of the line, its key, and the answer or why it was passed over. Raises
        `DataError`, which names the line, for one that is refused.
        """
        for raw in lines:
            self.lines += 1
            self.offset += len(raw)
            text = self._decoded(raw)
            if not text.strip() or self._is_header(text):
                continue
            told: dict[str, Any] = {"line": self.lines}
            try:
                key, x = self._sample(text)
                if key:
                    told["key"] = dict(zip(self.keys, key, strict=True))
                session = self._sessions.get(key) or self.trained.session()
                answer = session.step(x)
                self._sessions[key] = session
                yield {**told, "answer": answer}
            except LongshortError as error:
                if not self.skips:
                    raise DataError(f"line {self.lines}: {error}") from None
                yield {**told, "skipped": str(error)}

    def save(self) -> None:
        """Write the state file, if there is one, atomically."""
        if self.state is not None:
            write_atomic(self.state, self.packed())

    def packed(self) -> bytes:
        """Return the state: where the lines are, and all sessions."""
        content = {
            "version": VERSION,
            "model": self.trained.digest,
            "keys": list(self.keys),
            "lines": self.lines,
            "offset": self.offset,
            "header": self._header,
            "sessions": [
                [list(key), base64.b64encode(each.snapshot()).decode()]
                for key, each in self._sessions.items()
            ],
        }
        return json.dumps(content).encode()

    def go_on(self, packed: bytes, where: str) -> None:
        """Go on from a packed state; `where` names it in errors. Raises `RunError` for another."""
        try:
            stored = json.loads(packed)
            if stored["version"] != VERSION:
                raise ValueError(f"version {stored['version']}")
            if tuple(stored["keys"]) != self.keys:
                raise RunError(
                    f"{where}: its sessions are by {', '.join(stored['keys']) or 'no key'}; give "
                    "the same --key, or another --state"
                )
            self.lines, self.offset = int(stored["lines"]), int(stored["offset"])
            self._header = [str(each) for each in stored["header"]]
            for key, snapshot in stored["sessions"]:
                self._sessions[tuple(key)] = self.trained.restore(base64.b64decode(snapshot))
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{where}: is damaged, or no state of `watch` ({error}); remove it to begin anew"
            ) from None

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8-sig" if self.lines == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(f"line {self.lines}: is not UTF-8 ({error.reason})") from None

    def _is_header(self, text: str) -> bool:
        """Take a line as the header of CSV if it is the first of rows, and no JSON."""
        if self._header or self.schema["kind"] == "text" or text.lstrip().startswith("{"):
            return False
        self._header = [name.strip() for name in next(csv.reader([text]))]
        needed = [c["name"] for c in self.schema["columns"] if not c["optional"]]
        for name in (*needed, *self.keys):
            if name not in self._header:
                raise DataError(
                    f"line {self.lines}: the header has no column {name!r}; "
                    f"{nearest(name, self._header)}"
                )
        return True

    def _sample(self, text: str) -> tuple[Key, Any]:
        """Return the key of a line, and what its session takes."""
        if self.schema["kind"] == "text" and not self.keys:
            return (), _text(text)
        row = self._row(text)
        absent = [name for name in self.keys if row.get(name) is None]
        if absent:
            raise DataError(f"column {absent[0]!r} is missing, which names the session")
        key = tuple(str(row[name]) for name in self.keys)
        if self.schema["kind"] == "text":
            return key, row.get("text")
        return key, {name: value for name, value in row.items() if name in self._kinds}

    def _row(self, text: str) -> Mapping[str, Any]:
        if text.lstrip().startswith("{"):
            return _object(text)
        cells = next(csv.reader([text]))
        if len(cells) != len(self._header):
            raise DataError(
                f"{len(self._header)} values are expected, as in the header, got {len(cells)}"
            )
        return {
            name: self.value(name, cell.strip())
            for name, cell in zip(self._header, cells, strict=True)
        }

    def value(self, name: str, cell: str) -> Any:
        """Return the value of a cell: a number where the model takes one, None where empty."""
        if not cell:
            return None
        if name in self.keys or self._kinds.get(name) != "number":
            return cell
        try:
            return float(cell)
        except ValueError:
            raise DataError(f"column {name!r}: a number is expected, got {cell[:40]!r}") from None


def _text(line: str) -> str:
    """Return a line of text, or that of an object with the key `text`."""
    if not line.lstrip().startswith("{"):
        return line
    found = _object(line).get("text", line)
    if not isinstance(found, str):
        raise DataError(f"column 'text': a text is expected, got {found!r}")
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise DataError(f"is no JSON ({error})") from None
    return found
