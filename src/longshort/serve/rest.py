"""The native protocol: sessions, predictions and the model's description over HTTP."""

from __future__ import annotations

from typing import Any

from longshort.serve.refusal import Refusal, malformed
from longshort.serve.server import Server
from longshort.serve.sessions import Entry
from longshort.serve.signing import Kept
from longshort.serve.stepping import answered
from longshort.serve.web import Reply, Request, Route, reply
from longshort.serve.wire import encoded

_BYTES = b"application/octet-stream"


class Rest:
    """Handlers of `/v1`."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def routes(self) -> list[Route]:
        """Return the paths and their handlers."""
        one = "/v1/sessions/{id}"
        return [
            Route("GET", "/v1/model", self.model),
            Route("POST", "/v1/predict", self.predict),
            Route("POST", "/v1/sessions", self.open),
            Route("GET", one, self.show),
            Route("DELETE", one, self.delete),
            Route("POST", f"{one}/step", self.step),
            Route("POST", f"{one}/steps", self.steps),
            Route("GET", f"{one}/state", self.state),
            Route("PUT", f"{one}/state", self.put_state),
            Route("POST", f"{one}/fork", self.fork),
            Route("POST", f"{one}/reset", self.reset),
        ]

    async def model(self, request: Request) -> Reply:
        """Describe the model."""
        return reply(request, self.server.served.about())

    async def predict(self, request: Request) -> Reply:
        """Predict samples that stand alone."""
        given = await self._value(request)
        work = self.server.served.predict
        return reply(request, await self.server.worker.run(lambda: work(given)))

    async def open(self, request: Request) -> Reply:
        """Open a session, or one that goes on from a snapshot."""
        self._refuse_new()
        if request.headers.get(b"content-type", b"").startswith(_BYTES):
            return await self._reopen(request)
        given = await self._object(request, ("id",))
        name = given.get("id")
        if name is not None and not self.server.allows_names:
            raise Refusal(403, "no_own_ids", "the server names sessions; leave out the id")
        if name is not None and not isinstance(name, str):
            raise malformed("id: a text is expected")
        session = self.server.served.open()
        return self._opened(request, self.server.sessions.open(request.owner, session, name))

    async def show(self, request: Request, name: str) -> Reply:
        """Say what a session is at."""
        return reply(request, self._told(self._find(request, name)))

    async def delete(self, request: Request, name: str) -> Reply:
        """End a session."""
        self.server.sessions.close(self._find(request, name))
        return Reply(204)

    async def step(self, request: Request, name: str) -> Reply:
        """Take one sample in."""
        given = await self._object(request, ("x", "seq"), needed="x")
        return await self._take(request, name, [given["x"]], given.get("seq"), is_one=True)

    async def steps(self, request: Request, name: str) -> Reply:
        """Take several samples in, one after the other: all of them, or none."""
        given = await self._object(request, ("xs", "seq"), needed="xs")
        if not isinstance(given["xs"], list) or not given["xs"]:
            raise malformed("xs: a list of samples is expected")
        return await self._take(request, name, given["xs"], given.get("seq"), is_one=False)

    async def state(self, request: Request, name: str) -> Reply:
        """Return a signed snapshot."""
        entry = self._find(request, name)
        with entry:
            return Reply(200, packed(self.server, entry), _BYTES)

    async def put_state(self, request: Request, name: str) -> Reply:
        """Replace a session's state by that of a snapshot."""
        kept = await self._snapshot(request)
        entry = self._find(request, name)
        with entry:
            session = self.server.served.restore(kept.snapshot)
            entry.replace(session, kept.steps, kept.first, kept.answer)
        return reply(request, self._told(entry))

    async def fork(self, request: Request, name: str) -> Reply:
        """Open a session that goes on from where another one is."""
        self._refuse_new()
        entry = self._find(request, name)
        with entry:
            other = self.server.sessions.open(request.owner, entry.session.fork())
            other.steps = entry.steps
        return self._opened(request, other)

    async def reset(self, request: Request, name: str) -> Reply:
        """Begin a session anew."""
        entry = self._find(request, name)
        with entry:
            entry.replace(self.server.served.open(), 0)
        return reply(request, self._told(entry))

    async def _take(
        self, request: Request, name: str, xs: list[Any], seq: Any, *, is_one: bool
    ) -> Reply:
        if seq is not None and type(seq) is not int:
            raise malformed("seq: a whole number is expected")
        entry, kind = self._find(request, name), request.answers_in

        def body(first: int, answers: list[dict[str, Any]]) -> bytes:
            found = {"answer": answers[0]} if is_one else {"answers": answers}
            return encoded({"session": entry.id, "seq": first, **found}, kind)

        form = kind + (b" step" if is_one else b" steps")
        return Reply(200, await answered(self.server, entry, xs, seq, body, form), kind)

    async def _reopen(self, request: Request) -> Reply:
        kept = await self._snapshot(request)
        session = self.server.served.restore(kept.snapshot)
        entry = self.server.sessions.open(request.owner, session)
        entry.replace(session, kept.steps, kept.first, kept.answer)
        return self._opened(request, entry)

    async def _snapshot(self, request: Request) -> Kept:
        body = await request.body(self.server.limits.state)
        return self.server.signer.unpack(body, request.owner)

    def _opened(self, request: Request, entry: Entry) -> Reply:
        found = reply(request, self._told(entry), 201)
        found.headers.append((b"location", f"/v1/sessions/{entry.id}".encode()))
        return found

    def _told(self, entry: Entry) -> dict[str, Any]:
        return {
            "session": entry.id,
            "model": self.server.served.name,
            "seq": entry.steps,
            "generation": entry.generation,
            "expires_in": self.server.limits.ttl,
        }

    def _find(self, request: Request, name: str) -> Entry:
        return self.server.sessions.find(name, request.owner)

    def _refuse_new(self) -> None:
        if self.server.is_draining:
            raise Refusal(503, "draining", "the server is about to end", retry=5)

    async def _value(self, request: Request) -> Any:
        return await request.value(self.server.limits.body, self.server.limits.depth)

    async def _object(
        self, request: Request, known: tuple[str, ...], needed: str | None = None
    ) -> dict[str, Any]:
        """Return the body, an object of these keys; raises 400 for others."""
        found = await self._value(request)
        if not isinstance(found, dict):
            raise malformed("an object is expected")
        strange = [name for name in found if name not in known]
        if strange:
            raise malformed(
                f"{str(strange[0])[:100]!r} is unknown here; there are {', '.join(known)}"
            )
        if needed is not None and needed not in found:
            raise malformed(f"{needed!r} is missing")
        return found


def packed(server: Server, entry: Entry) -> bytes:
    """Return a session as a signed snapshot."""
    kept = Kept(entry.session.snapshot(), entry.steps, entry.first, entry.answer)
    return server.signer.pack(kept, entry.owner)
