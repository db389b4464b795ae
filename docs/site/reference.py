"""Pages of reference, derived from the code: public names, settings of every task, cells."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import isclass
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import longshort as ls
from longshort.cells import Sizes
from longshort.cells.describe import describe
from longshort.cells.named import build_cell, list_cells
from longshort.registry import TASKS

LIMITS = (("gt", "&gt;"), ("ge", "≥"), ("lt", "&lt;"), ("le", "≤"))
"""Limits of numbers by their names in pydantic."""


def pages() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each page."""
    yield "reference/api.md", api()
    yield "reference/layers.md", layers()
    yield "reference/cells.md", cells()
    for task in TASKS.own:
        yield f"reference/settings/{task}.md", settings(task)


def api() -> str:
    """Return the page of the names in `longshort`."""
    names = {name: getattr(ls, name) for name in ls.__all__}
    found = {name: each for name, each in names.items() if not isinstance(each, ModuleType)}
    parts = ["# Python\n\n`import longshort as ls` gives these names.\n"]
    parts += [f"::: {each.__module__}.{each.__qualname__}\n" for each in found.values()
              if hasattr(each, "__qualname__")]  # fmt: skip
    return "\n".join(parts)


def layers() -> str:
    """Return the page of `longshort.nn`."""
    named = [getattr(ls.nn, name) for name in ls.nn.__all__]
    parts = ["# Layers\n\n`ls.nn` has these layers and functions.\n"]
    parts += [f"::: {each.__module__}.{each.__qualname__}\n" for each in named if isclass(each)]
    return "\n".join(parts)


def cells() -> str:
    """Return the page with the equations of every cell."""
    parts = ["# Cells\n\nWhat `longshort cell NAME` prints, with 10 inputs and 20 units.\n"]
    for entry in list_cells():
        card = describe(build_cell(entry.name, {}), Sizes(10, 20))
        parts.append(f"## {entry.name}\n\n```text\n{card}\n```\n")
    return "\n".join(parts)


def settings(task: str) -> str:
    """Return the page of a task's settings, a table for each section."""
    config = TASKS.config(task)
    head = (
        f"# Settings of {task}\n\n"
        "Keys of `config.toml`; any is given by `--set section.key=value`, in Python by "
        '`settings={"section.key": value}`. '
        f"`longshort init --task {task}` writes all of them.\n"
    )
    return "\n".join([head, *_sections(config)])


def _sections(config: type[BaseModel]) -> Iterator[str]:
    for name, field in config.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            rows = [_row(f"{name}.{key}", each) for key, each in kind.model_fields.items()]
            head = "| setting | default | what | values | flag |\n|---|---|---|---|---|\n"
            yield f"## {name}\n\n{head}{''.join(rows)}"


def _row(key: str, field: FieldInfo) -> str:
    extra: Any = field.json_schema_extra
    flag = f"`{extra['flag']}`" if isinstance(extra, dict) and "flag" in extra else ""
    default = (
        "" if field.is_required() else f"`{_shown(field.get_default(call_default_factory=True))}`"
    )
    cells = (f"`{key}`", default, _plain(field.description or ""), _allowed(field), flag)
    return f"| {' | '.join(cells)} |\n"


def _allowed(field: FieldInfo) -> str:
    """Return the choices or the limits of a setting."""
    kinds = [field.annotation, *get_args(field.annotation)]
    choices = [each for kind in kinds if get_origin(kind) is Literal for each in get_args(kind)]
    if choices:
        return ", ".join(f"`{_shown(each)}`" for each in choices)
    limits = [(sign, getattr(each, name, None)) for each in field.metadata for name, sign in LIMITS]
    return ", ".join(f"{sign} {limit}" for sign, limit in limits if limit is not None)


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return ",".join(map(str, value)) or "()"
    if value is None or value == "":
        return "none" if value is None else '""'
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
