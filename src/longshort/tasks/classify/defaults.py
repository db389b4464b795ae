"""How a classifier is trained where nothing is said, by the kind and the amount of data.

Chosen on validation parts of sentiment data, speakers, gestures and digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from longshort.config.classify import ClassifyModel, ClassifyTrain
from longshort.config.sequences import TextConfig
from longshort.data.labelled import Examples
from longshort.errors import ConfigError

_STEPS = 2_000
_FEWEST, _MOST = 5, 60
_MANY, _FEW = 5_000, 500
_LONG = 40
_MEMBERS = 5
_FILTERS = 128
_SHAPE, _WORDS = 9, 3
_WHOLE_WORDS = ("words", "spaces", "jieba")


def decided_model(model: ClassifyModel, train: Examples) -> ClassifyModel:
    """Long sequences of numbers have local shapes, which filters in front find.

    A summary of each channel is what the linear rival sees: with it, the network only has to learn
    what a linear map of it cannot say. From few examples networks learn what depends on where
    they began; several together do not.
    """
    changes: dict[str, Any] = {}
    if model.members is None:
        changes["members"] = _MEMBERS if len(train) < _FEW else 1
    if model.summary is None:
        changes["summary"] = not train.is_text
    filters = model.convolution
    if filters is None:
        is_long = not train.is_text and np.median([len(item) for item in train.items]) >= _LONG
        changes["convolution"] = filters = _FILTERS if is_long else 0
    if not filters and model.kernel is not None:
        raise ConfigError("model.kernel: is of the convolution; set model.convolution too")
    if filters and model.kernel is None:
        changes["kernel"] = _WORDS if train.is_text else _SHAPE
    return model.model_copy(update=changes)


def decided_text(text: TextConfig, tokens: str, count: int) -> TextConfig:
    """The settings for `count` training texts, cut into these tokens.

    Words that occur once teach the vector of unknown ones; few texts have hardly any others.
    """
    are_many = tokens in _WHOLE_WORDS and count >= _FEW
    least = text.min_count or (2 if are_many else 1)
    return text.model_copy(update={"tokens": tokens, "min_count": least})


def decided_training(train: ClassifyTrain, count: int, is_text: bool) -> ClassifyTrain:
    """The settings with everything decided for `count` training examples.

    Numbers stand a larger learning rate than embeddings; few examples need more epochs, and more
    patience with a validation part that is small too.
    """
    said = train.model_fields_set
    changes: dict[str, Any] = {}
    if "learning_rate" not in said and not is_text:
        changes["learning_rate"] = 0.005
    batch = train.batch_size or _batch_size(count, is_text)
    epochs = train.max_epochs or min(_MOST, max(_FEWEST, round(_STEPS * batch / count)))
    changes |= {"batch_size": batch, "max_epochs": epochs}
    if "patience" not in said:
        changes["patience"] = max(train.patience, epochs // 3)
    return train.model_copy(update=changes)


def _batch_size(count: int, is_text: bool) -> int:
    """Few sequences of numbers go in small batches: else 60 epochs would be too few steps."""
    if is_text:
        return 32
    return 128 if count >= _MANY else 32 if count >= _FEW else 8
