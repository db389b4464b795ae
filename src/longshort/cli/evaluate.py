"""`longshort evaluate`: score a run on other data."""

from __future__ import annotations

from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen, table

NAME = "evaluate"

File = Annotated[str, typer.Option("--data", help="File with the truth.")]


def command(run: o.RunPath, data: File, as_json: o.Json = False, quiet: o.Quiet = False) -> None:
    """Score a trained run and its rivals on all windows of a file."""
    screen = Screen(as_json=as_json, quiet=quiet)

    from longshort import workflow
    from longshort.report.content import score_rows

    scores = workflow.evaluate(workflow.load(run), data, screen.say)
    screen.result(scores, [*table(score_rows(scores)), "", scores["verdict"]])
