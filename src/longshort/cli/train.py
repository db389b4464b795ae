"""`longshort train`: start a run, or resume one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli import run
from longshort.cli.screen import Screen, result_lines

NAME = "train"

Resume = Annotated[
    Path | None, typer.Option("--resume", help="Run folder to resume.", metavar="RUN")
]


def command(
    named: o.Named,
    data: o.Data = None,
    task: o.Task = None,
    resume: Resume = None,
    config: o.Config = None,
    sets: o.Set = None,
    out: o.Out = None,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train from a settings file (as written by `init`), or resume an interrupted run."""
    from longshort.errors import ConfigError

    with Screen(as_json=as_json, quiet=quiet) as screen:
        if resume is None:
            if config is None and data is None:
                raise ConfigError("train: give --config FILE, DATA, or --resume RUN")
            run.command(
                named=named,
                data=data,
                task=task,
                config=config,
                sets=sets,
                out=out,
                overwrite=overwrite,
                as_json=as_json,
                quiet=quiet,
            )
            return
        given = any(value is not None for value in named.values())
        if data or task or given or config or sets or out or overwrite:
            raise ConfigError(
                "train --resume: goes on with the run's own data and settings, so it takes no "
                "other option; start a new run to change them"
            )

        from longshort.runfolder import REPORT, resumable

        with resumable(resume):
            from longshort.runs import story  # here, since it takes a while

            scores = story.resume(resume, say=screen.say, listen=screen.listen)
        report = resume / REPORT
        screen.result(
            {"run": str(resume), "report": str(report), **scores},
            result_lines(scores, f"Report: {report}"),
        )
