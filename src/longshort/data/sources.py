"""Files and frames as polars LazyFrames, checked before parsing.

Text cells stay text; `longshort.data.columns` converts chosen ones to numbers, and
`longshort.data.stamps` to timestamps, so that a bad cell can be reported with row and value.
"""

from __future__ import annotations

import hashlib
import json
import zoneinfo
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longshort.config import DataConfig
from longshort.data.delimited import (
    Content,
    Heading,
    Survey,
    content_lines,
    find_heading,
    open_quote,
    ragged_line,
    row_lines,
    survey,
)
from longshort.data.findings import Finding
from longshort.data.foreign import refuse_foreign
from longshort.data.textfiles import json_fault, read_head
from longshort.errors import DataError
from longshort.lazy import polars as pl

Format = Literal["csv", "parquet", "jsonl"]

MAX_LINE = 1 << 20
SAMPLE = 1000
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
NULLS = ["", "NA", "N/A", "nan", "NaN", "NAN", "null", "NULL", "None", "?"]


@dataclass(frozen=True)
class Text:
    """A text file's content, and for delimited text its heading; JSON lines have none."""

    content: Content
    heading: Heading | None = None
    with_blank: bool = True
    """Whether lines without a cell are rows."""

    def line(self, index: int) -> int:
        """Return the line of row `index`."""
        begins = self._begins
        return int(begins[index]) if index < len(begins) else index + 1

    def fault(self) -> str:
        """Return where the file violates its format."""
        return _not_json(self.content) if self.heading is None else open_quote(self.content)

    @cached_property
    def _begins(self) -> NDArray[np.int64]:
        """Lines in which the rows begin; empty for JSON lines, which are counted."""
        if self.heading is None:
            return np.empty(0, dtype=np.int64)
        rows = row_lines(self.content, self.heading.skip, with_blank=self.with_blank)
        return np.array([number for number, _ in rows], dtype=np.int64)


@dataclass(frozen=True)
class Source:
    """Rows that are read lazily, and their origin."""

    lazy: pl.LazyFrame
    columns: tuple[str, ...]
    name: str
    path: str | None = None
    sha256: str | None = None
    size: int | None = None
    text: Text | None = None
    """The text file of the rows, if there is one."""
    findings: tuple[Finding, ...] = ()
    """Findings of opening the source."""
    place: Callable[[int], str] | None = None
    """Returns the place of a row in the original table, where rows were derived from others."""

    @cached_property
    def sample(self) -> pl.DataFrame:
        """The first rows, read once."""
        try:
            return self.lazy.head(SAMPLE).collect()
        except polars_errors() as error:
            raise DataError(self.explain(error)) from None

    @cached_property
    def types(self) -> pl.Schema:
        """Types of the columns."""
        return self.sample.schema

    def first_texts(self, name: str) -> pl.Series:
        """Return the first cells of a text column, trimmed and without empty ones."""
        if name not in self._texts:
            cells = self.sample[name].str.strip_chars()
            self._texts[name] = cells.filter(cells.is_not_null() & ~cells.is_in(NULLS))
        return self._texts[name]

    @cached_property
    def _texts(self) -> dict[str, pl.Series]:
        """Cache of `first_texts` by column."""
        return {}

    @property
    def delimiter(self) -> str | None:
        """Delimiter of delimited text; None for other sources."""
        heading = self.text.heading if self.text is not None else None
        return heading.delimiter if heading is not None else None

    def explain(self, error: BaseException) -> str:
        """Return a parser's error in words for the owner of the file."""
        text, said = self.text, str(error)
        is_ragged = "found more fields" in said or "not specified in schema" in said
        if text is None or text.heading is None or not is_ragged:
            fault = "" if text is None else text.fault()
            return f"{self.name}: cannot be read: {fault or _first_line(error)}"
        heading = text.heading
        place = ragged_line(text.content, heading.skip, len(heading.names), heading.delimiter)
        return (
            f"{self.path}: {place}more cells than the header's {len(heading.names)} columns; "
            "remove the extra cells, put quotes around a cell that holds the delimiter, or name "
            "the delimiter with --set data.delimiter=';'"
        )

    def row(self, index: int) -> str:
        """Return the place of row `index` (from 0) for people: a line of the file, or a number."""
        if self.place is not None:
            return self.place(index)
        return f"row {index}" if self.text is None else f"line {self.text.line(index)}"


def polars_errors(*others: type[BaseException]) -> tuple[type[BaseException], ...]:
    """Return the errors of polars for damaged files, the second no `Exception`, and others."""
    return pl.exceptions.PolarsError, pl.exceptions.PanicException, *others


def open_source(data: object, config: DataConfig, longest: int = MAX_LINE) -> Source:
    """Open a path, a polars frame or a pandas frame; `longest` limits the bytes of a line.

    Raises `DataError` with file, line and remedy if it cannot be read.
    """
    if isinstance(data, (str, Path)):
        return _open_file(Path(data), config, longest)
    frame = _as_polars(data)
    if not frame.columns:
        raise DataError("data: the frame has no columns; pass one with a time and a target column")
    return Source(frame.lazy(), tuple(frame.columns), "frame")


def is_frame(data: object) -> bool:
    """Whether data has columns, as frames do.

    A lazy frame is not asked for them, which would cost time.
    """
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
    """Convert a pandas frame column by column, so that pyarrow is not needed."""
    if not hasattr(frame, "columns"):
        frame = frame.to_frame()
    frame = _with_index_as_column(frame)
    names = [str(name) for name in frame.columns]
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise DataError(f"data: the frame's column name {doubled[0]!r} stands twice; rename one")
    return pl.DataFrame([_pandas_column(str(name), frame[name]) for name in frame.columns])


def _with_index_as_column(frame: Any) -> Any:
    """Return the frame with its index as columns, if that is named, of times, or multi-level."""
    index = frame.index
    if index.nlevels > 1:
        return frame.reset_index()
    if hasattr(index, "to_timestamp"):
        frame = frame.set_axis(index.to_timestamp(), axis="index")
    name = index.name or "time"
    holds_data = index.name is not None or frame.index.dtype.kind == "M"
    return frame.reset_index(names=name) if holds_data and name not in frame.columns else frame


def _pandas_column(name: str, column: Any) -> pl.Series:
    """Convert numbers and times as they are, everything else, and times with an offset, to text."""
    if column.dtype.kind == "O":  # objects and categories may hold numbers all the same
        column = column.astype(object).infer_objects()
    kind = column.dtype.kind
    zone = getattr(column.dtype, "tz", None)
    if kind == "M" and zone is not None and str(zone) in _zones():
        utc = pl.Series(name, column.to_numpy(dtype="datetime64[us]"))
        return utc.dt.replace_time_zone("UTC").dt.convert_time_zone(str(zone))
    if kind == "M" and zone is None:
        return pl.Series(name, column.to_numpy(dtype="datetime64[us]"))
    if kind in "iufb" and not column.isna().any():
        return pl.Series(name, column.to_numpy())
    if kind in "iufb":
        return pl.Series(name, column.to_numpy(dtype="float64", na_value=float("nan")))
    cells = [None if gone else str(cell) for cell, gone in zip(column, column.isna(), strict=True)]
    return pl.Series(name, cells, dtype=pl.String)


@cache
def _zones() -> frozenset[str]:
    """Names of the time zone database."""
    return frozenset(zoneinfo.available_timezones())


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
    seen = survey(path, longest, config.encoding)
    return _open_jsonl(path, seen) if kind == "jsonl" else _open_text(path, seen, config)


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
    except polars_errors(OSError) as error:
        raise DataError(f"{path}: damaged Parquet file: {_first_line(error)}") from None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Source(lazy, columns, path.name, str(path), digest, path.stat().st_size)


def _open_jsonl(path: Path, seen: Survey) -> Source:
    try:
        lazy = pl.scan_ndjson(seen.content, infer_schema_length=None)
        columns = tuple(lazy.collect_schema().names())
    except polars_errors(OSError) as error:
        why = _not_json(seen.content) or _first_line(error)
        raise DataError(f"{path}: not JSON lines (one object a line): {why}") from None
    return _source(path, seen, lazy, columns, Text(seen.content), ())


def _open_text(path: Path, seen: Survey, config: DataConfig) -> Source:
    heading = find_heading(path, seen, config)
    lazy = pl.scan_csv(
        seen.content,
        separator=heading.delimiter,
        has_header=False,
        skip_lines=heading.skip,
        schema=dict.fromkeys(heading.names, pl.String),
        null_values=[""],
        raise_if_empty=False,
    )
    findings = heading.findings
    text = Text(seen.content, heading)
    if seen.has_blank and len(heading.names) > 1:  # in one column it is a missing value
        text, lazy = Text(seen.content, heading, with_blank=False), _without_blank(lazy)
        findings += _note_blank(text)
    return _source(path, seen, lazy, heading.names, text, findings)


def _source(
    path: Path,
    seen: Survey,
    lazy: pl.LazyFrame,
    columns: tuple[str, ...],
    text: Text,
    findings: tuple[Finding, ...],
) -> Source:
    findings = (*seen.encoding.findings(), *findings)
    return Source(lazy, columns, path.name, str(path), seen.sha256, seen.size, text, findings)


def _without_blank(lazy: pl.LazyFrame) -> pl.LazyFrame:
    return lazy.filter(~pl.all_horizontal(pl.all().str.strip_chars().fill_null("") == ""))


def _note_blank(text: Text) -> tuple[Finding, ...]:
    assert text.heading is not None
    skip = text.heading.skip
    all_lines = [number for number, _ in row_lines(text.content, skip, with_blank=True)]
    kept = {number for number, _ in row_lines(text.content, skip, with_blank=False)}
    blank = [number for number in all_lines if number not in kept]
    if not blank:
        return ()
    where = tuple(f"line {number}" for number in blank[:5])
    return (Finding("blank-lines", "note", f"{len(blank):,} lines are blank; skipped", where),)


def _not_json(content: Content) -> str:
    """Return which line of JSON lines is invalid, and why."""
    for number, raw in enumerate(content_lines(content), 1):
        try:
            row = json.loads(raw.strip() or b"{}")
        except (ValueError, RecursionError) as error:
            return f"line {number}: {json_fault(error)}"
        if not isinstance(row, dict):
            return f"line {number} is a {type(row).__name__}; leave out what surrounds the objects"
    return ""


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:300]
