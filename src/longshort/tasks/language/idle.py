"""Settings of a language model that could not act."""

from __future__ import annotations

from longshort.config.language import LanguageConfig
from longshort.runs.unused import Unused, refuse_unused, unused_lowercase, unused_shares


def refuse_idle(config: LanguageConfig) -> None:
    """Raise `ConfigError` for a setting off its default that has nothing to do."""
    tokens = str(config.text.tokens)
    idle: Unused = unused_shares(config.data.val_path, config.data.test_path)
    refuse_unused(config, [*idle, *unused_lowercase(tokens)])
