"""Settings decided by the data, and those without effect."""

from __future__ import annotations

from longshort.data.splits import Splits
from longshort.errors import ConfigError
from longshort.runs.unused import unused_shares
from longshort.tasks.frames.clips import Windows
from longshort.tasks.frames.config import FramesConfig

_PATCHES = ((48, 4), (16, 2))
"""Smallest side of frames from which so many pixels become a place's channels."""
_STEPS, _FEWEST, _MOST = 1_500, 3, 60
"""Steps of training, and bounds of the epochs that they make."""
_SCALES = ((8, 2),)
"""Places along the smallest side of a map from which there are so many scales."""
_LARGE = 64
"""Smallest side of frames from which a network is wide."""


def decided(config: FramesConfig, splits: Splits[Windows]) -> FramesConfig:
    """Return the config with every open setting decided by the training windows.

    Raises `ConfigError` for a crop that does not fit the frames.
    """
    train, model, training = splits.train, config.model, config.train
    rows, columns, _ = train.shape
    side = min(rows, columns)
    patch = model.patch or next((size for least, size in _PATCHES if side >= least), 1)
    places = side // patch
    scales = model.scales or next((n for least, n in _SCALES if places >= least), 1)
    _check_crop(training.crop, side, patch * 2 ** (scales - 1))
    batches = max(1, -(-len(train) // training.batch_size))
    epochs = min(_MOST, max(_FEWEST, round(_STEPS / batches)))
    changes = {"inputs": train.inputs, "outputs": train.outputs, "patch": patch, "scales": scales}
    hidden = model.hidden or (32 if side < _LARGE else 48)
    amount = {"max_epochs": training.max_epochs or epochs}
    return config.model_copy(
        update={
            "model": model.model_copy(update={**changes, "hidden": hidden}),
            "train": training.model_copy(update=amount),
            "data": config.data.model_copy(update={"step": config.data.step or train.apart}),
        }
    )


def _check_crop(crop: int | None, side: int, whole: int) -> None:
    if crop is not None and (crop > side or crop % whole):
        raise ConfigError(
            f"train.crop: a multiple of {whole} (model.patch of the last of model.scales) up to "
            f"{side}, the shorter side of the frames, is expected, got {crop}"
        )


def unused(config: FramesConfig) -> list[tuple[str, str]]:
    """Return the settings without effect, each with the reason."""
    found = unused_shares(config.data.val_path, config.data.test_path)
    found += [("model.checkpoint", "is of layers over sequences, and these are over maps")]
    if config.model.outputs == 1:
        found += [("train.true_frames", "is of the forecaster's inputs, and one frame needs none")]
    return found
