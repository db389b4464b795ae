"""Optional abilities of tasks: protocols beyond the `Task` contract."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from longshort.data.strokes.ink import Ink
from longshort.errors import ConfigError, LongshortError, RunError
from longshort.lazy import polars as pl
from longshort.runs.explaining import Subject
from longshort.runs.pen import Pen
from longshort.runs.portable import Portable
from longshort.runs.transcribing import Heard, Listening
from longshort.runs.writing import Attended, Drawing, Likelihood, Writing, Written


@runtime_checkable
class ReadsLines(Protocol):
    """A task that predicts for lines of text from a terminal or a pipe."""

    def refuse_lines(self, model: Any) -> None:
        """Raise `ConfigError` if this model's samples are not lines of text."""

    def read_lines(self, lines: Sequence[str], first: int, model: Any) -> Any:
        """Return a sample per line; `first` is the number of the first line, for error messages."""

    def line(self, samples: Any, prediction: Any, model: Any) -> str:
        """Return the prediction of a single sample as one line for a terminal."""


@runtime_checkable
class LooksAhead(Protocol):
    """A task that forecasts past the end of the data."""

    def ahead(self, model: Any, data: object, horizon: int | None, say: Any) -> Any:
        """Forecast `horizon` steps past the end of `data`; None: the horizon of training.

        Returns the forecasts as a table with its readable and its JSON form, the series that were
        skipped with the reasons, and notes. `say` takes remarks for people.
        """


@runtime_checkable
class FindsEvents(Protocol):
    """A task that finds events in series, beside the table of all steps."""

    def events(self, model: Any, samples: Any, prediction: Any) -> pl.DataFrame:
        """Return a table with a row for each event."""


@runtime_checkable
class Ranks(Protocol):
    """A task that gives several answers for a sample, the most probable first."""

    def ranked(self, model: Any, samples: Any, prediction: Any, count: int) -> pl.DataFrame:
        """Return a row per sample, with its `count` most probable answers and probabilities.

        Raises `ConfigError` for a count that this model cannot give.
        """


class Follower(Protocol):
    """Reads a growing file, and judges each row that is added."""

    header: str
    """Names of the columns of `lines`, as a line of CSV."""

    def lines(self) -> Iterator[str]:
        """Yield the results for the rows that were added since the last call, as lines of CSV."""

    def save(self) -> None:
        """Write the state to its file, from which another follower can continue."""


@runtime_checkable
class Follows(Protocol):
    """A task that can follow growing files."""

    def follower(self, model: Any, path: Path, state: Path) -> Follower:
        """Return a follower of this file, which continues from the state file if there is one."""


@runtime_checkable
class Generates(Protocol):
    """A task that generates text after a prompt."""

    def unknown(self, model: Any, text: str) -> list[str]:
        """Return the tokens of a text that the model does not know, in order."""

    def stream(self, model: Any, prompt: str, length: int, how: Any) -> Iterator[str]:
        """Yield the continuation of `prompt` piece by piece, `length` tokens in all.

        how: the task's sampling settings, such as temperature and seed.
        """


@runtime_checkable
class Draws(Protocol):
    """A task that makes new drawings."""

    def draw(self, model: Any, how: Pen) -> list[Ink]:
        """Return new drawings in the data's unit; raises `ConfigError` for what does not fit."""


def generator(run: Path, task: Any) -> Generates:
    """Return the task if it generates text; raise `RunError` if not. `run`: folder of the run."""
    if isinstance(task, Generates):
        return task
    raise RunError(f"{run}: is a run of the task {task.name!r}, which does not generate text")


@runtime_checkable
class Writes(Protocol):
    """Writes a text for a text, such as its translation."""

    def write(self, model: Any, samples: Any, how: Writing) -> Written:
        """Write texts for samples, in this way."""

    def with_targets(self, samples: Any, targets: Sequence[str], name: str) -> Any:
        """Return the samples with these texts as their targets; `name` is theirs in messages.

        Raises `DataError` if there are not as many.
        """

    def likelihoods(self, model: Any, samples: Any) -> list[Likelihood]:
        """Return how probable the target of each sample is."""


@runtime_checkable
class Transcribes(Protocol):
    """Writes down what is said in recordings."""

    def transcribe(self, model: Any, samples: Any, how: Listening) -> Heard:
        """Return the texts of samples, searched in this way, with the times of their words."""


@runtime_checkable
class WritesFiles(Protocol):
    """A task whose predictions can be files of other kinds than tables, such as arrays."""

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of such files' names, such as ".npy"."""

    def file(self, model: Any, samples: Any, prediction: Any, ending: str) -> bytes:
        """Return predictions as the content of a file with this ending."""


@runtime_checkable
class Attends(Protocol):
    """Says where a model looked."""

    def attended(self, model: Any, samples: Any, prediction: Any) -> list[Attended]:
        """Return tokens and weights of each sample; raises `ConfigError` without attention."""


@runtime_checkable
class Explains(Protocol):
    """A task whose answers can be explained by the inputs of a row."""

    def subject(self, model: Any, samples: Any, train: Any) -> Subject:
        """Return the samples as rows that can be explained.

        model: with a private copy of the network in double precision. train: the run's training
        split, None if it is gone. Raises `ConfigError` for a model that cannot be explained.
        """


@runtime_checkable
class Unexplained(Protocol):
    """A task whose answers no attribution suits."""

    @property
    def unexplained(self) -> str:
        """Why, and what to do instead."""


@runtime_checkable
class Ports(Protocol):
    """A task whose models can become code without Python."""

    def portable(self, model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
        """Return what of a model becomes code.

        golden: calls of the network that the bundle recorded (`longshort.runs.bundle.Golden`).
        steps: of a sequence that is taken whole; None: as many as the longest recorded one. Raises
        `ConfigError` for a model that cannot become code, saying what can.
        """


@runtime_checkable
class Windowed(Protocol):
    """A task whose networks look back, or learn, over a length that is a setting."""

    @property
    def window_key(self) -> str:
        """Dotted key of that setting."""


@runtime_checkable
class Thins(Protocol):
    """A task of dependent samples that can learn from a part of its training split."""

    def thinned(self, splits: Any, share: float, seed: int) -> Any:
        """Return the splits with this share of the training samples, the others as they are.

        A smaller share is part of a larger one of the same seed.
        """


@runtime_checkable
class Backtests(Protocol):
    """A task that trains and forecasts from rolling origins."""

    def backtest(self, settings: Mapping[str, Any], **how: Any) -> Any:
        """Run the backtest of these settings.

        Returns the forecasts as a long table with its readable form, and their scores.
        """


def backtester(task: Any) -> Backtests:
    """Return the task if it can be backtested; raise `ConfigError` if not."""
    if isinstance(task, Backtests):
        return task
    raise ConfigError(f"backtest: is for forecasts, and the task is {task.name!r}; use `run`")


Context = Any
"""What a session has seen: an immutable nested value, as in `runtime.tree`."""


class Stepper(ABC):
    """Steps of one model, prepared once for all of its sessions; it has no state of its own."""

    @property
    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers, as plain values.

        kind: "row", "text" or "features". columns: of a row, each with its name, type ("number",
        "text" or "time") and whether it may be left out. answer: what it has, by name. remembers:
        number of steps that are looked back at, null if all are.
        """

    @abstractmethod
    def begin(self) -> Context:
        """Return the context before the first step."""

    @abstractmethod
    def advance(self, context: Context, x: Any) -> tuple[dict[str, Any], Context]:
        """Return the answer to a sample, as plain values, and the context after it.

        Raises `DataError`, which names the column, for a sample that cannot be taken.
        """

    def advance_many(
        self, contexts: Sequence[Context], xs: Sequence[Any]
    ) -> list[tuple[dict[str, Any], Context] | Exception]:
        """Advance several contexts by a sample each; an error stands in place of its result.

        Results are the same bits as those of `advance`.
        """
        found: list[tuple[dict[str, Any], Context] | Exception] = []
        for context, x in zip(contexts, xs, strict=True):
            try:
                found.append(self.advance(context, x))
            except LongshortError as error:
                found.append(error)
        return found


@runtime_checkable
class Steps(Protocol):
    """A task whose models take samples step by step."""

    def stepper(self, model: Any) -> Stepper:
        """Return what advances this model's sessions."""


class Piece(NamedTuple):
    """A token of a text that is read or written on.

    text: what it adds to the text. log_probability: given all before it, in nats. likely: the most
    probable tokens at its place with theirs, the likeliest first.
    """

    token: str
    text: str
    log_probability: float
    likely: tuple[tuple[str, float], ...]


@runtime_checkable
class WritesOn(Protocol):
    """A stepper whose contexts are texts that can be read and written on token by token."""

    def read_on(self, context: Context, text: str, likely: int) -> Iterator[tuple[Piece, Context]]:
        """Yield the tokens of a text with this many `likely` ones, and the context after each."""

    def write_on(
        self, context: Context, before: str, how: Drawing, likely: int
    ) -> Iterator[tuple[Piece, Context]]:
        """Yield tokens that are drawn, without end, and the context after each.

        before: the text so far, which tells whether a space comes first.
        """


@runtime_checkable
class Enrols(Protocol):
    """A task whose models get to know individuals by a few samples, and find them again.

    prediction: what the model makes of the samples. vector: how the model knows an individual.
    """

    def individuals(
        self, model: Any, samples: Any, prediction: Any, name: str | None
    ) -> tuple[dict[str, Any], dict[str, float]]:
        """Return the vector of each individual, and the seconds of the samples of each.

        name: whose all samples are; None: as the samples say. Raises `DataError` for too little of
        an individual.
        """

    def verified(
        self, model: Any, samples: Any, prediction: Any, vector: Any, threshold: float | None
    ) -> pl.DataFrame:
        """Return for each sample its similarity to an individual, and whether it is accepted.

        threshold: least similarity; None: the model's own.
        """

    def identified(
        self, model: Any, samples: Any, prediction: Any, vectors: Mapping[str, Any]
    ) -> pl.DataFrame:
        """Return for each sample the most similar of the individuals, and how similar it is."""

    def condition(self, model: Any) -> str:
        """Return in words for which samples the model's own threshold holds."""
