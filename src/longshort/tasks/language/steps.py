"""Sessions of language models: a text that comes in pieces, each read from the state before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from longshort.data.given_rows import text_of
from longshort.data.vocabulary import UNKNOWN
from longshort.errors import LongshortError
from longshort.runs.abilities import Context, Piece, Stepper
from longshort.runs.example_steps import between_tokens, text_schema
from longshort.runs.state_steps import Arrays, beside, rows_of
from longshort.runs.task import Model
from longshort.runs.writing import Drawing
from longshort.runtime.network import is_array
from longshort.runtime.tree import flatten
from longshort.tasks.language.encoder import LanguageEncoder
from longshort.tasks.language.pieces import Pieces

SHOWN = 5
"""Number of continuations in an answer."""


class LanguageSteps(Stepper):
    """Reads a text from the network's state.

    The context is the log probabilities of the next token [1, V], and the states' arrays.
    """

    def __init__(self, model: Model[Any, LanguageEncoder]) -> None:
        self.model = model
        begin = np.array([model.encoder.begin])
        logs, states = model.call("step", begin, None)
        self._first = (logs, *flatten(states, is_array)[0])
        self._read = model.callee.bound("step", begin, states)
        self._pieces = Pieces(model.encoder, self.read)

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        says = {
            "tokens": "number of tokens of the piece",
            "log_probability": "of the piece given all before it, in nats",
            "continuations": f"the {SHOWN} most probable next tokens, each with its probability",
        }
        between = between_tokens(self.model.encoder.tokens)
        return text_schema(says, None, between)

    def begin(self) -> Arrays:
        """Return the state before a text."""
        return self._first

    def advance(self, context: Arrays, x: Any) -> tuple[dict[str, Any], Arrays]:
        """Read a piece of text."""
        numbers, total = self._numbers(x), 0.0
        for token in numbers:
            total += float(context[0][0, token - 1])
            context = self.read(context, token)
        return self._answer(len(numbers), total, context), context

    def read(self, context: Arrays, token: int) -> Arrays:
        """Return the context after one more token."""
        return tuple(self._read((np.array([token]), *context[1:])))

    def advance_many(
        self, contexts: Sequence[Arrays], xs: Sequence[Any]
    ) -> list[tuple[dict[str, Any], Arrays] | Exception]:
        """Read several texts, a token of each together, where that changes no bit of any."""
        if not self._read.is_row_exact:
            return super().advance_many(contexts, xs)
        found: list[Any] = [self._numbers_or_error(x) for x in xs]
        ready = [place for place, numbers in enumerate(found) if isinstance(numbers, list)]
        now, totals = list(contexts), [0.0] * len(xs)
        for step in range(max((len(found[place]) for place in ready), default=0)):
            some = [place for place in ready if len(found[place]) > step]
            tokens = [found[place][step] for place in some]
            for place, token in zip(some, tokens, strict=True):
                totals[place] += float(now[place][0][0, token - 1])
            states = list(zip(*[now[place][1:] for place in some], strict=True))
            given = [np.concatenate(each, 1) for each in states]
            logs, *after = self._read((np.array(tokens), *given))
            parts = [rows_of(logs, 0), *(rows_of(each, 1) for each in after)]
            for place, *context in zip(some, *parts, strict=True):
                now[place] = tuple(context)
        for place in ready:
            answer = self._answer(len(found[place]), totals[place], now[place])
            found[place] = answer, now[place]
        return found

    def _numbers(self, x: Any) -> list[int]:
        found: list[int] = self.model.encoder.encode(text_of(x)).tolist()
        return found

    def _numbers_or_error(self, x: Any) -> list[int] | Exception:
        try:
            return self._numbers(x)
        except LongshortError as error:
            return error

    def _answer(self, count: int, total: float, context: Arrays) -> dict[str, Any]:
        shown = self.continuations(context[0][0])
        return {"tokens": count, "log_probability": total, "continuations": shown}

    def continuations(self, logs: Any) -> list[dict[str, Any]]:
        """Return the most probable tokens after these log probabilities [V]; none is unknown."""
        order = np.argsort(-logs, kind="stable")
        best = [number for number in order[: SHOWN + 1].tolist() if number != UNKNOWN - 1][:SHOWN]
        tokens = self.model.encoder.vocabulary.tokens
        return [
            {"token": tokens[number + 1], "probability": float(np.exp(logs[number]))}
            for number in best
        ]

    def read_on(self, context: Context, text: str, likely: int) -> Iterator[tuple[Piece, Context]]:
        """Yield the tokens of a text, and the context after each."""
        return self._pieces.read_on(context, text_of(text), likely)

    def write_on(
        self, context: Context, before: str, how: Drawing, likely: int
    ) -> Iterator[tuple[Piece, Context]]:
        """Yield tokens that are drawn, without end, and the context after each."""
        return self._pieces.write_on(context, before, how, likely)


def rehearse_reading(model: Model[Any, LanguageEncoder]) -> None:
    """Read two tokens of some texts side by side, for an export to record."""
    begin = model.encoder.begin
    arrays = flatten(model.call("step", np.array([begin]), None), is_array)[0]
    tokens = np.full(beside(arrays), begin)
    _, states = model.call("step", tokens, None)
    model.call("step", tokens, states)
