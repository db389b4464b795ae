"""Settings decided by the data: sizes, tokens, the amount of training; and those without effect."""

from __future__ import annotations

from pathlib import Path

from longshort.errors import ConfigError
from longshort.runs.unused import unused_shares
from longshort.tasks.caption.config import CaptionConfig, CaptionData
from longshort.tasks.caption.networks import is_of_torchvision
from longshort.tasks.caption.samples import Captioned

_HIDDEN = ((2_000, 64), (10_000, 192), (10**12, 320))
"""Units of the decoder up to so many captions."""
_STEPS = 1_900
_FEWEST, _MOST = 5, 60
"""Steps of training, and bounds of the epochs that they make."""


def decided(config: CaptionConfig, train: Captioned) -> CaptionConfig:
    """Return the config with every open setting decided by the training images."""
    captions, model, training = len(train.captions), config.model, config.train
    hidden = model.hidden or next(units for most, units in _HIDDEN if captions <= most)
    batch = training.batch_size or (128 if captions > 5_000 else 16)
    epochs = min(_MOST, max(_FEWEST, round(_STEPS / max(1, captions // batch))))
    sized = {
        "hidden": hidden,
        "embedding": model.embedding or max(32, 4 * hidden // 5),
        "attention": _attention(config, train),
    }
    least = 5 if captions >= 10_000 else 2 if captions >= 500 else 1
    amount = {"batch_size": batch, "max_epochs": training.max_epochs or epochs}
    return config.model_copy(
        update={
            "data": _whole_paths(config.data),
            "model": model.model_copy(update=sized),
            "train": training.model_copy(update=amount),
            "text": config.text.model_copy(update={"min_count": config.text.min_count or least}),
        }
    )


def unused(config: CaptionConfig) -> list[tuple[str, str]]:
    """Return keys of settings of an attention, a beam or words that are not there, with reasons."""
    model, found = config.model, unused_shares(config.data.val_path, config.data.test_path)
    if model.attention == "none":
        found += [
            (f"model.{name}", "is of an attention") for name in ("attention_size", "placement")
        ]
        found += [("train.spread_weight", "is of an attention")]
        found += [("evaluate.without_attention", "there is no attention")]
    elif model.attention != "additive":
        found += [("model.attention_size", "is of attention = additive")]
    if config.write.beam == 1:
        found += [("write.length_penalty", "is of a beam, and write.beam is 1")]
    if not config.train.scheduled_sampling:
        found += [("train.sampling_schedule", "needs train.scheduled_sampling")]
    if config.text.tokens == "subwords":
        found += [("text.min_count", "is of words and characters")]
    return found


def _attention(config: CaptionConfig, train: Captioned) -> str:
    """Return the attention that is asked for; the usual one needs features of places."""
    asked = config.model.attention
    if train.features.places is not None or asked == "none":
        return asked
    if asked != type(config.model).model_fields["attention"].default:
        raise ConfigError(
            f"model.attention: {asked!r} attends to places of an image, and there are only "
            "features of whole images; give --features, or leave it out"
        )
    return "none"


def _whole_paths(data: CaptionData) -> CaptionData:
    """Return the settings with absolute paths, so that the run works from any folder.

    Where the data are a folder, that is the folder of the images.
    """
    if data.images is None and data.path is not None and Path(data.path).is_dir():
        data = data.model_copy(update={"images": data.path})
    names = ("features", "global_features", "encoder", "images")
    paths = {name: getattr(data, name) for name in names}
    if is_of_torchvision(data.encoder):
        del paths["encoder"]
    whole = {name: str(Path(path).absolute()) for name, path in paths.items() if path is not None}
    return data.model_copy(update=whole)
