"""Rendering of templates to one HTML page without external files."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import jinja2

from longshort.report.svg import svg_of


def render(name: str, content: dict[str, Any]) -> str:
    """Return the page of this template; raises an error if `content` lacks a value."""
    folder = files(__package__)
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda each: folder.joinpath(each).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = svg_of
    return environment.get_template(name).render(content)
