"""What some tasks can do beyond the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

from longshort.errors import ConfigError, RunError


@runtime_checkable
class ReadsLines(Protocol):
    """Samples from lines of text, as they come from a terminal or a pipe."""

    def refuse_lines(self, model: Any) -> None:
        """Raise `ConfigError` where the samples of this model are no texts."""

    def read_lines(self, lines: Sequence[str], first: int, model: Any) -> Any:
        """A sample of every line; the first line has this number."""

    def line(self, samples: Any, prediction: Any, model: Any) -> str:
        """The prediction of a single sample, for a terminal."""


@runtime_checkable
class LooksAhead(Protocol):
    """Forecasts past the end of the data."""

    def ahead(self, model: Any, data: object, horizon: int | None, say: Any) -> Any:
        """A table with its readable and its JSON form, what was skipped and why, and notes."""


@runtime_checkable
class FindsEvents(Protocol):
    """Stretches of series that stand out, beside the table of all steps."""

    def events(self, model: Any, samples: Any, prediction: Any) -> pl.DataFrame:
        """A row for each event."""


class Follower(Protocol):
    """A growing file that is judged as it grows."""

    header: str
    """Names of what `lines` gives, as a line of CSV."""

    def lines(self) -> Iterator[str]:
        """What there is to say of rows that came since, as lines of CSV."""

    def save(self) -> None:
        """Keep the state, to go on from in another call."""


@runtime_checkable
class Follows(Protocol):
    """Growing files."""

    def follower(self, model: Any, path: Path, state: Path) -> Follower:
        """What follows this file, from where the state file left off if it is there."""


@runtime_checkable
class Generates(Protocol):
    """Text written on, piece by piece."""

    def unknown(self, model: Any, text: str) -> list[str]:
        """Tokens of a text that the model does not know, in order."""

    def stream(self, model: Any, prompt: str, length: int, how: Any) -> Iterator[str]:
        """What comes after the prompt, in pieces of `length` tokens in all."""


def generator(run: Path, task: Any) -> Generates:
    """The task of this run; raises `RunError` where it does not write."""
    if isinstance(task, Generates):
        return task
    raise RunError(f"{run}: is a run of the task {task.name!r}, which does not generate text")


@runtime_checkable
class Backtests(Protocol):
    """Forecasts from rolling origins."""

    def backtest(self, settings: Mapping[str, Any], **how: Any) -> Any:
        """A long table of forecasts, its readable form, and the scores over it."""


def backtester(task: Any) -> Backtests:
    """The task; raises `ConfigError` where it has no origins to roll."""
    if isinstance(task, Backtests):
        return task
    raise ConfigError(f"backtest: is for forecasts, and the task is {task.name!r}; use `run`")
