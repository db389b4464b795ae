"""Entries of a Redis stream: answered once, in order, whoever reads, and however it ended."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from longshort.errors import ConfigError, DataError, RunError
from longshort.runs.redis_streams import RedisReader, connected
from longshort.runs.trained import load
from longshort.runs.watching import Watcher
from tests.session_steps import steps_of

redis = pytest.importorskip("redis")
Runs = Callable[[str], Path]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
    how = ["--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    process = subprocess.Popen([server, *how], stdout=subprocess.DEVNULL)
    for _ in range(200):
        try:
            redis.Redis(port=port).ping()
            break
        except redis.RedisError:
            time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}"
    process.terminate()
    process.wait()


@pytest.fixture
def client(url: str) -> Any:
    found = connected(url)
    found.flushall()
    return found


def put(client: Any, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        client.xadd("rows", {name: "" if v is None else str(v) for name, v in row.items()})


def told(client: Any) -> list[Any]:
    entries = client.xrange("out")
    assert [f[b"id"] for _, f in entries] == [name for name, _ in client.xrange("rows")][
        : len(entries)
    ]
    return [json.loads(fields[b"answer"])["answer"] for _, fields in entries]


def reader(run: Any, client: Any) -> RedisReader:
    return RedisReader(Watcher(run), client, "rows", "out")


def test_entries_are_answered_as_a_session_does_by_reader_after_reader(
    small_run: Runs, client: Any
) -> None:
    run, rows = load(small_run("anomaly")), steps_of("anomaly")[:6]
    session = run.session()
    wanted = [session.step(row) for row in rows]
    put(client, rows[:3])
    with reader(run, client) as one:
        assert one.read(0) == 3 and one.read(0) == 0
    put(client, rows[3:])
    with reader(run, client) as other:
        assert other.read(0) == 3
    assert told(client) == wanted


def test_a_refused_entry_ends_it_and_what_came_before_is_answered_once(
    small_run: Runs, client: Any
) -> None:
    run, rows = load(small_run("anomaly")), steps_of("anomaly")[:3]
    put(client, [*rows[:2], {"y": "much"}])
    last = client.xrange("rows")[-1][0].decode()
    for _ in range(2):
        with reader(run, client) as one, pytest.raises(DataError, match=rf"entry {last}: .*'y'"):
            one.read(0)
        assert len(told(client)) == 2


def test_a_stream_has_one_reader(small_run: Runs, client: Any) -> None:
    run = load(small_run("anomaly"))
    with reader(run, client), pytest.raises(RunError, match="another reader answers it into out"):
        reader(run, client).__enter__()
    with reader(run, client):
        pass


@pytest.mark.parametrize("place", ["redis://127.0.0.1:1", "somewhere"])
def test_a_server_that_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(ConfigError, match=f"--redis {place}: cannot be reached"):
        connected(place)


def test_texts_and_keys_stay_what_they_are(small_run: Runs, client: Any) -> None:
    run = load(small_run("lm"))
    client.xadd("rows", {"text": "42", "who": "007"})
    client.xadd("rows", {"text": "the cat", "who": "7"})
    with RedisReader(Watcher(run, ["who"]), client, "rows", "out") as one:
        assert one.read(0) == 2
    assert told(client) == [run.session().step(each) for each in ("42", "the cat")]


def test_a_reader_that_was_too_slow_ends(small_run: Runs, client: Any) -> None:
    run = load(small_run("anomaly"))
    with reader(run, client) as one:
        client.set("out:reader", "another")
        with pytest.raises(RunError, match="another reader took over"):
            one.read(0)
    assert client.get("out:reader") == b"another"
