"""Sizes of the network and amount of training, by the number of training pairs."""

from __future__ import annotations

from typing import TypeVar

from longshort.config.parallel import TextCoding
from longshort.data.parallel import Pairs
from longshort.tasks.seq2seq.config import PairConfig

C = TypeVar("C", bound=PairConfig)
_HIDDEN = ((2_000, 128), (20_000, 256), (10**12, 512))
"""Units of the decoder up to so many pairs."""
_WORK = 4_350_000_000
_FEWEST, _MOST = 5, 60
"""Tokens of both sides that are learned in all, times units, and bounds of the epochs."""
_EACH = 1.25
"""Tokens of a word, roughly."""


def decided_sizes(config: C, text: TextCoding, train: Pairs) -> C:
    """Return the config with open sizes decided."""
    pairs, model, training = len(train), config.model, config.train
    hidden = model.hidden or next(units for most, units in _HIDDEN if pairs <= most)
    batch = training.batch_size or (64 if pairs > 5_000 else 16)
    fitting = round(_WORK / (hidden * _tokens(train, text)))
    epochs = training.max_epochs or min(_MOST, max(_FEWEST, fitting))
    sized = {
        "hidden": hidden,
        "embedding": model.embedding or max(32, hidden // 2),
        "tied": bool(text.joint) if model.tied is None else model.tied,
    }
    amount = {"batch_size": batch, "max_epochs": epochs}
    return config.model_copy(
        update={
            "model": model.model_copy(update=sized),
            "train": training.model_copy(update=amount),
        }
    )


def _tokens(train: Pairs, text: TextCoding) -> float:
    """Return roughly the number of tokens of both sides."""
    sides = ((train.sources, text.tokens), (train.targets or [], text.target_tokens))
    total = 1.0
    for texts, kind in sides:
        sizes = (len(t) if kind == "characters" else _EACH * len(t.split()) for t in texts)
        total += sum(min(size, text.max_length) for size in sizes)
    return total
