"""Settings of a network's recurrent layers: cell, initial weights, and segments of time."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, StrictBool, field_validator, model_validator

from longshort.config.section import Section

Option = bool | int | float | str | list[str]
_INIT = re.compile(r"recommended|torch|chrono(:\d+)?")


class CellSettings(Section):
    """Base of a task's table `model` that names its cell."""

    cell: str = Field("lstm", description="cell of the network; `longshort cell` lists all")
    cell_options: dict[str, Option] = Field(
        {}, description="options of the cell, such as peephole = true"
    )
    init: str = Field(
        "recommended",
        description="initial weights of the recurrent layers: recommended, torch, or chrono, which "
        "lets gates remember from the start, over up to the steps of the longest training sequence "
        "or over T steps as chrono:T",
    )
    checkpoint: StrictBool | Annotated[int, Field(ge=2)] = Field(
        False,
        description="keep the states of the recurrent layers at the borders of segments only, and "
        "compute the rest anew in the backward pass: the same gradients with the memory of one "
        "segment, for one more forward pass (about a third of the time); true for segments of the "
        "square root of the steps, or their length",
    )

    @field_validator("init")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if not _INIT.fullmatch(value):
            raise ValueError(
                f"recommended, torch, chrono or chrono:T is expected, such as chrono:500, got "
                f"{value!r}"
            )
        return value


class TruncatedSettings(CellSettings):
    """Settings of layers that may read sequences longer than gradients have to flow."""

    truncate: int | None = Field(
        None,
        ge=2,
        description="steps over which gradients flow back; states are handed on over more, but "
        "nothing is learned across the border of such a segment; all steps when absent",
    )

    @model_validator(mode="after")
    def _segments_once(self) -> TruncatedSettings:
        if self.truncate is not None and self.checkpoint:
            raise ValueError(
                "truncate computes its segments anew already; set truncate or checkpoint, not both"
            )
        return self
