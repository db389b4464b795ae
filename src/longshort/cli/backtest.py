"""`longshort backtest`: forecast accuracy over rolling origins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen, result_lines
from longshort.errors import counted

NAME = "backtest"

Windows = Annotated[int, typer.Option("--windows", help="Number of rolling origins.", min=1)]
Stride = Annotated[
    int | None,
    typer.Option("--stride", help="Steps between origins; by default the horizon.", min=1),
]
Refit = Annotated[
    bool,
    typer.Option("--refit/--reuse", help="Train anew at each origin, or once before the first."),
]
Table = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="CSV, Parquet or JSON-lines file for the long table."),
]


def command(
    named: o.Named,
    data: o.Data = None,
    example: o.Example = None,
    task: o.Task = None,
    windows: Windows = 5,
    stride: Stride = None,
    refit: Refit = False,
    config: o.Config = None,
    sets: o.Set = None,
    out: Table = None,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train and forecast from rolling origins; each forecast sees only data before its origin."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        settings = o.settings_of(
            data=data, example=example, config=config, sets=sets, task=task, named=named
        )

        from longshort.runfolder import write_atomic
        from longshort.runs.abilities import backtester
        from longshort.runs.story import task_of
        from longshort.tables import encode, refuse_existing

        refuse_existing(out, overwrite)
        found = backtester(task_of(settings)).backtest(
            settings,
            windows=windows,
            stride=stride,
            refit=refit,
            say=screen.say,
            listen=screen.listen,
        )
        if out is not None:
            write_atomic(out, encode(found.table, out, found.readable))
        where = [f"wrote {counted(found.table.height, 'row')} to {out}"] if out else []
        screen.result(
            {**found.scores, "rows": found.table.height, "out": str(out) if out else None},
            result_lines(found.scores, *where),
        )
