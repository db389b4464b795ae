"""Text files as lines; what is not UTF-8 is named by line and byte."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

from longshort.errors import DataError


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
    lines = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [_decoded(path, line.rstrip(b"\r"), number) for number, line in enumerate(lines, 1)]


def read_bytes(path: Path) -> tuple[bytes, str]:
    """Content, decompressed where it is gzip, and sha256 of the file as it lies on the disk."""
    if not path.exists():
        raise DataError(f"{path}: no such file; check the path (working folder: {Path.cwd()})")
    if path.is_dir():
        raise DataError(f"{path}: is a folder; give one file")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot read: {error.strerror or error}") from None
    digest = hashlib.sha256(raw).hexdigest()
    if not raw:
        raise DataError(f"{path}: the file is empty")
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path}: damaged gzip file: {error}") from None
    return raw, digest


def _decoded(path: Path, line: bytes, number: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: line {number}: byte {error.start} ({line[error.start]:#04x}) is not UTF-8; "
            "save the file as UTF-8 (for example `iconv -f latin1 -t utf-8`)"
        ) from None
