"""Requests, answers and routes, on the bare interface of ASGI."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from longshort.serve.refusal import Refusal
from longshort.serve.wire import JSON, decoded, encoded, kind_of

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Mapping[bytes, bytes]


def path_of(scope: Message) -> str:
    """Return the path of a request below the one under which a proxy shows the server."""
    found: str = scope["path"]
    return found.removeprefix(scope.get("root_path", ""))


class Disconnected(Exception):
    """The client went away before its request was whole."""


@dataclass(slots=True)
class Request:
    """A request of HTTP.

    owner: digest of the token that came with it, "" without tokens. is_passed_on: whether it came
    through another process of the server.
    """

    method: str
    path: str
    headers: Headers
    receive: Receive
    owner: str = ""
    is_passed_on: bool = False

    async def body(self, most: int) -> bytes:
        """Return the whole body; raises 413 if it is larger than `most` bytes."""
        told = self.headers.get(b"content-length", b"")
        if told.isdigit() and int(told) > most:
            raise _too_large(most)
        if self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refusal(
                415, "unsupported_encoding", "compressed bodies are not read; send it as it is"
            )
        first = await self._part()
        if not first.get("more_body"):
            body: bytes = first.get("body", b"")
            if len(body) > most:
                raise _too_large(most)
            return body
        parts = bytearray(first.get("body", b""))
        while True:
            if len(parts) > most:
                raise _too_large(most)
            part = await self._part()
            parts += part.get("body", b"")
            if not part.get("more_body"):
                break
        if len(parts) > most:
            raise _too_large(most)
        return bytes(parts)

    async def _part(self) -> Message:
        part = await self.receive()
        if part["type"] == "http.disconnect":
            raise Disconnected
        return part

    async def value(self, most: int, depth: int) -> Any:
        """Return the body's value, an empty object where there is no body."""
        body = await self.body(most)
        if not body:
            return {}
        return decoded(body, kind_of(self.headers.get(b"content-type", b"")), depth)

    @property
    def answers_in(self) -> bytes:
        """The type of the answer: that which is asked for, or that of the request."""
        accept = self.headers.get(b"accept", b"")
        if b"msgpack" in accept:
            return b"application/msgpack"
        if b"json" not in accept and b"msgpack" in self.headers.get(b"content-type", b""):
            return b"application/msgpack"
        return JSON


@dataclass(slots=True)
class Reply:
    """An answer. content: bytes, or pieces that are sent as they come."""

    status: int
    content: bytes | AsyncGenerator[bytes] = b""
    kind: bytes = JSON
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def reply(request: Request, value: Any, status: int = 200) -> Reply:
    """Return a plain value as an answer of the type that the request asks for."""
    kind = request.answers_in
    return Reply(status, encoded(value, kind), kind)


Handler = Callable[..., Awaitable[Reply]]
Style = Callable[[Refusal], Any]


@dataclass(frozen=True)
class Route:
    """A method and path, whose parts in braces are arguments of the handler.

    style: turns a refusal into the body of the error answer. is_open: whether no token is needed.
    """

    method: str
    path: str
    handler: Handler
    style: Style = Refusal.to_dict
    is_open: bool = False


class Routes:
    """Routes, looked up by method and path."""

    def __init__(self, routes: list[Route]) -> None:
        self._whole: dict[tuple[str, str], Route] = {}
        self._parted: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
        self.all = routes
        for each in routes:
            if "{" not in each.path:
                self._whole[each.method, each.path] = each
                continue
            parts = each.path.split("/")
            self._parted.setdefault((each.method, len(parts)), []).append((parts, each))

    def find(self, method: str, path: str) -> tuple[Route, list[str]]:
        """Return the route and the arguments from the path; raises 404 or 405."""
        found = self._whole.get((method, path))
        if found is not None:
            return found, []
        parts = path.split("/")
        for pattern, route in self._parted.get((method, len(parts)), ()):
            arguments = _arguments(pattern, parts)
            if arguments is not None:
                return route, arguments
        raise self._nothing(method, path)

    def _nothing(self, method: str, path: str) -> Refusal:
        others = {each.method for each in self.all if each.method != method}
        allowed = [other for other in sorted(others) if self._has(other, path)]
        if allowed:
            named = ", ".join(allowed)
            message = f"this path takes {named}, not {method[:20]}"
            return Refusal(405, "wrong_method", message, allowed=allowed)
        return Refusal(404, "no_such_path", "there is nothing here; /openapi.json lists the paths")

    def _has(self, method: str, path: str) -> bool:
        if (method, path) in self._whole:
            return True
        parts = path.split("/")
        candidates = self._parted.get((method, len(parts)), ())
        return any(_arguments(pattern, parts) is not None for pattern, _ in candidates)


def _arguments(pattern: list[str], parts: list[str]) -> list[str] | None:
    found = []
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            found.append(part)
        elif wanted != part:
            return None
    return found if all(found) else None


def _too_large(most: int) -> Refusal:
    return Refusal(413, "too_large", f"the body may have {most:,} bytes")
