"""Sessions on a Ray cluster: a session stays on one replica, and outlives it.

    pip install 'ray[serve]' redis mmh3
    MODEL=model.longshort REDIS=redis://127.0.0.1 serve run ray_sessions:app

A request is POST / with the header x-session-id and the JSON {"x": …, "seq": n}, n from 1 on. Ray
hashes the header, so that all steps of a session reach one replica, which alone holds its state. No
other replica is asked when that one is busy (num_fallback_replicas 0): it would not have the state.

After every step the replica writes a snapshot to Redis, before it answers. When a replica dies, the
ring gives its sessions to others, and these go on from the snapshot. A step is told by its number,
so a client that got no answer asks again: the step is taken once, whoever takes it. A session whose
snapshot has expired is gone (410), never begun anew unseen.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import redis.asyncio as redis
from ray import serve
from ray.serve.config import RequestRouterConfig
from starlette.requests import Request
from starlette.responses import JSONResponse

TTL = 15 * 60
"""Seconds that a snapshot is kept after its last step."""
MOST = 10_000
"""Sessions that a replica holds; the longest unused ones are then only in Redis."""
ROUTER = RequestRouterConfig(
    request_router_class="ray.serve.experimental.consistent_hash_router.ConsistentHashRouter",
    request_router_kwargs={"num_fallback_replicas": 0},
)


@serve.deployment(num_replicas=2, request_router_config=ROUTER, max_ongoing_requests=256)
class Sessions:
    """A replica: the model, and the sessions that the ring gives it."""

    def __init__(self, model: str, store: str) -> None:
        import longshort as ls

        self.model: Any = ls.load(model)
        self.store = redis.from_url(store)
        self.sessions: dict[str, tuple[Any, str]] = {}
        """By id: the session and its last answer, the longest unused first."""
        self.locks: dict[str, asyncio.Lock] = {}

    async def __call__(self, request: Request) -> JSONResponse:
        """Take one step of a session."""
        name = request.headers.get("x-session-id", "")
        try:
            asked = json.loads(await request.body())
            x, seq = asked["x"], int(asked["seq"])
        except (ValueError, KeyError, TypeError):
            return refused(422, 'expected {"x": …, "seq": n}')
        if not name or seq < 1:
            return refused(422, "expected the header x-session-id, and seq from 1 on")
        try:
            async with self.locks.setdefault(name, asyncio.Lock()):
                return await self._step(name, x, seq)
        finally:
            lock = self.locks.get(name)
            if name not in self.sessions and lock is not None and not lock.locked():
                del self.locks[name]

    async def _step(self, name: str, x: Any, seq: int) -> JSONResponse:
        session, last = await self._found(name, seq)
        if session is None:
            return refused(410, "the session is gone; begin another one with seq 1")
        if seq == session.steps and seq:
            return JSONResponse(json.loads(last))
        if seq != session.steps + 1:
            return refused(409, f"the next step is {session.steps + 1}, got {seq}")
        from longshort.errors import DataError

        # On a copy: where Redis fails, the session here is still at the step before.
        session = session.fork()
        try:
            answer = session.step(x)
        except DataError as error:
            return refused(422, str(error))
        text = json.dumps(answer)
        kept = json.dumps({"answer": text}).encode() + b"\n" + session.snapshot()
        await self.store.set(key(name), kept, ex=TTL)
        self.sessions.pop(name, None)
        self.sessions[name] = (session, text)
        while len(self.sessions) > MOST:
            oldest = next(iter(self.sessions))
            del self.sessions[oldest]
            self.locks.pop(oldest, None)
        return JSONResponse(answer)

    async def _found(self, name: str, seq: int) -> tuple[Any, str]:
        """Return a session: held here, from its snapshot, or a new one for its first step."""
        held = self.sessions.get(name)
        # Another replica may have gone on meanwhile, so an older state than asked for is not used.
        if held is not None and held[0].steps in (seq - 1, seq):
            return held
        kept = await self.store.get(key(name))
        if kept is not None:
            head, _, snapshot = kept.partition(b"\n")
            return self.model.restore(snapshot), json.loads(head)["answer"]
        return (self.model.session(), "") if seq == 1 else (None, "")


def key(name: str) -> str:
    """Return the name of a session's snapshot."""
    return f"longshort:{name}"


def refused(status: int, message: str) -> JSONResponse:
    """Return an error for a client."""
    return JSONResponse({"error": {"status": status, "message": message}}, status_code=status)


app = Sessions.bind(  # type: ignore[attr-defined]
    os.environ.get("MODEL", "model.longshort"), os.environ.get("REDIS", "redis://127.0.0.1")
)
