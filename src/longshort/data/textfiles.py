"""Text files as lines, in any encoding."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from longshort.data.encodings import Encoding, decoded_text, find_encoding
from longshort.data.foreign import refuse_foreign
from longshort.errors import DataError

_MARK = b"\xef\xbb\xbf"
"""Byte order mark of UTF-8."""


@dataclass(frozen=True)
class TextFile:
    """A file's lines without their ends, the sha256 of the file, and its encoding."""

    lines: list[str]
    sha256: str
    encoding: Encoding


def name_of(path: Path) -> str:
    """Return the last name of a path, that of the folder for "." too."""
    return path.name or path.resolve().name


def read_text(path: Path, encoding: str | None = None) -> TextFile:
    """Read a text file, also gzip, in the given or detected encoding; report `encoding.note()`.

    Raises `DataError` for a missing or damaged file, and for an ambiguous encoding.
    """
    raw, digest = read_bytes(path)
    refuse_foreign(path, raw)
    found = find_encoding(path, raw, encoding)
    return TextFile(split_lines(decoded_text(path, raw, found)), digest, found)


def split_lines(text: str) -> list[str]:
    r"""Return lines without their ends, \n or \r\n; the end of the last begins no new line."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.rstrip("\r") for line in lines]


def read_bytes(path: Path) -> tuple[bytes, str]:
    """Return the content, decompressed if gzip, and the sha256 of the file on the disk."""
    with unpacked(path) as file:
        content = file.read()
    with path.open("rb") as packed:
        return content, hashlib.file_digest(packed, "sha256").hexdigest()


def read_head(path: Path, size: int) -> bytes:
    """Return the first bytes of the content, decompressed if gzip."""
    with unpacked(path) as file:
        return file.read(size)


def raw_lines(path: Path) -> Iterator[bytes]:
    """Yield the content line by line with their ends, decompressed if gzip."""
    with unpacked(path) as file:
        yield file.readline().removeprefix(_MARK)
        yield from file


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed if gzip; raises `DataError`."""
    if not path.exists():
        raise DataError(f"{path}: no such file; check the path (working folder: {Path.cwd()})")
    if path.is_dir():
        raise DataError(f"{path}: is a folder; give one file")
    try:
        with path.open("rb") as raw:
            head = raw.read(2)
            if not head:
                raise DataError(f"{path}: the file is empty")
            raw.seek(0)
            if head != b"\x1f\x8b":
                yield raw
                return
            with gzip.open(raw) as content:
                yield cast(BinaryIO, content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip file: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot read: {error.strerror or error}") from None


def decoded(source: object, line: bytes, number: int) -> str:
    """Decode a line from a stream such as stdin; raises `DataError` with line and byte."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source}: line {number}: byte {error.start + 1} of the line "
            f"({line[error.start]:#04x}) is not UTF-8; "
            "give UTF-8"
        ) from None


def json_fault(error: ValueError | RecursionError) -> str:
    """Return what is wrong with a line of JSON, and where in the line."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.colno}"
    return str(error)


def well_formed(text: str, place: str) -> str:
    """Return the text; raises `DataError` if UTF-8 cannot encode it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{place}: character {error.start} (U+{ord(text[error.start]):04X}) is half of a "
            "surrogate pair and no character; read the text again with its right encoding"
        ) from None
    return text
