"""The description of the server's paths for programs, as OpenAPI 3.1."""

from __future__ import annotations

import inspect
import re
from typing import Any

from longshort.serve.server import Server
from longshort.serve.web import Reply, Request, Route, reply
from longshort.version import __version__

_TEXT, _WHOLE, _NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
_SEQ = {
    "type": "integer",
    "minimum": 1,
    "description": "Number of the step. That of the last request returns its stored answer; "
    "another than the next one is refused with 409.",
}
_ERROR = {
    "description": "A refusal: 400 malformed, 401 token, 404 unknown, 409 out of order or in use, "
    "410 over, 413 too large, 415 type, 422 does not fit the model, 429 and 503 later."
}
_SNAPSHOT = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


class Description:
    """The handler of `/openapi.json`. routes: all other ones."""

    def __init__(self, server: Server, routes: list[Route]) -> None:
        self.server, self.others = server, routes

    def routes(self) -> list[Route]:
        """Return the path and its handler."""
        return [Route("GET", "/openapi.json", self.describe)]

    async def describe(self, request: Request) -> Reply:
        """Describe all paths."""
        bodies = _bodies(self.server.served.schema)
        paths: dict[str, dict[str, Any]] = {}
        for route in [*self.others, *self.routes()]:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, bodies)
        found: dict[str, Any] = {
            "openapi": "3.1.0",
            "info": {
                "title": f"{self.server.served.name} on longshort",
                "version": __version__,
                "description": "Sessions are also at /v1/stream, over WebSocket.",
            },
            "paths": paths,
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        }
        return reply(request, found)


def _operation(route: Route, bodies: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "summary": (inspect.getdoc(route.handler) or "").partition("\n")[0],
        "responses": {_success(route): {"description": "The answer."}, "default": _ERROR},
        "security": [] if route.is_open else [{"token": []}, {}],
    }
    names = re.findall(r"\{(\w+)\}", route.path)
    if names:
        found["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names
        ]
    body = bodies.get(f"{route.method} {re.sub(r'/versions/{v}', '', route.path)}")
    if body is not None:
        found["requestBody"] = body
    return found


def _success(route: Route) -> str:
    if route.method == "DELETE":
        return "204"
    is_new = route.method == "POST" and (
        route.path == "/v1/sessions" or route.path.endswith("fork")
    )
    return "201" if is_new else "200"


def _bodies(schema: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return the bodies of requests by method and path; schema: that of the model's sessions."""
    x = _step(schema)
    texts = {"type": "array", "items": _TEXT, "minItems": 1}
    rows = {"type": "array", "items": {"type": "object"}, "minItems": 1}
    return {
        "POST /v1/predict": _json(
            {
                "rows": rows,
                "texts": texts,
                "samples": {"type": "array", "items": {"type": "array"}, "minItems": 1},
                "top_k": _WHOLE,
                "horizon": _WHOLE,
            }
        ),
        "POST /v1/sessions": {
            "content": {**_json({"id": _TEXT})["content"], **_SNAPSHOT},
            "required": False,
        },
        "POST /v1/sessions/{id}/step": _json({"x": x, "seq": _SEQ}, "x"),
        "POST /v1/sessions/{id}/steps": _json(
            {"xs": {"type": "array", "items": x, "minItems": 1}, "seq": _SEQ}, "xs"
        ),
        "PUT /v1/sessions/{id}/state": {"content": _SNAPSHOT, "required": True},
        "POST /v1/completions": _json(
            {
                "model": _TEXT,
                "prompt": {"oneOf": [_TEXT, texts]},
                "max_tokens": _WHOLE,
                "temperature": _NUMBER,
                "top_p": _NUMBER,
                "n": _WHOLE,
                "seed": _WHOLE,
                "logprobs": _WHOLE,
                "echo": {"type": "boolean"},
                "stream": {"type": "boolean"},
                "stop": {"oneOf": [_TEXT, texts]},
                "session": _TEXT,
            },
            strict=False,
        ),
        "POST /v2/models/{m}/infer": _json(
            {"inputs": rows, "outputs": {"type": "array"}, "parameters": {"type": "object"}},
            "inputs",
            strict=False,
        ),
    }


def _step(schema: dict[str, Any] | None) -> dict[str, Any]:
    if schema is None:
        return {}
    if schema["kind"] == "text":
        return dict(_TEXT)
    if schema["kind"] != "row":
        return {}
    kinds: dict[str, dict[str, Any]] = {
        "number": {"type": ["number", "null"]},
        "text": {"type": ["string", "null"]},
    }
    columns = schema["columns"]
    return {
        "type": "object",
        "properties": {each["name"]: kinds.get(each["type"], {}) for each in columns},
        "required": [each["name"] for each in columns if not each["optional"]],
    }


def _json(properties: dict[str, Any], *required: str, strict: bool = True) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": not strict,
    }
    return {"content": {"application/json": {"schema": schema}}, "required": True}
