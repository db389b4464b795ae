"""The `longshort` command: its verbs, and errors as one clear message instead of a traceback."""

from __future__ import annotations

import io
import sys

import typer

from longshort.cli import backtest, cell, check, evaluate, generate, init, predict, run, train
from longshort.errors import Interrupted, LongshortError

app = typer.Typer(
    name="longshort",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sequence modelling with LSTM: from a file of series, labelled sequences or text to a "
    "model that can be trusted.",
)
for command in (run, check, init, train, predict, evaluate, backtest, generate, cell):
    app.command(command.NAME)(command.command)


def _spell_out_strange_characters() -> None:
    """Those that the terminal's or pipe's encoding lacks are written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Entry point. Exit code 2: the input or the settings are wrong; 130: interrupted."""
    _spell_out_strange_characters()
    try:
        app()
    except Interrupted as stop:
        print(f"\n{stop}", file=sys.stderr)
        raise SystemExit(130) from None
    except LongshortError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(1) from None
    except OSError as error:
        print(f"error: {error.filename or 'file'}: {error.strerror or error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        raise SystemExit(130) from None
