"""Remarks and progress that `fit` shows on a terminal or in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from longshort.runs.task import Say, quiet
from longshort.train.events import Event, Listener, silent
from longshort.train.progress import Progress, has_bar, is_notebook, is_terminal


@contextmanager
def shown(verbose: bool | None, say: Say, listen: Listener) -> Iterator[tuple[Say, Listener]]:
    """Yield functions that pass remarks and events to `say` and `listen`, and to a display.

    verbose: whether there is a progress display; None: on a terminal and in a notebook, unless
    `say` or `listen` is given.
    """
    if verbose is None:
        verbose = say is quiet and listen is silent and (is_terminal() or is_notebook())
    if not verbose:
        yield say, listen
        return
    progress = Progress(_write, is_terminal=has_bar())

    def say_both(line: str) -> None:
        say(line)
        _write(line)
        progress.spoke()

    def listen_both(event: Event) -> None:
        listen(event)
        progress.listen(event)

    try:
        yield say_both, listen_both
    finally:
        progress.close()


def _write(line: str) -> None:
    """Write a line to stderr, or in a notebook, which shows stderr as errors, to stdout."""
    print(line, file=sys.stdout if is_notebook() else sys.stderr, flush=True)
