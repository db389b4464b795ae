"""Settings without effect: they are refused rather than ignored."""

from __future__ import annotations

from collections.abc import Iterable

from longshort.config.section import Section
from longshort.config.strokes import StrokeSettings
from longshort.config.training import BaseConfig
from longshort.data.labelled import Examples
from longshort.errors import ConfigError

_OWN_CASE = ("bytes", "tokenizer")
Unused = list[tuple[str, str]]
"""Keys of settings, each with the reason why it has no effect."""


def refuse_unused(config: BaseConfig, unused: Iterable[tuple[str, str]]) -> None:
    """Raise `ConfigError` for the first of these settings that differs from its default."""
    for key, reason in unused:
        if _is_chosen(config, key):
            raise ConfigError(f"{key}: {reason}; leave it out")


def unused_shares(val_path: str | None, test_path: str | None) -> Unused:
    """Return the shares of splits that have files of their own."""
    paths = {"split.val": val_path, "split.test": test_path}
    reason = "is the share of a split that has a file of its own"
    return [(key, reason) for key, path in paths.items() if path is not None]


def unused_groups(train: Examples) -> Unused:
    """Return the settings of groups that are not there, or of labels where groups are."""
    if train.groups is None:
        return [("data.group", f"names what belongs together, and {train.name} does not say it")]
    return [("split.stratify", "is of examples that are drawn alone, and groups stay together")]


def unused_draw(val_path: str | None, test_path: str | None) -> Unused:
    """Return the settings of the random split, where no split is drawn."""
    if val_path is None or test_path is None:
        return []
    reason = "is of splits that are drawn, and all have files of their own"
    return [("split.stratify", reason), ("split.seed", reason)]


def unused_patch(train: Examples) -> Unused:
    """Return `model.patch`, where texts are read."""
    if not train.is_text:
        return []
    return [("model.patch", f"is of numbers, and {train.name} holds texts")]


def unused_strokes(train: Examples) -> Unused:
    """Return the settings of pen strokes, where there are none."""
    if train.read_as.get("format") == "strokes":
        return []
    reason = f"is of pen strokes, and {train.name} holds none"
    return [(f"data.{name}", reason) for name in StrokeSettings.model_fields]


def unused_lowercase(tokens: str) -> Unused:
    """Return `text.lowercase`, where tokens are bytes or a tokenizer file decides about case."""
    kind = tokens.partition(":")[0]
    return [("text.lowercase", f"is not of {kind} tokens")] if kind in _OWN_CASE else []


def _is_chosen(config: BaseConfig, key: str) -> bool:
    """Whether a setting differs from its default; settings files may spell out defaults."""
    table, _, name = key.partition(".")
    section: Section = getattr(config, table)
    return bool(getattr(section, name) != type(section).model_fields[name].default)
