"""`longshort cell`: a cell's equations, their derivatives, and its parameters."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

if TYPE_CHECKING:
    from longshort.cells.named import CellEntry

NAME = "cell"

Name = Annotated[
    str | None,
    typer.Argument(help="Name of a cell; without it, all cells are listed.", show_default=False),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Option of the cell, such as --set peephole=true.", metavar="KEY=VALUE"
    ),
]
INPUT, HIDDEN, LARGEST = 10, 20, 1_000_000


def _size(name: str, letter: str, default: int) -> Any:
    about = f"{letter}, for shapes and counts."
    return typer.Option(name, help=about, min=1, max=LARGEST, show_default=str(default))


Input = Annotated[int | None, _size("--input-size", "I", INPUT)]
Hidden = Annotated[int | None, _size("--hidden-size", "H", HIDDEN)]
Latex = Annotated[bool, typer.Option("--latex", help="Print only the equations, in LaTeX.")]


def command(
    name: Name = None,
    sets: Sets = None,
    input_size: Input = None,
    hidden_size: Hidden = None,
    latex: Latex = False,
    as_json: o.Json = False,
) -> None:
    """List the cells, or show one: equations, backpropagation through time, parameters."""
    with Screen(as_json=as_json) as screen:
        from longshort.cells import Sizes
        from longshort.cells.describe import describe
        from longshort.cells.named import build_cell, list_cells
        from longshort.errors import ConfigError

        screen = Screen(as_json=as_json)
        if latex and as_json:
            raise ConfigError("--latex: --json has the equations for LaTeX too, as latex; give one")
        if name is None:
            if sets or latex or input_size or hidden_size:
                raise ConfigError(
                    "cell: give the name of a cell before --set, --latex, --input-size and "
                    "--hidden-size"
                )
            entries = list_cells()
            screen.result({"cells": [asdict(entry) for entry in entries]}, _listed(entries))
            return
        sizes = Sizes(input_size or INPUT, hidden_size or HIDDEN)
        card = describe(build_cell(name, _pairs(sets or [])), sizes)
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

    found: dict[str, str] = {}
    for text in sets:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise ConfigError(f"--set {text}: write KEY=VALUE, such as peephole=true")
        if key in found:
            raise ConfigError(f"--set {text}: {key} is {found[key]!r} already; give it once")
        found[key] = value
    return found
