"""`longshort check`: the data doctor."""

from __future__ import annotations

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

NAME = "check"


def command(
    named: o.Named,
    data: o.Data = None,
    example: o.Example = None,
    task: o.Task = None,
    config: o.Config = None,
    sets: o.Set = None,
    as_json: o.Json = False,
) -> None:
    """Check the data for errors and leakage.

    Exit code 0: nothing found, 1: findings, 2: unreadable.
    """
    with Screen(as_json=as_json) as screen:
        settings = o.settings_of(
            data=data, example=example, config=config, sets=sets, task=task, named=named
        )

        from longshort.runs import story

        screen.working("reading the data")
        findings = story.check(settings, say=screen.say)
        path = settings["data"]["path"]
        lines = []
        for finding in findings:
            lines.append(f"{finding.severity} [{finding.code}] {finding.message}")
            lines += [f"    {place}" for place in finding.where]
            if finding.fix:
                lines.append(f"    fix: {finding.fix}")
        screen.result(
            {"data": path, "findings": [finding.to_dict() for finding in findings]},
            lines or [f"{path}: nothing found"],
        )
        if findings:
            raise typer.Exit(1)
