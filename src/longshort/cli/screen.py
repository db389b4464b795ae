"""Output of commands: remarks on stderr, the result on stdout, failures as one message."""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

import typer

from longshort.errors import Interrupted, LongshortError
from longshort.train.progress import Progress, is_terminal

if TYPE_CHECKING:
    from longshort.train.events import Event

LEVELS = ("error", "warning", "note", "decided")
"""Levels that a remark may begin with, before a colon; other remarks have the level "info"."""


class Screen:
    """Output of one command; used in `with`, which turns errors into messages and exit codes.

    as_json: stdout gets a single JSON object with the result or the `error`; remarks are in it as
    `messages`, and only warnings and notes also go to stderr. quiet: only warnings are shown.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self._shown: tuple[str, ...] = (*LEVELS, "info")
        if as_json or quiet:
            self._shown = ("error", "warning") if quiet else ("error", "warning", "note")
        self.said: list[dict[str, str]] = []
        self._progress: Progress | None = None
        if not (as_json or quiet):
            self._progress = Progress(_to_stderr, is_terminal=is_terminal())

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()
        code = _exit_code(error)
        if error is None or code is None:
            return
        message = _message(error)
        _to_stderr(f"\n{message}" if code == 130 else f"error: {message}")
        if self.as_json:
            print_error(type(error).__name__, message, self.said)
        raise typer.Exit(code) from None

    def say(self, line: str) -> None:
        """Show a remark, which may begin with its level."""
        level, colon, text = line.partition(": ")
        if not colon or level not in LEVELS:
            level, text = "info", line
        self.said.append({"level": level, "text": text})
        if level in self._shown:
            _to_stderr(line)
        if self._progress is not None:
            self._progress.spoke()

    def listen(self, event: Event) -> None:
        """Show an event of the run."""
        if self._progress is not None:
            self._progress.listen(event)

    def working(self, what: str) -> None:
        """Show what is being done until the next event, if it takes long."""
        from longshort.train.events import Working

        self.listen(Working(what))

    def result(self, value: dict[str, Any], lines: list[str]) -> None:
        """Print the result, as one JSON object or as lines for people."""
        self.close()
        if self.as_json:
            _print_json({**value, "messages": self.said})
        else:
            print("\n".join(lines))

    def close(self) -> None:
        """End the progress display."""
        if self._progress is not None:
            self._progress.close()


def print_error(kind: str, message: str, said: list[dict[str, str]]) -> None:
    """Print a failure as a single JSON object."""
    _print_json({"error": {"type": kind, "message": message}, "messages": said})


def _print_json(value: dict[str, Any]) -> None:
    """Print JSON; characters that the stream's encoding lacks are escaped."""
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    print(json.dumps(value, allow_nan=False, ensure_ascii=not is_unicode))


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


def _exit_code(error: BaseException | None) -> int | None:
    """Return 2 for wrong input or settings, 130 for an interrupt, None for unexpected errors."""
    if isinstance(error, (Interrupted, KeyboardInterrupt)):
        return 130
    if isinstance(error, LongshortError):
        return 2
    return 2 if isinstance(error, OSError) and not isinstance(error, BrokenPipeError) else None


def _message(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "stopped"
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or error}"
    return str(error)


def result_lines(scores: dict[str, Any], *more: str) -> list[str]:
    """Return the score table, remarks on baselines, and the verdict."""
    from longshort.registry import TASKS
    from longshort.report.table import score_rows

    rows = score_rows(scores, TASKS.load(scores["task"]).metrics)
    notes = [f"note: {name} {text}" for name, text in scores["notes"].items()]
    return ["", *table(rows), *notes, "", scores["verdict"], *more]


def table(rows: list[list[str]]) -> list[str]:
    """Return rows as aligned columns: the first one left-aligned, the others right-aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
