"""`longshort export`: a finished run as a bundle that predicts without torch, or as code."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

NAME = "export"


class Form(StrEnum):
    """What is written."""

    BUNDLE = "bundle"
    C = "c"
    WEB = "web"
    ONNX = "onnx"


To = Annotated[
    Form,
    typer.Option(
        "--to",
        help="bundle: a file for longshort without torch; c: files of C99; web: one page that "
        "works from a file; onnx: a model for ONNX Runtime.",
    ),
]
Target = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="File to write, for C a folder; when absent, a name like the run's beside it.",
    ),
]
File = Annotated[
    str | None,
    typer.Option("--data", help="Samples that prove the export; the run's own test split if not."),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        min=1,
        help="Length of sequences that C and the page take whole; that of the longest one if not.",
        show_default=False,
    ),
]
Weights = Annotated[
    str,
    typer.Option(
        "--weights",
        help="Kind of recurrent weights: float32, bf16 or int8; in C and the page of all matrices.",
    ),
]


def command(
    run: o.RunOrBundle,
    to: To = Form.BUNDLE,
    out: Target = None,
    data: File = None,
    steps: Steps = None,
    weights: Weights = "float32",
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Write a finished run as one file that predicts without torch, or as code without Python."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.forms import default_path, export_as
        from longshort.tables import refuse_existing

        path = out or default_path(run, to)
        refuse_existing(path, overwrite, is_table=False)
        found = export_as(
            to, run, path, data, steps=steps, weights=weights, overwrite=overwrite, say=screen.say
        )
        screen.result({"path": str(path)} | found.facts, [f"{path}: {found.said}"])
