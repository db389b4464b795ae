"""`longshort predict`: use a finished run on new data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from longshort.cli import options as o
from longshort.cli.attention import Attention, put_attention, refuse_place, refuse_several
from longshort.cli.screen import Screen
from longshort.cli.stdin import lines as stdin_lines
from longshort.errors import ConfigError, counted

if TYPE_CHECKING:
    import polars as pl

    from longshort.runs.trained import AnyTrained

NAME = "predict"

Files = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files or folders, such as pictures of lines; as --data.", show_default=False
    ),
]
File = Annotated[
    str | None,
    typer.Option("--data", help="File: the run's own series when absent, or texts from stdin."),
]
Ahead = Annotated[int | None, typer.Option("--horizon", help="Steps; the run's own.")]
Table = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", help="CSV, Parquet or JSON-lines file to write; stdout as CSV without."
    ),
]
TopK = Annotated[
    int | None,
    typer.Option(
        "--top-k",
        metavar="K",
        help="The K most probable labels of each sample instead, in columns label_1, "
        "probability_1, label_2, probability_2 and so on.",
    ),
]
Follow = Annotated[
    bool, typer.Option("--follow", help="Judge a growing CSV file row by row, until Ctrl-C.")
]
State = Annotated[
    Path | None,
    typer.Option("--state", help="File that --follow goes on from; beside --data when absent."),
]
Idle = Annotated[
    float | None,
    typer.Option("--idle", help="Seconds without a new row after which --follow ends."),
]


def command(
    run: o.RunOrBundle,
    files: Files = None,
    data: File = None,
    horizon: Ahead = None,
    top_k: TopK = None,
    attention: Attention = None,
    encoding: o.Encoding = None,
    sets: o.SetData = None,
    out: Table = None,
    follow: Follow = False,
    state: State = None,
    idle: Idle = None,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Use a finished run on new data: continue every series, or predict every sample."""
    with Screen(as_json=as_json, quiet=quiet) as screen:
        from longshort.runs.trained import load
        from longshort.tables import refuse_existing, refuse_other_kinds

        source = _source(data, files)
        refuse_existing(out, overwrite, is_table=False)
        if out is not None:
            refuse_existing(out.with_suffix(f".events{out.suffix}"), overwrite, is_table=False)
        trained = load(run).reading(o.reading_of(encoding, sets))
        if out is not None:
            refuse_other_kinds(out, trained.endings)
        if top_k is not None:
            trained.ranker()
        if attention is not None:
            _refuse_attention(trained, attention, overwrite, is_table=not follow and top_k is None)
        if follow:
            from longshort.cli.follow import follow_file

            follow_file(screen, trained, _single(source), state, idle)
            return
        if trained.looks_ahead:
            _ahead(screen, trained, _single(source), horizon, out)
            return
        if horizon is not None:
            raise ConfigError(
                f"--horizon: is for forecasts, {run} is of the task {trained.task.name!r}"
            )
        if source is None:
            trained.refuse_lines()
        is_plain = out is None and top_k is None and attention is None
        if source is None and is_plain and not screen.as_json:
            for number, line in enumerate(stdin_lines(), 1):
                print(trained.line(line, number, screen.say), flush=True)
            return
        samples = _samples(screen, trained, source)
        if top_k is not None:
            _ranked(screen, trained.ranked(samples, top_k), out)
            return
        _table(screen, trained, samples, out, attention)


def _source(data: str | None, files: list[str] | None) -> str | list[str] | None:
    """Return what is to be read: one name, or a list of them."""
    if not files:
        return data
    if data is not None:
        raise ConfigError(f"--data: files are given too ({files[0]} …); give one of the two")
    return files[0] if len(files) == 1 else files


def _single(source: str | list[str] | None) -> str | None:
    """Return the one file of a task that takes one."""
    if isinstance(source, list):
        raise ConfigError(f"predict: this run takes one file, got {len(source)}: {source[0]} …")
    return source


def _refuse_attention(
    trained: AnyTrained, attention: Path, overwrite: bool, *, is_table: bool
) -> None:
    if not is_table:
        raise ConfigError("--attention: is of whole tables; leave out --top-k or --follow")
    refuse_place(attention, overwrite)
    trained.attender()


def _samples(screen: Screen, trained: AnyTrained, data: str | list[str] | None) -> Any:
    """Samples of the files, or of the lines on stdin."""
    if data is None:
        return trained.read_lines(list(stdin_lines()), 1, screen.say)
    return trained.read(data, screen.say)


def _ranked(screen: Screen, table: pl.DataFrame, out: Path | None) -> None:
    """A row for every sample, with its most probable answers."""
    from longshort.tables import readable

    summary: dict[str, Any] = {"rows": len(table)}
    summary |= {"predictions": table.to_dicts()} if out is None else {}
    _put_out(screen, table, readable(table), out, summary)


def _table(
    screen: Screen, trained: AnyTrained, samples: Any, out: Path | None, attention: Path | None
) -> None:
    """A row for every sample, or for every part of one; also where the model looked."""
    refuse_several(attention, len(samples))
    prediction = trained.predict(samples)
    if attention is not None:
        attended = trained.attended(samples, prediction)
        put_attention(attention, samples.places, attended, screen.say)
    if out is not None and out.suffix.lower() in trained.endings:
        _file(screen, trained.file(samples, prediction, out.suffix.lower()), len(samples), out)
        return
    table = trained.task.table(trained.model, samples, prediction)
    summary = {"rows": len(table)} | (trained.task.json(table) if out is None else {})
    events = trained.events(samples, prediction)
    if events is None:
        _put_out(screen, table, trained.task.readable(table), out, summary)
    else:
        _put_out_events(screen, table, trained.task.readable(table), events, out)


def _file(screen: Screen, content: bytes, count: int, out: Path) -> None:
    """Predictions as a file that is no table."""
    from longshort.runfolder import write_atomic

    write_atomic(out, content)
    screen.result(
        {"samples": count, "out": str(out)}, [f"wrote {counted(count, 'prediction')} to {out}"]
    )


def _put_out_events(
    screen: Screen, table: pl.DataFrame, text: pl.DataFrame, events: pl.DataFrame, out: Path | None
) -> None:
    """The events on the screen; into files the table of all steps, and the events beside it."""
    from longshort.runfolder import write_atomic
    from longshort.tables import encode, readable

    summary = {"rows": table.height, "events": events.to_dicts()}
    if out is None:
        screen.result(summary, [readable(events).write_csv().rstrip("\n")])
        return
    beside = out.with_suffix(f".events{out.suffix}")
    write_atomic(out, encode(table, out, text))
    write_atomic(beside, encode(events, beside, readable(events)))
    lines = [
        f"wrote {counted(table.height, 'row')} to {out}, {counted(events.height, 'event')} to "
        f"{beside}"
    ]
    screen.result(summary | {"out": str(out), "events_out": str(beside)}, lines)


def _ahead(
    screen: Screen, trained: AnyTrained, data: str | None, horizon: int | None, out: Path | None
) -> None:
    """Rows past the end of each series."""
    from longshort.errors import DataError

    found = trained.ahead(data, horizon, screen.say)
    for name, reason in found.skipped.items():
        screen.say(f"left out: {name}: {reason}")
    for note in found.notes:
        screen.say(f"note: {note}")
    if found.table.is_empty():
        first = next(iter(found.skipped.items()), ("data", "no series"))
        raise DataError(f"no series could be forecast; {first[0]}: {first[1]}")
    summary = {"rows": found.table.height, "skipped": found.skipped, "notes": list(found.notes)}
    summary |= found.json() if out is None else {}
    _put_out(screen, found.table, found.readable, out, summary)


def _put_out(
    screen: Screen,
    table: pl.DataFrame,
    text: pl.DataFrame,
    out: Path | None,
    summary: dict[str, Any],
) -> None:
    """The table into the file, or on the screen as CSV."""
    from longshort.runfolder import write_atomic
    from longshort.tables import encode

    if out is None:
        screen.result(summary, [text.write_csv().rstrip("\n")])
        return
    write_atomic(out, encode(table, out, text))
    screen.result(summary | {"out": str(out)}, [f"wrote {counted(table.height, 'row')} to {out}"])
