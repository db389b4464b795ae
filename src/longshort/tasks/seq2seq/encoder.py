"""Pairs of texts as numbers, in batches; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.coding import BEGIN, END
from longshort.data.padding import pad_numbers
from longshort.data.pair_coding import PairCoder
from longshort.data.parallel import Pairs
from longshort.errors import ConfigError

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PairEncoder:
    """The coders of both sides, and the longest target of training in tokens."""

    coder: PairCoder
    longest: int


@dataclass(frozen=True)
class Batch:
    """A batch of pairs, in arrays or tensors.

    source [S, B] and lengths [B]; read [T, B]: what the decoder reads, the begin mark first; wanted
    [T, B]: what it is to write, the end mark last. 0 is padding; the last two are None without
    targets.
    """

    source: Any
    lengths: Any
    read: Any
    wanted: Any


@dataclass(frozen=True)
class PairArrays:
    """Encoded pairs: token numbers of sources, and of targets where there are any."""

    sources: list[Ints]
    targets: list[Ints]

    @property
    def lengths(self) -> Ints:
        """Steps of each pair, [n]: those of the target with its end mark, else of the source."""
        steps = [len(each) + 1 for each in self.targets or self.sources]
        return np.array(steps, dtype=np.int64)

    def take(self, numbers: Ints) -> PairArrays:
        """Return the pairs with these numbers."""
        chosen = numbers.tolist()
        targets = [self.targets[i] for i in chosen] if self.targets else []
        return PairArrays([self.sources[i] for i in chosen], targets)

    def batch(self, numbers: Ints) -> Batch:
        """Return the pairs with these numbers, padded."""
        chosen = self.take(numbers)
        source, lengths = pad_numbers([each.tolist() for each in chosen.sources])
        if not chosen.targets:
            return Batch(source, lengths, None, None)
        read, _ = pad_numbers([[BEGIN, *each.tolist()] for each in chosen.targets])
        wanted, _ = pad_numbers([[*each.tolist(), END] for each in chosen.targets])
        return Batch(source, lengths, read, wanted)


def fit_encoder(train: Pairs, config: Any) -> PairEncoder:
    """Fit both coders on the training split; `config` is decided."""
    coder = PairCoder.fit(train, config.text)
    longest = max((len(each) for each in coder.targets(train)), default=1)
    return PairEncoder(coder, max(1, longest))


def without_long(encoder: PairEncoder, train: Pairs) -> Pairs:
    """Return the pairs of which neither side is cut; raises `ConfigError` if none is left."""
    kept = encoder.coder.without_long(train)
    if not len(kept):
        raise ConfigError(
            f"text.drop_long: all {len(train):,} training pairs have a text of more than "
            f"{encoder.coder.max_length:,} tokens; raise text.max_length, or leave it out"
        )
    return kept


def encode(encoder: PairEncoder, pairs: Pairs) -> PairArrays:
    """Return the token numbers of both sides; of several targets the first one's."""
    targets = [] if pairs.references is None else encoder.coder.targets(pairs)
    return PairArrays(encoder.coder.sources(pairs), targets)
