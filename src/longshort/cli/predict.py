"""`longshort predict`: continue each series past its end, label each text, or tag its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen
from longshort.cli.stdin import lines as stdin_lines
from longshort.errors import ConfigError

NAME = "predict"

File = Annotated[
    str | None,
    typer.Option("--data", help="File: the run's own series when absent, or texts from stdin."),
]
Ahead = Annotated[int | None, typer.Option("--horizon", help="Steps; the run's own.")]
Table = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", help="CSV, Parquet or JSON-lines file to write; stdout as CSV without."
    ),
]


def command(
    run: o.RunPath,
    data: File = None,
    horizon: Ahead = None,
    out: Table = None,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Use a run on new data: forecast every series past its end, label every text, or tag it."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.tables import refuse_existing
        from longshort.workflow.job import open_run

        refuse_existing(out, overwrite)
        _, config, _ = open_run(run)
        if config.task == "forecast":
            _forecast(screen, run, data, horizon, out)
        elif config.task == "lm":
            raise ConfigError(f"{run}: is a language model; use `longshort generate {run}`")
        else:
            if horizon is not None:
                raise ConfigError(
                    f"--horizon: is for forecasts, {run} is of the task {config.task!r}"
                )
            _any(screen, run, data, out)


def _any(screen: Screen, run: Path, data: str | None, out: Path | None) -> None:
    from longshort.runs.trained import load
    from longshort.tables import encode, readable

    trained = load(run)
    if data is None:
        trained.refuse_lines()
    if data is None and out is None and not screen.as_json:
        for number, line in enumerate(stdin_lines(), 1):
            print(trained.line(line, number, screen.say), flush=True)
        return
    samples = (
        trained.read(data, screen.say)
        if data
        else trained.read_lines(list(stdin_lines()), 1, screen.say)
    )
    table = trained.table(samples)
    if out is not None:
        from longshort.runfolder import write_atomic

        write_atomic(out, encode(table, out, readable(table)))
    shown = readable(table).write_csv().rstrip("\n")
    lines = [shown if out is None else f"wrote {len(table):,} rows to {out}"]
    found = trained.task.json(table) if out is None else {"out": str(out)}
    screen.result({"rows": len(table), **found}, lines)


def _forecast(
    screen: Screen, run: Path, data: str | None, horizon: int | None, out: Path | None
) -> None:
    from longshort.errors import DataError
    from longshort.tables import encode
    from longshort.workflow import forecast

    found = forecast.load(run).predict_ahead(data, horizon, screen.say)
    for name, reason in found.skipped.items():
        screen.say(f"left out: {name}: {reason}")
    for note in found.notes:
        screen.say(f"note: {note}")
    if found.table.is_empty():
        first = next(iter(found.skipped.items()), ("data", "no series"))
        raise DataError(f"no series could be forecast; {first[0]}: {first[1]}")
    if out is not None:
        from longshort.runfolder import write_atomic

        write_atomic(out, encode(found.table, out, found.readable))
    summary = {"rows": found.table.height, "skipped": found.skipped, "notes": list(found.notes)}
    if screen.as_json and out is None:
        summary["forecast"] = found.table.with_columns(
            found.table.to_series(i).cast(str)
            for i, dtype in enumerate(found.table.dtypes)
            if dtype.is_temporal()
        ).to_dicts()
    lines = (
        [found.readable.write_csv().rstrip("\n")]
        if out is None
        else ([f"wrote {found.table.height:,} rows to {out}"])
    )
    screen.result(summary | ({"out": str(out)} if out else {}), lines)
