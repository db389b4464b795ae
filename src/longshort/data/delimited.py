"""First look at a delimited text file: encoding, delimiter, header and blank lines."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from longshort.config import DataConfig
from longshort.data.encodings import UTF8, Encoding, decoded_text, find_encoding
from longshort.data.findings import Finding
from longshort.data.textfiles import raw_lines, read_bytes, unpacked
from longshort.errors import DataError

Content = Path | bytes
"""A UTF-8 file on the disk, or content that was converted to UTF-8."""

MAX_COLUMNS = 100_000
_DELIMITERS = (",", "\t", ";", "|")
_EMPTY = ' ,;\t|"\r\n'
"""Characters of a line without content."""
_MANY_CELLS = 1000
_BLOCK = 1 << 22
_SAMPLE = 30
_QUOTED = re.compile(r'"[^"]*"')
_NUMBER = re.compile(r"[-+(]?\s*[$€£¥]?\s*[.,]?\d[\d.,'’\s]*([eE][-+]?\d+)?\s*[%$€£¥)]?-?")
_DATE = re.compile(r"\d{1,4}[-/.:]\w{1,3}([-/.: T].*)?")
_NAMED_DATE = re.compile(r"(19|20)\d{2}([-/.]?\w{2}){0,2}|\d{1,2}[-/.]\w{2,3}[-/.]\d{2,4}")
"""Forms of dates as names of columns."""


@dataclass(frozen=True)
class Survey:
    """Result of the first look at a text file; `lines` are its first ones."""

    content: Content
    encoding: Encoding
    sha256: str
    size: int
    lines: list[str]
    has_blank: bool
    """Whether a line without any cell was seen; it may be inside quotes."""


@dataclass(frozen=True)
class Heading:
    """Delimiter, column names, number of lines above the first row, and findings."""

    delimiter: str
    names: tuple[str, ...]
    skip: int
    findings: tuple[Finding, ...] = ()


def survey(path: Path, longest: int, encoding: str | None) -> Survey:
    """Check a file for everything that a parser would fail on; `longest`: bytes of a line.

    Raises `DataError` with line and remedy.
    """
    content, found = _in_utf8(path, encoding)
    lines: list[str] = []
    number, pending, has_blank = 1, b"", False
    for chunk in _chunks(content):
        if b"\0" in chunk:
            at = number + chunk[: chunk.index(0)].count(10)
            raise DataError(
                f"{path}: holds binary data (a zero byte near line {at}); expected CSV, TSV, "
                "Parquet or JSON lines"
            )
        whole = (pending + chunk).split(b"\n")
        pending = whole.pop()
        if max(map(len, whole), default=0) > longest:
            _refuse_long(path, whole, number, longest)
        lines += [raw.decode() for raw in whole[: _SAMPLE - len(lines)]]
        has_blank = has_blank or _seems_blank(whole)
        number += len(whole)
        _refuse_long(path, [pending], number, longest)
    has_blank = has_blank or (bool(pending) and _seems_blank([pending]))
    if pending and len(lines) < _SAMPLE:
        lines.append(pending.decode())
    lines = [line.rstrip("\r") for line in lines]
    if not any(line.strip(_EMPTY) for line in lines):
        raise DataError(f"{path}: the file holds only empty lines; it needs a header and rows")
    lines[0] = lines[0].removeprefix("\ufeff")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Survey(content, found, digest, path.stat().st_size, lines, has_blank)


def find_heading(path: Path, seen: Survey, config: DataConfig) -> Heading:
    """Find delimiter and column names; raises `DataError` if the header does not fit the rows."""
    if config.delimiter is not None and len(config.delimiter) != 1:
        raise DataError(f"data.delimiter: one character is expected, got {config.delimiter!r}")
    skip = next(i for i, line in enumerate(seen.lines) if line.strip(_EMPTY))
    lines = [line for line in seen.lines[skip:] if line.strip(_EMPTY)]
    delimiter = config.delimiter or _guess_delimiter(path, lines)
    first, *rows = (_split(line, delimiter) for line in lines)
    place = f"{path}: line {skip + 1}"
    if len(first) > MAX_COLUMNS:
        raise DataError(
            f"{place} has {len(first):,} columns, at most {MAX_COLUMNS:,} are read; "
            "keep the columns you need, or use long format (a series name, a time, a value)"
        )
    if config.header is False or (config.header is None and _is_row(first, rows)):
        return _without_header(delimiter, max(map(len, (first, *rows))), skip, config)
    _refuse_short(place, first, rows)
    names = [name.strip() or f"column_{i + 1}" for i, name in enumerate(first)]
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise DataError(f"{place}: the column name {doubled[0]!r} stands twice; rename one")
    return Heading(delimiter, tuple(names), skip + 1)


def row_lines(content: Content, skip: int, *, with_blank: bool) -> Iterator[tuple[int, str]]:
    """Yield the rows below the first `skip` lines, with the line in which each begins."""
    for number, record in records(content, skip):
        if with_blank or record.strip(_EMPTY):
            yield number, record


def records(content: Content, skip: int = 0) -> Iterator[tuple[int, str]]:
    """Yield rows of delimited text, with the line in which each begins; quotes may span lines."""
    held: list[str] = []
    begin, is_open = skip + 1, False
    for number, raw in enumerate(content_lines(content), 1):
        if number <= skip:
            continue
        held.append(raw.decode())
        is_open ^= bool(held[-1].count('"') % 2)
        if not is_open:
            yield begin, "".join(held).rstrip("\r\n")
            held, begin = [], number + 1
    if held:
        yield begin, "".join(held)


def content_lines(content: Content) -> Iterator[bytes]:
    """Yield the lines with their ends, without a byte order mark."""
    return io.BytesIO(content) if isinstance(content, bytes) else raw_lines(content)


def ragged_line(content: Content, skip: int, columns: int, delimiter: str) -> str:
    """Return the place of the first line with more cells than columns."""
    for number, record in records(content, skip):
        cells = _QUOTED.sub("", record).count(delimiter) + 1
        if cells > columns:
            return f"line {number} has {cells} cells, "
    return "a line has "


def open_quote(content: Content) -> str:
    """Return the place of a quote that is never closed."""
    for begin, record in records(content):
        if record.count('"') % 2:
            return f"line {begin}: a quote is opened and never closed; close it, or write it twice"
    return ""


def _in_utf8(path: Path, asked: str | None) -> tuple[Content, Encoding]:
    """Return the file itself where it is UTF-8, otherwise its converted content."""
    if asked is None and _is_utf8(path):
        return path, UTF8
    raw, _ = read_bytes(path)
    found = find_encoding(path, raw, asked)
    if found.is_utf8:
        return path, found
    return decoded_text(path, raw, found).encode(), found


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with unpacked(path) as file:
        while block := file.read(_BLOCK):
            if b"\0" in block:
                return False
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                return False
    return not decoder.getstate()[0]


def _chunks(content: Content) -> Iterator[bytes]:
    """Yield decompressed content in chunks."""
    if isinstance(content, bytes):
        yield content
        return
    with unpacked(content) as file:
        while block := file.read(_BLOCK):
            yield block


def _seems_blank(lines: list[bytes]) -> bool:
    """Whether a line has no cell; lines are checked one by one only where one may be blank."""
    empty = _EMPTY.encode()
    begins = {line[:1] for line in lines}
    if not any(begin in empty for begin in begins):
        return False
    return any(not line.strip(empty) for line in lines)


def _refuse_long(path: Path, lines: list[bytes], first: int, longest: int) -> None:
    for number, raw in enumerate(lines, first):
        if len(raw) > longest:
            cells = max(raw.count(mark.encode()) for mark in _DELIMITERS) + 1
            remedy = "shorten what stands there"
            if cells > _MANY_CELLS:
                remedy = (
                    "keep the columns you need, or use long format (a series name, a time, a value)"
                )
            raise DataError(
                f"{path}: line {number} is longer than {longest >> 20} MiB ({cells:,} cells so "
                f"far); {remedy}"
            )


def _guess_delimiter(path: Path, lines: list[str]) -> str:
    """Return the delimiter that splits all lines into the same number of cells, the most cells."""
    if path.name.removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    whole = lines[:-1] if len(lines) >= _SAMPLE else lines
    for part in (whole, whole[1:]):  # the first line may be a title
        widths = {mark: {len(_split(line, mark)) for line in part} for mark in _DELIMITERS}
        fitting = [mark for mark, found in widths.items() if len(found) == 1 and found != {1}]
        if fitting:
            return max(fitting, key=lambda mark: max(widths[mark]))
    return max(_DELIMITERS, key=lines[0].count)


def _split(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error:  # an over-long or torn quoted cell: the parser will name it
        return line.split(delimiter)


def _is_row(first: list[str], rows: list[list[str]]) -> bool:
    """Whether the first line has numbers and dates wherever the lines below have them."""
    cells = [cell.strip() for cell in first]
    columns = [place for place in range(len(cells)) if _are_data(rows, place)]
    data = [cells[place] for place in columns]
    if not data or not all(_is_datum(cell) for cell in data) or not all(_fits(rows, cells)):
        return False
    return not _are_running(data)


def _fits(rows: list[list[str]], first: list[str]) -> Iterable[bool]:
    return (len(row) == len(first) for row in rows)


def _are_data(rows: list[list[str]], place: int) -> bool:
    known = [row[place].strip() for row in rows if place < len(row) and row[place].strip()]
    return bool(known) and all(map(_is_datum, known))


def _is_datum(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell))


def _are_running(cells: list[str]) -> bool:
    """Whether names of columns are consecutive numbers from 0, 1 or a year, or all are dates."""
    if len(set(cells)) == len(cells) > 1 and all(map(_NAMED_DATE.fullmatch, cells)):
        return True
    if len(cells) == 1 or not all(map(str.isdigit, cells)):
        return False
    start = int(cells[0])
    return [int(cell) for cell in cells] == list(range(start, start + len(cells))) and (
        start in (0, 1) or 1500 <= start <= 2200
    )


def _without_header(delimiter: str, columns: int, skip: int, config: DataConfig) -> Heading:
    names = tuple(f"column_{i + 1}" for i in range(columns))
    if config.header is False:
        return Heading(delimiter, names, skip)
    note = Finding(
        "no-header",
        "note",
        f"line {skip + 1} holds data and no names, so the columns are called {names[0]} to "
        f"{names[-1]}",
        (),
        "put a line of column names first, or say --set data.header=true if it holds names",
    )
    return Heading(delimiter, names, skip, (note,))


def _refuse_short(place: str, first: list[str], rows: list[list[str]]) -> None:
    widths = {len(row) for row in rows}
    if len(widths) == 1 and len(first) < max(widths):
        raise DataError(
            f"{place} has {len(first)} cells and the rows below have {max(widths)}; remove it if "
            "it is a title, add the names that are missing, or read it as a row with "
            "--set data.header=false"
        )
