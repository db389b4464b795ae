"""Settings decided by the data, and those without effect."""

from __future__ import annotations

from pathlib import Path

from longshort.data.splits import Splits
from longshort.runs.unused import unused_shares
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.encoder import Tokens
from longshort.tasks.read.samples import Lines

_HIDDEN = ((200, 64), (10**12, 128))
"""Units of a layer in each direction, up to so many training lines."""
_BATCH = ((1_000, 4), (4_000, 8), (10**12, 16))
"""Lines per step, up to so many training lines."""
_STEPS = 5_000
_FEWEST, _MOST = 15, 100
"""Steps of training, and bounds of the epochs that they make."""


def decided(config: ReadConfig, train: Lines) -> ReadConfig:
    """Return the config with every open setting decided by the training lines."""
    count, model, training = len(train), config.model, config.train
    hidden = model.hidden or next(units for most, units in _HIDDEN if count <= most)
    batch = training.batch_size or next(lines for most, lines in _BATCH if count <= most)
    epochs = min(_MOST, max(_FEWEST, round(_STEPS * batch / count)))
    data: dict[str, str] = {"kind": train.kind}
    if config.data.images is not None:
        data["images"] = str(Path(config.data.images).absolute())
    return config.model_copy(
        update={
            "data": config.data.model_copy(update=data),
            "text": config.text.model_copy(update={"tokens": tokens_of(config, train)}),
            "model": model.model_copy(update={"hidden": hidden}),
            "train": training.model_copy(
                update={"batch_size": batch, "max_epochs": training.max_epochs or epochs}
            ),
        }
    )


def tokens_of(config: ReadConfig, train: Lines) -> Tokens:
    """Return what is read one by one: symbols where strokes have texts like those of LaTeX."""
    if config.text.tokens is not None:
        return config.text.tokens
    is_formula = train.kind == "strokes" and any("\\" in text for text in train.texts or [])
    return "symbols" if is_formula else "characters"


def unused(config: ReadConfig, splits: Splits[Lines]) -> list[tuple[str, str]]:
    """Return keys of settings without effect, each with the reason."""
    data, write = config.data, config.write
    found = unused_shares(data.val_path, data.test_path)
    if splits.train.kind == "strokes":
        reason = "is of pictures, and strokes are read"
        keys = ("image.height", "image.straighten", "model.channels", "model.picture_dropout")
        found += [(key, reason) for key in (*keys, "data.images")]
    if config.model.head == "ctc":
        keys = ("length_penalty", "no_repeat", "min_length", "max_length")
        found += [(f"write.{key}", "is of model.head = attention") for key in keys]
        if write.beam == 1:
            found.append(("write.order", "is of a search, and write.beam is 1"))
    else:
        found.append(("write.order", "is of model.head = ctc"))
        if write.beam == 1:
            found.append(("write.length_penalty", "is of a search, and write.beam is 1"))
    return found
