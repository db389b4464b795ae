"""Pages from templates: one HTML file that opens offline, with everything inlined."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import jinja2


def render(name: str, content: dict[str, Any]) -> str:
    """The page of this template; a value that a template lacks is an error."""
    folder = files(__package__)
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda each: folder.joinpath(each).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(content)
