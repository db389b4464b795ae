"""The server as a process: its start, its end, and what it refuses to begin with."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from longshort.errors import ConfigError, RunError
from longshort.serve.run import bound_to
from longshort.serve.served import name_of
from longshort.serve.states import locked
from tests.commands import longshort, refused
from tests.serving import client_of, running

Runs = Callable[[str], Path]


@contextlib.contextmanager
def started(run: Path, folder: Path, end: signal.Signals) -> Iterator[str]:
    """The address of a server in a process of its own, which this signal ends."""
    words = [sys.executable, "-m", "longshort", "serve", str(run), "--port", "0", "--state-dir"]
    with subprocess.Popen(
        [*words, str(folder)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        address = next(line.split()[1] for line in lines if "http://" in line)
        try:
            wait_for(f"{address}/readyz")
            yield address
        finally:
            process.send_signal(end)
            assert process.wait(60) == 0


def wait_for(address: str) -> None:
    """Wait until an address answers."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(address):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server is not ready")


def post(address: str, path: str, value: Any) -> Any:
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(address + path, json.dumps(value).encode(), headers)
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_sessions_outlive_the_process(small_run: Runs, tmp_path: Path) -> None:
    run, folder = small_run("anomaly"), tmp_path / "states"
    with started(run, folder, signal.SIGTERM) as address:
        assert address.startswith("http://127.0.0.1:")
        path = f"/v1/sessions/{post(address, '/v1/sessions', {})['session']}/step"
        first = post(address, path, {"x": {"y": 1.0}, "seq": 1})
    with started(run, folder, signal.SIGINT) as address:
        assert post(address, path, {"x": {"y": 1.0}, "seq": 1}) == first
        assert post(address, path, {"x": {"y": 1.0}, "seq": 2})["seq"] == 2


def test_what_cannot_be_served_is_told(small_run: Runs, tmp_path: Path) -> None:
    run = small_run("anomaly")
    assert "LONGSHORT_TOKEN" in refused("serve", run, "--host", "0.0.0.0")
    assert "no such run folder" in refused("serve", tmp_path / "none")
    (tmp_path / "empty").write_text("\n")
    assert "no token" in refused("serve", run, "--token-file", tmp_path / "empty")
    with bound_to("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"--port {port}" in refused("serve", run, "--port", port)


def test_the_defaults_are_in_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    told = longshort("serve", "--help").stdout
    for value in ("900", "10000", "67108864", "1048576", "65536", "16384", "256", "128"):
        assert f"default: {value}" in told, value


def test_an_address_that_is_taken_is_told() -> None:
    with bound_to("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(RunError, match="another --port"):
            bound_to("127.0.0.1", taken.getsockname()[1])


def test_names_are_those_of_files() -> None:
    assert name_of(Path("runs/my sales.longshort")) == "my-sales"


def test_a_server_that_ends_takes_nothing_new(small_run: Runs) -> None:
    client = client_of(small_run("anomaly"))
    name = client.open()
    assert client.ask("GET", "/readyz").status == 200
    client.server.drain()
    assert client.ask("GET", "/readyz").status == 503
    assert client.ask("GET", "/healthz").status == 200
    assert client.ask("POST", "/v1/sessions", {}).code == "draining"
    assert client.ask("POST", f"/v1/sessions/{name}/step", {"x": {"y": 1.0}}).status == 200


def test_every_path_is_described(small_run: Runs) -> None:
    client = client_of(small_run("anomaly"))
    found = client.ask("GET", "/openapi.json").json
    described = {(m.upper(), path) for path, each in found["paths"].items() for m in each}
    assert described == {(each.method, each.path) for each in client.app.routes.all}
    step = found["paths"]["/v1/sessions/{id}/step"]["post"]
    schema = step["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["x"]["required"] == ["y"]
    assert all(each["summary"] for path in found["paths"].values() for each in path.values())


def test_a_damaged_file_of_sessions_is_told(small_run: Runs, tmp_path: Path) -> None:
    digest = client_of(small_run("anomaly")).server.served.digest
    (tmp_path / f"{digest[:16]}.sessions").write_bytes(b"\x93\x01")
    with pytest.raises(RunError, match="is damaged"):
        client_of(small_run("anomaly"), state_dir=tmp_path)


def test_a_proxy_may_show_it_below_a_path(small_run: Runs) -> None:
    with running(small_run("anomaly"), root_path="/models/pumps") as (address, _):
        wait_for(f"http://{address}/readyz")


def test_a_state_folder_has_one_server(tmp_path: Path) -> None:
    with locked(tmp_path / "states"):
        message = "another server keeps its sessions there"
        with pytest.raises(ConfigError, match=message), locked(tmp_path / "states"):
            pass
    with locked(tmp_path / "states"):
        pass
