"""`longshort tune`: search settings, or answer a question about them, on the validation split."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen
from longshort.train.progress import is_terminal

NAME = "tune"

_PAIR = re.compile(r"\w+(\.\w+)+=")
"""Beginning of what is searched, such as model.hidden=16..256."""

Given = Annotated[
    list[str] | None,
    typer.Argument(
        help="CSV, TSV, Parquet, JSON lines or text, also gzip; after it, more of --search.",
        metavar="DATA",
        show_default=False,
    ),
]
Search = Annotated[
    list[str] | None,
    typer.Option(
        "--search",
        help="Ranges and lists of settings, such as --search model.hidden=16..256 "
        "train.learning_rate=1e-4..1e-2 model.cell=lstm,gru.",
        metavar="KEY=LOW..HIGH",
    ),
]
Question = Annotated[
    str | None,
    typer.Option(
        "--question",
        help="Instead of a search: units (how many are enough), window (how long a context helps), "
        "or data (what more of them would bring).",
    ),
]
Values = Annotated[
    str | None,
    typer.Option("--values", help="Ladder of the question, such as 16,32,64.", metavar="A,B,C"),
]
Trials = Annotated[
    int | None, typer.Option("--trials", help="Candidates of a search.", min=1, show_default="27")
]
Seeds = Annotated[
    int | None,
    typer.Option(
        "--seeds", help="Seeds of each candidate.", min=1, show_default="1, of questions 3"
    ),
]
StudySeed = Annotated[
    int, typer.Option("--study-seed", help="Seed of the study, which draws its candidates.", min=0)
]
Join = Annotated[
    Path | None,
    typer.Option("--join", help="Go on with this study, or help a process at it.", metavar="STUDY"),
]
Workers = Annotated[
    int, typer.Option("--workers", help="Processes on this machine; they change no number.", min=1)
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        help="halving; optuna, whose candidates follow from earlier ones (extra tune); or "
        "ray, for workers on a cluster with a shared folder (extra ray).",
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Study folder; by default a new one in studies/.")
]


def command(
    named: o.Named,
    data: Given = None,
    example: o.Example = None,
    task: o.Task = None,
    search: Search = None,
    question: Question = None,
    values: Values = None,
    trials: Trials = None,
    seeds: Seeds = None,
    study_seed: StudySeed = 0,
    join: Join = None,
    workers: Workers = 1,
    engine: Engine = "halving",
    config: o.Config = None,
    sets: o.Set = None,
    out: Out = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Try settings in rungs, choose by the validation split, and score the winner once on test."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.errors import ConfigError
        from longshort.tuning.board import Audience

        is_live = is_terminal() and not (as_json or quiet)
        audience = Audience(screen.say, screen.listen, is_live)
        files = [each for each in data or [] if not _PAIR.match(each)]
        pairs = [*(search or []), *(each for each in data or [] if _PAIR.match(each))]
        if len(files) > 1:
            raise ConfigError(f"tune: one file is expected, got {', '.join(files)}")
        given = any(value is not None for value in named.values())
        if join is not None:
            if (
                files
                or pairs
                or given
                or any((example, task, config, sets, out, trials, seeds, question, values))
            ):
                raise ConfigError(
                    "tune --join: works at the study as it was begun, so it takes no other option "
                    "but --workers; begin another study to change it"
                )

            from longshort.tuning.story import join as work_on

            _show(screen, join, work_on(join, workers=workers, audience=audience))
            return
        settings = o.settings_of(
            data=files[0] if files else None,
            example=example,
            config=config,
            sets=sets,
            task=task,
            named=named,
        )

        from longshort.runfolder import free_folder
        from longshort.tuning.space import parse_search, parse_values
        from longshort.tuning.story import tune

        table = settings.get("data")
        source = str((table.get("path") if isinstance(table, dict) else None) or "data")
        folder = out or free_folder(Path("studies"), Path(source).name.split(".")[0])
        found = tune(
            settings,
            folder,
            question=question,
            search=parse_search(pairs),
            values=parse_values(values),
            trials=trials,
            seeds=seeds,
            seed=study_seed,
            workers=workers,
            engine=engine,
            audience=audience,
        )
        _show(screen, folder, found)


def _show(screen: Screen, folder: Path, found: dict[str, Any]) -> None:
    from longshort.tuning.text import answer_lines

    screen.result({"study": str(folder), **found}, answer_lines(folder, found))
