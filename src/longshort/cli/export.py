"""`longshort export`: a finished run as a bundle that predicts without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

NAME = "export"

Bundle = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File to write; RUN.longshort beside the run when absent."),
]
File = Annotated[
    str | None,
    typer.Option("--data", help="Samples that prove the export; the run's own test split if not."),
]


Weights = Annotated[
    str, typer.Option("--weights", help="Kind of recurrent weights: float32, bf16 or int8.")
]


def command(
    run: o.RunPath,
    out: Bundle = None,
    data: File = None,
    weights: Weights = "float32",
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Write a finished run as one file that predicts without torch, and prove that it does."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.exporting import export_run
        from longshort.tables import refuse_existing

        path = out or run.resolve().with_suffix(".longshort")
        refuse_existing(path, overwrite, is_table=False)
        proof = export_run(run, path, data, weights=weights, say=screen.say)
        said = (
            f"{path}: {path.stat().st_size / 1e6:.1f} MB; answers differ from the trained "
            f"network's by at most {proof.worst:.1g} in {proof.calls} recorded calls; use it with: "
            f"longshort predict {path} --data FILE"
        )
        found: dict[str, object] = {
            "path": str(path),
            "largest_difference": proof.worst,
            "calls": proof.calls,
            "rounding": proof.rounding,
        }
        screen.result(found, [said])
