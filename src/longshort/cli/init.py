"""`longshort init`: write a settings file that fits the data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

NAME = "init"

File = Annotated[Path, typer.Option("--out", "-o", help="Settings file to write.")]


def command(
    named: o.Named,
    data: o.Data = None,
    example: o.Example = None,
    task: o.Task = None,
    sets: o.Set = None,
    out: File = Path("longshort.toml"),
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Read the data, decide every setting, and write the settings to a file that you can change."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        settings = o.settings_of(data=data, example=example, sets=sets, task=task, named=named)

        from longshort.config import to_toml
        from longshort.errors import ConfigError
        from longshort.runfolder import write_atomic
        from longshort.runs import story

        if out.exists() and not overwrite:
            raise ConfigError(f"{out}: exists; give another --out or --overwrite")
        screen.working("reading the data and deciding settings")
        prepared = story.prepare(settings, None, screen.say)
        write_atomic(out, to_toml(prepared.config))
        screen.result(
            {"config": str(out)}, [f"wrote {out}; train with: longshort train --config {out}"]
        )
