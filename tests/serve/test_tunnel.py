"""Requests that one process passes on to another, over a Unix socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from longshort.serve.tunnel import Application, Peer, Tunnel, Unreachable
from longshort.serve.web import Message, Receive, Send

SCOPE: Message = {"type": "http", "method": "POST", "path": "/x", "headers": [(b"a", b"b")]}
START: Message = {"type": "http.response.start", "status": 200, "headers": []}


async def asked(app: Application, path: Path, given: list[Message], times: int = 1) -> list[Any]:
    """What a client is sent that sends these messages, through a tunnel to an application."""
    tunnel, peer = Tunnel(app), Peer(path / "0")
    await tunnel.listen(path / "0")
    sent: list[Any] = []
    try:
        for _ in range(times):
            waiting = list(given)

            async def receive(waiting: list[Message] = waiting) -> Message:
                if not waiting:
                    await asyncio.Event().wait()
                return waiting.pop(0)

            async def send(message: Message) -> None:
                sent.append(message)

            await asyncio.wait_for(peer.ask(SCOPE, receive, send), 10)
    finally:
        peer.close()
        await tunnel.close(0.1)
    return sent


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_request_and_its_answer_pass(tmp_path: Path) -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        assert scope["is_passed_on"] and dict(scope["headers"]) == {b"a": b"b"}
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        await send(START)
        await send({"type": "http.response.body", "body": body})

    given = [part(b"one ", more=True), part(b"two ", more=True), part(b"three", more=False)]
    sent = asyncio.run(asked(app, tmp_path, given, times=3))
    assert [each["body"] for each in sent[1::2]] == [b"one two three"] * 3


def test_a_failure_within_an_answer_ends_it(tmp_path: Path) -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send(START)
        raise ValueError("no")

    with pytest.raises(Unreachable):
        asyncio.run(asked(app, tmp_path, [part(b"", more=False)]))


def test_a_client_is_read_no_faster_than_its_messages_are_taken(tmp_path: Path) -> None:
    taken = 0

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.sleep(0.2)
        await send(START)
        await send({"type": "http.response.body", "body": b""})

    async def flood() -> None:
        tunnel, peer = Tunnel(app), Peer(tmp_path / "0")
        await tunnel.listen(tmp_path / "0")

        async def receive() -> Message:
            nonlocal taken
            taken += 1
            return part(b"x" * 1000, more=True)

        async def send(message: Message) -> None:
            del message

        await peer.ask(SCOPE, receive, send)
        peer.close()
        await tunnel.close(0.1)

    asyncio.run(flood())
    assert taken <= 2


def test_a_process_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        asyncio.run(Peer(tmp_path / "none").get("/readyz", {}))


def test_a_tunnel_that_ends_takes_no_more(tmp_path: Path) -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"x"})

    async def ask_twice() -> bytes:
        tunnel, peer = Tunnel(app), Peer(tmp_path / "0")
        await tunnel.listen(tmp_path / "0")
        _, body = await peer.get("/x", {})
        await tunnel.close(0.1)
        with pytest.raises(Unreachable):
            await peer.get("/x", {})
        return body

    assert asyncio.run(ask_twice()) == b"x"
