"""`longshort compare`: cells, or values of any setting, compared so that it can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen, table

NAME = "compare"

Cells = Annotated[
    str | None, typer.Option("--cells", help="Cells to compare, such as rnn,lstm,gru.")
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        help="Any setting with its values instead, such as train.optimizer=adamw,sgd.",
        metavar="KEY=A,B",
    ),
]
Pairs = Annotated[
    int | None,
    typer.Option(
        "--pairs", help="Draws of seed, order and split; by default the fewest for a claim."
    ),
]
Rates = Annotated[
    str | None,
    typer.Option(
        "--rates",
        help="Learning rates to try, such as 0.001,0.01; one is taken as it is. By default five "
        "over two decades.",
    ),
]
TuneShare = Annotated[
    float, typer.Option("--tune-share", help="Share of the epochs for trying a learning rate.")
]
TuneOnce = Annotated[
    bool,
    typer.Option("--tune-once", help="Choose learning rates in the first pair for all: cheaper."),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        help="Setting that is solved for equal parameters, or none; model.hidden for cells.",
    ),
]
Longer = Annotated[str | None, typer.Option("--longer", help="File of longer samples, scored too.")]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder; goes on if it has this comparison.")
]


def command(
    named: o.Named,
    data: o.Data = None,
    example: o.Example = None,
    task: o.Task = None,
    cells: Cells = None,
    vary: Vary = None,
    pairs: Pairs = None,
    rates: Rates = None,
    tune_share: TuneShare = 0.25,
    tune_once: TuneOnce = False,
    size: Size = None,
    longer: Longer = None,
    config: o.Config = None,
    sets: o.Set = None,
    out: Out = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Compare cells or settings: equal parameters, tuned learning rates, paired seeds."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        settings = o.settings_of(
            data=data, example=example, config=config, sets=sets, task=task, named=named
        )

        from longshort.runfolder import free_folder
        from longshort.tuning.compare import PAGE, compare
        from longshort.tuning.compare_page import summary_rows, test_rows
        from longshort.tuning.compare_plan import How, arms_of, parse_numbers, parse_vary

        split = None if cells is None else [each.strip() for each in cells.split(",")]
        arms = arms_of(split, parse_vary(vary or []))
        how = How(
            pairs=pairs,
            rates=None if rates is None else parse_numbers(rates),
            tune_share=tune_share,
            tune_once=tune_once,
            size=size,
            longer=longer,
        )
        folder = out or free_folder(Path("runs"), "compare")
        found = compare(settings, arms, folder, how=how, say=screen.say, listen=screen.listen)
        lines = [
            "",
            *table(summary_rows(found)),
            "",
            *table(test_rows(found)),
            "",
            *(f"note: {text}" for text in found["notes"]),
            "",
            found["verdict"],
            f"Page: {folder / PAGE}",
        ]
        screen.result({"out": str(folder), "page": str(folder / PAGE), **found}, lines)
