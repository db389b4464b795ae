"""Texts that a network wrote as what can be explained: on which steps of the source they rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.data.coding import BEGIN, END, TextCoder
from longshort.errors import ConfigError, DataError
from longshort.nn.blocks.decoder import Decoded
from longshort.report.attributions import shade
from longshort.report.sections import Line, Passage, Span
from longshort.runs.explaining import Floats, Question
from longshort.runs.task import Model
from longshort.runs.writing import Target

Ints = NDArray[np.int64]
WHOLE = "whole text"
_END = "(end)"
_SURPRISE = "Written: the darker, the less probable the token was after those before it"


class WrittenSubject(ABC):
    """Sources of texts; a row is a source, and a cell the presence of one of its steps.

    An answer is the log probability of the text that was written, or of one of its tokens the log
    odds against the most probable other one, given the tokens before it.

    Letters: S steps of the source, T tokens of the text with its end, N copies, V known tokens.
    """

    feature: ClassVar[str] = "token"
    is_text: ClassVar[bool] = True

    def __init__(
        self, model: Model[Any, Any], coder: TextCoder, places: Sequence[str], name: str
    ) -> None:
        if not places:
            raise DataError(f"{name}: has nothing to explain")
        self.model, self.coder, self.places = model, coder, places

    @property
    def network(self) -> nn.Module:
        """The network in double precision."""
        network: nn.Module = self.model.network
        return network

    @abstractmethod
    def steps(self, row: int) -> Sequence[str]:
        """Return the names of the source's steps."""

    @abstractmethod
    def begun(self, row: int, presence: Tensor) -> tuple[Any, Tensor | None]:
        """Return the decoder's state before N copies' first token, and what they may copy [S, N].

        presence [N, S]: degrees, from 0 to 1, to which the steps of each copy are there.
        """

    @abstractmethod
    def written(self, row: int, model: Model[Any, Any]) -> Target:
        """Return what this model, in single precision, writes for a source."""

    @abstractmethod
    def given(self, row: int) -> Ints | None:
        """Return the token numbers of the text that is given for a source, where one is."""

    def losses(self) -> Floats | None:
        """Return the mean nats of the tokens of each given text; None without such texts."""
        if self.given(0) is None:
            return None
        found = []
        for row in range(len(self.places)):
            numbers = self.given(row)
            assert numbers is not None
            found.append(-self._logs(row, [*numbers.tolist(), END])[1].mean())
        return np.array(found)

    def answers(self, row: int) -> Sequence[str]:
        """Return the whole text, and its tokens, each after its number."""
        tokens = self._names(self._own(row))
        return [WHOLE, *(f"{n} {token}" for n, token in enumerate(tokens, 1))]

    def question(self, row: int, answer: str | None) -> Question:
        """Return the question about what was written, by default all of it.

        answer: the number of a token, with the token or without it, or `whole text`.
        """
        steps = list(self.steps(row))
        if not steps:
            raise DataError(f"{self.places[row]}: the source is empty, so nothing was written")
        target = self._own(row)
        numbers = [*target.numbers] if target.is_cut else [*target.numbers, END]
        place = chosen_place(answer, len(self._names(target)), "token")
        logs, each = self._logs(row, numbers)
        second = None if place is None else _second(logs[place], numbers[place])

        def ask(inputs: Tensor) -> Tensor:
            decoded, source = self._decoded(row, inputs[..., 0], numbers)
            if place is not None and second is not None:
                return self._odds(decoded, source, place, numbers[place], second)
            found = self._all_logs(decoded, source)
            chosen = torch.tensor(numbers, device=found.device)[:, None, None]
            return found.gather(2, chosen.expand(-1, found.shape[1], 1)).sum((0, 2))

        return Question(
            name=self._said(row, target, place, second),
            unit="nats",
            answer=ask,
            inputs=np.ones((len(steps), 1)),
            exists=np.ones((len(steps), 1), bool),
            mean=np.zeros((len(steps), 1)),
            others=np.zeros((0, len(steps), 1)),
            steps=steps,
            features=[self.feature],
            is_text=self.is_text,
            about=[surprises(self._names(target), each)],
        )

    def loss_of(self, rows: Ints, inputs: Sequence[Floats]) -> None:
        """Return None: a source has no features to be mixed up."""
        del rows, inputs

    def _own(self, row: int) -> Target:
        """Return what the network writes for a source."""
        single = replace(self.model, network=deepcopy(self.network).float())
        return self.written(row, single)

    def _names(self, target: Target) -> list[str]:
        return [*target.tokens] if target.is_cut else [*target.tokens, _END]

    def _decoded(
        self, row: int, presence: Tensor, numbers: Sequence[int]
    ) -> tuple[Decoded, Tensor | None]:
        """Return what the decoder makes of a text after N copies of its source, and the source."""
        network: Any = self.network
        state, source = self.begun(row, presence.to(self.model.device))
        read = torch.tensor([BEGIN, *numbers[:-1]], device=self.model.device)
        decoded: Decoded = network.decoder(read[:, None].expand(-1, len(presence)), state)
        return decoded, source

    def _all_logs(self, decoded: Decoded, source: Tensor | None) -> Tensor:
        """Return log probabilities [T, N, V] of all tokens at each place of a text."""
        network: Any = self.network
        found: Tensor = network.decoder.log_probs(decoded, source)
        return found

    def _odds(
        self, decoded: Decoded, source: Tensor | None, place: int, one: int, other: int
    ) -> Tensor:
        """Return the log odds [N] of two tokens; a linear map where none is copied."""
        if decoded.copying is not None:
            logs = self._all_logs(decoded, source)[place]
            return logs[:, one] - logs[:, other]
        network: Any = self.network
        weight, bias = network.decoder.embedding.weight, network.decoder.bias
        between = (weight[one] - weight[other])[None]
        return F.linear(decoded.outputs[place], between, bias[one : one + 1] - bias[other])[:, 0]

    def _logs(self, row: int, numbers: Sequence[int]) -> tuple[Floats, Floats]:
        """Return log probabilities [T, V] of all tokens, and [T] of the text's own."""
        with torch.no_grad():
            whole = torch.ones(1, len(self.steps(row)), dtype=torch.float64)
            found: Floats = self._all_logs(*self._decoded(row, whole, numbers))[:, 0].cpu().numpy()
        return found, found[np.arange(len(numbers)), numbers]

    def _said(self, row: int, target: Target, place: int | None, second: int | None) -> str:
        if place is None or second is None:
            return f"log probability of “{target.text}”, {self.places[row]}"
        own = self._names(target)[place]
        other = _END if second == END else "".join(self.coder.tokens([second])) or "unknown"
        return f"“{own}” (token {place + 1}) against “{other}”, {self.places[row]}"


def chosen_place(answer: str | None, count: int, unit: str) -> int | None:
    """Return the place of the part of a text that is asked about; None for the whole text.

    answer: its number from 1 to `count`, with the part after it or without it, or `WHOLE`. unit:
    what the parts are called.
    """
    if answer in (None, WHOLE):
        return None
    assert answer is not None
    number = answer.split(" ", 1)[0]
    if not number.isdigit() or not 1 <= int(number) <= count:
        parts = f", or the number of a written {unit}, 1 to {count}," if count else ""
        raise ConfigError(f"answer: {WHOLE!r}{parts} is expected, got {answer!r}")
    return int(number) - 1


def _second(logs: Floats, own: int) -> int:
    """Return the most probable token but one, of those that can be written."""
    order: list[int] = np.argsort(-logs, kind="stable").tolist()
    return next(number for number in order if number != own and number >= END)


def surprises(tokens: Sequence[str], logs: Floats, caption: str = _SURPRISE) -> Passage:
    """Return the written tokens, each the darker the less probable it was."""
    spans = []
    for token, log in zip(tokens, logs.tolist(), strict=True):
        hint = f"probability {np.exp(log):.3g}"
        spans += [Span(token, shade(-log, 4.0), "", hint), Span(" ")]
    return Passage([Line(spans, "written")], caption)
