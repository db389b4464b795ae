"""Progress of a run: a bar on a terminal or in a notebook, or a line per epoch.

Without a bar there is a line after long silence too.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from longshort.train.events import Ended, EpochEnded, Event, Started, Stepped, Working

SILENCE = 30.0
"""Seconds without output after which a log gets a line about the current work."""
_LOOK = 1.0


@dataclass(frozen=True)
class Status:
    """The current work: its name, how much of it is done, and details."""

    what: str
    done: int
    total: int
    details: str

    @property
    def counted(self) -> str:
        """The amount done, as "3 of 10"; empty where the total is unknown."""
        return f"{self.done:,} of {self.total:,}" if self.total else ""

    def line(self) -> str:
        """Return the status as a line for a log."""
        shown = [self.counted, self.details] if self.total else [self.details]
        return f"{self.what}: {', '.join(shown)}"


class Progress:
    """Shows the events of a run.

    write: takes the lines that stay. is_terminal: whether a bar can be shown on stderr; otherwise a
    line is written whenever there was no output for `SILENCE` seconds during work. is_watched:
    whether a thread checks for that; otherwise the caller calls `look`.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        is_terminal: bool,
        is_watched: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._clock, self._is_watched = write, clock, is_watched
        self._unit = self._measure = self._score = ""
        self._status: Callable[[], Status] | None = None
        self._begun = ("", 0.0, 0)
        self._written = clock()
        self._bar = _Bar() if is_terminal else None
        self._is_over = threading.Event()
        self._watch: threading.Thread | None = None

    def listen(self, event: Event) -> None:
        """Show an event."""
        from longshort.train.events import Ended, EpochEnded, Started, Stepped, Working

        match event:
            case Started():
                self._on_start(event)
            case Stepped():
                self._show(lambda: self._of_step(event))
            case EpochEnded():
                self._on_epoch(event)
            case Ended():
                self._on_end(event)
            case Working():
                if self._begun[0] != event.what:
                    self._begun = (event.what, self._clock(), event.done)
                self._show(lambda: self._of_work(event))

    def spoke(self) -> None:
        """Note that somebody else wrote output."""
        self._written = self._clock()

    def look(self) -> None:
        """Write the current work if there was no output for long."""
        status = self._status
        if status is not None and self._clock() - self._written >= SILENCE:
            self._say(status().line())

    def close(self) -> None:
        """End the display."""
        self._status = None
        self._is_over.set()
        if self._bar is not None:
            self._bar.close()

    def _say(self, line: str) -> None:
        self.spoke()
        self._write(line)

    def _show(self, status: Callable[[], Status]) -> None:
        self._status = status
        if self._bar is not None:
            self._bar.show(status)
        elif self._watch is None and self._is_watched:
            self._watch = threading.Thread(target=self._look_on, daemon=True)
            self._watch.start()

    def _look_on(self) -> None:
        while not self._is_over.wait(_LOOK):
            self.look()

    def _on_start(self, event: Started) -> None:
        self._unit, self._measure, self._score = event.unit, event.measure, ""
        scored = f"the validation score is {event.measure}, less is better"
        self._say(
            f"training {event.parameters:,} parameters, at most {event.total_steps:,} steps; "
            f"{scored if event.measure else 'there is no validation split'}"
        )

    def _on_epoch(self, event: EpochEnded) -> None:
        record = event.record
        score = record.get("val_score")
        self._score = "" if score is None else f"validation {self._measure} {score:.5g}"
        shown = [f"loss {record['train_loss']:.5g}"] if "train_loss" in record else []
        shown += [f"{self._score}{' *' if event.is_best else ''}"] if self._score else []
        if shown and self._bar is None:
            self._say(f"epoch {record['epoch']}: {', '.join(shown)}")

    def _on_end(self, event: Ended) -> None:
        self._status = None
        if self._bar is not None:
            self._bar.close()
        best = event.best_score
        score = "" if best is None else f" (validation {self._measure} {best:.5g})"
        self._say(
            f"trained in {event.seconds:.1f} s: {event.reason}; kept the weights of epoch "
            f"{event.best_epoch}{score}"
        )

    def _of_step(self, event: Stepped) -> Status:
        details = [
            f"{duration(event.epoch_seconds_left)} left, in all at most "
            f"{duration(event.seconds_left)}",
            f"loss {event.loss:.4g}",
            *([self._score] if self._score else []),
            f"{event.samples_per_second:,.0f} {self._unit}/s",
        ]
        return Status(
            f"epoch {event.epoch}", event.step_in_epoch, event.steps_in_epoch, ", ".join(details)
        )

    def _of_work(self, event: Working) -> Status:
        _, since, first = self._begun
        seconds = self._clock() - since
        details = f"{duration(seconds)} so far"
        if event.done > first:
            left = seconds * (event.total - event.done) / (event.done - first)
            details += f", {duration(left)} left"
        return Status(event.what, event.done, event.total, details)


class _Bar:
    """A bar on a terminal, which is redrawn in place and removed at the end."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def show(self, status: Callable[[], Status]) -> None:
        """Show another status; its times are updated without further calls."""
        if self._bars is None:
            self._open(status)
        assert self._bars is not None and self._task is not None
        now = status()
        self._bars.update(self._task, completed=now.done, total=now.total or None, status=status)

    def _open(self, status: Callable[[], Status]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, ProgressColumn, Task
        from rich.text import Text

        class Shown(ProgressColumn):
            """A column with a part of the status, computed when it is drawn."""

            def __init__(self, part: Callable[[Status], str]) -> None:
                super().__init__()
                self._part = part

            def render(self, task: Task) -> Text:
                return Text(self._part(task.fields["status"]()), no_wrap=True)

        self._bars = Progress(
            Shown(lambda now: f"{now.what} {now.counted}".rstrip()),
            BarColumn(bar_width=10),
            Shown(lambda now: now.details),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bars.add_task("", total=None, status=status)
        self._bars.start()

    def close(self) -> None:
        """Remove the bar."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None


def duration(seconds: float) -> str:
    """Return a duration as minutes and seconds, and hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def is_terminal() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def is_notebook() -> bool:
    """Whether this is the kernel of a notebook: Jupyter, and what is built on it."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    kind = type(shell)
    return kind.__name__ == "ZMQInteractiveShell" or kind.__module__.startswith("google.colab")


def has_bar() -> bool:
    """Whether a bar can be redrawn in place; in a notebook that takes ipywidgets."""
    return find_spec("ipywidgets") is not None if is_notebook() else is_terminal()
