"""Steps of sessions: in order, once each, and together where several are ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from longshort.errors import LongshortError
from longshort.runs.session import Session
from longshort.serve.refusal import Refusal
from longshort.serve.served import plain, refuse_not_finite, refused
from longshort.serve.server import Server
from longshort.serve.sessions import Entry

Answers = list[dict[str, Any]]

_MEASURED = 64
"""Steps of a session between two measurements of its state's size."""


async def answered(
    server: Server,
    entry: Entry,
    xs: list[Any],
    seq: int | None,
    body: Callable[[int, Answers], bytes],
    form: bytes,
) -> bytes:
    """Take samples in, and return the body that `body` makes of their first number and answers.

    seq: number of the first of them; that of the last request gets the stored answer, if it has the
    same form. Samples are
    taken in all together or not at all: a refused one leaves the session as it was.
    """
    with entry:
        stored = entry.repeated(seq, form)
        if stored is not None:
            return stored
        session = entry.session.fork()
        if len(xs) == 1:
            answers = [await _step(server, session, xs[0])]
        else:
            parts = server.served.steps(session, xs)
            answers = await server.worker.run_all(parts)
        if entry.session is None:
            raise Refusal(410, "session_deleted", "this session is over: deleted")
        found = body(entry.steps + 1, plain(answers))
        entry.session = session
        entry.done(len(xs), found, form)
        server.metrics.steps += len(xs)
        server.metrics.drift.add(xs)
        _measure(server, entry, len(xs))
        return found


async def _step(server: Server, session: Session, x: Any) -> dict[str, Any]:
    refuse_not_finite(x)
    try:
        return await server.worker.step(session, x)
    except LongshortError as error:
        raise refused(error) from None


def _measure(server: Server, entry: Entry, count: int) -> None:
    """Measure the state now and then; a session whose state is too large ends."""
    if entry.size and entry.steps // _MEASURED == (entry.steps - count) // _MEASURED:
        return
    entry.size = len(entry.session.snapshot())
    if entry.size > server.limits.state:
        server.sessions.close(entry, "too_large")
