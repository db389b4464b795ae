"""A classifier's rows that can be explained: why this label and not the next most probable one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.data.labelled import Examples
from longshort.errors import ConfigError, nearest
from longshort.nn.blocks.grams import Bag
from longshort.report.sections import Table
from longshort.report.table import shown
from longshort.runs.explaining import Floats, Question
from longshort.runs.sequence_subject import SequenceSubject, lengths_of
from longshort.runs.task import Model
from longshort.tasks.classify.encoder import ClassifyEncoder

_SHOWN = 8


class ClassifySubject(SequenceSubject):
    """Rows of a classifier.

    Of exclusive labels an answer is the log odds against the most probable other label, of labels
    of which there may be several the log odds that there is the label; both in nats, before
    averaging the mean over the networks. N-grams that the head reads are steps after the tokens.
    """

    def __init__(
        self, model: Model[Any, ClassifyEncoder], samples: Examples, train: Examples | None
    ) -> None:
        reader, arrays = model.encoder.reader, model.encoder.encode(samples)
        super().__init__(model, reader, samples, arrays, train)
        self.targets = model.encoder.targets
        self.p = self._probabilities_of(range(len(samples)))

    def losses(self) -> Floats | None:
        """Return the negative log probability of each row's labels."""
        if self.samples.labels is None:
            return None
        return self.targets.sample_losses(self.samples, self.p)

    def answers(self, row: int) -> Sequence[str]:
        """Return the labels, the most probable one first."""
        return [self.targets.labels[i] for i in np.argsort(-self.p[row], kind="stable")]

    def question(self, row: int, answer: str | None) -> Question:
        """Return the question why this label was given; None: the most probable one."""
        order = self.answers(row)
        label = order[0] if answer is None else answer
        if label not in order:
            raise ConfigError(f"answer: {label!r} is not a label; {nearest(label, order)}")
        number = self.targets.labels.index(label)
        name, weights = label, np.zeros(self.targets.classes)
        weights[number] = 1.0
        if self.targets.separator is None:
            second = next(each for each in order if each != label)
            weights[self.targets.labels.index(second)] = -1.0
            name = f"{label} against {second}"
        contrast = torch.tensor(weights)

        def ask(inputs: Tensor) -> Tensor:
            return self._logits(row, inputs).mean(0) @ contrast.to(inputs.device)

        found = self.asked(row, name, "nats", ask)
        return replace(self._with_grams(row, found), about=[self._probabilities(row)])

    def loss_of(self, rows: NDArray[np.int64], inputs: Sequence[Floats]) -> Floats | None:
        """Return the losses of rows with other inputs."""
        if self.samples.labels is None:
            return None
        return self.targets.sample_losses(
            self.samples.take(rows), self._probabilities_of(rows.tolist(), inputs)
        )

    def _probabilities_of(
        self, rows: Sequence[int], inputs: Sequence[Floats] | None = None
    ) -> Floats:
        """Return the labels' probabilities [n, K] of rows, with other inputs where given."""
        found = []
        with torch.no_grad():
            for place, row in enumerate(rows):
                values = self._whole(row) if inputs is None else inputs[place]
                logits = self._logits(row, torch.from_numpy(values)[None])
                found.append(self.targets.log_probabilities(logits).exp().mean(0)[0].cpu().numpy())
        return np.stack(found)

    def _whole(self, row: int) -> Floats:
        """Return the inputs of a row, with its n-grams."""
        values = self.values(row)
        return np.concatenate([values, np.ones((len(self._grams(row)[0]), values.shape[1]))])

    def _grams(self, row: int) -> tuple[NDArray[np.int64], Floats]:
        """Return the columns and weights of a text's n-grams."""
        bags = self.arrays.grams
        if bags is None:
            return np.zeros(0, np.int64), np.zeros(0)
        one = bags.take([row])
        return one.columns, one.weights

    def _logits(self, row: int, inputs: Tensor) -> Tensor:
        """Return the logits [M, N, K] of copies of a row with other inputs [N, T, F]."""
        members: Any = self.network.members
        inputs = inputs.to(self.model.device)
        columns, weights = self._grams(row)
        bag, steps = None, inputs.size(1) - len(columns)
        if self.arrays.grams is not None:
            bag = _bag(columns, weights, inputs[:, steps:, 0])
        inputs = inputs[:, :steps]
        if not self.is_text:
            x = inputs.transpose(0, 1)
            return torch.stack([member(x, lengths_of(x), bag) for member in members])
        found = []
        for member in members:
            x = self.mixed(row, member.embedding, inputs[..., 0])
            found.append(member(x, lengths_of(x), bag))
        return torch.stack(found)

    def _with_grams(self, row: int, question: Question) -> Question:
        """Return the question with the n-grams that the head reads as further steps."""
        columns, _ = self._grams(row)
        if not len(columns):
            return question
        grams = self.model.encoder.grams
        names = [gram for block in grams.blocks for gram in block]
        count = len(question.inputs) + len(columns)
        return replace(
            question,
            inputs=np.ones((count, 1)),
            exists=np.ones((count, 1), bool),
            mean=np.zeros((count, 1)),
            others=np.zeros((0, count, 1)),
            tokens=len(question.steps),
            steps=[*question.steps, *(f"“{names[column]}”" for column in columns)],
        )

    def _probabilities(self, row: int) -> Table:
        order = np.argsort(-self.p[row], kind="stable")[:_SHOWN]
        rows = [[self.targets.labels[i], shown(float(self.p[row, i]))] for i in order]
        truth = self.samples.label_sets[row] if self.samples.labels is not None else None
        marked = [[*each, "true"] if truth and each[0] in truth else [*each, ""] for each in rows]
        return Table([["label", "probability", ""], *marked])


def _bag(columns: NDArray[np.int64], weights: Floats, presence: Tensor) -> Bag:
    """Return a text's n-grams for N copies, present to these degrees [N, G]."""
    device, copies = presence.device, len(presence)
    numbers = torch.from_numpy(columns).to(device).repeat(copies)
    each = (torch.from_numpy(weights).to(presence) * presence).reshape(-1)
    return Bag(numbers, each, torch.arange(copies, device=device) * len(columns))
