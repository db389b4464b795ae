"""Texts that are written on for a request, part by part as the model writes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field

from longshort.errors import LongshortError
from longshort.runs.abilities import Piece
from longshort.runs.session import Session
from longshort.serve.refusal import Refusal, public
from longshort.serve.server import Server
from longshort.serve.sessions import Entry
from longshort.serve.stops import Stops
from longshort.serve.wish import Wish
from longshort.serve.worker import Budget


@dataclass
class Part:
    """More of a text. index: of the text; finish: reason of its end, None before that."""

    index: int
    text: str = ""
    pieces: list[Piece] = field(default_factory=list)
    finish: str | None = None


class Composer:
    """Writes what is wished for. read, written: numbers of tokens so far."""

    def __init__(self, server: Server, wish: Wish, owner: str) -> None:
        self.server, self.wish, self.owner = server, wish, owner
        self.read = self.written = 0
        self._prompt: list[Piece] = []
        self._budget = Budget(server.worker.longest)

    @property
    def usage(self) -> dict[str, int]:
        """The numbers of tokens, as OpenAI names them."""
        return {
            "prompt_tokens": self.read,
            "completion_tokens": self.written,
            "total_tokens": self.read + self.written,
        }

    async def parts(self) -> AsyncGenerator[Part]:
        """Yield all texts, one after the other.

        A session goes on from where its text ends, also where its client goes away before.
        """
        if self.wish.session is None:
            for number, prompt in enumerate(self.wish.prompts):
                start = await self._start(self.server.served.open(), prompt)
                for place in range(self.wish.n):
                    index = number * self.wish.n + place
                    async with aclosing(self._write(start.fork(), index, prompt, prompt)) as parts:
                        async for part in parts:
                            yield part
            return
        with self.server.sessions.find(self.wish.session, self.owner) as entry:
            prompt = self.wish.prompts[0]
            session = await self._start(entry.session.fork(), prompt)
            before = prompt or (" " if entry.steps else "")
            try:
                async with aclosing(self._write(session, 0, prompt, before)) as parts:
                    async for part in parts:
                        yield part
            finally:
                _go_on(entry, session)

    async def _start(self, session: Session, prompt: str) -> Session:
        """Read the prompt, and return the session after it."""
        self._prompt = await self._all(session.read_on(prompt, self.wish.logprobs or 0))
        self.read += len(self._prompt)
        return session

    async def _write(
        self, session: Session, index: int, prompt: str, before: str
    ) -> AsyncGenerator[Part]:
        """Yield the text that a session writes; before: what comes before it, if only a space."""
        if self.wish.echo:
            yield Part(index, prompt, self._prompt)
        part, stops = Part(index), Stops(self.wish.stop)
        how = self.wish.drawing_of(index)
        coming = session.write_on(before, how, self.wish.logprobs or 0)
        work = self._budget.metered(self._until_end(coming, part, stops))
        while part.finish is None:
            if self.server.is_draining or self._budget.is_spent:
                part.finish = "length"
            else:
                await self.server.worker.some(work, [])
            if part.finish is not None:
                stops.end()
            part.text = stops.ready()
            if part.text or part.finish:
                self.written += len(part.pieces)
                self.server.metrics.tokens += len(part.pieces)
                yield Part(index, part.text, part.pieces, part.finish)
                part.pieces = []

    def _until_end(self, coming: Iterator[Piece], part: Part, stops: Stops) -> Iterator[None]:
        """Write pieces into a part, until it has a reason to end."""
        for _ in range(self.wish.max_tokens):
            piece = next(coming)
            part.pieces.append(piece)
            if stops.add(piece.text):
                part.finish = "stop"
                return
            yield
        part.finish = "length"

    async def _all(self, pieces: Iterator[Piece]) -> list[Piece]:
        try:
            return await self.server.worker.run_all(pieces, self._budget)
        except LongshortError as error:
            message = public(str(error))
            raise Refusal(422, "unfit_input", message, more={"column": "prompt"}) from None


def _go_on(entry: Entry, session: Session) -> None:
    """Let an entry go on from this session; what was written is no step that can be repeated."""
    if entry.session is not None:
        entry.session = session
        entry.done(1, b"")
        entry.first = 0
