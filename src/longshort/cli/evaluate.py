"""`longshort evaluate`: score a run on other data."""

from __future__ import annotations

from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen, result_lines

NAME = "evaluate"

File = Annotated[str, typer.Option("--data", help="File with labels or true values.")]
TargetFile = Annotated[
    str | None,
    typer.Option(
        "--target-file", help="File of the targets, where they are lines of a file of their own."
    ),
]
Training = Annotated[
    bool,
    typer.Option("--include-training", help="Score the run's training and validation splits too."),
]


def command(
    run: o.RunPath,
    data: File,
    target_file: TargetFile = None,
    include_training: Training = False,
    encoding: o.Encoding = None,
    sets: o.SetData = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Score a trained run and its baselines on data that they were not trained on."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.trained import load

        screen.working("scoring the run")
        trained = load(run).reading(o.reading_of(encoding, sets, target_file))
        scores = trained.evaluate(data, include_training=include_training, say=screen.say)
        screen.result(scores, result_lines(scores))
