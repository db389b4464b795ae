"""A config with some values of one section changed."""

from __future__ import annotations

from typing import Any

from longshort.config import RunConfig


def update(config: RunConfig, section: str, changes: dict[str, Any]) -> RunConfig:
    """The same with `changes` in a section."""
    changed = getattr(config, section).model_copy(update=changes)
    return config.model_copy(update={section: changed})
