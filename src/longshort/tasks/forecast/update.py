"""A config with some values of one section changed."""

from __future__ import annotations

from typing import Any

from longshort.tasks.forecast.config import ForecastConfig


def update(config: ForecastConfig, section: str, changes: dict[str, Any]) -> ForecastConfig:
    """The same with `changes` in a section."""
    changed = getattr(config, section).model_copy(update=changes)
    return config.model_copy(update={section: changed})
