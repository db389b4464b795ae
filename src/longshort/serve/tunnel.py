"""Requests that one process passes on to another: messages of ASGI over a Unix socket.

A frame is four bytes of length and a message as msgpack. A request begins with its scope; an empty
message ends it, after which the connection is free for the next one. Who answers asks for each
further message of the client, so that no more of them wait than in one process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from longshort.serve.web import Headers, Message, Receive, Send

_PASSED = ("type", "method", "path", "root_path", "query_string", "headers", "subprotocols")
"""What of a scope an application of this package reads."""
_MORE: Message = {"type": "tunnel.more"}
_LOG = logging.getLogger("longshort.serve")
_IDLE = 64
"""Free connections that are kept."""

Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Unreachable(Exception):
    """The other process is not there, or ended within a request."""


class Peer:
    """Another process. path: of its socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._free: list[_Wire] = []

    async def ask(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back; raises `Unreachable`."""
        wire, wanted = await self._wire(), asyncio.Semaphore(1)
        asking = asyncio.ensure_future(_asking(wire, scope, receive, wanted))
        try:
            while message := await wire.read():
                if message == _MORE:
                    wanted.release()
                else:
                    await send(message)
        except (OSError, EOFError):
            wire.close()
            raise Unreachable from None
        except BaseException:
            wire.close()
            raise
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await asking
        if len(self._free) < _IDLE:
            self._free.append(wire)
        else:
            wire.close()

    async def get(self, path: str, headers: Headers) -> tuple[int, bytes]:
        """Return status and body of the answer to a GET; raises `Unreachable`."""
        scope = {"type": "http", "method": "GET", "path": path, "headers": [*headers.items()]}
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.ask(scope, _once(receive), send)
        return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:])

    def close(self) -> None:
        """Close the connections that are free."""
        while self._free:
            self._free.pop().close()

    async def _wire(self) -> _Wire:
        while self._free:
            wire = self._free.pop()
            if wire.is_open:
                return wire
            wire.close()
        try:
            return _Wire(*await asyncio.open_unix_connection(self._path))
        except OSError:
            raise Unreachable from None


class Tunnel:
    """Answers what other processes pass on, until it is closed."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._server: asyncio.Server | None = None
        self._wires: set[_Wire] = set()
        self._running: set[asyncio.Future[None]] = set()

    async def listen(self, path: Path) -> None:
        """Begin to answer at a socket, in place of one that was there."""
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._talk, path)

    async def close(self, patience: float) -> None:
        """Take no more requests, and wait some seconds for those that run."""
        if self._server is not None:
            self._server.close()
        running, self._server = set(self._running), None
        if running:
            _, late = await asyncio.wait(running, timeout=patience)
            for each in late:
                each.cancel()
        for wire in list(self._wires):
            wire.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = _Wire(reader, writer)
        self._wires.add(wire)
        coming: asyncio.Queue[Message] = asyncio.Queue()
        try:
            while True:
                message = await wire.read()
                if "path" in message:
                    if self._server is None:
                        return
                    coming = asyncio.Queue()
                    task = asyncio.ensure_future(self._answer(wire, message, coming))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
                else:
                    coming.put_nowait(message)
        except (OSError, EOFError):
            coming.put_nowait({"type": "http.disconnect"})
        finally:
            self._wires.discard(wire)
            wire.close()

    async def _answer(self, wire: _Wire, scope: Message, coming: asyncio.Queue[Message]) -> None:
        gone = f"{scope['type']}.disconnect"

        async def receive() -> Message:
            message = await coming.get()
            if message["type"].endswith("disconnect"):
                return {"type": gone}
            await wire.write(_MORE)
            return message

        try:
            await self._app({**scope, "is_passed_on": True}, receive, wire.write)
            await wire.write({})
        except OSError:
            wire.close()
        except Exception:
            _LOG.exception("a request that was passed on failed")
            wire.close()  # so that who passed it on sees the end


class _Wire:
    """A connection of frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @property
    def is_open(self) -> bool:
        """Whether the other side has not closed it, as far as is known."""
        return not self._reader.at_eof() and not self._writer.is_closing()

    async def read(self) -> Message:
        """Return the next message; raises `EOFError` at the end."""
        size = int.from_bytes(await self._reader.readexactly(4))
        found: dict[str, Any] = msgspec.msgpack.decode(await self._reader.readexactly(size))
        return found

    async def write(self, message: Message) -> None:
        """Send a message."""
        body = msgspec.msgpack.encode(message)
        self._writer.write(len(body).to_bytes(4) + body)
        await self._writer.drain()

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


async def _asking(wire: _Wire, scope: Message, receive: Receive, wanted: asyncio.Semaphore) -> None:
    """Send a request, and what else comes from its client until it goes away.

    A message is taken from the client once the one before it is read, as without a tunnel.
    """
    await wire.write({name: scope[name] for name in _PASSED if name in scope})
    while True:
        await wanted.acquire()
        message = await receive()
        await wire.write(message)
        if message["type"].endswith("disconnect"):
            return


def _once(receive: Receive) -> Receive:
    """Return a client that sends one message, and then waits."""
    is_sent = False

    async def found() -> Message:
        nonlocal is_sent
        if is_sent:
            await asyncio.Event().wait()
        is_sent = True
        return await receive()

    return found
