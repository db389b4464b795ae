"""Sessions that go on from a network's state, for networks that read rows of numbers.

The network has two functions: `first_state()`, and `advance(x, state)` for x [B, F], which returns
its outputs and the state. States are nested; what is in "layers" has its batch in the second axis,
everything else in the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.given_rows import values_of_row
from longshort.data.sequences import SequenceReader, Sequences
from longshort.errors import DataError, LongshortError
from longshort.runs.abilities import Stepper
from longshort.runs.example_steps import Answer, channel_names, example_history, row_schema
from longshort.runs.task import Model
from longshort.runtime.network import is_array
from longshort.runtime.tree import flatten, mapped

Array = NDArray[Any]
Arrays = tuple[Array, ...]
"""The context: the state's arrays, in the order of `runtime.tree.flatten`."""

FIRST, ADVANCE = "first_state", "advance"
_LARGEST = float(np.finfo(np.float32).max)
_BESIDE = 2
"""Sequences that are rehearsed together, at least."""


class RowStates(Stepper):
    """Rows of numbers, read from the state.

    names: of the channels. mean, deviation [F]: their scales. answer: from the network's outputs
    for one row. axis: that of the batch in the outputs.
    """

    def __init__(
        self,
        model: Model[Any, Any],
        names: tuple[str, ...],
        scales: tuple[Sequence[float], Sequence[float]],
        answer: Callable[[Array], Answer],
        says: dict[str, str],
        axis: int = 0,
    ) -> None:
        self.names, self.answer, self.says, self.axis = names, answer, says, axis
        self._mean, self._deviation = scales
        first = model.call(FIRST)
        self._first = tuple(flatten(first, is_array)[0])
        axes = flatten(mapped(_axis, first), is_array)[0]
        self._axes = tuple([int(axis) for axis in axes])
        x = np.zeros((1, len(names)), np.float32)
        self._advance = model.callee.bound(ADVANCE, x, first)

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        return row_schema(self.names, self.says, None)

    def begin(self) -> Arrays:
        """Return the state before the first row."""
        return self._first

    def advance(self, context: Arrays, x: Any) -> tuple[Answer, Arrays]:
        """Go on from the state with one more row."""
        row = np.array([self._scaled(x)], np.float32)
        outputs, *after = self._advance((row, *context))
        return self.answer(outputs), tuple(after)

    def advance_many(
        self, contexts: Sequence[Arrays], xs: Sequence[Any]
    ) -> list[tuple[Answer, Arrays] | Exception]:
        """Go on from several states at once, where that changes no bit of any of them."""
        if not self._advance.is_row_exact:
            return super().advance_many(contexts, xs)
        found: list[Any] = [self._scaled_or_error(x) for x in xs]
        ready = [place for place, row in enumerate(found) if isinstance(row, list)]
        if not ready:
            return found
        rows = np.array([found[place] for place in ready], np.float32)
        states = zip(*[contexts[place] for place in ready], strict=True)
        given = map(np.concatenate, states, self._axes)
        outputs, *after = self._advance((rows, *given))
        parts = [rows_of(outputs, self.axis), *map(rows_of, after, self._axes)]
        for place, output, *state in zip(ready, *parts, strict=True):
            found[place] = self.answer(output), tuple(state)
        return found

    def _scaled(self, x: Any) -> list[float]:
        """Return a row in deviations, as the reader of whole sequences scales it."""
        values = zip(values_of_row(x, self.names), self._mean, self._deviation, strict=True)
        found = [(value - mean) / deviation for value, mean, deviation in values]
        for name, value in zip(self.names, found, strict=True):
            if abs(value) > _LARGEST:
                raise DataError(
                    f"column {name!r}: the value is too far off the training split's mean for "
                    "32-bit numbers; correct it"
                )
        return found

    def _scaled_or_error(self, x: Any) -> list[float] | Exception:
        try:
            return self._scaled(x)
        except LongshortError as error:
            return error


def example_steps(
    task: Any,
    model: Model[Any, Any],
    reader: SequenceReader,
    answer: Callable[[Array], Answer],
    says: dict[str, str],
    axis: int = 0,
) -> Stepper:
    """Return the stepper of a task whose samples are examples: from the state where that is enough.

    answer, says, axis: as in `RowStates`.
    """
    if reader.vocabulary is not None or not model.callee.steps:
        return example_history(task, model, reader, says)
    names = channel_names(model.config.data.features, len(reader.mean))
    return RowStates(model, names, (reader.mean, reader.deviation), answer, says, axis)


def rehearse_steps(model: Model[Any, Any], samples: Sequences) -> None:
    """Advance a few sequences by the first rows of a sample, for an export to record.

    Their number is none of the network's sizes, so that an export does not take it for one.
    """
    if not model.callee.steps:
        return
    rows = np.asarray(samples.items[0], np.float32)
    first = model.call(FIRST)
    count = beside([*flatten(first, is_array)[0], rows])
    state = mapped(lambda name, each: np.repeat(each, count, int(_axis(name, each))), first)
    for row in rows[:2]:
        _, state = model.call(ADVANCE, np.repeat(row[None], count, 0), state)


def beside(arrays: Sequence[Array]) -> int:
    """Return a batch size that is none of the arrays' sizes."""
    taken = {size for each in arrays for size in each.shape}
    return next(n for n in range(_BESIDE, _BESIDE + len(taken) + 1) if n not in taken)


def _axis(name: str, _array: Array) -> Array:
    """Return the axis of the batch in a part of the state."""
    return np.asarray(1 if name == "layers" else 0)


def rows_of(array: Array, axis: int) -> list[Array]:
    """Return each row of a batch as a batch of its own, in memory of its own."""
    if axis:
        return [array[:, place : place + 1].copy() for place in range(array.shape[1])]
    return [array[place : place + 1].copy() for place in range(len(array))]
