"""Settings of a tagging that could not act."""

from __future__ import annotations

from longshort.config.tag import TagConfig
from longshort.data.conll import Tagged
from longshort.data.splits import Splits
from longshort.tasks.idle import Idle, idle_draw, idle_shares, refuse_chosen

_OF_SPELLING = ("character_model", "character_embedding", "kernel")


def refuse_idle(config: TagConfig, parts: Splits[Tagged]) -> None:
    """Raise `ConfigError` for a setting off its default that has nothing to do.

    The settings are those with everything decided.
    """
    files = config.data.val_path, config.data.test_path
    refuse_chosen(
        config, [*idle_shares(*files), *idle_draw(*files), *_reading(parts), *_spelling(config)]
    )


def _reading(parts: Splits[Tagged]) -> Idle:
    formats = {source.read_as for source in parts.by_name().values()}
    idle: Idle = []
    if "conll" not in formats:
        reason = f"is of files in columns, and {parts.train.name} is none"
        idle += [("data.token_column", reason), ("data.tag_column", reason)]
    if "table" not in formats:
        reason = f"is of tables, and {parts.train.name} is none"
        idle += [(f"data.{name}", reason) for name in ("sentence", "token", "tag")]
    if all(source.path is None for source in parts.by_name().values()):
        reason = f"is of files, and {parts.train.name} are none"
        idle += [("data.format", reason), ("data.strip_position", reason)]
    return idle


def _spelling(config: TagConfig) -> Idle:
    model = config.model
    if not model.characters:
        reason = "is of what reads the spelling, and model.characters is 0"
        return [(f"model.{name}", reason) for name in _OF_SPELLING]
    if model.character_model == "lstm":
        return [("model.kernel", "is of the filters, and model.character_model is 'lstm'")]
    return []
