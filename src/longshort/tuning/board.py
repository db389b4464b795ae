"""What is shown while a study runs: a live table on a terminal, or a line for each trial."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Any

from longshort.runs.task import Say, quiet
from longshort.train.events import Listener, silent
from longshort.tuning.halving import Standing
from longshort.tuning.price import time_line
from longshort.tuning.results import DONE, Result, Results
from longshort.tuning.study import Study

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN = 20
"""Most rows of the live table."""


@dataclass(frozen=True)
class Audience:
    """Takes what a study has to say.

    say: takes remarks for people. listen: takes the events of the winner's run. is_live: whether a
    table of the trials is redrawn on stderr, instead of a remark for each.
    """

    say: Say = quiet
    listen: Listener = silent
    is_live: bool = False


class Board:
    """Shows where a study stands; used in `with`."""

    def __init__(self, study: Study, audience: Audience) -> None:
        self.study, self.say = study, audience.say
        self._known = set(study.results())
        self._rung = -1
        self._live: Any = None
        self._is_live = audience.is_live

    def __enter__(self) -> Board:
        if self._is_live:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), transient=True, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def watch(self, now: Standing) -> None:
        """Show where the study stands."""
        results = self.study.results()
        if self._live is not None:
            from rich.console import Group

            self._live.update(Group(self._head(now, results), self._table(now, results)))
            return
        for key in sorted(set(results) - self._known):
            self.say(self._line(results[key]))
        self._known = set(results)
        if now.rung != self._rung and not now.is_over:
            self._rung = now.rung
            self.say(self._head(now, results))

    def _head(self, now: Standing, results: Results) -> str:
        rung = self.study.plan.rungs[now.rung]
        left = time_line(self.study.plan, now, results)
        inside = len(now.candidates)
        return (
            f"rung {now.rung + 1} of {len(self.study.plan.rungs)}: {inside} "
            f"candidate{'s' if inside > 1 else ''} up to {share(rung.share)} of the epochs"
            f"{f', {left}' if left else ''}"
        )

    def _line(self, result: Result) -> str:
        attempt = self.study.plan.attempts[result.trial]
        shown = f"validation {result.score:.5g} after" if result.score is not None else "at"
        what = shown if result.status == DONE else f"{result.status} {shown}"
        return (
            f"trial {attempt.name}: {what} {result.epochs} of {result.budget} epochs "
            f"({attempt.candidate.said()})"
        )

    def _table(self, now: Standing, results: Results) -> Table:
        from rich.table import Table

        table = Table()
        for title in ("trial", "settings", "epochs", "validation", ""):
            table.add_column(title)
        newest = {each.trial: each for _, each in sorted(results.items(), key=lambda r: r[0][1])}
        ranked = sorted(newest.values(), key=lambda each: (-each.rung, each.loss))
        for each in ranked[:_SHOWN]:
            attempt = self.study.plan.attempts[each.trial]
            score = "" if each.score is None else f"{each.score:.5g}"
            epochs = f"{each.epochs}/{each.budget}"
            table.add_row(attempt.name, attempt.candidate.said(), epochs, score, each.status)
        for attempt in now.open:
            if self.study.is_claimed(attempt.name):
                table.add_row(attempt.name, attempt.candidate.said(), "", "", "in training")
        return table


def share(value: float) -> str:
    """Return a share as people write it, such as 1/9."""
    return str(Fraction(value).limit_denominator(100))
