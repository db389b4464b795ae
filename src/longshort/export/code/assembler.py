"""The binary format of WebAssembly modules (W3C, core specification 2.0), as far as needed."""

from __future__ import annotations

import struct
from collections.abc import Sequence

I32, V128 = 0x7F, 0x7B
_MEMORY, _FUNCTION = 0x02, 0x00
_PAGE = 65_536

SIMD = {
    "v128.load": 0x00, "v128.load8_splat": 0x07, "v128.load32_splat": 0x09, "v128.store": 0x0B,
    "v128.const": 0x0C, "f32x4.splat": 0x13, "i32x4.splat": 0x11, "i32x4.extract_lane": 0x1B,
    "f32x4.eq": 0x41, "f32x4.ne": 0x42, "f32x4.lt": 0x43, "v128.and": 0x4E, "v128.or": 0x50,
    "v128.bitselect": 0x52, "v128.store32_lane": 0x5A, "v128.load32_zero": 0x5C,
    "f32x4.floor": 0x68, "i16x8.extend_low_i8x16_s": 0x87, "i32x4.extend_low_i16x8_s": 0xA7,
    "i32x4.shl": 0xAB, "i32x4.shr_u": 0xAD, "i32x4.add": 0xAE, "i32x4.sub": 0xB1,
    "f32x4.abs": 0xE0, "f32x4.neg": 0xE1, "f32x4.sqrt": 0xE3, "f32x4.add": 0xE4,
    "f32x4.sub": 0xE5, "f32x4.mul": 0xE6, "f32x4.div": 0xE7, "f32x4.min": 0xE8,
    "f32x4.max": 0xE9, "i32x4.trunc_sat_f32x4_s": 0xF8, "f32x4.convert_i32x4_s": 0xFA,
}  # fmt: skip
"""Codes of the instructions on vectors, which follow the byte 0xFD."""


def unsigned(value: int) -> bytes:
    """Return a whole number as LEB128."""
    found = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        found.append(low | (0x80 if value else 0))
        if not value:
            return bytes(found)


def signed(value: int) -> bytes:
    """Return a whole number of either sign as LEB128."""
    found = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        is_last = (value == 0 and not low & 0x40) or (value == -1 and bool(low & 0x40))
        found.append(low | (0 if is_last else 0x80))
        if is_last:
            return bytes(found)


def simd(name: str, *, offset: int | None = None, lane: int | None = None) -> bytes:
    """Return an instruction on vectors. offset: of those that reach memory."""
    found = b"\xfd" + unsigned(SIMD[name])
    if offset is not None:
        found += b"\x00" + unsigned(offset)
    return found if lane is None else found + bytes([lane])


def vector(value: float) -> bytes:
    """Return a constant of four equal float32 numbers."""
    return simd("v128.const") + struct.pack("<f", value) * 4


def whole(value: int) -> bytes:
    """Return a constant of four equal whole numbers."""
    return simd("v128.const") + struct.pack("<i", value) * 4


def constant(value: int) -> bytes:
    """Return a constant whole number."""
    return b"\x41" + signed(value)


def get(local: int) -> bytes:
    """Return the reading of a local variable."""
    return b"\x20" + unsigned(local)


def put(local: int) -> bytes:
    """Return the setting of a local variable."""
    return b"\x21" + unsigned(local)


def call(function: int) -> bytes:
    """Return the call of a function."""
    return b"\x10" + unsigned(function)


ADD, MULTIPLY = b"\x6a", b"\x6c"


def loop(counter: int, step: int, end: int, body: bytes) -> bytes:
    """Return a loop that is run until its counter, a local variable, reaches `end`."""
    forward = get(counter) + constant(step) + ADD + b"\x22" + unsigned(counter)
    return b"\x03\x40" + body + forward + constant(end) + b"\x48\x0d\x00\x0b"


def function(locals_: Sequence[int], body: bytes) -> bytes:
    """Return a function's code. locals_: types of the variables besides its arguments."""
    runs: list[list[int]] = []
    for kind in locals_:
        if runs and runs[-1][1] == kind:
            runs[-1][0] += 1
        else:
            runs.append([1, kind])
    head = unsigned(len(runs)) + b"".join(unsigned(n) + bytes([kind]) for n, kind in runs)
    code = head + body + b"\x0b"
    return unsigned(len(code)) + code


def module(
    helpers: Sequence[bytes], exported: Sequence[tuple[str, bytes]], data: bytes, size: int
) -> bytes:
    """Return a module.

    helpers: functions from a vector to a vector, which come first in the numbering. exported:
    functions without arguments and results, by name. data: what memory holds at first; size: of
    the memory in bytes.
    """
    types = _vector([b"\x60\x01\x7b\x01\x7b", b"\x60\x00\x00"])
    kinds = _vector([b"\x00"] * len(helpers) + [b"\x01"] * len(exported))
    memory = _vector([b"\x00" + unsigned(-(-size // _PAGE) or 1)])
    names = [_name("memory") + bytes([_MEMORY]) + unsigned(0)]
    for number, (name, _) in enumerate(exported):
        names.append(_name(name) + bytes([_FUNCTION]) + unsigned(len(helpers) + number))
    code = _vector([*helpers, *(each for _, each in exported)])
    filled = _vector([b"\x00" + constant(0) + b"\x0b" + unsigned(len(data)) + data])
    sections = [(1, types), (3, kinds), (5, memory), (7, _vector(names)), (10, code), (11, filled)]
    inner = b"".join(bytes([n]) + unsigned(len(part)) + part for n, part in sections)
    return b"\x00asm\x01\x00\x00\x00" + inner


def _vector(parts: Sequence[bytes]) -> bytes:
    return unsigned(len(parts)) + b"".join(parts)


def _name(text: str) -> bytes:
    return unsigned(len(text.encode())) + text.encode()
