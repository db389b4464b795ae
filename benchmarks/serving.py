"""The server: CPU per request, memory, start, and millions of steps beside sessions alone.

    python benchmarks/serving.py [--parts start requests idle mixture …] [--hidden 32 128]
                                 [--seconds 5] [--sessions 1000] [--steps 1000000] [--show]

start: seconds from the command to the first answer of /readyz, and resident memory. requests: 64
connections, each asking again as soon as it is answered; CPU microseconds of the server process per
request (user and system, from /proc), requests per second, and the 99th percentile of the time of
one. healthz: what a request costs without a model; socket: steps over WebSocket. fastapi: FastAPI
with torch's LSTM of the same size and a dict of states, where fastapi is installed; it judges
nothing, so it does less. idle: memory of sessions that each had one step. mixture: steps of many
sessions in random order over REST, WebSocket and V2, compared bit by bit with sessions alone.

The client runs on the same machine, so requests per second are of two processes; CPU per request is
the server's alone. Linux only. Results and the environment go to benchmarks/results/serving.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import connect

from longshort.data.labelled import examples_of
from longshort.runs import story
from longshort.runs.exporting import export_run
from longshort.runs.job import environment
from longshort.runs.trained import load

RESULTS = Path(__file__).parent / "results" / "serving.json"
PARTS = ("start", "requests", "idle", "mixture")
CONNECTIONS, PORT = 64, 18990
TICKS = os.sysconf("SC_CLK_TCK")
Result = dict[str, Any]


def bundle_of(hidden: int, folder: Path) -> Path:
    """A regression of one channel by one layer of so many units, trained for a moment."""
    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=(12, 1)) for _ in range(60)]
    data = examples_of(arrays, [float(each.sum()) for each in arrays])
    settings = {
        "task": "regress",
        "model": {"hidden": hidden, "summary": False},
        "train": {"max_epochs": 1, "threads": 1},
    }
    story.run(settings, folder / f"h{hidden}", data=data)
    out = folder / f"h{hidden}.longshort"
    export_run(folder / f"h{hidden}", out, memory=data)
    return out


@contextlib.contextmanager
def server(*words: str, **environment_: str) -> Iterator[tuple[int, float]]:
    """A server process on PORT; yields its id and the seconds until it was ready."""
    begin = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment_,
        cwd=Path(__file__).parent,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz").close()
                break
            if process.poll() is not None:
                raise SystemExit(f"{' '.join(words)} did not start")
            time.sleep(0.01)
        yield process.pid, time.monotonic() - begin
    finally:
        process.terminate()
        process.wait(30)


def ours(path: Path, *more: str) -> tuple[str, ...]:
    return ("longshort", "serve", str(path), "--port", str(PORT), "-q", *more)


def fastapi() -> tuple[str, ...]:
    return ("uvicorn", "serving_fastapi:app", "--port", str(PORT), "--log-level", "warning")


def cpu_of(process: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(process: int) -> float:
    """Resident memory of a process, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


class Http:
    """A connection that is kept open."""

    async def __aenter__(self) -> Http:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", PORT)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def ask(self, path: str, value: Any = None) -> bytes:
        body = b"" if value is None else json.dumps(value).encode()
        method = "GET" if value is None else "POST"
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        told = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        place = told.index(b"content-length:") + 15
        return await self.reader.readexactly(int(told[place : told.index(b"\r\n", place)]))

    async def open(self) -> str:
        return str(json.loads(await self.ask("/v1/sessions", {}))["session"])


Asker = Callable[[list[float], float], Awaitable[None]]


async def healthz(times: list[float], end: float) -> None:
    async with Http() as http:
        while time.monotonic() < end:
            await timed(times, http.ask("/healthz"))


def stepping(body: Callable[[float], Any]) -> Asker:
    async def steps(times: list[float], end: float) -> None:
        async with Http() as http:
            path = f"/v1/sessions/{await http.open()}/step"
            while time.monotonic() < end:
                await timed(times, http.ask(path, body(random.random())))

    return steps


async def socket(times: list[float], end: float) -> None:
    async with connect(f"ws://127.0.0.1:{PORT}/v1/stream", compression=None) as stream:
        await stream.send("{}")
        await stream.recv()
        while time.monotonic() < end:
            await stream.send(json.dumps({"x": [random.random()]}))
            await timed(times, stream.recv())


async def timed(times: list[float], asked: Awaitable[Any]) -> None:
    begin = time.monotonic()
    await asked
    times.append(time.monotonic() - begin)


def measured(process: int, asker: Asker, seconds: float) -> Result:
    """Ask over all connections for so long."""
    times: list[float] = []

    async def all_of() -> None:
        end = time.monotonic() + seconds
        await asyncio.gather(*(asker(times, end) for _ in range(CONNECTIONS)))

    before = cpu_of(process)
    asyncio.run(all_of())
    spent = cpu_of(process) - before
    return {
        "requests": len(times),
        "cpu_us": 1e6 * spent / len(times),
        "per_second": len(times) / seconds,
        "p99_ms": 1e3 * float(np.quantile(times, 0.99)),
    }


def start(bundles: dict[int, Path], _: argparse.Namespace) -> Result:
    found: Result = {}
    for hidden, path in bundles.items():
        with server(*ours(path)) as (process, seconds):
            found[f"longshort H={hidden}"] = {"seconds": seconds, "mb": memory_of(process)}
        if importlib.util.find_spec("fastapi"):
            with server(*fastapi(), HIDDEN=str(hidden)) as (process, seconds):
                found[f"fastapi H={hidden}"] = {"seconds": seconds, "mb": memory_of(process)}
    return found


def requests(bundles: dict[int, Path], how: argparse.Namespace) -> Result:
    found: Result = {}
    own = stepping(lambda y: {"x": [y]})
    for hidden, path in bundles.items():
        with server(*ours(path)) as (process, _):
            for name, asker in (("healthz", healthz), ("REST", own), ("socket", socket)):
                found[f"longshort {name} H={hidden}"] = measured(process, asker, how.seconds)
        if importlib.util.find_spec("fastapi"):
            with server(*fastapi(), HIDDEN=str(hidden)) as (process, _):
                theirs = stepping(lambda y: {"y": y})
                found[f"fastapi REST H={hidden}"] = measured(process, theirs, how.seconds)
    return found


def idle(bundles: dict[int, Path], how: argparse.Namespace) -> Result:
    async def opened() -> None:
        async with Http() as http:
            for _ in range(how.idle):
                path = f"/v1/sessions/{await http.open()}/step"
                await http.ask(path, {"x": [1.0]})

    found: Result = {}
    for hidden, path in bundles.items():
        with server(*ours(path, "--max-sessions", str(how.idle))) as (process, _):
            before = memory_of(process)
            asyncio.run(opened())
            found[f"H={hidden}"] = {"sessions": how.idle, "mb": memory_of(process) - before}
    return found


def mixture(bundles: dict[int, Path], how: argparse.Namespace) -> Result:
    found: Result = {}
    for hidden, path in bundles.items():
        owners = np.random.default_rng(0).integers(how.sessions, size=how.steps)
        noise = np.random.default_rng(1)
        counts = np.bincount(owners, minlength=how.sessions).tolist()
        values = [noise.normal(size=n).astype(np.float32).tolist() for n in counts]
        with server(*ours(path, "--max-connections", "100")) as (_, _ready):
            answers = asyncio.run(mixed(path.stem, values))
        model, differ = load(path), 0
        for mine, given in zip(answers, values, strict=True):
            session = model.session()
            wanted = [json.loads(json.dumps(session.step([y]))) for y in given]
            differ += sum(a != b for a, b in zip(mine, wanted, strict=True))
        found[f"H={hidden}"] = {"steps": how.steps, "sessions": how.sessions, "different": differ}
    return found


async def mixed(name: str, values: list[list[float]]) -> list[list[Any]]:
    """Answers to all steps, each session over one of three protocols; 60 sessions at a time."""
    room = asyncio.Semaphore(60)

    async def one(number: int, given: list[float]) -> list[Any]:
        async with room:
            return await (rest, stream, v2)[number % 3](number, given)

    async def rest(_: int, given: list[float]) -> list[Any]:
        async with Http() as http:
            path = f"/v1/sessions/{await http.open()}/step"
            return [json.loads(await http.ask(path, {"x": [y]}))["answer"] for y in given]

    async def stream(_: int, given: list[float]) -> list[Any]:
        async with connect(f"ws://127.0.0.1:{PORT}/v1/stream", compression=None) as socket_:
            await socket_.send("{}")
            await socket_.recv()
            found = []
            for y in given:
                await socket_.send(np.float32(y).tobytes())
                found.append(json.loads(await socket_.recv())["answer"])
            return found

    async def v2(number: int, given: list[float]) -> list[Any]:
        async with Http() as http:
            found = []
            for place, y in enumerate(given):
                tensor = {"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [y]}
                how = {"sequence_id": number + 1, "sequence_start": place == 0}
                body = {"inputs": [tensor], "parameters": how}
                told = json.loads(await http.ask(f"/v2/models/{name}/infer", body))
                found.append(json.loads(told["outputs"][0]["data"][0]))
            return found

    return list(await asyncio.gather(*(one(n, each) for n, each in enumerate(values))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--hidden", nargs="+", type=int, default=[32, 128])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true", help="print what is there, measure nothing")
    how = parser.parse_args()
    found: Result = json.loads(how.out.read_text()) if how.out.exists() else {}
    if not how.show:
        parts = {"start": start, "requests": requests, "idle": idle, "mixture": mixture}
        with tempfile.TemporaryDirectory() as folder:
            bundles = {hidden: bundle_of(hidden, Path(folder)) for hidden in how.hidden}
            for part in how.parts:
                found[part] = parts[part](bundles, how)
                found["environment"] = environment()
                how.out.write_text(json.dumps(found, indent=1) + "\n")
    for part in PARTS:
        for name, values in found.get(part, {}).items():
            told = "  ".join(f"{key} {value:,.4g}" for key, value in values.items())
            print(f"{part:10} {name:28} {told}")


if __name__ == "__main__":
    main()
