"""`longshort run`: from data to a trained and evaluated model with a report."""

from __future__ import annotations

from pathlib import Path

from longshort.cli import options as o
from longshort.cli.screen import Screen, result_lines

NAME = "run"


def command(
    named: o.Named,
    data: o.Data = None,
    example: o.Example = None,
    task: o.Task = None,
    config: o.Config = None,
    sets: o.Set = None,
    out: o.Out = None,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Check the data, split, train, evaluate beside the baselines, and write a report."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        settings = o.settings_of(
            data=data, example=example, config=config, sets=sets, task=task, named=named
        )

        from longshort.runfolder import REPORT, free_folder
        from longshort.runs import story

        table = settings.get("data")
        source = str((table.get("path") if isinstance(table, dict) else None) or "data")
        folder = out or free_folder(Path("runs"), Path(source).name.split(".")[0])
        scores = story.run(
            settings, folder, overwrite=overwrite, say=screen.say, listen=screen.listen
        )
        report = folder / REPORT
        screen.result(
            {"run": str(folder), "report": str(report), **scores},
            result_lines(scores, f"Report: {report}"),
        )
