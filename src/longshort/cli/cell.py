"""`longshort cell`: a cell's equations, their derivatives, and its parameters."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

if TYPE_CHECKING:
    from longshort.cells.describe import CellEntry

NAME = "cell"

Name = Annotated[
    str | None, typer.Argument(help="The cell; without it, all are listed.", show_default=False)
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", help="An option of the cell: --set peephole=true.", metavar="KEY=VALUE"),
]
Input = Annotated[int, typer.Option("--input-size", help="I, for shapes and counts.", min=1)]
Hidden = Annotated[int, typer.Option("--hidden-size", help="H, for shapes and counts.", min=1)]
Latex = Annotated[bool, typer.Option("--latex", help="Print the equations alone, for LaTeX.")]


def command(
    name: Name = None,
    sets: Sets = None,
    input_size: Input = 10,
    hidden_size: Hidden = 20,
    latex: Latex = False,
    as_json: o.Json = False,
) -> None:
    """List the cells, or show one: equations, backpropagation through time, parameters."""
    from longshort.cells import Sizes
    from longshort.cells.describe import build_cell, describe, list_cells
    from longshort.errors import ConfigError

    screen = Screen(as_json=as_json)
    if name is None:
        if sets or latex:
            raise ConfigError("cell: give the name of a cell before --set and --latex")
        entries = list_cells()
        screen.result({"cells": [asdict(entry) for entry in entries]}, _listed(entries))
        return
    card = describe(build_cell(name, _pairs(sets or [])), Sizes(input_size, hidden_size))
    screen.result(asdict(card), [card.latex] if latex else [str(card)])


def _listed(entries: list[CellEntry]) -> list[str]:
    name, description = (
        max(len(getattr(entry, column)) for entry in entries) for column in ("name", "description")
    )
    return [
        f"{entry.name:<{name}}  {entry.description:<{description}}  {entry.source}".rstrip()
        for entry in entries
    ]


def _pairs(sets: list[str]) -> dict[str, str]:
    from longshort.errors import ConfigError

    for text in sets:
        if "=" not in text:
            raise ConfigError(f"--set {text}: write KEY=VALUE, such as peephole=true")
    return {key.strip(): value.strip() for key, _, value in (text.partition("=") for text in sets)}
