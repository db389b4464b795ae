"""Connections that are too slow, too talkative or too many."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from longshort.serve.limits import Limits

_CHUNKS = 20_000
"""Pieces of one body; more of them are sent to make work, not to say something."""


class GuardedProtocol(HttpToolsProtocol):
    """HTTP with limits on heads, on the time to send a request, on pieces and on connections.

    The limits are those of the application (`app_state`).
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._limits: Limits = self.app_state["limits"]
        self._timer: asyncio.TimerHandle | None = None
        self._is_head = False
        self._head = self._unread = self._pieces = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._end(503, b"retry-after: 1\r\n", "too many connections")
            return
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._over()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and count what belongs to a head that is not complete."""
        if self.transport.is_closing():
            return
        if self._timer is None:
            self._begin()
        super().data_received(data)
        if self._is_head and not self.transport.is_closing():
            self._unread += len(data)
            if self._unread > self._limits.header:
                self._refuse_head()

    def on_message_begin(self) -> None:
        """Begin with the head of a request."""
        self._is_head = True
        self._head = self._pieces = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count the address."""
        self._head += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        self._head += len(name) + len(value) + 4
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, unless its head is too large."""
        self._is_head = False
        self._unread = 0
        if self._head > self._limits.header:
            self._refuse_head()
        elif not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        if self.transport.is_closing():
            return
        self._pieces += 1
        if self._pieces > _CHUNKS:
            self._over()
            self.transport.abort()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._over()
        if not self.transport.is_closing():
            super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        self._over()
        super().handle_websocket_upgrade()

    def _begin(self) -> None:
        self._timer = self.loop.call_later(self._limits.request, self._late)

    def _over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse_head(self) -> None:
        self._end(431, b"", "the head of the request is too large")

    def _late(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.abort()

    def _end(self, status: int, header: bytes, message: str) -> None:
        """Answer and close, before any application sees the request."""
        self._over()
        phrase = {431: b"Request Header Fields Too Large", 503: b"Service Unavailable"}[status]
        body = message.encode()
        self.transport.write(
            b"HTTP/1.1 %d %s\r\nconnection: close\r\ncontent-type: text/plain\r\n%s"
            b"content-length: %d\r\n\r\n%s" % (status, phrase, header, len(body), body)
        )
        self.transport.close()
