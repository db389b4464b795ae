"""The Open Inference Protocol, version 2, with its extensions for sequences and binary tensors."""

from __future__ import annotations

from typing import Any

from longshort.serve.answers import described_inputs, described_outputs, steps_of, tensors_of
from longshort.serve.health import check_ready
from longshort.serve.refusal import Refusal, malformed
from longshort.serve.served import plain
from longshort.serve.server import Server
from longshort.serve.sessions import Entry
from longshort.serve.stepping import Answers, answered
from longshort.serve.tensors import parameters_of, read_tensors, write_tensors
from longshort.serve.web import Reply, Request, Route
from longshort.serve.wire import JSON, decoded, encoded
from longshort.version import __version__

VERSION = "1"
_LENGTH = b"inference-header-content-length"
_EXTENSIONS = ["sequence", "sequence(string_id)", "binary_tensor_data"]


def told(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal as this protocol tells it."""
    return {"error": refusal.message}


class OpenInference:
    """Handlers of `/v2`. A sequence is a session that the client names."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def routes(self) -> list[Route]:
        """Return the paths and their handlers; a version may stand behind the model."""
        found = [
            Route("GET", "/v2", self.about, told),
            Route("GET", "/v2/health/live", self.alive, told, is_open=True),
            Route("GET", "/v2/health/ready", self.ready, told, is_open=True),
        ]
        for path in ("/v2/models/{m}", "/v2/models/{m}/versions/{v}"):
            found += [
                Route("GET", path, self.model, told),
                Route("GET", f"{path}/config", self.config, told),
                Route("GET", f"{path}/ready", self.model_ready, told, is_open=True),
                Route("POST", f"{path}/infer", self.infer, told),
            ]
        return found

    async def about(self, request: Request) -> Reply:
        """Describe the server."""
        del request
        return _json({"name": "longshort", "version": __version__, "extensions": _EXTENSIONS})

    async def alive(self, request: Request) -> Reply:
        """Say that the process answers."""
        del request
        return _json({})

    async def ready(self, request: Request) -> Reply:
        """Say whether the server takes requests."""
        await check_ready(self.server, request)
        return _json({})

    async def model(self, request: Request, name: str, version: str = VERSION) -> Reply:
        """Describe the model's inputs and outputs."""
        del request
        self._check(name, version)
        return _json(
            {
                "name": self.server.served.name,
                "versions": [VERSION],
                "platform": "longshort",
                "inputs": described_inputs(self.server.served),
                "outputs": described_outputs(),
            }
        )

    async def config(self, request: Request, name: str, version: str = VERSION) -> Reply:
        """Say that the model has sequences, in the words of Triton's clients."""
        del request
        self._check(name, version)
        idle = int(self.server.limits.ttl * 1e6)
        return _json(
            {
                "name": self.server.served.name,
                "platform": "longshort",
                "max_batch_size": 0,
                "sequence_batching": {"max_sequence_idle_microseconds": idle},
            }
        )

    async def model_ready(self, request: Request, name: str, version: str = VERSION) -> Reply:
        """Say whether the model takes requests."""
        self._check(name, version)
        return await self.ready(request)

    async def infer(self, request: Request, name: str, version: str = VERSION) -> Reply:
        """Answer to steps: of a sequence, or of a series that begins and ends with the request."""
        self._check(name, version)
        given, tail = await self._parts(request)
        xs = steps_of(self.server.served, read_tensors(given.get("inputs"), tail))
        if not xs:
            raise malformed("inputs: at least one step is expected")
        parameters = parameters_of(given)
        wanted, binary = _wanted(given), bool(parameters.get("binary_data_output", False))
        size = 0

        def body(_: int, answers: Answers) -> bytes:
            nonlocal size
            outputs, behind = write_tensors(tensors_of(answers), wanted, binary)
            head = encoded(
                {
                    "model_name": self.server.served.name,
                    "model_version": VERSION,
                    **({"id": given["id"]} if isinstance(given.get("id"), str) else {}),
                    "outputs": outputs,
                }
            )
            size = len(head) if behind else 0
            return head + behind

        found = await self._answered(request, parameters, xs, body)
        if not size:
            return Reply(200, found)
        return Reply(
            200, found, b"application/octet-stream", [(_LENGTH, str(size).encode())]
        )  # fmt: skip

    async def _answered(
        self, request: Request, parameters: dict[str, Any], xs: list[Any], body: Any
    ) -> bytes:
        named = parameters.get("sequence_id", 0)
        if named in (0, ""):
            session = self.server.served.open()
            parts = self.server.served.steps(session, xs)
            answers = await self.server.worker.run_all(parts)
            self.server.metrics.steps += len(xs)
            self.server.metrics.drift.add(xs)
            found: bytes = body(1, plain(answers))
            return found
        entry = self._sequence(request.owner, named, parameters)
        found = await answered(self.server, entry, xs, None, body, b"v2")
        if parameters.get("sequence_end"):
            self.server.sessions.close(entry, "ended")
        return found

    def _sequence(self, owner: str, named: Any, parameters: dict[str, Any]) -> Entry:
        """Return the session of a sequence: a new one at its start, that of before later on."""
        if isinstance(named, bool) or not isinstance(named, (int, str)) or len(str(named)) > 80:
            raise malformed("sequence_id: a whole number, or a short text, is expected")
        sessions = self.server.sessions
        kind = "n" if isinstance(named, int) else "s"
        name = f"v2.{owner[:16]}.{kind}.{named}"
        if parameters.get("sequence_start"):
            if self.server.is_draining:
                raise Refusal(503, "draining", "the server is about to end", retry=5)
            sessions.sweep()
            if sessions.has(name, owner):
                with sessions.find(name, owner) as former:
                    sessions.close(former, "restarted")
            return sessions.open(owner, self.server.served.open(), name)
        try:
            return sessions.find(name, owner)
        except Refusal as refusal:
            message = (
                f"inference request for sequence {named} must specify START: {refusal.message}"
            )
            status = 410 if refusal.status == 410 else 400
            raise Refusal(status, refusal.code, message) from None

    async def _parts(self, request: Request) -> tuple[dict[str, Any], bytes]:
        """Return the JSON of a request, and the bytes that follow it."""
        body = await request.body(self.server.limits.body)
        told_length = request.headers.get(_LENGTH)
        length = len(body)
        if told_length is not None:
            if not told_length.isdigit() or int(told_length) > len(body):
                raise malformed("Inference-Header-Content-Length is no length of this body's JSON")
            length = int(told_length)
        given = decoded(body[:length], JSON, self.server.limits.depth)
        if not isinstance(given, dict):
            raise malformed("an object is expected")
        return given, body[length:]

    def _check(self, name: str, version: str) -> None:
        if name != self.server.served.name or version != VERSION:
            raise Refusal(
                404, "no_such_model", f"there is the model {self.server.served.name!r} alone"
            )


def _wanted(given: dict[str, Any]) -> dict[str, bool]:
    """Return the outputs that are asked for, and whether as bytes."""
    found: dict[str, bool] = {}
    outputs = given.get("outputs", [])
    if not isinstance(outputs, list):
        raise malformed("outputs: a list is expected")
    default = bool(parameters_of(given).get("binary_data_output", False))
    for each in outputs:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise malformed("outputs: objects with a name are expected")
        found[each["name"]] = bool(parameters_of(each).get("binary_data", default))
    return found


def _json(value: Any) -> Reply:
    return Reply(200, encoded(value), JSON)
