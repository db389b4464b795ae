"""How far a run is: a bar on a terminal; else a line an epoch, and one after a long silence."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from longshort.train.events import Ended, EpochEnded, Event, Started, Stepped, Working

SILENCE = 30.0
"""Seconds after which a log is told what is being done."""
_LOOK = 1.0


@dataclass(frozen=True)
class Status:
    """What is being done, how much of it, and what else there is to say about it."""

    what: str
    done: int
    total: int
    details: str

    @property
    def counted(self) -> str:
        """Parts that are done of all."""
        return f"{self.done:,} of {self.total:,}" if self.total else ""

    def line(self) -> str:
        """For a log."""
        told = [self.counted, self.details] if self.total else [self.details]
        return f"{self.what}: {', '.join(told)}"


class Progress:
    """Follows the events of a run.

    write: takes the lines that stay; is_terminal: whether a bar can be shown on stderr instead of a
    line whenever nothing was written for `SILENCE` seconds, as long as something is being done;
    is_watched: whether a thread looks for that, or `look` is called.
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
        """Take note of what happened, and show it."""
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
        """Something was written by others."""
        self._written = self._clock()

    def look(self) -> None:
        """Write what is being done if nothing was written for long."""
        status = self._status
        if status is not None and self._clock() - self._written >= SILENCE:
            self._say(status().line())

    def close(self) -> None:
        """Nothing more will be done."""
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
        told = [f"loss {record['train_loss']:.5g}"] if "train_loss" in record else []
        told += [f"{self._score}{' *' if event.is_best else ''}"] if self._score else []
        if told and self._bar is None:
            self._say(f"epoch {record['epoch']}: {', '.join(told)}")

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
    """A line on a terminal that is written again and again, and taken away in the end."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def show(self, status: Callable[[], Status]) -> None:
        """Replace what is shown; what the status tells of time goes on by itself."""
        if self._bars is None:
            self._open(status)
        assert self._bars is not None and self._task is not None
        now = status()
        self._bars.update(self._task, completed=now.done, total=now.total or None, status=status)

    def _open(self, status: Callable[[], Status]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, ProgressColumn, Task
        from rich.text import Text

        class Told(ProgressColumn):
            """A part of the status, as it is when it is drawn."""

            def __init__(self, part: Callable[[Status], str]) -> None:
                super().__init__()
                self._part = part

            def render(self, task: Task) -> Text:
                return Text(self._part(task.fields["status"]()), no_wrap=True)

        self._bars = Progress(
            Told(lambda now: f"{now.what} {now.counted}".rstrip()),
            BarColumn(bar_width=10),
            Told(lambda now: now.details),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bars.add_task("", total=None, status=status)
        self._bars.start()

    def close(self) -> None:
        """Take the line away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None


def duration(seconds: float) -> str:
    """Minutes and seconds, and hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def is_terminal() -> bool:
    """Whether stderr is one."""
    return sys.stderr is not None and sys.stderr.isatty()
