"""Rendering of templates to one HTML page without external files."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup, escape

from longshort.errors import counted
from longshort.report.svg import svg_of

_BACKTICKS = re.compile("`([^`]+)`")


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
    environment.filters |= {"svg": svg_of, "code": _code, "counted": counted}
    return environment.get_template(name).render(content)


def _code(text: str) -> Markup:
    """Return text with what stands in backticks as code, the rest escaped."""
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))
