"""Text files as lines; what is not UTF-8 is named by line and byte."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from longshort.errors import DataError

_MARK = b"\xef\xbb\xbf"
"""UTF-8's byte order mark."""


def read_lines(path: Path) -> tuple[list[str], str]:
    """All lines without their ends, gzip too, and the file's sha256.

    Raises `DataError` for a missing, damaged or wrongly encoded file.
    """
    raw, digest = read_bytes(path)
    return decoded_lines(path, raw), digest


def decoded_lines(path: Path, raw: bytes) -> list[str]:
    """All lines of a file's content without their ends."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(
            f"{path}: is UTF-16, by its first two bytes; save it as UTF-8 (for example "
            "`iconv -f utf-16 -t utf-8`)"
        )
    lines = raw.removeprefix(_MARK).split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [decoded(path, line.rstrip(b"\r"), number) for number, line in enumerate(lines, 1)]


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
    """A line of a file (or of stdin) as text; raises `DataError` with line and byte."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source}: line {number}: byte {error.start + 1} of the line "
            f"({line[error.start]:#04x}) is not UTF-8; "
            "save the file as UTF-8 (for example `iconv -f latin1 -t utf-8`)"
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
