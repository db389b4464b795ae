"""Texts and arrays as rows that can be explained, whatever a network answers about them.

Letters: T steps, F features, N copies of a row, E width of a token's vector.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from longshort.data.labelled import Examples
from longshort.data.sequences import SequenceReader, Sequences
from longshort.data.strokes.features import FEATURES
from longshort.errors import DataError
from longshort.nn.blocks.embedding import Embedding
from longshort.report.looks import Look
from longshort.runs.explaining import Floats, Question
from longshort.runs.others import of_length, spread
from longshort.runs.presence import mixed
from longshort.runs.sound_names import feature_names, frame_names
from longshort.runs.task import Model


class SequenceSubject(ABC):
    """Rows of texts or arrays; a subclass says what the network answers.

    A token is present to a degree from 0 to 1: its vector lies between the mean vector of the
    training tokens and its own. Training rows are cut to a row's length, or repeated up to it.
    """

    def __init__(
        self,
        model: Model[Any, Any],
        reader: SequenceReader,
        samples: Examples,
        arrays: Sequences,
        train: Examples | None,
    ) -> None:
        if not len(samples):
            raise DataError(f"{samples.name}: has no row to explain")
        self.model, self.reader, self.samples, self.arrays = model, reader, samples, arrays
        self.places = samples.places
        self._train = None if train is None else train.take(spread(len(train)))

    @property
    def network(self) -> nn.Module:
        """The network in double precision."""
        network: nn.Module = self.model.network
        return network

    @abstractmethod
    def losses(self) -> Floats | None:
        """Return the loss of every row."""

    @property
    def is_text(self) -> bool:
        """Whether rows are texts."""
        return self.reader.vocabulary is not None

    def steps(self, row: int) -> list[str]:
        """Return the names of a row's steps: its tokens, or numbers from 1 on."""
        item: Any = self.arrays.items[row]
        if self.reader.vocabulary is not None:
            return self.tokens(row)
        if self.samples.sounds is not None:
            return frame_names(len(item), self.model.config.audio, self.samples.sounds.rate)
        return [str(n + 1) for n in range(len(item))]

    def tokens(self, row: int) -> list[str]:
        """Return the tokens of a text as people read them, without those cut from its middle."""
        item: Any = self.arrays.items[row]
        cut = self.reader.tokeniser().cut(str(self.samples.items[row]))
        if len(cut) > len(item):
            head = len(item) - len(item) // 2
            cut = cut[:head] + cut[len(cut) - len(item) // 2 :]
        return cut or [""]

    def values(self, row: int) -> Floats:
        """Return the inputs [T, F] of a row: scaled values, or the presence 1 of each token."""
        item: Any = self.arrays.items[row]
        if self.is_text:
            return np.ones((max(1, len(item)), 1))
        return np.asarray(item, np.float64)

    def asked(self, row: int, name: str, unit: str, answer: Callable[[Tensor], Tensor]) -> Question:
        """Return a question about a row; `answer` takes its inputs [N, T, F]."""
        values = self.values(row)
        is_text = self.is_text
        features = ["token"] if is_text else self._features(values.shape[1])
        return Question(
            name=name,
            unit=unit,
            answer=answer,
            inputs=values,
            exists=np.ones(values.shape, bool),
            mean=np.zeros_like(values),
            others=np.zeros((0, *values.shape)) if is_text else self._others(len(values)),
            steps=self.steps(row),
            features=features,
            is_text=is_text,
            shown=None if is_text else np.asarray(self.samples.items[row], np.float64),
            look=None if is_text else self._look(row),
        )

    @property
    def _frame(self) -> tuple[int, int, int] | None:
        """Rows, columns and channels of the picture that a step is, where it is one."""
        picture = getattr(self.model.config.data, "picture", None)
        if picture is None:
            return None
        rows, columns, *channels = map(int, picture.split("x"))
        return rows, columns, channels[0] if channels else 1

    def _look(self, row: int) -> Look:
        """Return how a row is drawn: as a spectrum, pictures, or points of a pen on paper."""
        if self._frame is not None:
            return Look(frame=self._frame)
        if self.samples.sounds is not None:
            return Look("spectrum")
        if tuple(self.samples.features) != FEATURES:
            return Look()
        points = np.asarray(self.samples.items[row], np.float64)
        x, y, lift = (points[:, FEATURES.index(name)] for name in ("x", "y", "lift"))
        return Look(path=np.column_stack([x, y]), lifts=lift > 0)

    def _features(self, count: int) -> list[str]:
        if self.samples.sounds is not None:
            return feature_names(self.model.config.audio, self.samples.sounds.rate, count)
        if self._frame is not None:
            return _pixels(*self._frame)
        names = list(self.samples.features)
        return names if len(names) == count else [f"channel {n + 1}" for n in range(count)]

    def _others(self, steps: int) -> Floats:
        """Return training rows [M, T, F] of this many steps."""
        if self._train is None:
            return np.zeros((0, steps, len(self.reader.mean)))
        found: Any = self.reader.read(self._train)
        return of_length(found, steps, len(self.reader.mean))

    def mixed(self, row: int, embedding: Embedding, presence: Tensor) -> Tensor:
        """Return vectors [T, N, E] of a text's tokens, present to these degrees [N, T]."""
        item: Any = self.arrays.items[row] or [0]
        weight = embedding.weight
        own = weight[torch.tensor(item, device=weight.device)]
        absent = self._mean_vector(weight)
        return mixed(own, absent, presence)

    def _mean_vector(self, weight: Tensor) -> Tensor:
        """Return the mean vector of the training tokens; of all known tokens without them."""
        if self._train is None:
            return weight[1:].mean(0)
        read: Any = self.reader.read(self._train)
        numbers = [number for each in read for number in each]
        return weight[torch.tensor(numbers, device=weight.device)].mean(0)


def _pixels(rows: int, columns: int, channels: int) -> list[str]:
    """Return the names of a picture's values, channels last."""
    colours = [f", channel {n + 1}" for n in range(channels)] if channels > 1 else [""]
    return [
        f"row {y + 1}, column {x + 1}{colour}"
        for y in range(rows)
        for x in range(columns)
        for colour in colours
    ]


def lengths_of(x: Tensor) -> Tensor:
    """Return the lengths [N] of sequences [T, N, …] without padding."""
    return torch.full((x.size(1),), x.size(0), dtype=torch.int64)
