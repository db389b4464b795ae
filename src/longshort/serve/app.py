"""The application: every request goes through here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from longshort.serve.refusal import Refusal
from longshort.serve.server import Server
from longshort.serve.share import Elsewhere
from longshort.serve.streaming import Streaming
from longshort.serve.web import (
    Disconnected,
    Headers,
    Message,
    Receive,
    Reply,
    Request,
    Routes,
    Send,
    Style,
    path_of,
)
from longshort.serve.wire import encoded

_LOG = logging.getLogger("longshort.serve")
_SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
]
_ECHOED = (b"x-request-id", b"traceparent")
_ALIVE = 15.0
"""Seconds without a piece after which a stream sends a comment, so that proxies keep it."""

Scope = Message


class App:
    """An ASGI application. stream: what answers WebSockets. started, ended: around all of it."""

    def __init__(
        self,
        server: Server,
        routes: Routes,
        stream: Streaming,
        started: Callable[[], Awaitable[None]],
        ended: Callable[[], Awaitable[None]],
    ) -> None:
        self.server, self.routes, self.stream = server, routes, stream
        self.started, self.ended = started, ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, a WebSocket, or the beginning and the end of the server."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self.stream(scope, receive, send)
        else:
            await self._lifespan(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin = time.monotonic()
        headers: Headers = dict(scope["headers"])
        style: Style = Refusal.to_dict
        name = "none"
        try:
            self.server.access.check_place(headers)
            path = path_of(scope)
            route, arguments = self.routes.find(scope["method"], path)
            style, name = route.style, route.path
            owner = "" if route.is_open else self.server.access.owner(headers)
            is_passed_on = scope.get("is_passed_on", False)
            if not route.is_open and not is_passed_on:
                self.server.access.check_rate(owner)
            request = Request(scope["method"], path, headers, receive, owner, is_passed_on)
            found = await route.handler(request, *arguments)
        except Refusal as refusal:
            found = self._refused(refusal, style)
        except Disconnected:
            return
        except Elsewhere:
            raise
        except Exception:
            _LOG.exception("%s failed", name)
            unknown = Refusal(500, "internal", "the server failed at this; its log says why")
            found = self._refused(unknown, style)
        self.server.metrics.requests[name, found.status] += 1
        await _send(found, headers, receive, send)
        self.server.metrics.request_seconds.add(time.monotonic() - begin)

    async def refuse(self, scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
        """Answer a request with a refusal."""
        await _send(self._refused(refusal, Refusal.to_dict), dict(scope["headers"]), receive, send)

    def _refused(self, refusal: Refusal, style: Style) -> Reply:
        self.server.metrics.rejected[refusal.code] += 1
        found = Reply(refusal.status, encoded(style(refusal)))
        if refusal.retry is not None:
            found.headers.append((b"retry-after", str(refusal.retry).encode()))
        if refusal.allowed:
            found.headers.append((b"allow", ", ".join(refusal.allowed).encode()))
        if refusal.status == 401:
            found.headers.append((b"www-authenticate", b"Bearer"))
        return found

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["limits"] = self.server.limits
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.started()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.ended()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _send(found: Reply, asked: Headers, receive: Receive, send: Send) -> None:
    headers = [*_SAFE, *found.headers]
    headers += [(name, asked[name]) for name in _ECHOED if _is_echoed(asked.get(name))]
    if found.status != 204:
        headers.append((b"content-type", found.kind))
    start: dict[str, Any] = {"type": "http.response.start", "status": found.status}
    if isinstance(found.content, bytes):
        headers.append((b"content-length", str(len(found.content)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": found.content})
        return
    await send({**start, "headers": [*headers, (b"x-accel-buffering", b"no")]})
    async for piece in _kept_alive(found.content, receive):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _kept_alive(pieces: AsyncGenerator[bytes], receive: Receive) -> AsyncGenerator[bytes]:
    """Yield the pieces until the client goes away, and a comment whenever none came for a while."""
    coming = asyncio.ensure_future(anext(pieces, None))
    gone = asyncio.ensure_future(receive())
    try:
        while not gone.done():
            await asyncio.wait([coming, gone], timeout=_ALIVE, return_when="FIRST_COMPLETED")
            if not coming.done():
                yield b": waiting\n\n"
                continue
            piece = coming.result()
            if piece is None:
                return
            yield piece
            coming = asyncio.ensure_future(anext(pieces, None))
    finally:
        coming.cancel()
        gone.cancel()
        await asyncio.gather(coming, gone, return_exceptions=True)
        await pieces.aclose()


def _is_echoed(value: bytes | None) -> bool:
    return value is not None and len(value) <= 128 and all(32 < byte < 127 for byte in value)
