"""Settings that were decided from the data."""

from __future__ import annotations

from collections.abc import Iterator

from longshort.config.section import Section
from longshort.config.training import BaseConfig

FILES = {"train": "path", "val": "val_path", "test": "test_path"}
"""Settings of `data` that name the files of the splits."""


def changed_settings(before: BaseConfig, after: BaseConfig) -> Iterator[str]:
    """Those that differ, as `key = value`; paths are made absolute, which is no decision."""
    for table, section in after:
        if not isinstance(section, Section):
            continue
        for name, value in section:
            is_path = table == "data" and name in FILES.values()
            if not is_path and value != getattr(getattr(before, table), name):
                shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
                yield f"{table}.{name} = {shown}"
