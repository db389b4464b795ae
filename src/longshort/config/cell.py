"""Settings that choose the cell of a network's recurrent layers."""

from __future__ import annotations

from pydantic import Field

from longshort.config.section import Section

Option = bool | int | float | str | list[str]


class CellSettings(Section):
    """Base of a task's table `model` that names its cell."""

    cell: str = Field("lstm", description="cell of the network; `longshort cell` lists all")
    cell_options: dict[str, Option] = Field(
        {}, description="options of the cell, such as peephole = true"
    )
