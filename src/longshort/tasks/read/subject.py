"""Lines as what can be explained: on which ink, or which points of a pen, their text rests.

Letters: T columns or points, F rows of a picture or features of a point, N copies, P places, K
classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.data.strokes.features import FEATURES
from longshort.data.strokes.ink import Ink
from longshort.data.strokes.shape import normalise, resample
from longshort.decoding.ctc_alignment import Span
from longshort.errors import ConfigError
from longshort.nn.blocks.ctc import ctc_loss
from longshort.report.looks import Look
from longshort.runs.explaining import Floats
from longshort.runs.others import of_length, spread
from longshort.runs.spelt_subject import Place, Row, SpeltSubject
from longshort.runs.task import Model
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.encoder import STEP, STRIDES, ReadEncoder, encode, steps_of
from longshort.tasks.read.inference import spelling
from longshort.tasks.read.samples import Lines

ModelOf = Model[ReadConfig, ReadEncoder]
_FULL = 255.0


class LineSubject(SpeltSubject):
    """Lines that are read by CTC: pictures column by column, strokes point by point.

    A picture's features are its rows, from 0 for paper to 1 for ink, and paper is the baseline that
    stands for no ink. A network does not read where along the line a point stands.
    """

    unit = "sign"

    def __init__(self, model: ModelOf, samples: Lines, train: Lines | None) -> None:
        if model.config.model.head != "ctc":
            raise ConfigError(
                "explain: this run reads by a decoder (model.head = 'attention'), whose signs have "
                "no place of their own; train it with --head ctc"
            )
        super().__init__(model, samples.places, samples.name)
        encoder = model.encoder
        self.samples, self.arrays = samples, encode(encoder, samples)
        self.is_picture = encoder.kind == "pictures"
        self.stride = STRIDES[encoder.kind]
        few: Any = () if train is None else train.take(spread(len(train))).inputs
        self.others = [self._values(encoder.array(ink)) for ink in few]

    def _values(self, array: NDArray[Any]) -> Floats:
        """Return a line's inputs [T, F]."""
        if not self.is_picture:
            return array.astype(np.float64)
        return np.ascontiguousarray(array.T).astype(np.float64) / _FULL

    def described(self, row: int) -> Row:
        """Return a line's columns or points."""
        values = self._values(self.arrays.inputs[row])
        steps, width = values.shape
        exists = np.ones(values.shape, bool)
        if not self.is_picture:
            exists[:, FEATURES.index("x")] = False
        mean = np.zeros(values.shape)
        if self.others and not self.is_picture:
            mean += np.concatenate(self.others).mean(0)
        return Row(
            inputs=values,
            exists=exists,
            mean=mean,
            others=of_length(self.others, steps, width),
            steps=[f"{'column' if self.is_picture else 'point'} {n + 1}" for n in range(steps)],
            features=[f"row {n + 1}" for n in range(width)] if self.is_picture else FEATURES,
            shown=values,
            look=Look("ink") if self.is_picture else self._path(row),
        )

    def _path(self, row: int) -> Look:
        """Return the way of the pen, in the points that the network reads."""
        ink = self.samples.inputs[row]
        assert isinstance(ink, Ink)
        drawn = resample(normalise(ink, "stroke"), STEP)
        return Look(path=drawn.points, lifts=drawn.lifts)

    def spelt(self, row: int, model: ModelOf) -> Sequence[Span]:
        """Return the signs that are read, by the search of the settings."""
        return spelling(model, self.arrays.take([row]))[0]

    def scores(self, row: int, inputs: Tensor, places: Sequence[Place], text: Any) -> Tensor:
        """Return the scores at places, [P, N, K]."""
        del row, text
        steps = torch.tensor([place.step for place in places])
        return self._all(inputs)[steps]

    def _all(self, inputs: Tensor) -> Tensor:
        """Return the scores of all steps for copies of a line [N, T, F]."""
        network: Any = self.network
        inputs = inputs.to(self.model.device)
        lengths = torch.full((len(inputs),), inputs.size(1), dtype=torch.int64)
        if self.is_picture:
            past = -inputs.size(1) % self.stride
            x = torch.nn.functional.pad(inputs.transpose(1, 2), (0, past))
        else:
            x = inputs.transpose(0, 1)
        found: Tensor = network.classes(network.front(x, lengths)[0])
        return found

    def nats(self, inputs: Tensor, labels: Sequence[int]) -> float:
        """Return the negative log probability of a text over all paths."""
        scores = self._all(inputs)
        numbers = torch.tensor([list(labels)], dtype=torch.int64)
        lengths, counts = torch.tensor([len(scores)]), torch.tensor([len(labels)])
        return float(ctc_loss(scores, numbers, lengths, counts)[0])

    def given(self, row: int) -> Sequence[int] | None:
        """Return the numbers of the signs that stand there."""
        labels = self.arrays.labels
        return None if labels is None else labels[row].tolist()

    def shown(self, label: int) -> str:
        """Return a sign, with a space after a symbol."""
        encoder: ReadEncoder = self.model.encoder
        return encoder.text([label]) + " " * (encoder.tokens == "symbols")

    def steps(self, row: int) -> int:
        """Return the steps of the network."""
        return steps_of(self.model.encoder.kind, int(self.arrays.lengths[row]))
