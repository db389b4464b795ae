"""Settings of a language model that could not act."""

from __future__ import annotations

from longshort.config.language import LanguageConfig
from longshort.tasks.idle import Idle, idle_lowercase, idle_shares, refuse_chosen


def refuse_idle(config: LanguageConfig) -> None:
    """Raise `ConfigError` for a setting off its default that has nothing to do."""
    tokens = str(config.text.tokens)
    idle: Idle = idle_shares(config.data.val_path, config.data.test_path)
    refuse_chosen(config, [*idle, *idle_lowercase(tokens)])
