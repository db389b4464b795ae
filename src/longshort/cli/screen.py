"""What commands show: lines on stderr, a progress bar on terminals, tables, JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from longshort.train.events import Event


class Screen:
    """Progress goes to stderr, the result to stdout."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet or as_json
        self._progress: Progress | None = None
        self._bar: TaskID | None = None
        self._score = self._unit = ""

    def say(self, line: str) -> None:
        """A remark on the way; warnings are shown whatever was asked."""
        if not self.quiet or line.startswith("warning:"):
            print(line, file=sys.stderr)

    def result(self, value: dict[str, Any], lines: list[str]) -> None:
        """The result, as one JSON object or as lines for people."""
        if self.as_json:
            print(json.dumps(value, allow_nan=False, ensure_ascii=False))
        else:
            print("\n".join(lines))

    def listen(self, event: Event) -> None:
        """Follow the training: a bar on a terminal, a line per epoch elsewhere."""
        from longshort.train.events import Ended, EpochEnded, Started, Stepped

        if self.quiet:
            return
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Stepped) and self._progress is not None:
            assert self._bar is not None
            self._progress.update(
                self._bar,
                completed=event.step,
                loss=f"{event.loss:.4g}",
                score=self._score,
                rate=f"{event.samples_per_second:,.0f} {self._unit}/s",
                left=_duration(event.seconds_left),
            )
        elif isinstance(event, EpochEnded):
            record = event.record
            score = record.get("val_score")
            self._score = "none" if score is None else f"{score:.4g}"
            if self._progress is None:
                mark = " *" if event.is_best else ""
                told = [f"loss {record['train_loss']:.5g}"] if "train_loss" in record else []
                told += [] if score is None else [f"validation {score:.5g}{mark}"]
                if told:
                    self.say(f"epoch {record['epoch']}: {', '.join(told)}")
        elif isinstance(event, Ended):
            self.close()
            best = event.best_score
            where = "" if best is None else f" (validation {best:.5g})"
            self.say(
                f"trained in {event.seconds:.1f} s: {event.reason}; kept the weights of epoch "
                f"{event.best_epoch}{where}"
            )

    def _start(self, event: Any) -> None:
        self._unit = event.unit
        self.say(f"training {event.parameters:,} parameters, at most {event.total_steps:,} steps")
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.completed:,}/{task.total:,}"),
            BarColumn(),
            TextColumn(
                "loss {task.fields[loss]}  validation {task.fields[score]}  "
                "{task.fields[rate]}  {task.fields[left]} left"
            ),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar = self._progress.add_task(
            "train",
            total=event.total_steps,
            completed=event.step,
            loss="-",
            score="-",
            rate="-",
            left="-",
        )
        self._progress.start()

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def result_lines(scores: dict[str, Any], *more: str) -> list[str]:
    """The score table, what rivals had to make do with, and the verdict."""
    from longshort.report.content import score_rows

    notes = [f"note: {name} {text}" for name, text in scores["notes"].items()]
    return ["", *table(score_rows(scores)), *notes, "", scores["verdict"], *more]


def table(rows: list[list[str]]) -> list[str]:
    """Aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
