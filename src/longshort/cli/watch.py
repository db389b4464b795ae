"""`longshort watch`: lines from stdin, answered as they come."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import typer

from longshort.cli import options as o
from longshort.cli.screen import Screen
from longshort.errors import ConfigError, DataError

if TYPE_CHECKING:
    from longshort.runs.watching import Watcher

NAME = "watch"
_PAUSE = 1.0
"""Seconds between two savings of the state."""

Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--key", help="Column that names a stream; repeat for more. The run's own when absent."
    ),
]
Refused = Annotated[
    Literal["error", "skip"],
    typer.Option(
        "--refused", help="Lines that are late, come twice or do not fit: end, or tell and go on."
    ),
]
State = Annotated[
    Path | None, typer.Option("--state", help="File that keeps where it is; it goes on from there.")
]

Redis = Annotated[
    str | None,
    typer.Option("--redis", help="Read entries of a Redis stream instead: redis://HOST:PORT."),
]
Stream = Annotated[str, typer.Option("--stream", help="Name of the Redis stream.")]
Answers = Annotated[
    str | None,
    typer.Option("--answers", help="Redis stream of the answers; STREAM:answers when absent."),
]


def command(
    run: o.RunOrBundle,
    key: Keys = None,
    refused: Refused = "error",
    state: State = None,
    redis: Redis = None,
    stream: Stream = "rows",
    answers: Answers = None,
    quiet: o.Quiet = False,
) -> None:
    """Answer rows (JSON or CSV) or texts from stdin, each with a line of JSON on stdout.

    With --redis the rows are entries of a stream, and the answers those of another one.
    """
    with Screen(quiet=quiet) as screen:
        from longshort.runs.trained import load
        from longshort.runs.watching import Watcher

        if redis is not None and state is not None:
            raise ConfigError("--state: is of stdin; with --redis the state is kept there")
        watcher = Watcher(load(run), key or (), skips=refused == "skip", state=state)
        if redis is not None:
            _answer_stream(watcher, redis, stream, answers or f"{stream}:answers", screen)
            return
        if sys.stdin is None:
            raise DataError("stdin: is closed; pipe lines into the command")
        if watcher.offset and _skip(sys.stdin.buffer, watcher.offset):
            screen.say(f"goes on after line {watcher.lines:,}")
        try:
            _print_answers(watcher, sys.stdin.buffer)
        except KeyboardInterrupt:
            screen.say(f"stopped after line {watcher.lines:,}")


def _answer_stream(watcher: Watcher, url: str, stream: str, answers: str, screen: Screen) -> None:
    """Answer the entries of a Redis stream until Ctrl-C."""
    from longshort.runs.redis_streams import RedisReader, connected

    with RedisReader(watcher, connected(url), stream, answers) as reader:
        screen.say(f"answers {stream} into {answers}; Ctrl-C ends")
        try:
            while True:
                reader.read(_PAUSE)
        except KeyboardInterrupt:
            screen.say(f"stopped after {watcher.lines:,} entries")


def _print_answers(watcher: Watcher, lines: BinaryIO) -> None:
    """Print the answers; the state is saved after what was printed, now and then and at the end."""
    last = time.monotonic()
    try:
        for answer in watcher.answers(lines):
            print(json.dumps(answer, ensure_ascii=False, allow_nan=False), flush=True)
            if time.monotonic() - last >= _PAUSE:
                watcher.save()
                last = time.monotonic()
    except BrokenPipeError:
        raise
    except BaseException:
        watcher.save()
        raise
    watcher.save()


def _skip(stream: BinaryIO, offset: int) -> bool:
    """Pass over what was read before, where the input is a file; a pipe has only what is new."""
    if not stream.seekable():
        return False
    stream.seek(offset)
    return True
