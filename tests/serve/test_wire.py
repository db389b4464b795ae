"""Bodies: strict JSON, msgpack, and what is refused."""

from __future__ import annotations

import msgspec
import pytest

from longshort.serve.refusal import Refusal, public
from longshort.serve.wire import JSON, MSGPACK, decoded, encoded, kind_of


def refused(body: bytes, kind: bytes = JSON, depth: int = 8) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decoded(body, kind, depth)
    return caught.value


@pytest.mark.parametrize(
    "body",
    [b'{"x": NaN}', b"[Infinity]", b"{'x': 1}", b'{"x": 1,}', b"\xff", b"[1", b'{"x": 1} 2', b""],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert refused(body).status == 400


def test_a_key_that_stands_twice_is_refused() -> None:
    assert "'x' stands twice" in refused(b'{"a": {"x": 1, "x": 2}}').message


def test_colons_within_texts_are_no_keys() -> None:
    assert decoded(b'{"x": "a: b: c", "y": [":"]}', JSON, 8) == {"x": "a: b: c", "y": [":"]}


def test_what_is_nested_too_deep_is_refused() -> None:
    assert decoded(b"[" * 8 + b"]" * 8, JSON, 8)
    assert "deeper" in refused(b"[" * 9 + b"]" * 9).message
    assert refused(b"[" * 100_000 + b"]" * 100_000).status == 400
    assert refused(b"\x91" * 100_000 + b"\xc0", MSGPACK).status == 400


@pytest.mark.parametrize("kind", [JSON, MSGPACK])
def test_what_is_written_is_read(kind: bytes) -> None:
    value = {"x": [1, 2.5, None, "ä"], "y": {"z": True}}
    assert decoded(encoded(value, kind), kind, 8) == value


def test_extensions_of_msgpack_are_not_objects() -> None:
    odd = msgspec.msgpack.encode(msgspec.msgpack.Ext(5, b"abc"))
    found = decoded(odd, MSGPACK, 8)
    assert isinstance(found, msgspec.msgpack.Ext)  # plain data, which no handler takes


def test_other_types_are_refused() -> None:
    assert kind_of(b"application/json; charset=utf-8") == JSON
    for other in (b"", b"text/plain", b"application/x-www-form-urlencoded", b"application/pickle"):
        with pytest.raises(Refusal) as caught:
            kind_of(other)
        assert caught.value.status == 415


@pytest.mark.parametrize(
    "text",
    [
        "/home/anna/runs/x.longshort: is damaged",
        "C:\\Users\\anna\\x.csv is gone",
        "~/runs/secret/model.safetensors",
        "<object at 0x7f3a2c10de80>",
    ],
)
def test_paths_and_addresses_are_not_told(text: str) -> None:
    told = public(text)
    assert "anna" not in told and "secret" not in told and "0x7f" not in told


def test_what_is_no_path_is_told() -> None:
    text = "column 'km/h': a number is expected, got 'n/a'; 3/4 of the rows"
    assert public(text) == text
