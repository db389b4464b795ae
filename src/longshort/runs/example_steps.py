"""Sessions over examples: the rows or the text so far are one example, predicted as any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.data.given_rows import text_of, values_of_row
from longshort.data.growing import with_usual
from longshort.data.labelled import Examples
from longshort.data.sequences import SequenceReader
from longshort.runs.abilities import Context, Stepper
from longshort.runs.task import Model

MOST = 10_000
"""Rows, or pieces of a text, that a session remembers where the whole of them is predicted anew."""

Answer = dict[str, Any]


@dataclass(frozen=True)
class RowHistory(Stepper):
    """The rows so far as one sequence.

    names: of the channels. predict: the answer to an example. says: what an answer has, by name.
    usual: the least and greatest usual number of each channel.
    """

    names: tuple[str, ...]
    predict: Callable[[Examples], Answer]
    says: dict[str, str]
    usual: tuple[tuple[float, float], ...]

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        found = row_schema(self.names, self.says, MOST)
        ranges = dict(zip(self.names, self.usual, strict=True))
        return found | {"columns": with_usual(found["columns"], ranges, {})}

    def begin(self) -> Context:
        """Return no rows."""
        return np.empty((0, len(self.names)))

    def advance(self, context: Context, x: Any) -> tuple[Answer, Context]:
        """Predict the rows with one more."""
        row = np.array(values_of_row(x, self.names))[None]
        rows = np.concatenate([context, row])[-MOST:]
        return self.predict(Examples("session", [rows], None, ["the rows so far"])), rows


@dataclass(frozen=True)
class TextHistory(Stepper):
    """The text so far, which comes in pieces of whole tokens.

    between: what stands between two pieces. predict: the answer to a text.
    """

    between: str
    predict: Callable[[str], Answer]
    says: dict[str, str]

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        return text_schema(self.says, MOST, between=self.between)

    def begin(self) -> Context:
        """Return no pieces."""
        return ()

    def advance(self, context: Context, x: Any) -> tuple[Answer, Context]:
        """Predict the text with one more piece."""
        pieces = (*context, text_of(x))[-MOST:]
        return self.predict(self.between.join(pieces)), pieces


@dataclass(frozen=True)
class WholeText(Stepper):
    """Texts that are samples of their own: nothing is remembered between them."""

    predict: Callable[[str], Answer]
    says: dict[str, str]

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        return text_schema(self.says, 0)

    def begin(self) -> Context:
        """Return nothing."""
        return ()

    def advance(self, context: Context, x: Any) -> tuple[Answer, Context]:
        """Predict the text."""
        return self.predict(text_of(x)), context


def example_history(
    task: Any, model: Model[Any, Any], reader: SequenceReader, says: dict[str, str]
) -> Stepper:
    """Return the stepper of a task whose samples are examples: of rows, or of text."""

    def answer(samples: Examples) -> Answer:
        return first_row(task, model, samples)

    if reader.vocabulary is None:
        names = channel_names(model.config.data.features, len(reader.mean))
        return RowHistory(names, answer, says, usual_of(reader))
    return TextHistory(
        between_tokens(reader.tokens),
        lambda text: answer(Examples("session", [text], None, ["the text so far"])),
        says,
    )


def usual_of(reader: SequenceReader) -> tuple[tuple[float, float], ...]:
    """Return the least and greatest usual number of each channel: two deviations from the mean."""
    pairs = zip(reader.mean, reader.deviation, strict=True)
    return tuple((mean - 2 * spread, mean + 2 * spread) for mean, spread in pairs)


def first_row(task: Any, model: Model[Any, Any], samples: Any) -> Answer:
    """Predict a sample; returns its row in the table of predictions, without its place."""
    arrays = task.encode(model.encoder, samples)
    columns = task.columns(model, samples, task.predict(model, arrays))
    return {name: _plain(values[0]) for name, values in columns.items() if name != "place"}


def _plain(value: Any) -> Any:
    """Return a value without its NumPy type."""
    return value.item() if isinstance(value, np.generic) else value


def row_schema(names: Sequence[str], says: dict[str, str], remembers: int | None) -> dict[str, Any]:
    """Return the schema of steps that are rows of numbers."""
    columns = [
        {"name": name, "type": "number", "role": "value", "optional": False} for name in names
    ]
    return {"kind": "row", "columns": columns, "answer": says, "remembers": remembers}


def text_schema(
    says: dict[str, str], remembers: int | None, between: str | None = None
) -> dict[str, Any]:
    """Return the schema of steps that are texts; between: what stands between two of them."""
    columns = [{"name": "text", "type": "text", "role": "text", "optional": False}]
    found = {"kind": "text", "columns": columns, "answer": says, "remembers": remembers}
    return found if between is None else found | {"between": between}


def between_tokens(tokens: str | None) -> str:
    """Return what stands between two pieces of a text that is cut into such tokens."""
    return "" if tokens in ("characters", "bytes", "jieba") else " "


def channel_names(features: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the names of the channels: those of the data, or "channel 1" and so on."""
    if len(features) == count:
        return tuple(features)
    return tuple(f"channel {number + 1}" for number in range(count))
