"""Settings of what is made of pen strokes before a network reads them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from longshort.config.section import Section

Size = Literal["box", "height", "stroke"]


class StrokeSettings(Section):
    """Part of a task's table `data` on pen strokes."""

    spacing: float = Field(
        0.1,
        gt=0.0,
        le=10.0,
        description="distance of the points along pen strokes after resampling, where their size "
        "is 1",
    )
    size: Size = Field(
        "box",
        description="what of pen strokes becomes 1: the longer side of the box around them, its "
        "height, or the mean longer side of a stroke",
    )
    upright: bool = Field(False, description="take the slant out of pen strokes")
