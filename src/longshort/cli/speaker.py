"""`longshort speaker`: enrol speakers with a finished run, verify and identify them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen
from longshort.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

group = typer.Typer(no_args_is_help=True)

Data = Annotated[
    str, typer.Argument(help="A recording, a folder of them, or a table of files.", metavar="DATA")
]
Voices = Annotated[
    Path | None,
    typer.Option("--voices", help="File of who is enrolled; voices.json in the run when absent."),
]
Name = Annotated[str, typer.Option("--name", help="Who it is said to be.")]
Whose = Annotated[
    str | None,
    typer.Option("--name", help="Who speaks in all of them; as the table or folders say without."),
]
Threshold = Annotated[
    float | None, typer.Option("--threshold", help="Least similarity; that of the run when absent.")
]
_FILE = "voices.json"


@group.callback()
def speaker() -> None:
    """Enrol speakers with a finished run, verify who speaks, and identify speakers."""


NAME = speaker.__name__


@group.command()
def enrol(
    run: o.RunOrBundle,
    data: Data,
    name: Whose = None,
    voices: Voices = None,
    encoding: o.Encoding = None,
    sets: o.SetData = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Enrol speakers with recordings of theirs; who was enrolled before is enrolled anew."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.enrolling import Enrolled, enrol
        from longshort.runs.trained import load
        from longshort.tables import refuse_existing

        place = _place(run, voices)
        refuse_existing(place, overwrite=True, is_table=False)
        trained = load(run).reading(o.reading_of(encoding, sets))
        trained.enroller()
        known = Enrolled.none(trained.digest)
        if place.is_file():
            known = Enrolled.load(place, trained.digest)
        found = enrol(trained, data, known, name, screen.say)
        found.save(place)
        seconds = dict(found.seconds)
        lines = [f"{each}: {total:.1f} s" for each, total in seconds.items()]
        screen.result({"voices": str(place), "enrolled": seconds}, [*lines, f"wrote {place}"])


@group.command()
def verify(
    run: o.RunOrBundle,
    data: Data,
    name: Name,
    voices: Voices = None,
    threshold: Threshold = None,
    encoding: o.Encoding = None,
    sets: o.SetData = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Say of each recording whether it is of an enrolled speaker."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.enrolling import Enrolled, verify
        from longshort.runs.trained import load

        trained = load(run).reading(o.reading_of(encoding, sets))
        condition = trained.enroller().condition(trained.model)
        known = Enrolled.load(_place(run, voices), trained.digest)
        table = verify(trained, data, known, name, threshold, screen.say)
        if threshold is None:
            screen.say(f"note: the threshold {condition}")
        _put(screen, table)


@group.command()
def identify(
    run: o.RunOrBundle,
    data: Data,
    voices: Voices = None,
    encoding: o.Encoding = None,
    sets: o.SetData = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Say of each recording which of the enrolled speakers it is most like."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.enrolling import Enrolled, identify
        from longshort.runs.trained import load

        trained = load(run).reading(o.reading_of(encoding, sets))
        trained.enroller()
        known = Enrolled.load(_place(run, voices), trained.digest)
        _put(screen, identify(trained, data, known, screen.say))


def _place(run: Path, voices: Path | None) -> Path:
    """Return the file of voices; a bundle, which is one file, has it beside itself."""
    if voices is not None:
        if voices.is_dir():
            raise ConfigError(f"--voices {voices}: is a folder; name a file, as {voices / _FILE}")
        return voices
    return run / _FILE if run.is_dir() else run.with_name(_FILE)


def _put(screen: Screen, table: pl.DataFrame) -> None:
    from longshort.tables import readable

    screen.result({"rows": table.to_dicts()}, readable(table).write_csv().splitlines())
