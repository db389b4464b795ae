"""Texts that are spelt step by step, as by CTC, as what can be explained.

Letters: T steps and F features of a row, S steps of the network, N copies, K classes with the
blank, P places where a class was chosen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.decoding.ctc_alignment import Span
from longshort.errors import ArgumentError, DataError
from longshort.report.looks import Look, Mark
from longshort.report.sections import Block, Note
from longshort.runs.explaining import Bools, Floats, Question
from longshort.runs.task import Model
from longshort.runs.written_subject import WHOLE, chosen_place, surprises

BLANK, _BLANK = 0, "blank"


class Place(NamedTuple):
    """A step of the network, the class that stands there, and the characters before it."""

    step: int
    label: int
    before: int


@dataclass(frozen=True)
class Row:
    """What is known of a row, whatever is asked about it: see the fields of `Question`."""

    inputs: Floats
    exists: Bools
    mean: Floats
    others: Floats
    steps: Sequence[str]
    features: Sequence[str]
    shown: Floats | None
    look: Look


class SpeltSubject(ABC):
    """Rows of numbers whose text is spelt; a subclass says what the network makes of a row.

    An answer is a sum over steps of the most probable path that spells the text: at each the log
    odds of its class against the most probable other one there. Of a character these are the steps
    where it stands, of the whole text those of all its characters, so that the values of the
    characters add up to those of the text; of an empty text the blank at all steps. The path and
    the other classes are those of the row as it is.

    The log probability of the text, over all paths, is not taken: it is no sum, so that layer-wise
    relevance and contextual decomposition have no rule for it, and of a text that is sure it stays
    at 0 while evidence is taken away. The page says it beside.
    """

    unit: ClassVar[str] = "character"
    stride: int
    """Steps of a row that are one step of the network."""

    def __init__(self, model: Model[Any, Any], places: Sequence[str], name: str) -> None:
        if not places:
            raise DataError(f"{name}: has no row to explain")
        self.model, self.places = model, places

    @property
    def network(self) -> nn.Module:
        """The network in double precision."""
        network: nn.Module = self.model.network
        return network

    @abstractmethod
    def described(self, row: int) -> Row:
        """Return a row's inputs with their names and looks, without marks."""

    @abstractmethod
    def spelt(self, row: int, model: Model[Any, Any]) -> Sequence[Span]:
        """Return the characters that this model, in single precision, writes, and their steps."""

    @abstractmethod
    def scores(self, row: int, inputs: Tensor, places: Sequence[Place], text: Any) -> Tensor:
        """Return scores before the softmax at places, [P, N, K], for inputs [N, T, F].

        text: what `prepared` made of the characters before the places.
        """

    @abstractmethod
    def nats(self, inputs: Tensor, labels: Sequence[int]) -> float:
        """Return the negative log probability of a text over all paths; inputs [1, T, F]."""

    @abstractmethod
    def given(self, row: int) -> Sequence[int] | None:
        """Return the numbers of the text that is given for a row, where one is."""

    @abstractmethod
    def shown(self, label: int) -> str:
        """Return a character as people read it."""

    @abstractmethod
    def steps(self, row: int) -> int:
        """Return S of a row."""

    def prepared(self, labels: Sequence[int]) -> Any:
        """Return what `scores` needs of the text; by CTC nothing."""
        del labels

    def losses(self) -> Floats | None:
        """Return the nats a character of each given text; None without such texts."""
        if self.given(0) is None:
            return None
        rows = np.arange(len(self.places))
        return self.loss_of(rows, [self.described(row).inputs for row in rows.tolist()])

    def loss_of(self, rows: NDArray[np.int64], inputs: Sequence[Floats]) -> Floats | None:
        """Return the nats a character of rows with other inputs; a text too long has infinity."""
        if self.given(0) is None:
            return None
        found = []
        for row, values in zip(rows.tolist(), inputs, strict=True):
            labels = list(self.given(row) or [])
            try:
                with torch.no_grad():
                    nats = self.nats(torch.from_numpy(values)[None], labels)
            except ArgumentError:
                nats = np.inf
            found.append(nats / max(1, len(labels)))
        return np.array(found)

    def answers(self, row: int) -> Sequence[str]:
        """Return the whole text, and its characters, each after its number."""
        names = [self._name(span.label) for span in self._own(row)]
        return [WHOLE, *(f"{number} {name}" for number, name in enumerate(names, 1))]

    def question(self, row: int, answer: str | None) -> Question:
        """Return the question about what was written, by default all of it.

        answer: the number of a character, with the character or without it, or `whole text`.
        """
        spans, described = self._own(row), self.described(row)
        labels = [span.label for span in spans]
        chosen = chosen_place(answer, len(spans), self.unit)
        asked = list(enumerate(spans)) if chosen is None else [(chosen, spans[chosen])]
        places = [
            Place(step, span.label, before)
            for before, span in asked
            for step in range(span.first, span.stop)
        ] or [Place(step, BLANK, 0) for step in range(self.steps(row))]
        text = self.prepared(labels)
        whole = torch.from_numpy(described.inputs)[None]
        with torch.no_grad():
            before = self.scores(row, whole, places, text)[:, 0].cpu()
        own = torch.tensor([place.label for place in places])
        alternatives = before.scatter(1, own[:, None], -torch.inf).argmax(1)
        numbers = torch.arange(len(places))

        def ask(inputs: Tensor) -> Tensor:
            found = self.scores(row, inputs, places, text)
            return (found[numbers, :, own] - found[numbers, :, alternatives]).sum(0)

        marks = self._marks(asked, len(described.inputs))
        return Question(
            name=self._said(row, labels, chosen, alternatives.tolist()),
            unit="nats",
            answer=ask,
            inputs=described.inputs,
            exists=described.exists,
            mean=described.mean,
            others=described.others,
            steps=described.steps,
            features=described.features,
            shown=described.shown,
            look=replace(described.look, marks=marks),
            about=self._about(row, spans, whole),
        )

    def _own(self, row: int) -> Sequence[Span]:
        """Return what the network writes for a row."""
        return self.spelt(row, replace(self.model, network=deepcopy(self.network).float()))

    def _said(
        self, row: int, labels: Sequence[int], chosen: int | None, alternatives: Sequence[int]
    ) -> str:
        if chosen is None:
            text = "".join(self.shown(label) for label in labels)
            return f"“{text}”, {self.places[row]}" if text else f"no text, {self.places[row]}"
        others = list(dict.fromkeys(self._name(label) for label in alternatives))
        names = ", ".join("the blank" if o == _BLANK else f"“{o}”" for o in others)
        own = self._name(labels[chosen])
        return f"“{own}” ({self.unit} {chosen + 1}) against {names}, {self.places[row]}"

    def _name(self, label: int) -> str:
        shown = _BLANK if label == BLANK else self.shown(label)
        return "space" if shown.isspace() else shown.strip()

    def _marks(self, asked: Sequence[tuple[int, Span]], count: int) -> list[Mark]:
        stride = self.stride
        return [
            Mark(
                self.shown(span.label).strip(), span.first * stride, min(count, span.stop * stride)
            )
            for _, span in asked
        ]

    def _about(self, row: int, spans: Sequence[Span], inputs: Tensor) -> list[Block]:
        """Return the characters with their probabilities, and the texts with theirs."""
        labels = [span.label for span in spans]
        with torch.no_grad():
            log = -self.nats(inputs, labels)
        said = f"Log probability of what was written, over all paths: {log:.3g} nats"
        known = self.given(row)
        if known is not None:
            text = "".join(self.shown(label) for label in known)
            said += f"; given was “{text}”"
        logs = np.log(np.maximum([span.probability for span in spans], 1e-30))
        names = [self._name(label) for label in labels] or ["(nothing)"]
        shades = logs if len(logs) else np.zeros(1)
        caption = f"Written: the darker, the less probable the {self.unit} was on its own steps"
        return [surprises(names, shades, caption), Note(f"{said}.")]
