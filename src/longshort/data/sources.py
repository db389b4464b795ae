"""Files and frames as a polars LazyFrame, looked over before a parser meets them.

Text cells stay text here; `longshort.data.columns` turns the chosen ones into numbers and
`longshort.data.stamps` into timestamps, so that a bad cell can be named by row and value.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.config import DataConfig
from longshort.data.foreign import refuse_foreign
from longshort.data.textfiles import decoded, json_fault, raw_lines, read_head, unpacked
from longshort.errors import DataError

POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises for damaged files; the second is no `Exception`."""

Format = Literal["csv", "parquet", "jsonl"]

MAX_LINE = 1 << 20
MAX_COLUMNS = 100_000
SAMPLE = 1000
_NO_HEADER, _BELOW_HEADER = 1, 2
"""First line of the rows: of JSON lines, of a CSV file."""
_MANY_CELLS = 1000
_BLOCK = 1 << 22
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".tab": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_DELIMITERS = (",", "\t", ";", "|")
_QUOTED = re.compile(r'"[^"]*"')
NULLS = ["", "NA", "N/A", "nan", "NaN", "NAN", "null", "NULL", "None", "?"]


@dataclass(frozen=True)
class Source:
    """Rows that can be read lazily, and where they came from."""

    lazy: pl.LazyFrame
    columns: tuple[str, ...]
    name: str
    first_line: int | None
    """Line number of the first data row in a text file; None where rows have no lines."""
    path: str | None = None
    sha256: str | None = None
    size: int | None = None

    @cached_property
    def sample(self) -> pl.DataFrame:
        """The first rows, read once."""
        try:
            return self.lazy.head(SAMPLE).collect()
        except POLARS_ERRORS as error:
            raise DataError(self.explain(error)) from None

    def explain(self, error: BaseException) -> str:
        """What a parser's error means to the person whose file it is."""
        if "found more fields" not in str(error) or self.path is None:
            return f"{self.name}: cannot be read: {self._fault() or _first_line(error)}"
        return (
            f"{self.path}: {_ragged_line(Path(self.path), len(self.columns))}more cells than the "
            f"header's {len(self.columns)} columns; remove the extra cells, put quotes around a "
            "cell that holds the delimiter, or name the delimiter with --set data.delimiter=';'"
        )

    def _fault(self) -> str:
        """Where a file breaks off its format."""
        if self.path is None or self.first_line is None:
            return ""
        find = _not_json if self.first_line == _NO_HEADER else _open_quote
        return find(Path(self.path))

    def row(self, index: int) -> str:
        """How a person finds row `index` (from 0): a line of the file or a row number."""
        if self.first_line is None:
            return f"row {index}"
        begins = self._begins
        return f"line {begins[index] if index < len(begins) else index + self.first_line}"

    @cached_property
    def _begins(self) -> NDArray[np.int64]:
        """Lines in which the rows of a CSV file begin: quotes may hold line breaks."""
        if self.path is None or self.first_line != _BELOW_HEADER:
            return np.empty(0, dtype=np.int64)
        return np.array([number for number, _ in _records(Path(self.path))][1:], dtype=np.int64)


def open_source(data: object, config: DataConfig, longest: int = MAX_LINE) -> Source:
    """Open a path, a polars frame or a pandas frame; a line has `longest` bytes at most.

    Raises `DataError` with the file, line and remedy when it cannot be read.
    """
    if isinstance(data, (str, Path)):
        return _open_file(Path(data), config, longest)
    frame = _as_polars(data)
    if not frame.columns:
        raise DataError("data: the frame has no columns; pass one with a time and a target column")
    return Source(frame.lazy(), tuple(frame.columns), "frame", first_line=None)


def is_frame(data: object) -> bool:
    """Whether it has columns, as frames do; a lazy one is not asked for them, which would cost."""
    return hasattr(type(data), "columns")


def _as_polars(data: object) -> pl.DataFrame:
    if isinstance(data, pl.LazyFrame):
        return data.collect()
    if isinstance(data, pl.DataFrame):
        return data
    if type(data).__module__.split(".")[0] == "pandas":
        return _from_pandas(data)
    raise DataError(
        f"data: expected a path, a polars frame or a pandas frame, got {type(data).__name__}"
    )


def _from_pandas(frame: Any) -> pl.DataFrame:
    """Column by column, so that pyarrow is not needed."""
    if not hasattr(frame, "columns"):
        frame = frame.to_frame()
    frame = _with_index_as_column(frame)
    names = [str(name) for name in frame.columns]
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise DataError(f"data: the frame's column name {doubled[0]!r} stands twice; rename one")
    return pl.DataFrame([_pandas_column(str(name), frame[name]) for name in frame.columns])


def _with_index_as_column(frame: Any) -> Any:
    """A named index, one of times or periods, or one of several levels holds data too."""
    index = frame.index
    if index.nlevels > 1:
        return frame.reset_index()
    if hasattr(index, "to_timestamp"):
        frame = frame.set_axis(index.to_timestamp(), axis="index")
    name = index.name or "time"
    holds_data = index.name is not None or frame.index.dtype.kind == "M"
    return frame.reset_index(names=name) if holds_data and name not in frame.columns else frame


def _pandas_column(name: str, column: Any) -> pl.Series:
    """Numbers and times as they are (times in UTC), everything else as text."""
    if column.dtype.kind == "O":  # what categories and objects hold may be numbers all the same
        column = column.astype(object).infer_objects()
    kind = column.dtype.kind
    if kind == "M":
        return pl.Series(name, column.to_numpy(dtype="datetime64[us]"))
    if kind in "iufb" and not column.isna().any():
        return pl.Series(name, column.to_numpy())
    if kind in "iufb":
        return pl.Series(name, column.to_numpy(dtype="float64", na_value=float("nan")))
    cells = [None if gone else str(cell) for cell, gone in zip(column, column.isna(), strict=True)]
    return pl.Series(name, cells, dtype=pl.String)


def _open_file(path: Path, config: DataConfig, longest: int) -> Source:
    if not path.exists():
        raise DataError(f"{path}: no such file; check the path (working folder: {Path.cwd()})")
    if path.is_dir():
        raise DataError(f"{path}: is a folder; give one file")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise DataError(f"{path}: cannot read: {error.strerror or error}") from None
    if size == 0:
        raise DataError(f"{path}: the file is empty; it needs a header line and rows")
    kind = config.format or _format_of(path, head)
    if kind == "parquet":
        return _open_parquet(path, head)
    refuse_foreign(path, read_head(path, 16))
    digest, sample = _survey(path, longest)
    if kind == "jsonl":
        return _open_jsonl(path, digest, size)
    return _open_text(path, sample, digest, size, config)


def _format_of(path: Path, head: bytes) -> Format:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if head == b"PAR1":
        return "parquet"
    if suffixes and suffixes[-1] in _SUFFIXES:
        return _SUFFIXES[suffixes[-1]]
    return "csv"


def _open_parquet(path: Path, head: bytes) -> Source:
    if head != b"PAR1":
        raise DataError(f"{path}: not a Parquet file (its first bytes are {head!r})")
    try:
        lazy = pl.scan_parquet(path)
        columns = tuple(lazy.collect_schema().names())
    except (*POLARS_ERRORS, OSError) as error:
        raise DataError(f"{path}: damaged Parquet file: {_first_line(error)}") from None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Source(lazy, columns, path.name, None, str(path), digest, path.stat().st_size)


def _open_jsonl(path: Path, digest: str, size: int) -> Source:
    try:
        lazy = pl.scan_ndjson(path, infer_schema_length=None)
        columns = tuple(lazy.collect_schema().names())
    except (*POLARS_ERRORS, OSError) as error:
        why = _not_json(path) or _first_line(error)
        raise DataError(f"{path}: not JSON lines (one object a line): {why}") from None
    return Source(lazy, columns, path.name, _NO_HEADER, str(path), digest, size)


def _open_text(path: Path, sample: list[str], digest: str, size: int, config: DataConfig) -> Source:
    if config.delimiter is not None and len(config.delimiter) != 1:
        raise DataError(f"data.delimiter: one character is expected, got {config.delimiter!r}")
    delimiter = config.delimiter or _guess_delimiter(path, sample)
    if not sample[0].strip():
        raise DataError(f"{path}: line 1 is empty; put a line of column names first")
    names = _split(sample[0], delimiter)
    if len(names) > MAX_COLUMNS:
        raise DataError(
            f"{path}: line 1 has {len(names):,} columns, at most {MAX_COLUMNS:,} are read; "
            "keep the columns you need, or use long format (a series name, a time, a value)"
        )
    names = [name.strip() or f"column_{i + 1}" for i, name in enumerate(names)]
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise DataError(f"{path}: line 1: the column name {doubled[0]!r} stands twice; rename one")
    if all(_is_number(name) for name in names) and not all(map(str.isdigit, names)):
        raise DataError(
            f"{path}: line 1 holds numbers only, so the file seems to have no header; "
            "put a line of column names first"
        )
    lazy = pl.scan_csv(
        path,
        separator=delimiter,
        has_header=False,
        skip_rows=1,
        schema=dict.fromkeys(names, pl.String),
        null_values=[""],
        raise_if_empty=False,
    )
    return Source(lazy, tuple(names), path.name, _BELOW_HEADER, str(path), digest, size)


def _survey(path: Path, longest: int) -> tuple[str, list[str]]:
    """Read once: digest, first lines, and everything that would upset a parser."""
    sample: list[str] = []
    line, pending = 1, b""
    for chunk in _chunks(path):
        if b"\0" in chunk:
            raise DataError(
                f"{path}: holds binary data (a zero byte near line "
                f"{line + chunk[: chunk.index(0)].count(10)}); expected CSV, TSV, Parquet or JSON "
                "lines"
            )
        lines = (pending + chunk).split(b"\n")
        pending = lines.pop()
        if max(map(len, lines), default=0) > longest:
            _refuse_long(path, lines, line, longest)
        if len(sample) < 20:
            sample += [
                decoded(path, raw, line + i) for i, raw in enumerate(lines[: 20 - len(sample)])
            ]
        _check_encoding(path, chunk, lines, line)
        line += len(lines)
        _refuse_long(path, [pending], line, longest)
    if pending:
        last = decoded(path, pending, line)
        sample += [last] if len(sample) < 20 else []
    sample = [text.rstrip("\r") for text in sample]
    if not any(text.strip() for text in sample):
        raise DataError(f"{path}: the file holds only empty lines; it needs a header and rows")
    sample[0] = sample[0].removeprefix("\ufeff")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), sample


def _chunks(path: Path) -> Iterator[bytes]:
    """Decompressed content in pieces."""
    with unpacked(path) as file:
        while block := file.read(_BLOCK):
            yield block


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


def _check_encoding(path: Path, chunk: bytes, lines: list[bytes], first: int) -> None:
    if chunk.isascii():
        return
    for number, raw in enumerate(lines, first):
        if not raw.isascii():
            decoded(path, raw, number)


def _guess_delimiter(path: Path, sample: list[str]) -> str:
    """The delimiter that splits every sampled line into the same number of cells."""
    lines = [text for text in sample if text.strip()][:20]
    if path.name.removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    for delimiter in _DELIMITERS:
        widths = {len(_split(text, delimiter)) for text in lines[:-1] or lines}
        if len(widths) == 1 and widths != {1}:
            return delimiter
    counts = {mark: lines[0].count(mark) for mark in _DELIMITERS}
    return max(counts, key=lambda mark: counts[mark])


def _split(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error:  # an over-long or torn quoted cell: the parser will name it
        return line.split(delimiter)


def _ragged_line(path: Path, columns: int) -> str:
    """Where the first line with more cells than the header stands."""
    records = _records(path)
    _, header = next(records)
    delimiter = next((d for d in _DELIMITERS if len(_split(header, d)) == columns), ",")
    for number, record in records:
        cells = _QUOTED.sub("", record).count(delimiter) + 1
        if cells > columns:
            return f"line {number} has {cells} cells, "
    return "a line has "


def _not_json(path: Path) -> str:
    """Which line of JSON lines is none, and why."""
    for number, raw in enumerate(raw_lines(path), 1):
        try:
            row = json.loads(raw.strip() or b"{}")
        except (ValueError, RecursionError) as error:
            return f"line {number}: {json_fault(error)}"
        if not isinstance(row, dict):
            return f"line {number} is a {type(row).__name__}; leave out what surrounds the objects"
    return ""


def _open_quote(path: Path) -> str:
    """Where a quote begins that the CSV file does not end."""
    for begin, record in _records(path):
        if record.count('"') % 2:
            return f"line {begin}: a quote is opened and never closed; close it, or write it twice"
    return ""


def _records(path: Path) -> Iterator[tuple[int, str]]:
    """The rows of a CSV file, the header too, with the line of each; quotes may hold breaks."""
    held: list[str] = []
    begin, is_open = 1, False
    for number, raw in enumerate(raw_lines(path), 1):
        held.append(raw.decode())
        is_open ^= bool(held[-1].count('"') % 2)
        if not is_open:
            yield begin, "".join(held).rstrip("\r\n")
            held, begin = [], number + 1
    if held:
        yield begin, "".join(held)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:300]
