"""A regression's rows as what can be explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.data.labelled import Examples
from longshort.data.sequences import Sequences
from longshort.errors import ConfigError, nearest
from longshort.runs.explaining import Floats, Question
from longshort.runs.sequence_subject import SequenceSubject, lengths_of
from longshort.runs.task import Model


class RegressSubject(SequenceSubject):
    """Rows of a regression; an answer is one of its K values, in the data's units."""

    def __init__(
        self,
        model: Model[Any, Any],
        samples: Examples,
        arrays: Sequences,
        train: Examples | None,
        truth: Floats | None,
    ) -> None:
        super().__init__(model, model.encoder.reader, samples, arrays, train)
        self.truth = truth

    def losses(self) -> Floats | None:
        """Return the mean squared error of each row, in deviations of the training values."""
        rows = np.arange(len(self.samples))
        return self.loss_of(rows, [self.values(row) for row in rows.tolist()])

    def answers(self, row: int) -> Sequence[str]:
        """Return the values by number; a single one is called value."""
        del row
        count = len(self.model.encoder.mean)
        return ["value"] if count == 1 else [f"value {k + 1}" for k in range(count)]

    def question(self, row: int, answer: str | None) -> Question:
        """Return the question about a value, the first one by default."""
        known = self.answers(row)
        chosen = known[0] if answer is None else answer
        if chosen not in known:
            raise ConfigError(f"answer: {chosen!r} is not known; {nearest(chosen, known)}")
        column = known.index(chosen)
        return self.asked(row, chosen, "its unit", lambda x: self._values(row, x)[:, column])

    def loss_of(self, rows: NDArray[np.int64], inputs: Sequence[Floats]) -> Floats | None:
        """Return the losses of rows with other inputs."""
        if self.truth is None:
            return None
        with torch.no_grad():
            found = [
                self._values(int(row), torch.from_numpy(values)[None])[0].cpu().numpy()
                for row, values in zip(rows, inputs, strict=True)
            ]
        error = (np.stack(found) - self.truth[rows]) / np.array(self.model.encoder.deviation)
        losses: Floats = np.square(error).mean(1)
        return losses

    def _values(self, row: int, inputs: Tensor) -> Tensor:
        """Return the values [N, K] of copies of a row with other inputs [N, T, F]."""
        network: Any = self.network
        inputs = inputs.to(self.model.device)
        if self.is_text:
            x = self.mixed(row, network.embedding, inputs[..., 0])
        else:
            x = inputs.transpose(0, 1)
        mean, deviation = (
            torch.tensor(each, dtype=x.dtype, device=x.device)
            for each in (self.model.encoder.mean, self.model.encoder.deviation)
        )
        found: Tensor = network(x, lengths_of(x)) * deviation + mean
        return found
