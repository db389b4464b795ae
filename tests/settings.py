"""Settings in the short ways that tests write them, as the nested ones that a run takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longshort.config import assign


def nested(settings: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Settings with dots, and changes whose dots are double underscores."""
    found: dict[str, Any] = {}
    written = {key.replace("__", "."): value for key, value in changes.items()}
    for key, value in {**settings, **written}.items():
        assign(found, key, value)
    return found


def with_changes(settings: Mapping[str, Any], path: Path | None, **changes: Any) -> dict[str, Any]:
    """A copy of nested settings with a data file, where one is given, and changes as above."""
    found = {
        key: dict(value) if isinstance(value, dict) else value for key, value in settings.items()
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        found.setdefault(section, {})[name] = value
    if path is not None:
        found.setdefault("data", {})["path"] = str(path)
    return found
