"""How a classifier is trained where nothing is said, by the kind and the amount of data.

Chosen on training and validation parts; `docs/decisions` says on which, and with what numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.config.sequences import TextConfig
from longshort.data.labelled import Examples
from longshort.data.splits import Splits
from longshort.data.tokens import find_tokeniser, suited
from longshort.errors import ConfigError
from longshort.tasks.classify.config import ClassifyConfig, ClassifyModel, ClassifyTrain
from longshort.tasks.classify.encoder import is_of_names

ENOUGH = 100
"""Validation examples below which settings are chosen by cross-validation of the training split."""
_FEW, _MANY = 500, 5_000
_SMALL_NUMBERS = 1_000
"""Sequences of numbers below which the small recipe holds."""
_SMALL_TEXTS, _SHORT_TEXTS = 10_000, 50_000
"""Texts, and short texts, up to which n-grams go beside the recurrent layers."""
_SHORT = 10
"""Tokens of a short text, in the mean."""
_LONG, _PLACES = 40, 160
"""Steps from which on numbers have filters; places of these that sequences of small data have."""
_SHAPE, _WORDS = 9, 3
_FEWEST, _MOST = 5, 60
_FEWEST_SHORT = 20
"""Epochs; of short texts, which cost little and go on learning, at least so many."""
_BATCHES = 800
"""Batches that an epoch of many texts shall have: larger batches are faster."""
_WHOLE_WORDS = ("words", "spaces", "jieba")
_LOOKED_AT = 1_000
_REPEATED, _ENOUGH_WORDS = 0.1, 200
"""Share of so many words, below which so few are met again that words teach nothing."""


@dataclass(frozen=True)
class Size:
    """What the defaults depend on."""

    count: int
    """Training examples."""
    val: int
    """Validation examples."""
    is_text: bool
    length: float
    """Mean number of a text's tokens, or median number of a sequence's steps."""

    @staticmethod
    def of(parts: Splits[Examples], text: TextConfig | None) -> Size:
        """The size of these splits; text: how texts are cut, None for numbers."""
        train = parts.train
        if text is None:
            length = float(np.median([len(item) for item in train.items]))
        else:
            assert text.tokens is not None
            cut = find_tokeniser(text.tokens).cut
            length = float(np.mean([len(cut(str(item))) for item in train.items[:_LOOKED_AT]]))
        return Size(len(train), len(parts.val), train.is_text, length)

    @property
    def is_short(self) -> bool:
        """Whether texts are names or other short strings."""
        return self.is_text and self.length <= _SHORT


def validation_share(config: ClassifyConfig, count: int, *, is_needed: bool = False) -> float:
    """Share of the examples for validation, 0 where it would be too small to choose by.

    count: examples that it is drawn from. A small one is drawn all the same where the settings ask
    for it, or where it is needed, as for the threshold of several labels.
    """
    share = config.split.val
    is_asked = "val" in config.split.model_fields_set or _looks_at_scores(config.train)
    return share if is_needed or is_asked or count * share >= ENOUGH else 0.0


def _looks_at_scores(train: ClassifyTrain) -> bool:
    """Whether settings were chosen that need a validation part."""
    if "choose" in train.model_fields_set:
        return train.choose == "best"
    chosen = "patience" in train.model_fields_set
    return chosen or train.asgd is not None or train.schedule == "plateau"


def decided_model(model: ClassifyModel, size: Size) -> ClassifyModel:
    """The network's settings, with what they leave open decided by the size of the data."""
    changes = _of_texts(model, size) if size.is_text else _of_numbers(model, size)
    said = {name for name in model.model_fields_set if getattr(model, name) is not None}
    return model.model_copy(update={k: v for k, v in changes.items() if k not in said})


def _of_texts(model: ClassifyModel, size: Size) -> dict[str, Any]:
    """Few texts are learned by smaller networks beside n-grams; vectors bring knowledge instead."""
    is_small = size.count <= (_SHORT_TEXTS if size.is_short else _SMALL_TEXTS)
    grams = is_small and model.vectors is None if model.grams is None else model.grams
    width = (64 if size.is_short else 32) if grams else 128
    found: dict[str, Any] = {
        "grams": grams,
        "hidden": width,
        "summary": False,
        "members": 3 if size.count <= _SMALL_TEXTS else 1,
        **_filters(model, 0, _WORDS),
    }
    return found if model.vectors is not None else found | {"embedding": width}


def _of_numbers(model: ClassifyModel, size: Size) -> dict[str, Any]:
    """Few sequences have three convolutions with batch normalisation beside the recurrent layers.

    Many have one, and a summary of each channel, which is what a linear model of it sees.
    """
    if size.count < _SMALL_NUMBERS:
        stride = max(1, math.ceil(size.length / _PLACES))
        is_plain = model.convolution == 0 or model.convolutions == 1
        found = {"members": 3, "hidden": 64, "summary": False, "dropout": 0.3}
        found |= _filters(model, 64, _SHAPE)
        return found if is_plain else found | {"convolutions": 3, "stride": stride, "stretches": 32}
    filters = 128 if size.length >= _LONG else 0
    return {"members": 1, "summary": True, **_filters(model, filters, _SHAPE)}


def _filters(model: ClassifyModel, filters: int, kernel: int) -> dict[str, Any]:
    """So many where nothing is said; settings of filters that are not there are refused."""
    filters = filters if model.convolution is None else model.convolution
    if filters:
        return {"convolution": filters, "convolutions": 1, "kernel": kernel}
    for name in ("kernel", "convolutions", "stride"):
        if getattr(model, name) is not None:
            raise ConfigError(f"model.{name}: is of the convolution; set model.convolution too")
    return {"convolution": 0}


def suited_tokens(texts: Sequence[str]) -> str:
    """Characters for names, for scripts without spaces, and where hardly a word is met again; words
    for other texts."""
    kind = suited(texts)
    return "characters" if kind == "words" and (is_of_names(texts) or _are_new(texts)) else kind


def _are_new(texts: Sequence[str]) -> bool:
    """Whether nearly all words occur once, as in names of products or of genes."""
    cut = find_tokeniser("words", lowercase=True).cut
    words = Counter(word for text in texts[:_LOOKED_AT] for word in cut(str(text)))
    repeated = sum(count for count in words.values() if count > 1)
    return words.total() >= _ENOUGH_WORDS and repeated < _REPEATED * words.total()


def decided_text(text: TextConfig, tokens: str, count: int) -> TextConfig:
    """The settings for `count` training texts, cut into these tokens.

    Words that occur once teach the vector of unknown ones; few texts have hardly any others.
    """
    are_many = tokens in _WHOLE_WORDS and count >= _FEW
    least = text.min_count or (2 if are_many else 1)
    return text.model_copy(update={"tokens": tokens, "min_count": least})


def decided_training(train: ClassifyTrain, model: ClassifyModel, size: Size) -> ClassifyTrain:
    """The training's settings for this network, with what they leave open decided by size.

    The budget is one of batches. Where few examples or none are for validation the last weights
    are kept: a handful would choose by chance, and too early.
    """
    batch = train.batch_size or _batch_size(size)
    least, most, steps = _budget(model, size)
    epochs = train.max_epochs or min(
        most, max(least, math.ceil(steps / math.ceil(size.count / batch)))
    )
    changes: dict[str, Any] = {
        "learning_rate": _rate(model, size, batch),
        "patience": max(train.patience, epochs // 3),
    }
    if size.val < ENOUGH and not _looks_at_scores(train):
        changes["choose"] = "last"
    if not size.is_text and size.count < _SMALL_NUMBERS:
        changes |= {"label_smoothing": 0.1}
        changes |= {"weight_decay": 0.01} if train.optimizer == "adamw" else {}
        changes |= {"ema": 0.0} if changes.get("choose", train.choose) == "last" else {}
    changes = {k: v for k, v in changes.items() if k not in train.model_fields_set}
    return train.model_copy(update=changes | {"batch_size": batch, "max_epochs": epochs})


def _budget(model: ClassifyModel, size: Size) -> tuple[int, int, int]:
    """Fewest and most epochs, and batches in all."""
    if not size.is_text and size.count < _SMALL_NUMBERS:
        return 1, 1_000, max(500, 2 * size.count)
    if size.is_short:
        return _FEWEST_SHORT, _MOST, 2_400
    return _FEWEST, _MOST, 800 if model.grams else 2_000


def _rate(model: ClassifyModel, size: Size, batch: int) -> float:
    """The learning rate: numbers stand a larger one than embeddings, large batches too."""
    if not size.is_text:
        return 0.003 if size.count < _SMALL_NUMBERS else 0.005
    return (0.002 if model.grams else 0.001) * math.sqrt(max(1.0, batch / 32))


def _batch_size(size: Size) -> int:
    """Few sequences of numbers go in small batches, many texts in large ones."""
    if size.is_text:
        wanted: int = 2 ** round(math.log2(max(1.0, size.count / _BATCHES)))
        return min(512, max(32, wanted))
    return 128 if size.count >= _MANY else 32 if size.count >= _SMALL_NUMBERS else 16
