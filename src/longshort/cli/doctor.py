"""`longshort doctor`: what is wrong with a training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen

NAME = "doctor"

Place = Annotated[
    str | None, typer.Argument(help="Run folder, or data as `run` takes it.", metavar="RUN_OR_DATA")
]
Show = Annotated[
    str | None,
    typer.Option("--show", help="Draw this and examine nothing: gradients.", metavar="WHAT"),
]
Retest = Annotated[
    bool, typer.Option("--retest", help="Train with and without each remedy, on paired seeds.")
]
Thorough = Annotated[
    bool,
    typer.Option(
        "--thorough", help="Train without regularisers, shuffled, by seeds and sizes too."
    ),
]
Budget = Annotated[float, typer.Option("--budget", help="Seconds of the examination.")]
Steps = Annotated[
    int | None, typer.Option("--steps", help="Steps of one training; by the budget when absent.")
]
Page = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Page to write; doctor.html in the run folder when absent."),
]


def command(
    named: o.Named,
    place: Place = None,
    example: o.Example = None,
    task: o.Task = None,
    config: o.Config = None,
    sets: o.Set = None,
    show: Show = None,
    retest: Retest = False,
    thorough: Thorough = False,
    budget: Budget = 60.0,
    steps: Steps = None,
    out: Page = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Find what is wrong with a training: experiments, a cause, a remedy.

    Exit code 0: healthy, 1: something found, 2: could not run.
    """
    with Screen(as_json=as_json, quiet=quiet) as screen:
        seed = int(str(named.get("train.seed") or 0))
        is_run = place is not None and (Path(place) / "config.toml").is_file()
        settings: dict[str, Any] = {}
        if is_run:
            _refuse_settings(task, config, sets, example)
        else:
            data = _data_of(place, task, config)
            settings = o.settings_of(
                data=data, example=example, config=config, sets=sets, task=task, named=named
            )

        from longshort.diagnosis import doctor

        screen.working("reading the data")
        subject = doctor.subject_of(place if is_run else None, settings, seed)
        if show is not None:
            _show(screen, subject, show, out or _beside(place, is_run, "gradients.svg"))
            return
        found = doctor.examined(
            subject,
            budget=budget,
            steps=steps,
            retest=retest,
            thorough=thorough,
            say=screen.working,
        )
        page = out or _beside(place, is_run, "doctor.html")
        if page is not None:
            _write(page, found, _again(place, settings, seed, found.steps))
        lines = found.lines() if page is None else [*found.lines(), f"Page: {page}"]
        screen.result({**found.to_dict(), "page": None if page is None else str(page)}, lines)
        if not found.is_healthy:
            raise typer.Exit(1)


def _refuse_settings(*given: object) -> None:
    from longshort.errors import ConfigError

    if any(given):
        raise ConfigError(
            "a run has its settings; leave --task, --config, --set and --example out, or give data"
        )


def _data_of(place: str | None, task: str | None, config: Path | None) -> str | None:
    """Return the place as data; raises `RunError` for a folder that no task was named for."""
    from longshort.errors import RunError

    if place is not None and Path(place).is_dir() and task is None and config is None:
        raise RunError(
            f"{place}: is a folder without config.toml, so it is no run; give a run, or data "
            "with --task NAME"
        )
    return place


def _beside(place: str | None, is_run: bool, name: str) -> Path | None:
    return Path(place) / name if is_run and place is not None else None


def _again(place: str | None, settings: dict[str, Any], seed: int, steps: int) -> str:
    source = place or settings.get("data", {}).get("path") or "DATA"
    task = f" --task {settings['task']}" if "task" in settings else ""
    return f"longshort doctor {source}{task} --seed {seed} --steps {steps}"


def _write(page: Path, found: Any, reproduce: str) -> None:
    from longshort.diagnosis.page import page_of
    from longshort.runfolder import write_atomic

    write_atomic(page, page_of(found, reproduce))


def _show(screen: Screen, subject: Any, what: str, out: Path | None) -> None:
    from longshort.errors import ConfigError

    if what != "gradients":
        raise ConfigError(f"--show: there is gradients, got {what!r}")

    from longshort.diagnosis.gradients import gradients_of
    from longshort.runfolder import write_atomic

    shown = gradients_of(subject)
    path = out or Path("gradients.svg")
    write_atomic(path, shown.svg())
    screen.result(
        {"picture": str(path), "slopes": shown.slopes}, [*shown.lines(), f"Picture: {path}"]
    )
