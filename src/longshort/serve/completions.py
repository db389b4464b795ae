"""Completions of text, in the protocol of OpenAI's clients."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from longshort.runs.abilities import Piece
from longshort.serve.composing import Composer, Part
from longshort.serve.refusal import Refusal, malformed
from longshort.serve.server import Server
from longshort.serve.web import Reply, Request, Route
from longshort.serve.wire import encoded
from longshort.serve.wish import Wish, wish_of

_EVENTS = b"text/event-stream; charset=utf-8"


def told(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal as this protocol tells it."""
    kind = "invalid_request_error" if refusal.status < 500 else "server_error"
    return {
        "error": {
            "message": refusal.message,
            "type": kind,
            "param": refusal.more.get("column"),
            "code": refusal.code,
        }
    }


class Completions:
    """Handlers of OpenAI's paths."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._since = int(time.time())

    def routes(self) -> list[Route]:
        """Return the paths and their handlers."""
        return [
            Route("GET", "/v1/models", self.models, told),
            Route("GET", "/v1/models/{m}", self.model, told),
            Route("POST", "/v1/completions", self.complete, told),
            Route("POST", "/v1/chat/completions", self.chat, told),
        ]

    async def models(self, request: Request) -> Reply:
        """List the model."""
        del request
        return Reply(200, encoded({"object": "list", "data": [self._model()]}))

    async def model(self, request: Request, name: str) -> Reply:
        """Describe the model."""
        del request
        self._check_name(name)
        return Reply(200, encoded(self._model()))

    async def chat(self, request: Request) -> Reply:
        """Refuse, with the reason."""
        del request
        raise Refusal(
            404, "no_chat", "this model writes texts on and knows no turns; use /v1/completions"
        )

    async def complete(self, request: Request) -> Reply:
        """Write texts on, whole or as a stream."""
        if not self.server.served.trained.generates:
            raise Refusal(404, "no_completions", "this model does not write texts on")
        given = await request.value(self.server.limits.body, self.server.limits.depth)
        if not isinstance(given, dict):
            raise malformed("an object is expected")
        if given.get("model") is not None:
            self._check_name(given["model"])
        composer = Composer(self.server, wish_of(given), request.owner)
        if composer.wish.stream:
            events = self._events(composer)
            first = await anext(events)  # a refusal before it is an answer of its own
            return Reply(200, _with_first(first, events), _EVENTS)
        whole: dict[int, Part] = {}
        async for part in composer.parts():
            found = whole.setdefault(part.index, Part(part.index))
            found.text += part.text
            found.pieces += part.pieces
            found.finish = part.finish
        choices = [_choice(each, composer.wish, 0) for each in whole.values()]
        answer = {**self._about(), "choices": choices, "usage": composer.usage}
        return Reply(200, encoded(answer))

    async def _events(self, composer: Composer) -> AsyncGenerator[bytes]:
        """Yield the events of a stream."""
        about, wish = self._about(), composer.wish
        places: dict[int, int] = {}
        async with aclosing(composer.parts()) as parts:
            async for part in parts:
                place = places.get(part.index, 0)
                places[part.index] = place + sum(len(each.text) for each in part.pieces)
                yield _event({**about, "choices": [_choice(part, wish, place)]})
        if wish.with_usage:
            yield _event({**about, "choices": [], "usage": composer.usage})
        yield b"data: [DONE]\n\n"

    def _check_name(self, name: object) -> None:
        if name != self.server.served.name:
            raise Refusal(
                404,
                "model_not_found",
                f"there is the model {self.server.served.name!r} alone",
                more={"column": "model"},
            )

    def _model(self) -> dict[str, Any]:
        name = self.server.served.name
        return {"id": name, "object": "model", "created": self._since, "owned_by": "longshort"}

    def _about(self) -> dict[str, Any]:
        return {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": self.server.served.name,
            "system_fingerprint": self.server.served.digest[:16],
        }


def _choice(part: Part, wish: Wish, place: int) -> dict[str, Any]:
    """Return a part of a text as the protocol tells it; place: number of characters before it."""
    logprobs = None if wish.logprobs is None else _logprobs(part.pieces, place)
    return {
        "index": part.index,
        "text": part.text,
        "logprobs": logprobs,
        "finish_reason": part.finish,
    }


def _logprobs(pieces: list[Piece], place: int) -> dict[str, Any]:
    offsets = []
    for each in pieces:
        offsets.append(place)
        place += len(each.text)
    return {
        "tokens": [each.token for each in pieces],
        "token_logprobs": [each.log_probability for each in pieces],
        "top_logprobs": [dict(each.likely) for each in pieces],
        "text_offset": offsets,
    }


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + encoded(value) + b"\n\n"


async def _with_first(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield first
        async for each in rest:
            yield each
