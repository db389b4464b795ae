"""The `longshort` command; errors are one clear message instead of a traceback."""

from __future__ import annotations

import io
import sys
from typing import Annotated, Any

import typer

from longshort.cli import (
    ask,
    backtest,
    cell,
    check,
    compare,
    doctor,
    evaluate,
    explain,
    export,
    generate,
    init,
    predict,
    run,
    serve,
    speaker,
    train,
    transcribe,
    tune,
    verify,
    watch,
    write,
)
from longshort.cli.flags import with_task_flags, without_flags
from longshort.cli.screen import print_error
from longshort.version import __version__

_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""Base class of the parser's errors: an unknown option or command, or a value not allowed."""

app = typer.Typer(name="longshort", no_args_is_help=True, pretty_exceptions_enable=False)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        print(f"longshort {__version__}")
        raise typer.Exit


@app.callback()
def longshort(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Sequence modelling with LSTM: from series, texts, sounds or pictures to a model to trust."""
    del version


for verb in (run, check, doctor, init, train, backtest, compare, tune):
    kind = with_task_flags(verb.command)
    app.command(verb.NAME, cls=kind)(without_flags(verb.command))
_PLAIN = (predict, write, transcribe, evaluate, explain, generate, cell, ask, export, verify, serve,
          watch)  # fmt: skip
for other in _PLAIN:
    app.command(other.NAME)(other.command)
app.add_typer(speaker.group, name=speaker.NAME)


def _spell_out_strange_characters() -> None:
    """Write characters that the terminal's or pipe's encoding lacks as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command line. Exit code 2: the input or the settings are wrong; 130: interrupted."""
    _spell_out_strange_characters()
    try:
        if "--json" in sys.argv[1:]:
            raise SystemExit(_run_for_json())
        app()
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        raise SystemExit(130) from None


def _run_for_json() -> int:
    """Run the command and return its exit code; wrong options are reported as JSON too."""
    try:
        return app(standalone_mode=False) or 0
    except _USAGE_ERROR as error:
        message = error.format_message()
        print(f"error: {message}", file=sys.stderr)
        print_error(type(error).__name__, message, [])
        return int(error.exit_code)
