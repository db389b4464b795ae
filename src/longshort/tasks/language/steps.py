"""Sessions of language models: a text that comes in pieces, each read from the state before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from longshort.data.given_rows import text_of
from longshort.data.vocabulary import UNKNOWN
from longshort.runs.abilities import Context, Piece, Stepper
from longshort.runs.example_steps import between_tokens, text_schema
from longshort.runs.task import Model
from longshort.runs.writing import Drawing
from longshort.tasks.language.encoder import LanguageEncoder
from longshort.tasks.language.pieces import Pieces

SHOWN = 5
"""Number of continuations in an answer."""


class LanguageSteps(Stepper):
    """Reads a text from the network's state; the context is [log probabilities [1, V], states]."""

    def __init__(self, model: Model[Any, LanguageEncoder]) -> None:
        self.model = model
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

    def begin(self) -> Context:
        """Return the state before a text."""
        return self.read(None, self.model.encoder.begin)

    def read(self, context: Context, token: int) -> Context:
        """Return the context after one more token."""
        states = None if context is None else context[1]
        logs, after = self.model.call("step", np.array([token]), states)
        return logs, after

    def advance(self, context: Context, x: Any) -> tuple[dict[str, Any], Context]:
        """Read a piece of text."""
        numbers, total = self.model.encoder.encode(text_of(x)).tolist(), 0.0
        for token in numbers:
            total += float(context[0][0, token - 1])
            context = self.read(context, token)
        answer = {
            "tokens": len(numbers),
            "log_probability": total,
            "continuations": self.continuations(context[0][0]),
        }
        return answer, context

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
