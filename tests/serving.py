"""Servers of tests: asked within the process, or over a socket of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longshort.runs.task import quiet
from longshort.serve.app import App
from longshort.serve.limits import Limits
from longshort.serve.run import Options, application, bound_to, process_of, server_of
from longshort.serve.server import Server

TOKEN, OTHER = "a-token-of-one-client", "a-token-of-another-client"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass
class Client:
    """Asks an application within the process, each request in an event loop of its own."""

    app: App
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def server(self) -> Server:
        return self.app.server

    def ask(
        self, method: str, path: str, body: Any = None, *, kind: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Send a request; a body that is no bytes is sent as JSON."""
        return asyncio.run(self.asked(method, path, body, kind=kind, headers=headers))

    async def asked(
        self, method: str, path: str, body: Any = None, *, kind: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """The same within a loop that runs already."""
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        named = {"host": "127.0.0.1", "content-type": kind, **self.headers, **(headers or {})}
        if self.token is not None:
            named["authorization"] = f"Bearer {self.token}"
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in named.items()],
        }
        given = [{"type": "http.request", "body": raw, "more_body": False}]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if given:
                return given.pop()
            await asyncio.sleep(3600)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        parts = b"".join(each.get("body", b"") for each in sent[1:])
        return Answer(sent[0]["status"], dict(sent[0]["headers"]), parts)

    def open(self) -> str:
        """Open a session; returns its id."""
        answer = self.ask("POST", "/v1/sessions", {})
        assert answer.status == 201, answer.body
        return str(answer.json["session"])


def client_of(path: Path, *, token: str | None = None, **how: Any) -> Client:
    """A client of a run or bundle that is served within the process; `how`: options, and limits."""
    limits = Limits(**{k: how.pop(k) for k in list(how) if k in Limits.__dataclass_fields__})
    tokens = (TOKEN, OTHER) if token else ()
    options = Options(name=_name(path), limits=limits, tokens=tokens, **how)
    app = application(server_of(path, options, quiet), options.state_dir, quiet)
    app.server.is_ready = True
    return Client(app, token)


@contextlib.contextmanager
def running(path: Path, **how: Any) -> Iterator[tuple[str, Server]]:
    """A server on a socket, in a thread; yields its address "host:port" and what it serves."""
    limits = Limits(**{k: how.pop(k) for k in list(how) if k in Limits.__dataclass_fields__})
    options = Options(name=_name(path), limits=limits, port=0, **how)
    server = server_of(path, options, quiet)
    app = application(server, options.state_dir, quiet)
    process = process_of(app, options)
    with contextlib.closing(bound_to(options.host, 0)) as bound:
        thread = threading.Thread(target=process.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        while not process.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        try:
            yield f"{options.host}:{bound.getsockname()[1]}", server
        finally:
            process.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the server did not end"


def _name(path: Path) -> str:
    """The task of a tiny run, by the name of its folder."""
    return path.parent.name.rstrip("0123456789")
