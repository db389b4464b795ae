"""Settings that have no effect on a tagging run."""

from __future__ import annotations

from longshort.data.splits import Splits
from longshort.runs.unused import Unused, unused_draw, unused_shares
from longshort.tasks.tag.config import TagConfig
from longshort.tasks.tag.conll import Tagged

_OF_SPELLING = ("character_model", "character_embedding", "kernel")


def unused_settings(config: TagConfig, splits: Splits[Tagged]) -> Unused:
    """Return the keys of settings without effect, each with the reason; config: all decided."""
    files = config.data.val_path, config.data.test_path
    return [*unused_shares(*files), *unused_draw(*files), *_reading(splits), *_spelling(config)]


def _reading(splits: Splits[Tagged]) -> Unused:
    formats = {source.read_as for source in splits.by_name().values()}
    found: Unused = []
    if "conll" not in formats:
        reason = f"is of files in columns, and {splits.train.name} is none"
        found += [("data.token_column", reason), ("data.tag_column", reason)]
    if "table" not in formats:
        reason = f"is of tables, and {splits.train.name} is none"
        found += [(f"data.{name}", reason) for name in ("sentence", "token", "tag")]
    if all(source.path is None for source in splits.by_name().values()):
        reason = f"is of files, and {splits.train.name} are none"
        found += [("data.format", reason), ("data.strip_position", reason)]
    return found


def _spelling(config: TagConfig) -> Unused:
    model = config.model
    if not model.characters:
        reason = "is of what reads the spelling, and model.characters is 0"
        return [(f"model.{name}", reason) for name in _OF_SPELLING]
    if model.character_model == "lstm":
        return [("model.kernel", "is of the filters, and model.character_model is 'lstm'")]
    return []
