"""`longshort predict`: continue each series past its end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

NAME = "predict"

File = Annotated[str | None, typer.Option("--data", help="File to continue; the run's own.")]
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
    """Forecast every series past its end, in the data's own units."""
    screen = Screen(as_json=as_json, quiet=quiet)

    from longshort.errors import DataError
    from longshort.tables import encode, refuse_existing
    from longshort.workflow import forecast

    refuse_existing(out, overwrite)
    found = forecast.predict_ahead(forecast.load(run), data, horizon, screen.say)
    for name, reason in found.skipped.items():
        screen.say(f"left out: {name}: {reason}")
    for note in found.notes:
        screen.say(f"note: {note}")
    if found.table.is_empty():
        first = next(iter(found.skipped.items()), ("data", "no series"))
        raise DataError(f"no series could be forecast; {first[0]}: {first[1]}")
    if out is not None:
        from longshort.runfolder import write_atomic

        write_atomic(out, encode(found.table, out))
    summary = {"rows": found.table.height, "skipped": found.skipped, "notes": list(found.notes)}
    if as_json and out is None:
        summary["forecast"] = found.table.with_columns(
            found.table.to_series(i).cast(str)
            for i, dtype in enumerate(found.table.dtypes)
            if dtype.is_temporal()
        ).to_dicts()
    lines = (
        [found.table.write_csv().rstrip("\n")]
        if out is None
        else ([f"wrote {found.table.height:,} rows to {out}"])
    )
    screen.result(summary | ({"out": str(out)} if out else {}), lines)
