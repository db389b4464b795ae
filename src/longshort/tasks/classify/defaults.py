"""Decisions on open settings of a classifier, by the kind and the amount of data.

They were found on training and validation splits; `docs/decisions` lists the data and the numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.config.sequences import SequenceData, TextConfig
from longshort.data.labelled import Examples
from longshort.data.labelled_source import like
from longshort.data.splits import Splits
from longshort.data.tokens import find_tokeniser, in_full, suited
from longshort.errors import ConfigError, nearest
from longshort.runs.vectors import sized_by_vectors
from longshort.tasks.classify.config import ClassifyConfig, ClassifyModel, ClassifyTrain
from longshort.tasks.classify.encoder import is_of_names

ENOUGH = 100
"""Validation examples below which settings are chosen by cross-validation of the training split."""
_FEW, _MANY = 500, 5_000
_PICTURE = 16
"""Filters of the first convolution over pictures."""
_SMALL_NUMBERS = 1_000
"""Number of sequences below which the settings for small data hold."""
_SMALL_TEXTS, _SHORT_TEXTS = 10_000, 50_000
"""Largest numbers of texts, and of short texts, for n-grams beside the recurrent layers."""
_SHORT = 10
"""Largest mean number of tokens of short texts."""
_LONG, _PLACES = 40, 160
"""Least steps of sequences with filters, and places of the filters where data are small."""
_SHAPE, _WORDS, _SOUND = 9, 3, 5
_FEWEST, _MOST = 5, 60
_FEWEST_SHORT = 20
"""Bounds of the epochs; short texts, which cost little and keep improving, have more."""
_MOST_SMALL = 3_000
"""Most batches of few sequences of numbers, and of recordings."""
_BATCHES = 800
"""Batches per epoch of many texts: larger batches are faster."""
_WHOLE_WORDS = ("words", "spaces", "jieba")
_LOOKED_AT = 1_000
_REPEATED, _ENOUGH_WORDS = 0.1, 200
"""Share of repeated words below which words teach nothing, and words needed to judge it."""


@dataclass(frozen=True)
class Size:
    """The size of the data, on which the decisions depend."""

    count: int
    """Training examples."""
    val: int
    """Validation examples."""
    is_text: bool
    length: float
    """Mean number of a text's tokens, or median number of a sequence's steps."""
    is_sound: bool = False
    """Whether the sequences are features of recordings."""

    @staticmethod
    def of(splits: Splits[Examples], text: TextConfig | None) -> Size:
        """Return the size of these splits; text: settings of texts, None for numbers."""
        train = splits.train
        if text is None:
            length = float(np.median([len(item) for item in train.items]))
        else:
            assert text.tokens is not None
            cut = find_tokeniser(text.tokens).cut
            length = float(np.mean([len(cut(str(item))) for item in train.items[:_LOOKED_AT]]))
        is_sound = train.sounds is not None
        return Size(len(train), len(splits.val), train.is_text, length, is_sound)

    @property
    def is_small(self) -> bool:
        """Whether the settings for few sequences of numbers hold, as they do for all recordings."""
        return not self.is_text and (self.is_sound or self.count < _SMALL_NUMBERS)

    @property
    def is_short(self) -> bool:
        """Whether texts are names or other short strings."""
        return self.is_text and self.length <= _SHORT


def validation_share(config: ClassifyConfig, count: int, *, is_needed: bool = False) -> float:
    """Return the share of examples for validation, 0 if it would be too small to choose by.

    count: examples from which it is drawn. is_needed: whether it is drawn however small it is, as
    for the threshold of several labels; it also is if the settings ask for it.
    """
    share = config.split.val
    is_asked = "val" in config.split.model_fields_set or _looks_at_scores(config.train)
    return share if is_needed or is_asked or count * share >= ENOUGH else 0.0


def _looks_at_scores(train: ClassifyTrain) -> bool:
    """Whether settings were chosen that need a validation split."""
    if "choose" in train.model_fields_set:
        return train.choose == "best"
    chosen = "patience" in train.model_fields_set
    return chosen or train.asgd is not None or train.schedule == "plateau"


def decided(config: ClassifyConfig, splits: Splits[Examples]) -> ClassifyConfig:
    """Return the config with every open setting decided from the splits.

    Raises `ConfigError` for the weight of a label that the training split lacks.
    """
    train, data = splits.train, like(splits.train, config.data)
    _refuse_unknown_weights(config, train)
    changes: dict[str, Any] = {}
    if not len(splits.val):
        changes["split"] = config.split.model_copy(update={"val": 0.0})
    if train.is_text:
        tokens = config.text.tokens or suited_tokens([str(item) for item in train.items])
        changes["text"] = decided_text(config.text, in_full(tokens), len(train))
    else:
        is_image = data.format == "idx" or data.picture is not None
        scaling = data.scaling or ("all" if is_image else "channel")
        data = data.model_copy(update={"scaling": scaling})
    if train.sounds is not None:
        changes["audio"] = config.audio.model_copy(update={"rate": train.sounds.rate})
    size = Size.of(splits, changes.get("text"))
    sized = sized_by_vectors(config.model) if train.is_text else config.model
    model = with_pictures(decided_model(sized, size), sized, data, train)
    training = decided_training(config.train, model, size)
    return config.model_copy(update=changes | {"data": data, "model": model, "train": training})


def _refuse_unknown_weights(config: ClassifyConfig, train: Examples) -> None:
    """Raise `ConfigError` for the weight of a label that the training split lacks."""
    weights = config.train.class_weights
    labels = sorted({label for each in train.label_sets for label in each})
    for name in weights if isinstance(weights, dict) else ():
        if name not in labels:
            raise ConfigError(
                f"train.class_weights: {name!r} is no label of the training split; "
                f"{nearest(name, labels)}"
            )


def decided_model(model: ClassifyModel, size: Size) -> ClassifyModel:
    """Return the network's settings, with open ones decided by the size of the data."""
    changes = _of_texts(model, size) if size.is_text else _of_numbers(model, size)
    chosen = {name for name in model.model_fields_set if getattr(model, name) is not None}
    return model.model_copy(update={k: v for k, v in changes.items() if k not in chosen})


def with_pictures(
    model: ClassifyModel, given: ClassifyModel, data: SequenceData, train: Examples
) -> ClassifyModel:
    """Return the settings with convolutions over the picture of each step, where there are any.

    Statistics of single pixels then say nothing. Raises `ConfigError` where the settings name
    pictures of another number of values.
    """
    if train.is_text or data.picture is None:
        return model
    if math.prod(map(int, data.picture.split("x"))) != train.width:
        raise ConfigError(
            f"data.picture: a step has {train.width} values, and {data.picture} are "
            f"{math.prod(map(int, data.picture.split('x')))}; give rows x columns, or rows x "
            "columns x channels"
        )
    filters = _PICTURE if model.picture_filters is None else model.picture_filters
    summary = model.summary if given.summary is not None else not filters and model.summary
    return model.model_copy(update={"picture_filters": filters, "summary": summary})


def _of_texts(model: ClassifyModel, size: Size) -> dict[str, Any]:
    """Decide for texts: few have small networks beside n-grams, unless there are vectors."""
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
    """Decide for sequences of numbers.

    Few, and recordings, have three convolutions with batch normalisation beside the recurrent
    layers; many have one, and a summary of each channel, which is the input of a linear model.
    """
    if size.is_small:
        stride = max(1, math.ceil(size.length / _PLACES))
        is_plain = model.convolution == 0 or model.convolutions == 1
        members = 3 if size.count < _SMALL_NUMBERS else 1
        found = {"members": members, "hidden": 64, "summary": False, "dropout": 0.3}
        found |= _filters(model, 64, _SOUND if size.is_sound else _SHAPE)
        return found if is_plain else found | {"convolutions": 3, "stride": stride, "stretches": 32}
    filters = 128 if size.length >= _LONG else 0
    return {"members": 1, "summary": True, **_filters(model, filters, _SHAPE)}


def _filters(model: ClassifyModel, filters: int, kernel: int) -> dict[str, Any]:
    """Decide the convolutions; raise `ConfigError` for their settings if there are none."""
    filters = filters if model.convolution is None else model.convolution
    if filters:
        return {"convolution": filters, "convolutions": 1, "kernel": kernel}
    for name in ("kernel", "convolutions", "stride"):
        if getattr(model, name) is not None:
            raise ConfigError(f"model.{name}: is of the convolution; set model.convolution too")
    return {"convolution": 0}


def suited_tokens(texts: Sequence[str]) -> str:
    """Return the tokens that suit the texts: "characters", or for most texts "words".

    Characters are for names, for scripts without spaces, and for texts with few repeated words.
    """
    kind = suited(texts)
    return "characters" if kind == "words" and (is_of_names(texts) or _are_new(texts)) else kind


def _are_new(texts: Sequence[str]) -> bool:
    """Whether nearly all words occur once, as in names of products or of genes."""
    cut = find_tokeniser("words", lowercase=True).cut
    words = Counter(word for text in texts[:_LOOKED_AT] for word in cut(str(text)))
    repeated = sum(count for count in words.values() if count > 1)
    return words.total() >= _ENOUGH_WORDS and repeated < _REPEATED * words.total()


def decided_text(text: TextConfig, tokens: str, count: int) -> TextConfig:
    """Return the settings for `count` training texts, which are cut into these tokens.

    Words that occur once teach the vector of unknown ones; few texts have hardly any others.
    """
    are_many = tokens in _WHOLE_WORDS and count >= _FEW
    least = text.min_count or (2 if are_many else 1)
    return text.model_copy(update={"tokens": tokens, "min_count": least})


def decided_training(train: ClassifyTrain, model: ClassifyModel, size: Size) -> ClassifyTrain:
    """Return the settings of training for this network, with open ones decided by size.

    The budget is a number of batches. With few validation examples the last weights are kept, since
    a choice by these would be random, and too early.
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
    if size.is_small:
        changes |= {"label_smoothing": 0.1}
        changes |= {"weight_decay": 0.01} if train.optimizer == "adamw" else {}
        changes |= {"ema": 0.0} if changes.get("choose", train.choose) == "last" else {}
    changes = {k: v for k, v in changes.items() if k not in train.model_fields_set}
    return train.model_copy(update=changes | {"batch_size": batch, "max_epochs": epochs})


def _budget(model: ClassifyModel, size: Size) -> tuple[int, int, int]:
    """Return the fewest and most epochs, and the number of batches in all."""
    if size.is_small:
        return 1, 1_000, min(_MOST_SMALL, max(500, 2 * size.count))
    if size.is_short:
        return _FEWEST_SHORT, _MOST, 2_400
    return _FEWEST, _MOST, 800 if model.grams else 2_000


def _rate(model: ClassifyModel, size: Size, batch: int) -> float:
    """Return the learning rate: larger for numbers than for embeddings, and for large batches."""
    if not size.is_text:
        return 0.003 if size.is_small else 0.005
    return (0.002 if model.grams else 0.001) * math.sqrt(max(1.0, batch / 32))


def _batch_size(size: Size) -> int:
    """Return the batch size: small for few sequences of numbers, large for many texts."""
    if size.is_text:
        wanted: int = 2 ** round(math.log2(max(1.0, size.count / _BATCHES)))
        return min(512, max(32, wanted))
    return 128 if size.count >= _MANY else 32 if size.count >= _SMALL_NUMBERS else 16
