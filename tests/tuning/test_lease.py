"""Leases: kept by the living, free for others when their owner is gone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from longshort.tuning import lease


def written(path: Path, **changes: object) -> Path:
    stored = {"host": socket.gethostname(), "process": os.getpid(), "time": time.time()}
    path.write_text(json.dumps(stored | changes))
    return path


def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_lease_is_held_until_it_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "leases" / "001"
    assert not lease.is_held(path)
    lease.take(path)
    with lease.kept(path):
        assert lease.is_held(path)
    assert not path.exists()


def test_a_lease_of_a_process_that_is_gone_is_free_at_once(tmp_path: Path) -> None:
    assert not lease.is_held(written(tmp_path / "001", process=gone()))


def test_a_lease_of_another_host_is_held_while_it_shows_life(tmp_path: Path) -> None:
    assert lease.is_held(written(tmp_path / "001", host="elsewhere", process=gone()))


def test_a_silent_lease_is_free(tmp_path: Path) -> None:
    assert not lease.is_held(written(tmp_path / "001", host="elsewhere", time=time.time() - 3600))


def test_a_damaged_lease_is_free(tmp_path: Path) -> None:
    path = tmp_path / "001"
    path.write_text('{"host": "a", "pro')
    assert not lease.is_held(path)
