"""Settings decided by the data, and those without effect."""

from __future__ import annotations

from pathlib import Path

from longshort.config.audio import AudioSettings
from longshort.runs.unused import unused_shares
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.samples import Utterances

_HIDDEN = ((300, 64), (3_000, 128), (10**12, 320))
"""Units of a layer up to so many utterances."""
_BATCHES, _FEWEST, _MOST = 6_000, 10, 200
"""Batches of training, and bounds of the epochs that they make."""
_ORDERS = {"characters": 6, "words": 3}
_OF_GIVEN = ("normalise", "deltas", "hop")
"""Settings of sound that features have too which are given as arrays."""


def decided(config: TranscribeConfig, train: Utterances) -> TranscribeConfig:
    """Return the config with every open setting decided by the training utterances."""
    model, training, language = config.model, config.train, config.language
    hidden = model.hidden or next(units for most, units in _HIDDEN if len(train) <= most)
    batches = max(1, len(train) // training.batch_size)
    epochs = training.max_epochs or min(_MOST, max(_FEWEST, round(_BATCHES / batches)))
    order = language.order or _ORDERS.get(language.kind)
    rate = config.audio.rate if train.rate is None else train.rate
    return config.model_copy(
        update={
            "data": _whole_paths(config),
            "audio": config.audio.model_copy(update={"rate": rate}),
            "model": model.model_copy(update={"hidden": hidden}),
            "language": language.model_copy(update={"order": order, "path": _whole(language.path)}),
            "train": training.model_copy(update={"max_epochs": epochs}),
        }
    )


def unused(config: TranscribeConfig, train: Utterances) -> list[tuple[str, str]]:
    """Return the keys of settings without effect, with the reasons."""
    found = unused_shares(config.data.val_path, config.data.test_path)
    if train.rate is None:
        names = [name for name in AudioSettings.model_fields if name not in _OF_GIVEN]
        found += [(f"audio.{name}", "is of recordings, and features are given") for name in names]
    else:
        found += [("data.width", "is of files of Sphinx"), ("data.features", "is of features")]
        if config.audio.features == "mel":
            found += [("audio.coefficients", "is of audio.features = mfcc")]
    if train.speakers is None:
        found += [("split.by_speaker", "needs a column of speakers")]
    if config.language.kind == "none":
        found += [
            (f"{name}", "is of a language model; choose --lm characters or words")
            for name in ("language.path", "language.order", "write.alpha", "write.beta")
        ]
    elif config.write.beam == 1:
        found += [("language.kind", "is asked by a beam search, and write.beam is 1")]
    if config.model.head == "ctc":
        of_other = ("model.predictor", "model.joint", "write.symbols", "train.alone")
        found += [(name, "is of model.head = transducer") for name in of_other]
    return found


def _whole_paths(config: TranscribeConfig) -> object:
    data = config.data
    return data.model_copy(update={"root": _whole(data.root), "features": _whole(data.features)})


def _whole(path: str | None) -> str | None:
    """Return a path that holds from any folder."""
    return None if path is None else str(Path(path).absolute())
