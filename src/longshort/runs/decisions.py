"""Settings that were decided from the data."""

from __future__ import annotations

from collections.abc import Iterator

from longshort.config.section import Section
from longshort.config.training import BaseConfig

FILES = {"train": "path", "val": "val_path", "test": "test_path"}
"""Settings of the table `data` that name the files of the splits."""


def changed_settings(before: BaseConfig, after: BaseConfig) -> Iterator[str]:
    """Yield the settings whose values differ, as `key = value`.

    Paths of the splits' files are left out: they only become absolute.
    """
    for table, section in after:
        if not isinstance(section, Section):
            continue
        for name, value in section:
            is_path = table == "data" and name in FILES.values()
            if not is_path and value != getattr(getattr(before, table), name):
                shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
                yield f"{table}.{name} = {shown}"
