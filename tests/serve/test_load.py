"""A server with too much to do, at work for long, and asked to end in the middle of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from longshort.runs.exporting import export_run
from tests.mixture import Keeper
from tests.server_process import Place, started
from tests.serving import running
from tests.tiny_runs import small

Runs = Callable[[str], Path]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundle(small_run: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "anomaly.longshort"
    export_run(small_run("anomaly"), target, memory=small("anomaly")[1])
    return target


def kept_open(place: Place) -> tuple[int, int]:
    """Open files and resident kilobytes of the server."""
    process = Path(f"/proc/{place.process.pid}")
    resident = next(
        line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return len(list((process / "fd").iterdir())), int(resident.split()[1])


UPGRADE = (
    "GET /v1/stream HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def masked(text: bytes) -> bytes:
    """A short text message of a client, under a mask of zeros."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_step_that_was_answered_is_lost_when_it_ends(
    bundle: Path, tmp_path: Path, workers: str
) -> None:
    """SIGTERM amid the steps of many clients: sessions go on at their last answer, or one on."""
    folder, answered, lock = str(tmp_path / "states"), {}, threading.Lock()

    def ask(place: Place, name: str) -> None:
        for seq in range(1, 100_000):
            try:
                place.step(name, 0.5, seq=seq)
            except OSError:  # refused, or cut off
                return
            with lock:
                answered[name] = seq

    with started(bundle, "--workers", workers, "--state-dir", folder) as place:
        names = [place.open() for _ in range(8)]
        threads = [threading.Thread(target=ask, args=(place, name)) for name in names]
        for each in threads:
            each.start()
        while len(answered) < len(names) or min(answered.values()) < 20:
            pass
        place.process.send_signal(signal.SIGTERM)
        assert place.process.wait(30) == 0
        for each in threads:
            each.join(30)
    with started(bundle, "--workers", workers, "--state-dir", folder) as place:
        for name in names:
            at = place.ask("GET", f"/v1/sessions/{name}")["seq"]
            assert at - answered[name] in (0, 1)


def test_it_ends_although_a_client_does_not_read(bundle: Path) -> None:
    with started(bundle) as place:
        host, port = place.address.split(":")
        with socket.create_connection((host, int(port))) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(UPGRADE.format(place.address).encode())
            assert b" 101 " in client.recv(4096)
            client.sendall(masked(b"{}"))
            client.settimeout(1.0)
            with contextlib.suppress(OSError):  # until the buffers of both sides are full
                for _ in range(100_000):
                    client.sendall(masked(b'{"x": {"y": 1.0}}'))
            place.process.send_signal(signal.SIGTERM)
            assert place.process.wait(60) == 0


def test_many_sessions_leave_nothing_open(bundle: Path) -> None:
    with started(bundle) as place:

        async def turns(count: int) -> None:
            async with Keeper(place.address) as http:
                for _ in range(count):
                    name = (await http.post("/v1/sessions", {}))["session"]
                    for y in (0.1, 0.2):
                        await http.post(f"/v1/sessions/{name}/step", {"x": {"y": y}})
                    await asyncio.to_thread(place.ask, "DELETE", f"/v1/sessions/{name}")

        asyncio.run(turns(300))
        files, before = kept_open(place)
        asyncio.run(turns(600))
        later, after = kept_open(place)
        assert later <= files
        assert after - before < 4_000  # kilobytes; the ids of ended sessions are kept for a while


def test_what_is_too_much_is_refused_and_then_it_goes_on(small_run: Runs) -> None:
    with running(small_run("anomaly"), queue=2, connections=64) as (address, server):

        async def ask(http: Keeper, name: str) -> bool:
            found = await http.post(f"/v1/sessions/{name}/steps", {"xs": [{"y": 0.5}] * 200})
            return "answers" in found or found["error"]["code"] in ("overloaded", "in_use")

        async def one() -> list[bool]:
            async with Keeper(address) as http:
                name = (await http.post("/v1/sessions", {}))["session"]
                return [await ask(http, name) for _ in range(4)]

        async def all_of() -> list[list[bool]]:
            return list(await asyncio.gather(*(one() for _ in range(24))))

        assert all(all(each) for each in asyncio.run(all_of()))
        assert server.metrics.rejected["overloaded"] > 0
        assert server.worker.waiting == 0

        async def later() -> bool:
            async with Keeper(address) as http:
                name = (await http.post("/v1/sessions", {}))["session"]
                found = await http.post(f"/v1/sessions/{name}/step", {"x": {"y": 1.0}})
                return "answer" in found

        assert asyncio.run(later())
