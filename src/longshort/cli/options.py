"""Options that several commands share, and the settings that result from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from longshort.data.examples import EXAMPLES

Data = Annotated[
    str | None,
    typer.Argument(help="CSV, TSV, Parquet, JSON lines or text, also gzip.", show_default=False),
]
Example = Annotated[
    str | None, typer.Option("--example", help=f"Example data instead: {', '.join(EXAMPLES)}.")
]
Task = Annotated[
    str | None,
    typer.Option(
        "--task",
        help="Task to learn; --task NAME --help shows the flags of that task.",
        show_default="forecast",
    ),
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", help="Encoding of the file, such as cp1252.")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file, as written by `init`.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting, such as --set model.hidden=128.", metavar="KEY=VALUE"),
]
SetData = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Setting for reading this file, such as data.timezone=UTC.",
        metavar="data.KEY=VALUE",
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Run folder; by default a new one in runs/.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing --out.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only warnings and the result.")]
RunPath = Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")]
RunOrBundle = Annotated[
    Path, typer.Argument(help="Run folder, or a bundle of `export`.", metavar="RUN")
]

Named = dict[str, object]
"""Settings that were given as flags, by dotted key; None where a flag was not given."""


def settings_of(
    *,
    data: str | None = None,
    example: str | None = None,
    task: str | None = None,
    config: Path | None = None,
    sets: list[str] | None = None,
    named: Named | None = None,
) -> dict[str, Any]:
    """Merge settings into nested tables; of one key the later wins: file, example, flags, --set."""
    from longshort.config import assign, parse_assignments, read_toml
    from longshort.errors import ConfigError

    settings: dict[str, Any] = read_toml(config) if config else {}
    if example is not None:
        from longshort.data.examples import example as find

        if data is not None:
            raise ConfigError(f"give a file or --example, not both: {data!r}, {example!r}")
        path, chosen = find(example)
        _refuse_other_task(example, chosen, task)
        for key, value in {"data.path": str(path), **chosen}.items():
            assign(settings, key, value)
    if data is not None:
        assign(settings, "data.path", data)
    for key, value in {"task": task, **(named or {})}.items():
        if value is not None:
            assign(settings, key, value)
    for key, value in parse_assignments(sets or []).items():
        assign(settings, key, value)
    return settings


def _refuse_other_task(name: str, chosen: Mapping[str, Any], task: str | None) -> None:
    """Raise `ConfigError` where an example is of another task than the one asked for."""
    from longshort.errors import ConfigError
    from longshort.registry import TASKS

    own = chosen.get("task", TASKS.usual)
    if task is None or task == own:
        return
    others = [each for each, its in EXAMPLES.items() if its.get("task", TASKS.usual) == task]
    instead = f"one of {task} ({', '.join(others)})" if others else "a file of your own"
    raise ConfigError(
        f"--example {name}: is of the task {own!r}, and --task says {task!r}; leave --task out, or "
        f"give {instead}"
    )


def reading_of(
    encoding: str | None, sets: list[str] | None, target_file: str | None = None
) -> dict[str, object]:
    """Return settings for reading a new file, by dotted key.

    target_file: that of the targets, where they have one of their own. Raises `ConfigError` for
    settings outside the table `data`.
    """
    from longshort.config import parse_assignments
    from longshort.errors import ConfigError

    found = parse_assignments(sets or [])
    if encoding is not None:
        found["data.encoding"] = encoding
    if target_file is not None:
        found["data.target_path"] = target_file
    for key in found:
        if not key.startswith("data."):
            raise ConfigError(
                f"--set {key}: a finished run takes settings of data alone, which say how a file "
                "is read; train a new run to change others"
            )
    return found
