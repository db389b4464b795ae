"""Bodies of requests and answers: strict JSON and msgpack."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from longshort.serve.refusal import Refusal, malformed

JSON = b"application/json"
MSGPACK = b"application/msgpack"
_PACKED = (MSGPACK, b"application/x-msgpack", b"application/vnd.msgpack")

_read_json = msgspec.json.Decoder().decode
_read_packed = msgspec.msgpack.Decoder().decode
_write_json = msgspec.json.Encoder().encode
_write_packed = msgspec.msgpack.Encoder().encode


def kind_of(content_type: bytes) -> bytes:
    """Return JSON or MSGPACK for a content type; raises 415 for others."""
    kind = content_type.split(b";", 1)[0].strip().lower()
    if kind == JSON:
        return JSON
    if kind in _PACKED:
        return MSGPACK
    raise Refusal(
        415,
        "unsupported_type",
        "the body's Content-Type has to be application/json or application/msgpack",
    )


def decoded(body: bytes, kind: bytes, depth: int) -> Any:
    """Return the value of a body; raises 400 where it is malformed.

    Keys that stand twice in an object are refused in JSON, and so is what is nested deeper than
    `depth`. NaN and infinity are no JSON.
    """
    try:
        found = _read_json(body) if kind == JSON else _read_packed(body)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise malformed(f"the body is no valid {_name(kind)}: {error}") from None
    except RecursionError:
        raise _too_deep(depth) from None
    keys = _keys_within(found, depth)
    if kind == JSON and body.count(b":") != keys:
        _refuse_double_keys(body)
    return found


def encoded(value: Any, kind: bytes = JSON) -> bytes:
    """Return a plain value as a body."""
    return _write_json(value) if kind == JSON else _write_packed(value)


def _name(kind: bytes) -> str:
    return "JSON" if kind == JSON else "msgpack"


def _too_deep(depth: int) -> Refusal:
    return malformed(f"the body is nested deeper than {depth}")


def _keys_within(value: Any, depth: int) -> int:
    """Return the number of keys of all objects; raises 400 past this depth."""
    kind = type(value)
    if kind is not dict and kind is not list:
        return 0
    if depth == 0:
        raise _too_deep(depth)
    if kind is list:
        return sum(_keys_within(each, depth - 1) for each in value)
    return len(value) + sum(_keys_within(each, depth - 1) for each in value.values())


def _refuse_double_keys(body: bytes) -> None:
    """Raise 400 if an object has a key twice.

    Called where there are more colons than keys, which is also so where a text has one.
    """

    def once(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise malformed(f"the key {name[:100]!r} stands twice in an object")
            seen.add(name)

    json.loads(body, object_pairs_hook=once)
