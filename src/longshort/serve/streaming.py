"""Sessions over WebSocket: one message is one step."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import numpy as np

from longshort.serve.refusal import Refusal, malformed
from longshort.serve.server import Server
from longshort.serve.sessions import Entry
from longshort.serve.stepping import answered
from longshort.serve.web import Headers, Message, Receive, Send, path_of
from longshort.serve.wire import JSON, decoded, encoded

PROTOCOL = "longshort.v1"
PATH = "/v1/stream"
RESTARTS = 1012
_POLICY, _OVERLOADED = 1008, 1013
_PATIENCE = 10.0
"""Seconds for the first message, and for a reader to take an answer."""


class _Ended(Exception):
    """The connection is over."""


class Streaming:
    """Answers WebSockets."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a connection until its end."""
        await receive()
        headers: Headers = dict(scope["headers"])
        wanted = scope.get("subprotocols", [])
        try:
            self.server.access.check_place(headers)
            if path_of(scope) != PATH:
                raise Refusal(404, "no_such_path", f"WebSockets are at {PATH}")
            if wanted and PROTOCOL not in wanted:
                raise Refusal(400, "malformed", f"the subprotocol is {PROTOCOL}")
            if self.server.is_draining:
                raise Refusal(503, "draining", "the server is about to end")
        except Refusal as refusal:
            self.server.metrics.rejected[refusal.code] += 1
            await send({"type": "websocket.close", "code": _POLICY})
            return
        chosen = PROTOCOL if wanted else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        connection = _Connection(self.server, headers, receive, send)
        self.server.streams.add(connection)
        try:
            await connection.talk()
        except _Ended:
            pass
        finally:
            self.server.streams.discard(connection)

    async def drain(self) -> None:
        """Tell all clients that the server ends, and close."""
        told = []
        for each in list(self.server.streams):
            assert isinstance(each, _Connection)
            told.append(asyncio.ensure_future(each.drain()))
        if told:
            await asyncio.wait(told, timeout=_DRAIN)


class _Connection:
    """One client. entry: its session, from its first message on."""

    def __init__(self, server: Server, headers: Headers, receive: Receive, send: Send) -> None:
        self.server, self.headers = server, headers
        self._receive, self._send = receive, send
        self.entry: Entry | None = None
        self.owner = ""

    async def talk(self) -> None:
        """Open or resume a session, then answer every message."""
        try:
            first = await asyncio.wait_for(self._next(), _PATIENCE)
        except TimeoutError:
            await self._close(_POLICY, "the first message did not come")
            return
        try:
            self.entry = entry = self._opened(first)
        except Refusal as refusal:
            self.server.metrics.rejected[refusal.code] += 1
            await self._put(refusal.to_dict())
            await self._close(_POLICY, refusal.code)
            return
        await self._put(
            {
                "session": entry.id,
                "seq": entry.steps,
                "model": self.server.served.name,
                "expires_in": self.server.limits.ttl,
            }
        )
        while True:
            message = await self._next()
            try:
                found = await self._answer(message)
            except Refusal as refusal:
                self.server.metrics.rejected[refusal.code] += 1
                found = encoded(refusal.to_dict())
            await self._write(found)
            self.server.metrics.requests[PATH, 101] += 1

    async def drain(self) -> None:
        """Tell the client to come back later; its session is kept where the server keeps any."""
        told: dict[str, Any] = {"event": "drain"}
        if self.entry is not None:
            told |= {"session": self.entry.id, "seq": self.entry.steps}
        try:
            await self._put(told)
            await self._close(RESTARTS, "the server restarts; resume the session")
        except _Ended:
            pass

    def _opened(self, first: bytes | str) -> Entry:
        """Return the session that the first message asks for."""
        if isinstance(first, bytes):
            raise malformed("the first message opens a session, as JSON")
        given = decoded(first.encode(), JSON, self.server.limits.depth)
        if not isinstance(given, dict) or not set(given) <= {"session", "token"}:
            raise malformed("the first message is an object, of session and token at most")
        token = given.get("token")
        access = self.server.access
        self.owner = (
            access.owner_by(token.encode())
            if isinstance(token, str)
            else access.owner(self.headers)
        )
        name = given.get("session")
        if name is None:
            return self.server.sessions.open(self.owner, self.server.served.open())
        return self.server.sessions.find(str(name), self.owner)

    async def _answer(self, message: bytes | str) -> bytes:
        """Return the answer to a message after the first: that to one step."""
        assert self.entry is not None
        self.server.access.check_rate(self.owner)
        entry = self.server.sessions.find(self.entry.id, self.owner)
        if isinstance(message, bytes):
            return await answered(self.server, entry, self._rows(message), None, _body, _FORM)
        given = decoded(message.encode(), JSON, self.server.limits.depth)
        if not isinstance(given, dict) or "x" not in given or not set(given) <= {"x", "seq"}:
            raise malformed("a message is an object of x, and of seq if steps are numbered")
        seq = given.get("seq")
        if seq is not None and type(seq) is not int:
            raise malformed("seq: a whole number is expected")
        return await answered(self.server, entry, [given["x"]], seq, _body, _FORM)

    def _rows(self, message: bytes) -> list[Any]:
        """Return the rows of a binary message: little-endian float32 [n, columns]."""
        names = self.server.served.number_columns
        if names is None:
            raise malformed("this model takes more than numbers; send steps as JSON")
        if not message or len(message) % (4 * len(names)):
            raise malformed(f"a binary message is rows of {len(names)} float32 values each")
        values = np.frombuffer(message, "<f4").astype(np.float64).reshape(-1, len(names))
        return [dict(zip(names, row, strict=True)) for row in values.tolist()]

    async def _next(self) -> bytes | str:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise _Ended
        text = message.get("text")
        found: bytes | str = text if text is not None else message["bytes"]
        return found

    async def _put(self, value: Any) -> None:
        await self._write(encoded(value))

    async def _write(self, body: bytes) -> None:
        """Send a text message; a client that does not read is let go."""
        message = {"type": "websocket.send", "text": body.decode()}
        try:
            await asyncio.wait_for(self._send(message), _PATIENCE)
        except TimeoutError:
            await self._close(_OVERLOADED, "answers are not read")
        except (OSError, RuntimeError):  # the client is gone
            raise _Ended from None

    async def _close(self, code: int, reason: str) -> None:
        close = {"type": "websocket.close", "code": code, "reason": reason}
        with contextlib.suppress(Exception):
            # Even a close waits for a client that does not read.
            await asyncio.wait_for(self._send(close), _GOODBYE)
        raise _Ended


def _body(first: int, answers: list[dict[str, Any]]) -> bytes:
    """Return the answer to steps: that of one, or a list for several rows of a binary message."""
    if len(answers) == 1:
        return encoded({"seq": first, "answer": answers[0]})
    return encoded({"seq": first, "answers": answers})


_FORM = b"websocket"
_GOODBYE, _DRAIN = 1.0, 2.0
"""Seconds that the close of one connection, and the news of an end to all, may take."""
