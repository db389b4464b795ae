"""The application of one of several processes: it passes on what another one's sessions are for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from longshort.serve.app import App
from longshort.serve.refusal import busy
from longshort.serve.share import Elsewhere
from longshort.serve.streaming import RESTARTS
from longshort.serve.tunnel import Peer, Unreachable
from longshort.serve.web import Headers, Message, Receive, Send

_PATIENCE = 5.0
"""Seconds that a process may take to say how it is."""


class Peers:
    """The processes of a server, by their numbers. paths: of their sockets."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._all = [Peer(path) for path in paths]

    def __getitem__(self, number: int) -> Peer:
        return self._all[number]

    async def get(self, path: str, headers: Headers) -> list[tuple[int, bytes]]:
        """Return status and body of the answer of every process; 503 of one that is not there."""
        return await asyncio.gather(*(_got(each, path, headers) for each in self._all))

    def close(self) -> None:
        """Close the connections that are free."""
        for each in self._all:
            each.close()


class Spread:
    """An ASGI application in front of that of one process.

    Which process a request is for is known once its session is looked up: what was received until
    then is passed on with it.
    """

    def __init__(self, app: App, peers: Peers) -> None:
        self._app, self._peers = app, peers

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request here, or let another process answer it."""
        client = _Client(receive, send)
        try:
            await self._app(scope, client.receive, client.send)
        except Elsewhere as other:
            client.rewind()
            try:
                await self._peers[other.number].ask(scope, client.receive, client.send)
            except Unreachable:
                await self._refuse(scope, client)

    async def _refuse(self, scope: Message, client: _Client) -> None:
        """Tell a client that the process of its session is not there."""
        if scope["type"] == "websocket":
            await client.send({"type": "websocket.close", "code": RESTARTS})
        elif client.is_answered:
            raise ConnectionResetError("the process of a session ended within its answer")
        else:
            refusal = busy("the process of this session starts or ends; ask again")
            await self._app.refuse(scope, client.receive, client.send, refusal)


class _Client:
    """What a client sent, which can be read once more until it is answered.

    is_answered: whether something was sent to it, beyond that its WebSocket is accepted.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._kept: list[Message] = []
        self._again: list[Message] = []
        self._is_kept = True
        self._is_accepted = False
        self.is_answered = False

    async def receive(self) -> Message:
        """Return the next message of the client."""
        if self._again:
            return self._again.pop(0)
        message = await self._receive()
        if self._is_kept:
            self._kept.append(message)
        return message

    async def send(self, message: Message) -> None:
        """Send a message to the client; a WebSocket is accepted once, whoever accepts it."""
        if message["type"] == "websocket.accept":
            if self._is_accepted:
                return
            self._is_accepted = True
        else:
            self.is_answered, self._is_kept, self._kept = True, False, []
        await self._send(message)

    def rewind(self) -> None:
        """Begin with the first message again."""
        self._again, self._is_kept = self._kept, False


async def _got(peer: Peer, path: str, headers: Headers) -> tuple[int, bytes]:
    try:
        return await asyncio.wait_for(peer.get(path, headers), _PATIENCE)
    except (Unreachable, TimeoutError):
        return 503, b""
