"""Sessions over WebSocket, with an independent client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from longshort.runs.trained import load
from longshort.serve.server import Server
from tests.serving import TOKEN, running
from tests.session_steps import steps_of

Runs = Callable[[str], Path]
Place = tuple[str, Server]
Opened = Callable[..., tuple[ClientConnection, Any]]


@pytest.fixture(scope="module")
def place(small_run: Runs) -> Iterator[Place]:
    with running(small_run("anomaly"), message=4096) as found:
        yield found


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens connections that last until the end of the test; returns each with the first answer."""
    with ExitStack() as stack:

        def open_one(address: str, first: Any = None, **how: Any) -> tuple[ClientConnection, Any]:
            wanted = {"subprotocols": ["longshort.v1"]} | how
            socket = stack.enter_context(connect(f"ws://{address}/v1/stream", **wanted))
            socket.send(json.dumps(first or {}))
            return socket, json.loads(socket.recv(timeout=10))

        yield open_one


def told(socket: ClientConnection, message: Any) -> Any:
    socket.send(message if isinstance(message, (bytes, str)) else json.dumps(message))
    return json.loads(socket.recv(timeout=10))


def test_a_message_is_a_step(place: Place, small_run: Runs, opened: Opened) -> None:
    session = load(small_run("anomaly")).session()
    socket, first = opened(place[0])
    assert socket.subprotocol == "longshort.v1" and first["seq"] == 0
    for number, x in enumerate(steps_of("anomaly")[:5], 1):
        assert told(socket, {"x": x, "seq": number}) == {
            "seq": number, "answer": session.step(x)}  # fmt: skip


def test_a_session_is_resumed_where_it_was(place: Place, opened: Opened) -> None:
    socket, first = opened(place[0])
    told(socket, {"x": {"y": 1.0}})
    socket.close()
    again, second = opened(place[0], {"session": first["session"]})
    assert second["session"] == first["session"] and second["seq"] == 1
    assert told(again, {"x": {"y": 1.0}, "seq": 1})["seq"] == 1  # the stored answer
    assert told(again, {"x": {"y": 1.0}, "seq": 3})["error"]["code"] == "out_of_order"


def test_binary_messages_are_rows(place: Place, small_run: Runs, opened: Opened) -> None:
    values = np.linspace(0, 1, 6, dtype="<f4")
    session = load(small_run("anomaly")).session()
    wanted = [session.step({"y": float(value)}) for value in values]
    socket, _ = opened(place[0])
    assert told(socket, values[:1].tobytes()) == {"seq": 1, "answer": wanted[0]}
    assert told(socket, values[1:].tobytes()) == {"seq": 2, "answers": wanted[1:]}
    assert told(socket, b"123")["error"]["code"] == "malformed"
    assert told(socket, np.float32("nan").tobytes())["error"]["column"] == "y"


def test_a_refused_message_does_not_end_the_connection(place: Place, opened: Opened) -> None:
    socket, _ = opened(place[0])
    for bad in ("{", "[]", '{"y": 1}', '{"x": {"z": 1}}', '{"x": 1, "seq": "a"}'):
        assert "error" in told(socket, bad)
    assert told(socket, {"x": {"y": 1.0}})["seq"] == 1


def closed(opened: Opened, address: str, first: Any) -> int:
    """The code with which the server closes after the first message."""
    socket, answer = opened(address, first)
    assert "error" in answer
    with pytest.raises(ConnectionClosed) as caught:
        socket.recv(timeout=10)
    assert caught.value.rcvd is not None
    return int(caught.value.rcvd.code)


def test_a_first_message_that_opens_nothing_ends_it(place: Place, opened: Opened) -> None:
    assert closed(opened, place[0], {"session": "0" * 32}) == 1008
    assert closed(opened, place[0], {"x": 1}) == 1008
    assert closed(opened, place[0], [1]) == 1008


@pytest.mark.parametrize(
    "how",
    [
        {"origin": "https://evil.example"},
        {"subprotocols": ["chat"]},
        {"additional_headers": {"Host": "evil.example"}},
    ],
)
def test_strangers_are_not_let_in(how: Any, place: Place, opened: Opened) -> None:
    with pytest.raises(Exception, match=r"HTTP 403|multiple values"):
        opened(place[0], **how)


def test_the_own_page_is_let_in(place: Place, opened: Opened) -> None:
    _, first = opened(place[0], origin=f"http://{place[0]}")
    assert first["session"]


def test_a_message_that_is_too_large_ends_the_connection(place: Place, opened: Opened) -> None:
    socket, _ = opened(place[0])
    with pytest.raises(ConnectionClosed):
        told(socket, {"x": {"y": 1.0}, "seq": "9" * 5000})


def test_one_session_has_one_writer(place: Place, opened: Opened) -> None:
    socket, first = opened(place[0])
    entry = place[1].sessions.find(first["session"], "")
    with entry:
        assert told(socket, {"x": {"y": 1.0}})["error"]["code"] == "in_use"
    assert told(socket, {"x": {"y": 1.0}})["seq"] == 1


def test_a_token_is_needed_where_there_is_one(small_run: Runs, opened: Opened) -> None:
    with running(small_run("anomaly"), tokens=(TOKEN,)) as (address, server):
        assert closed(opened, address, {}) == 1008
        assert closed(opened, address, {"token": "wrong"}) == 1008
        _, first = opened(address, {"token": TOKEN})
        header = {"Authorization": f"Bearer {TOKEN}"}
        _, second = opened(address, {"session": first["session"]}, additional_headers=header)
        assert second["session"] == first["session"] and len(server.sessions) == 1


def test_the_end_of_the_server_is_told(small_run: Runs, tmp_path: Path, opened: Opened) -> None:
    with running(small_run("anomaly"), state_dir=tmp_path) as (address, _):
        socket, first = opened(address)
        told(socket, {"x": {"y": 1.0}})
    assert json.loads(socket.recv()) == {"event": "drain", "session": first["session"], "seq": 1}
    with pytest.raises(ConnectionClosed) as caught:
        socket.recv()
    assert caught.value.rcvd is not None and caught.value.rcvd.code == 1012
    with running(small_run("anomaly"), state_dir=tmp_path) as (address, _):
        _, second = opened(address, {"session": first["session"]})
        assert second["seq"] == 1
