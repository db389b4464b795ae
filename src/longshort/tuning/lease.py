"""Leases: a process says that it is at a trial, and others see when it is gone.

A lease is a small file with host, process and the time of its last sign of life, which a thread
renews. One that is silent for long, or whose process no longer exists on this host, has expired:
another process takes it over and goes on from the trial's last checkpoint.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from longshort.runfolder import write_atomic

BEAT = 5.0
"""Seconds between signs of life."""
_SILENT = 12 * BEAT
"""Seconds without a sign of life after which a lease has expired, on whatever host."""


def is_held(path: Path) -> bool:
    """Whether a living process has this lease; a damaged file is nobody's."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        host, process, seen = stored["host"], stored["process"], stored["time"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if time.time() - seen > _SILENT:
        return False
    return host != socket.gethostname() or is_alive(process)


def is_alive(process: int) -> bool:
    """Whether a process of this number exists on this host; where none can ask, it does."""
    if sys.platform == "win32":  # there, signal 0 is Ctrl-C
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def take(path: Path) -> None:
    """Write a lease of this process; the caller has seen to it that nobody else does now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(_mine()))


@contextlib.contextmanager
def kept(path: Path) -> Iterator[None]:
    """Renew a lease that was taken while the block runs, and give it back in the end."""
    is_over = threading.Event()

    def beat() -> None:
        while not is_over.wait(BEAT):
            write_atomic(path, json.dumps(_mine()))

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        path.unlink(missing_ok=True)


def _mine() -> dict[str, Any]:
    return {"host": socket.gethostname(), "process": os.getpid(), "time": time.time()}
