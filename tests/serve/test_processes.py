"""A server of several processes: each holds some sessions, and any takes any request."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from longshort.errors import RunError
from longshort.runs.exporting import export_run
from longshort.runs.trained import load
from longshort.serve import states
from longshort.serve.share import Share
from tests.commands import refused
from tests.mixture import all_of
from tests.server_process import Place, started
from tests.tiny_runs import small

Runs = Callable[[str], Path]


@pytest.fixture(scope="module")
def bundle(small_run: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "anomaly.longshort"
    export_run(small_run("anomaly"), target, memory=small("anomaly")[1])
    return target


@pytest.fixture(scope="module")
def place(bundle: Path) -> Iterator[Place]:
    with started(bundle, "--workers", "2", "--allow-client-ids") as found:
        yield found


def test_any_process_takes_any_step(place: Place, bundle: Path) -> None:
    names = [place.open() for _ in range(12)]
    assert {Share(0, 2).holder(name) for name in names} == {0, 1}
    alone = load(bundle).session()
    for seq in (1, 2, 3):
        wanted = alone.step({"y": float(seq)})
        for name in names:
            told = place.step(name, float(seq), seq=seq)
            assert told["seq"] == seq and told["answer"] == wanted


def test_all_protocols_at_once_answer_as_sessions_alone(place: Place, bundle: Path) -> None:
    chance = random.Random(1)
    values = [[chance.randrange(-64, 64) / 32 for _ in range(20)] for _ in range(12)]
    found = asyncio.run(all_of(place.address, values))
    model = load(bundle)
    for answers, given in zip(found, values, strict=True):
        session = model.session()
        assert answers == [json.loads(json.dumps(session.step({"y": y}))) for y in given]


def test_a_stream_resumes_a_session_of_another_process(place: Place, bundle: Path) -> None:
    alone = load(bundle).session()
    name = place.open()
    place.step(name, 0.5)
    alone.step({"y": 0.5})
    for _ in range(6):  # connections are spread over both processes
        with connect(f"ws://{place.address}/v1/stream", subprotocols=["longshort.v1"]) as socket:  # type: ignore[list-item]
            socket.send(json.dumps({"session": name}))
            assert json.loads(socket.recv(timeout=10))["session"] == name
            socket.send(json.dumps({"x": {"y": 1.5}}))
            assert json.loads(socket.recv(timeout=10))["answer"] == alone.step({"y": 1.5})


@pytest.mark.parametrize("name", ["pump-1", "pump-2", "pump-3", "pump-4"])
def test_a_session_that_a_client_names_is_one_for_all(place: Place, name: str) -> None:
    assert place.open(id=name) == name
    path = f"/v1/sessions/{name}"
    assert {place.status("POST", "/v1/sessions", {"id": name}) for _ in range(3)} == {409}
    place.ask("DELETE", path)
    step = {"x": {"y": 1.0}}
    assert {place.status("POST", f"{path}/step", step) for _ in range(3)} == {410}


def test_a_snapshot_of_one_process_goes_on_in_any(place: Place) -> None:
    name = place.open()
    place.step(name, 1.0)
    path = f"http://{place.address}/v1/sessions"
    with urllib.request.urlopen(f"{path}/{name}/state") as answer:
        snapshot = answer.read()
    wanted, opened = place.step(name, 2.0)["answer"], set()
    for _ in range(6):
        headers = {"Content-Type": "application/octet-stream"}
        with urllib.request.urlopen(urllib.request.Request(path, snapshot, headers)) as answer:
            other = json.load(answer)["session"]
        opened.add(Share(0, 2).holder(other))
        assert place.step(other, 2.0)["answer"] == wanted


def test_metrics_are_those_of_all_processes(place: Place) -> None:
    def opened() -> int:
        text = place.ask("GET", "/metrics")
        found = re.search(r'requests_total{route="/v1/sessions",code="201"} (\d+)', text)
        assert "longshort_ready 2\n" in text and text.count("# HELP longshort_sessions ") == 1
        return int(found[1]) if found else 0

    before = opened()
    for _ in range(5):
        place.open()
    assert opened() == before + 5


@pytest.mark.slow
def test_a_process_that_dies_is_started_again_and_the_other_goes_on(bundle: Path) -> None:
    with started(bundle, "--workers", "2") as place:
        names: dict[int, str] = {}
        while len(names) < 2:
            name = place.open()
            names[Share(0, 2).holder(name)] = name
        first = place.children()
        os.kill(first[0], signal.SIGKILL)
        assert place.process.stderr is not None
        number = int(re.search(r"process (\d) died", place.process.stderr.readline())[1])  # type: ignore[index]
        end = time.monotonic() + 30
        while place.status("GET", "/readyz", None) != 200:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert place.step(names[1 - number], 1.0)["seq"] == 1
        path = f"/v1/sessions/{names[number]}/step"
        assert place.status("POST", path, {"x": {"y": 1.0}}) == 404
        assert len(set(place.children()) & set(first)) == 1


@pytest.mark.slow
def test_sessions_go_on_whatever_the_number_of_processes(bundle: Path, tmp_path: Path) -> None:
    folder = str(tmp_path / "states")
    with started(bundle, "--workers", "2", "--state-dir", folder) as place:
        names = [place.open() for _ in range(8)]
        first = [place.step(name, 1.0, seq=1) for name in names]
    for seq, count in ((2, "3"), (3, "1")):
        with started(bundle, "--workers", count, "--state-dir", folder) as place:
            assert all(place.step(name, 1.0, seq=seq)["seq"] == seq for name in names)
    assert all(each["seq"] == 1 for each in first)
    assert len(list(Path(folder).glob("*.sessions"))) == 1


@pytest.mark.slow
def test_nothing_is_left_running_when_the_first_process_is_killed(bundle: Path) -> None:
    words = ["serve", str(bundle), "--port", "0", "--workers", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "longshort", *words], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None and "http://" in process.stderr.readline()
        children = Place("", process).children()
        process.kill()
    assert len(children) == 2
    end = time.monotonic() + 15
    while time.monotonic() < end and any(Path(f"/proc/{each}").exists() for each in children):
        time.sleep(0.05)
    assert not any(Path(f"/proc/{each}").exists() for each in children)


def test_what_cannot_be_served_is_told_by_the_first_process(bundle: Path, tmp_path: Path) -> None:
    assert "no such run folder" in refused("serve", tmp_path / "none", "--workers", "2")


def test_a_damaged_file_of_sessions_is_told_before_anything_is_moved(tmp_path: Path) -> None:
    damaged = tmp_path / "0123456789abcdef.0-of-2.sessions"
    damaged.write_bytes(b"\x93\x01")
    with pytest.raises(RunError, match="is damaged"):
        states.share_out(tmp_path, 3)
    assert damaged.read_bytes() == b"\x93\x01"
