"""The command as a user types it: within this process, or started as one of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from longshort.cli.main import main

Done = subprocess.CompletedProcess[str]


def longshort(*arguments: object, given: str | bytes = "", cwd: Path | None = None) -> Done:
    """Run the command within this process, which saves loading torch anew.

    `given` is what stands on stdin. What a shell would show as a traceback is raised.
    """
    words = ["longshort", *map(str, arguments)]
    raw = given.encode() if isinstance(given, str) else given
    streams = {name: io.TextIOWrapper(io.BytesIO(), "utf-8") for name in ("stdout", "stderr")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), "utf-8"))
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        if cwd is not None:
            patch.chdir(cwd)
        with pytest.raises(SystemExit) as stop:
            main()
    return Done(words, int(stop.value.code or 0), *map(text_of, streams.values()))


def refused(*arguments: object, cwd: Path | None = None) -> str:
    """Run a command that must be refused with exit code 2; returns its one message."""
    done = longshort(*arguments, cwd=cwd)
    assert done.returncode == 2, done.stderr
    if "--json" in arguments:
        assert json.loads(done.stdout)["error"]["message"] in done.stderr
    else:
        assert done.stdout == ""
    return done.stderr


def text_of(stream: io.TextIOWrapper) -> str:
    """All that was written to this stream."""
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


def started(
    *arguments: object, given: str = "", cwd: Path | None = None, path: Path | None = None
) -> Done:
    """Run the command in a process of its own, in which `path` is a folder of packages too."""
    known = filter(None, [str(path or ""), os.environ.get("PYTHONPATH")])
    return subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-m", "longshort", *map(str, arguments)],
        capture_output=True,
        text=True,
        input=given,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(known), "OMP_NUM_THREADS": "1"},
    )
