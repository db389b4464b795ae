"""Sources of translations and summaries as what can be explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longshort.data.parallel import Pairs
from longshort.runs.presence import mixed
from longshort.runs.task import Model
from longshort.runs.writing import Target
from longshort.runs.written_subject import Ints, WrittenSubject
from longshort.tasks.seq2seq.encoder import PairEncoder, encode
from longshort.tasks.seq2seq.written import write

_TRAIN = 64
"""Training sources whose tokens' mean vector stands for a token that is not there."""


class PairSubject(WrittenSubject):
    """Texts that another text is written for; a token is absent where the mean vector stands."""

    def __init__(self, model: Model[Any, PairEncoder], samples: Pairs, train: Pairs | None) -> None:
        super().__init__(model, model.encoder.coder.target, samples.places, samples.name)
        self.arrays = encode(model.encoder, samples)
        known = samples if train is None else train.take(np.arange(min(len(train), _TRAIN)))
        numbers = np.concatenate(model.encoder.coder.sources(known))
        network: Any = self.network
        self.absent = network.source_vectors(self._tensor(numbers)).mean(0)

    def steps(self, row: int) -> Sequence[str]:
        """Return the source's tokens."""
        encoder: PairEncoder = self.model.encoder
        return encoder.coder.source.tokens(self.arrays.sources[row].tolist())

    def begun(self, row: int, presence: Tensor) -> tuple[Any, Tensor | None]:
        """Return the state after copies of a source whose tokens are there to these degrees."""
        network: Any = self.network
        numbers = self._tensor(self.arrays.sources[row])
        vectors = mixed(network.source_vectors(numbers), self.absent, presence)
        lengths = torch.full((len(presence),), len(numbers))
        source = numbers[:, None].expand(-1, len(presence))
        return network.begin_with(vectors, lengths), source

    def written(self, row: int, model: Model[Any, PairEncoder]) -> Target:
        """Return what is written for a source."""
        one = self.arrays.take(np.array([row]))
        return write(model, one, with_scores=False).targets[0][0]

    def given(self, row: int) -> Ints | None:
        """Return the given target."""
        return self.arrays.targets[row] if self.arrays.targets else None

    def _tensor(self, numbers: Ints) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(numbers)).to(self.model.device)
