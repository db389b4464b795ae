"""Which cell the recurrent layers of a network are made of."""

from __future__ import annotations

from pydantic import Field

from longshort.config.section import Section

Option = bool | int | float | str | list[str]


class CellSettings(Section):
    """The part of a network's settings that names its cell."""

    cell: str = Field("lstm", description="any that `longshort cell` lists")
    cell_options: dict[str, Option] = Field({}, description="of the cell, such as peephole = true")
