"""A language model's tokens as what can be explained: on which earlier ones a token rests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.data.vocabulary import SPECIAL
from longshort.errors import ConfigError, DataError, nearest
from longshort.report.attributions import shade
from longshort.report.sections import Line, Passage, Span, Table
from longshort.report.table import shown
from longshort.runs.explaining import Floats, Question
from longshort.runs.presence import mixed
from longshort.runs.task import Model
from longshort.tasks.language.encoder import Ints, LanguageEncoder
from longshort.tasks.language.inference import nats_of
from longshort.tasks.language.running import Running

_STEPS, _BEFORE = 64, 448
"""Earlier tokens that are explained by, and tokens before them that the states have read."""
_STREAMS, _TRAIN, _SHOWN = 16, 100_000, 8
_MARKS = {"\n": "⏎", " ": "␣", "\t": "⇥"}


class LanguageSubject:
    """Tokens of a text; a row is a token.

    An answer is the log odds of a token against the most probable other one, given the tokens
    before it. Of these the last 64 are explained by; what was read before them stays.
    """

    def __init__(
        self, model: Model[Any, LanguageEncoder], samples: Running, train: Running | None
    ) -> None:
        self.model, self.numbers = model, model.encoder.encode(samples.text)
        if not len(self.numbers):
            raise DataError(f"{samples.name}: has no token to explain")
        self.places = [f"token {n + 1}" for n in range(len(self.numbers))]
        seen = self.numbers if train is None else model.encoder.encode(train.text)[:_TRAIN]
        network: Any = self.network
        vectors = network.embedding.weight
        self.absent = vectors[torch.from_numpy(seen).to(vectors.device)].mean(0)

    @property
    def network(self) -> nn.Module:
        """The network in double precision."""
        network: nn.Module = self.model.network
        return network

    def losses(self) -> Floats | None:
        """Return the nats of every token."""
        return nats_of(self.model.call, self.numbers, self.model.encoder.begin, _STREAMS)

    def answers(self, row: int) -> Sequence[str]:
        """Return the token that came, then the most probable ones."""
        p, own = self._probabilities(row), int(self.numbers[row])
        order = [n + 1 for n in np.argsort(-p, kind="stable")[:_SHOWN].tolist()]
        return [self._name(n) for n in dict.fromkeys([own, *order])]

    def question(self, row: int, answer: str | None) -> Question:
        """Return the question about a token, by default the one that came."""
        p, chosen = self._probabilities(row), int(self.numbers[row])
        if answer is not None:
            chosen = self._number(answer)
        second = next(n + 1 for n in np.argsort(-p, kind="stable").tolist() if n + 1 != chosen)
        before, states = self._before(row)
        network: Any = self.network
        with torch.no_grad():
            own = network.embedding(self._tensor(before))

        def ask(inputs: Tensor) -> Tensor:
            x = mixed(own, self.absent, inputs[..., 0].to(own.device))
            copies = [tuple(each.expand(-1, len(inputs), -1) for each in one) for one in states]
            output = network(x, copies or None).output[-1]
            found = network.contrasted(output)
            odds: Tensor = found[:, chosen - 1] - found[:, second - 1]
            return odds

        steps = len(before)
        return Question(
            name=f"{self._name(chosen)} against {self._name(second)}, {self.places[row]}",
            unit="nats",
            answer=ask,
            inputs=np.ones((steps, 1)),
            exists=np.ones((steps, 1), bool),
            mean=np.zeros((steps, 1)),
            others=np.zeros((0, steps, 1)),
            steps=[self._name(int(n)) for n in before],
            features=["token"],
            is_text=True,
            about=[self._surprises(row), self._table(row, p)],
        )

    def loss_of(self, rows: NDArray[np.int64], inputs: Sequence[Floats]) -> None:
        """Return None: a text has no features to be mixed up."""
        del rows, inputs

    def _tensor(self, numbers: Ints) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(numbers)).to(self.model.device)

    def _led(self, row: int, most: int) -> Ints:
        """Return up to `most` tokens before a token, of the text and the one before its start."""
        led = np.concatenate([[self.model.encoder.begin], self.numbers[:row]])
        found: Ints = led[-most:]
        return found

    def _before(self, row: int) -> tuple[Ints, list[tuple[Tensor, ...]]]:
        """Return the tokens that are explained by, and the states before them."""
        whole = self._led(row, _STEPS + _BEFORE)
        read, network = whole[:-_STEPS], self.network
        if not len(read):
            return whole, []
        with torch.no_grad():
            states: list[tuple[Tensor, ...]] = network(self._tensor(read)[:, None]).states
        return whole[-_STEPS:], states

    def _probabilities(self, row: int) -> Floats:
        """Return the probabilities [V] of all tokens at a place."""
        network: Any = self.network
        with torch.no_grad():
            read = network(self._tensor(self._led(row, _STEPS + _BEFORE))[:, None])
            found: Floats = network.log_probabilities(read.output[-1])[0].exp().cpu().numpy()
        return found

    def _name(self, number: int) -> str:
        token = self.model.encoder.vocabulary.tokens[number]
        return _MARKS.get(token, token)

    def _number(self, name: str) -> int:
        known = self.model.encoder.vocabulary.tokens
        for number, token in enumerate(known):
            if number and name in (token, _MARKS.get(token, token)):
                return number
        raise ConfigError(
            f"answer: {name!r} is not a token; {nearest(name, known[len(SPECIAL) :][:50])}"
        )

    def _surprises(self, row: int) -> Passage:
        """Return the tokens before, and the one in question, each with its surprise."""
        first = max(0, row - _STEPS)
        led = self._led(row + 1, row + 2 - first)
        network: Any = self.network
        with torch.no_grad():
            numbers = self._tensor(led)[:, None]
            nats = network.losses(network(numbers[:-1]).output, numbers[1:])[:, 0].cpu().numpy()
        spans = []
        for number, loss in zip(led[1:].tolist(), nats.tolist(), strict=True):
            hint = f"probability {np.exp(-loss):.3g}, surprise {loss:.2f} nats"
            spans.append(Span(self._name(number), shade(loss, 8.0), "", hint))
            spans.append(Span(" "))
        caption = "Surprise: the darker, the less the model expected the token; read from here on"
        return Passage([Line(spans, "surprise")], caption)

    def _table(self, row: int, p: Floats) -> Table:
        own = int(self.numbers[row])
        order = [n + 1 for n in np.argsort(-p, kind="stable")[:_SHOWN].tolist()]
        numbers = dict.fromkeys([*order, own])
        rows = [
            [self._name(n), shown(float(p[n - 1])), "came" if n == own else ""] for n in numbers
        ]
        return Table([["next token", "probability", ""], *rows])
