"""A tagger's sentences as what can be explained: what the tag of a token rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.errors import ConfigError, DataError
from longshort.report.sections import Line, Passage, Span
from longshort.runs.explaining import Floats, Question
from longshort.runs.presence import mixed
from longshort.runs.task import Model
from longshort.runs.tensors import on_device
from longshort.runtime.paths import best_paths
from longshort.tasks.tag.conll import Tagged
from longshort.tasks.tag.encoder import TagEncoder

_TRAIN = 64
"""Training sentences whose tokens' mean vector stands for a token that is not there."""
_NONE = "O"


class TagSubject:
    """Sentences of a tagger, in pieces where they are longer than allowed.

    An answer is the score of a token's best tag over that of the next best one, before the random
    field weighs the tags around it.
    """

    def __init__(
        self, model: Model[Any, TagEncoder], samples: Tagged, train: Tagged | None
    ) -> None:
        if not len(samples):
            raise DataError(f"{samples.name}: has no sentence to explain")
        self.model, self.samples = model, samples
        self.sentences = model.encoder.encode(samples)
        source = samples if train is None else train
        some = source.take(list(range(min(len(source), _TRAIN))))
        self.absent = self._mean_vector(some)
        self.places = [samples.places[piece.sentence] for piece in self.sentences.pieces]
        self.tokens = self._tokens()

    @property
    def network(self) -> nn.Module:
        """The network in double precision."""
        network: nn.Module = self.model.network
        return network

    def losses(self) -> Floats | None:
        """Return the negative log-likelihood of each sentence's tags; None without tags."""
        if not self.sentences.targets:
            return None
        network: Any = self.network
        found = []
        with torch.no_grad():
            for row in range(len(self.places)):
                batch = self._batch(row)
                found.append(float(network.losses(network(batch), batch.tags, batch.lengths)[0]))
        return np.array(found)

    def answers(self, row: int) -> Sequence[str]:
        """Return the sentence's tokens, each after its number."""
        return [f"{n} {token}" for n, token in enumerate(self.tokens[row], 1)]

    def question(self, row: int, answer: str | None) -> Question:
        """Return the question about a token's tag; by default the first one that is in an entity.

        answer: the number of the token, with the token or without it.
        """
        tags, scores = self._best(row)
        place = self._place(answer, tags)
        best, second = np.argsort(-scores[place], kind="stable")[:2].tolist()
        names, steps = self.model.encoder.tags, len(self.tokens[row])
        with torch.no_grad():
            network: Any = self.network
            vectors = network.vectors(self._batch(row))[:, 0]

        def ask(inputs: Tensor) -> Tensor:
            x = mixed(vectors, self.absent, inputs[..., 0].to(vectors.device))
            found = network.scored(x, torch.full((len(inputs),), steps))[place]
            margin: Tensor = found[:, best] - found[:, second]
            return margin

        token = self.tokens[row][place]
        return Question(
            name=f"{names[best]} against {names[second]} for “{token}” (token {place + 1})",
            unit="nats before the random field",
            answer=ask,
            inputs=np.ones((steps, 1)),
            exists=np.ones((steps, 1), bool),
            mean=np.zeros((steps, 1)),
            others=np.zeros((0, steps, 1)),
            steps=self.tokens[row],
            features=["token"],
            is_text=True,
            about=[self._tagged(row, tags, place)],
        )

    def loss_of(self, rows: NDArray[np.int64], inputs: Sequence[Floats]) -> None:
        """Return None: a sentence has no features to be mixed up."""
        del rows, inputs

    def _tokens(self) -> list[list[str]]:
        found, seen = [], [0] * len(self.samples)
        for piece in self.sentences.pieces:
            begin = seen[piece.sentence]
            seen[piece.sentence] += len(piece.words)
            tokens = self.samples.tokens[piece.sentence]
            found.append(list(tokens[begin : begin + len(piece.words)]))
        return found

    def _batch(self, row: int) -> Any:
        return on_device(self.sentences.batch(np.array([row])), self.model.device)

    def _best(self, row: int) -> tuple[list[str], Floats]:
        """Return the tags of a sentence by the random field, and the scores [T, K] before it."""
        batch = self.sentences.batch(np.array([row]))
        scores = self.model.call("forward", replace(batch, tags=None)).astype(np.float64)
        (path,) = best_paths(scores, batch.lengths, *self.model.call("field"))
        return [self.model.encoder.tags[n] for n in path], scores[:, 0]

    def _place(self, answer: str | None, tags: list[str]) -> int:
        if answer is None:
            return next((n for n, tag in enumerate(tags) if tag != _NONE), 0)
        number, count = answer.split(" ")[0], len(tags)
        if not number.isdigit() or not 1 <= int(number) <= count:
            raise ConfigError(
                f"answer: the number of a token from 1 to {count} is expected, got {answer!r}"
            )
        return int(number) - 1

    def _tagged(self, row: int, tags: list[str], place: int) -> Passage:
        """Return the sentence with its predicted tags."""
        spans = []
        for number, (token, tag) in enumerate(zip(self.tokens[row], tags, strict=True)):
            colour = "#dfe7f7" if number == place else ""
            spans += [Span(token, colour, "" if tag == _NONE else tag, tag), Span(" ")]
        return Passage([Line(spans, "tags")])

    def _mean_vector(self, source: Tagged) -> Tensor:
        """Return the mean vector of the tokens of sentences, [W]."""
        sentences = self.model.encoder.encode(replace(source, tags=None))
        batch = on_device(sentences.batch(np.arange(len(sentences.pieces))), self.model.device)
        network: Any = self.network
        with torch.no_grad():
            vectors = network.vectors(batch)
        within = torch.arange(len(vectors))[:, None] < batch.lengths
        found: Tensor = vectors[within.to(vectors.device)].mean(0)
        return found
