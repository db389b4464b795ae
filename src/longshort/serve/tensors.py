"""Tensors of the Open Inference Protocol: as JSON, or as bytes behind the JSON."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.serve.refusal import malformed

_DTYPES = {
    "BOOL": "?",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
_MOST_AXES = 8


@dataclass(frozen=True)
class Tensor:
    """A named tensor; values are numbers [shape], or texts in the order of memory."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: NDArray[Any] | list[str]


def read_tensors(described: Any, tail: bytes) -> dict[str, Tensor]:
    """Return the input tensors of a request by name; raises 400 where they contradict themselves.

    tail: what follows the JSON; tensors with a `binary_data_size` have their bytes there, in order.
    """
    if not isinstance(described, list) or not described:
        raise malformed("inputs: a list of tensors is expected")
    found, place = {}, 0
    for each in described:
        name, datatype, shape = _head(each)
        size = _parameters(each).get("binary_data_size")
        if size is None:
            values = _from_json(name, datatype, shape, each.get("data"))
        else:
            if type(size) is not int or not 0 <= size <= len(tail) - place:
                raise malformed(f"input {name!r}: binary_data_size is not that of what was sent")
            values = _from_bytes(name, datatype, shape, tail[place : place + size])
            place += size
        found[name] = Tensor(name, datatype, shape, values)
    if place != len(tail):
        raise malformed("there are more bytes after the JSON than the inputs tell of")
    return found


def write_tensors(
    tensors: Sequence[Tensor], wanted: Mapping[str, bool], binary: bool
) -> tuple[list[dict[str, Any]], bytes]:
    """Return tensors as a response tells them, and the bytes that follow its JSON.

    wanted: whether an output is asked for as bytes, by name; where it is empty, all are given.
    binary: whether those are that do not say.
    """
    described, tail = [], []
    for each in tensors:
        if wanted and each.name not in wanted:
            continue
        told: dict[str, Any] = {
            "name": each.name,
            "datatype": each.datatype,
            "shape": list(each.shape),
        }
        if wanted.get(each.name, binary):
            raw = _to_bytes(each)
            told["parameters"] = {"binary_data_size": len(raw)}
            tail.append(raw)
        else:
            told["data"] = _to_json(each)
        described.append(told)
    return described, b"".join(tail)


def parameters_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `parameters` of a request or tensor."""
    return _parameters(given)


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    found = given.get("parameters", {})
    if not isinstance(found, dict):
        raise malformed("parameters: an object is expected")
    return found


def _head(given: Any) -> tuple[str, str, tuple[int, ...]]:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise malformed("an input is an object with name, datatype, shape and data")
    name, datatype, shape = given["name"], given.get("datatype"), given.get("shape")
    if datatype != "BYTES" and datatype not in _DTYPES:
        raise malformed(f"input {name!r}: datatype is one of BYTES, {', '.join(_DTYPES)}")
    if not isinstance(shape, list) or len(shape) > _MOST_AXES or not all(map(_is_size, shape)):
        raise malformed(f"input {name!r}: shape is a list of sizes")
    return name, datatype, tuple(shape)


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 31


def _from_json(
    name: str, datatype: str, shape: tuple[int, ...], data: Any
) -> NDArray[Any] | list[str]:
    flat = _flat(data)
    if len(flat) != prod(shape):
        raise malformed(f"input {name!r}: has {len(flat)} values, its shape {prod(shape)}")
    if datatype == "BYTES":
        if not all(isinstance(each, str) for each in flat):
            raise malformed(f"input {name!r}: texts are expected")
        return flat
    if not all(isinstance(each, (int, float)) for each in flat):
        raise malformed(f"input {name!r}: numbers are expected")
    try:
        return np.array(flat, dtype=_DTYPES[datatype]).reshape(shape)
    except (OverflowError, ValueError, TypeError):
        raise malformed(f"input {name!r}: a value does not fit {datatype}") from None


def _flat(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise malformed("data: a list is expected")
    found = []
    for each in data:
        found += _flat(each) if isinstance(each, list) else [each]
    return found


def _from_bytes(
    name: str, datatype: str, shape: tuple[int, ...], raw: bytes
) -> NDArray[Any] | list[str]:
    if datatype == "BYTES":
        texts = _texts(name, raw)
        if len(texts) != prod(shape):
            raise malformed(f"input {name!r}: has {len(texts)} texts, its shape {prod(shape)}")
        return texts
    dtype = np.dtype(_DTYPES[datatype])
    if len(raw) != prod(shape) * dtype.itemsize:
        raise malformed(f"input {name!r}: its bytes are not those of its shape")
    return np.frombuffer(raw, dtype).reshape(shape)


def _texts(name: str, raw: bytes) -> list[str]:
    """Return texts, of which each stands behind its length."""
    found, place = [], 0
    while place < len(raw):
        if place + 4 > len(raw):
            raise malformed(f"input {name!r}: a length is cut off")
        (length,) = struct.unpack_from("<I", raw, place)
        place += 4
        if length > len(raw) - place:
            raise malformed(f"input {name!r}: a text is cut off")
        try:
            found.append(raw[place : place + length].decode())
        except UnicodeDecodeError:
            raise malformed(f"input {name!r}: a text is not UTF-8") from None
        place += length
    return found


def _to_bytes(tensor: Tensor) -> bytes:
    if isinstance(tensor.values, list):
        parts = [text.encode() for text in tensor.values]
        return b"".join(struct.pack("<I", len(part)) + part for part in parts)
    return np.ascontiguousarray(tensor.values, dtype=_DTYPES[tensor.datatype]).tobytes()


def _to_json(tensor: Tensor) -> list[Any]:
    if isinstance(tensor.values, list):
        return tensor.values
    flat: list[Any] = tensor.values.reshape(-1).tolist()
    return flat
