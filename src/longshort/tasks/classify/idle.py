"""Settings that were chosen and could not act: they are refused rather than forgotten."""

from __future__ import annotations

from longshort.config.classify import ClassifyConfig
from longshort.data.labelled import Examples
from longshort.errors import ConfigError

_OF_TEXTS = (
    "text.tokens",
    "text.lowercase",
    "text.min_count",
    "text.max_vocab",
    "text.max_length",
    "model.embedding",
    "model.vectors",
    "model.word_dropout",
)
_OF_COLUMNS = ("text", "label", "id", "time")


def refuse_idle(config: ClassifyConfig, train: Examples) -> None:
    """Raise `ConfigError` for a setting off its default that these data give nothing to do."""
    idle: list[tuple[str, str]] = []
    if train.is_text:
        wanted = ["data.scaling", *(["model.summary"] if config.model.summary else [])]
        idle += [(key, f"is of numbers, and {train.name} holds texts") for key in wanted]
    else:
        idle += [(key, f"is of texts, and {train.name} holds numbers") for key in _OF_TEXTS]
    if train.read_as.get("format") != "idx":
        idle.append(("data.pixels", f"is of images in IDX files, and {train.name} is none"))
    for name in _OF_COLUMNS:
        if name not in train.read_as:
            idle.append((f"data.{name}", f"names a column that is not looked at in {train.name}"))
    if config.data.val_path is not None:
        idle.append(("split.val", "is the share of a part that has a file of its own"))
    if config.data.test_path is not None:
        idle.append(("split.test", "is the share of a part that has a file of its own"))
    for key, reason in idle:
        if _is_chosen(config, key):
            raise ConfigError(f"{key}: {reason}; leave it out")


def _is_chosen(config: ClassifyConfig, key: str) -> bool:
    """Whether a setting is off its default; files of settings write down the defaults too."""
    table, _, name = key.partition(".")
    section = getattr(config, table)
    return bool(getattr(section, name) != type(section).model_fields[name].default)
