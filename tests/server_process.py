"""Servers of tests in processes of their own, started as users start them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Place(NamedTuple):
    """A running server."""

    address: str
    process: subprocess.Popen[str]

    def ask(self, method: str, path: str, value: Any = None) -> Any:
        """Ask over a connection of its own, which any of the processes may get."""
        body = None if value is None else json.dumps(value).encode()
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(f"http://{self.address}{path}", body, headers, method=method)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            found = answer.read()
        return json.loads(found) if found.startswith((b"{", b"[")) else found.decode()

    def open(self, **how: Any) -> str:
        return str(self.ask("POST", "/v1/sessions", how)["session"])

    def step(self, name: str, y: float, **how: Any) -> Any:
        return self.ask("POST", f"/v1/sessions/{name}/step", {"x": {"y": y}, **how})

    def status(self, method: str, path: str, value: Any) -> int:
        """Ask, and return the status of the answer."""
        try:
            self.ask(method, path, value)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        return 200

    def children(self) -> list[int]:
        """Return the numbers of the processes that serve."""
        told = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        lines = [line for line in told.stdout.splitlines() if "spawn_main" in line]
        return [int(line.split()[0]) for line in lines]


@contextlib.contextmanager
def started(bundle: Path, *words: str) -> Iterator[Place]:
    """A server in processes of its own, ended by SIGTERM."""
    command = [sys.executable, "-m", "longshort", "serve", str(bundle), "--port", "0", *words]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    ) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        try:
            address = next(m[1] for m in (re.search(r"http://(\S+)", line) for line in lines) if m)
            yield Place(address, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
            assert process.wait(30) == 0
