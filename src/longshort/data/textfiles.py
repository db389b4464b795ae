"""Text files as lines, in whatever encoding they are."""

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
"""UTF-8's byte order mark."""


@dataclass(frozen=True)
class TextFile:
    """The lines of a file without their ends, its sha256 on the disk, and its encoding."""

    lines: list[str]
    sha256: str
    encoding: Encoding


def read_text(path: Path, encoding: str | None = None) -> TextFile:
    """A text file, gzip too, in the encoding asked for or found; `encoding.note()` is to be said.

    Raises `DataError` for a missing or damaged file, and where the encoding is in doubt.
    """
    raw, digest = read_bytes(path)
    refuse_foreign(path, raw)
    found = find_encoding(path, raw, encoding)
    return TextFile(split_lines(decoded_text(path, raw, found)), digest, found)


def split_lines(text: str) -> list[str]:
    """Lines without their ends, \\n or \\r\\n; an end after the last line begins no other."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.rstrip("\r") for line in lines]


def read_bytes(path: Path) -> tuple[bytes, str]:
    """Content, decompressed where it is gzip, and sha256 of the file as it lies on the disk."""
    with unpacked(path) as file:
        content = file.read()
    with path.open("rb") as packed:
        return content, hashlib.file_digest(packed, "sha256").hexdigest()


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of the content, decompressed where it is gzip."""
    with unpacked(path) as file:
        return file.read(size)


def raw_lines(path: Path) -> Iterator[bytes]:
    """The content line by line with their ends, decompressed where it is gzip."""
    with unpacked(path) as file:
        yield file.readline().removeprefix(_MARK)
        yield from file


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """The file open for reading, decompressed where it is gzip; raises `DataError`."""
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
    """A line that comes by itself, as from stdin; raises `DataError` with line and byte."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source}: line {number}: byte {error.start + 1} of the line "
            f"({line[error.start]:#04x}) is not UTF-8; "
            "give UTF-8"
        ) from None


def json_fault(error: ValueError | RecursionError) -> str:
    """What is wrong with a line of JSON, and where in the line."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.colno}"
    return str(error)


def well_formed(text: str, place: str) -> str:
    """The text; raises `DataError` where UTF-8 cannot hold it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{place}: character {error.start} (U+{ord(text[error.start]):04X}) is half of a "
            "surrogate pair and no character; read the text again with its right encoding"
        ) from None
    return text
