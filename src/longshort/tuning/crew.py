"""Further workers of a study on this machine: processes that join it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE = 30.0
"""Seconds in which a worker that is told to stop saves its trial."""


@contextmanager
def local_crew(path: Path, workers: int) -> Iterator[None]:
    """Let so many processes, this one counted, work at the study while the block runs.

    They end by themselves with the study. Where the block fails they are told to save and stop.
    """
    line = [sys.executable, "-m", "longshort", "tune", "--join", str(path), "--quiet"]
    others = [_started(line) for _ in range(workers - 1)]
    try:
        yield
    except BaseException:
        for each in others:
            each.send_signal(signal.SIGINT)
        raise
    finally:
        for each in others:
            _await(each)


def _started(line: list[str]) -> subprocess.Popen[bytes]:
    """Start a worker in a session of its own, so that Ctrl-C reaches it once, from here."""
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, start_new_session=True)


def _await(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
