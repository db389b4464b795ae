"""Readers of pairs of texts in lines: of two files, or with a tab between source and target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from longshort.config.parallel import ParallelData
from longshort.data.findings import Finding
from longshort.data.formats.pair_columns import columns_note, is_heading, pair_columns
from longshort.data.parallel import SHOWN, Pairs
from longshort.data.textfiles import TextFile, read_text
from longshort.errors import DataError

_QUOTE = '"'


def read_two(path: Path, target_path: Path, encoding: str | None) -> Pairs:
    """Read two files; line n of the second is the target of line n of the first.

    Empty lines are kept, so that lines stay paired, except for surplus ones at the end of the
    longer file. Raises `DataError` if the numbers of lines differ.
    """
    sources, targets = read_text(path, encoding), read_text(target_path, encoding)
    _trim(sources.lines, targets.lines)
    counts = len(sources.lines), len(targets.lines)
    if counts[0] != counts[1]:
        raise DataError(
            f"{path}: has {counts[0]:,} lines, and {target_path} has {counts[1]:,}; line n of one "
            "must be the target of line n of the other, so find the line that is missing"
        )
    return Pairs(
        path.name,
        sources.lines,
        [(line,) for line in targets.lines],
        _places(range(1, counts[0] + 1)),
        str(path),
        sources.sha256,
        str(target_path),
        targets.sha256,
        {"format": "lines"},
        (*sources.encoding.findings(), *targets.encoding.findings()),
    )


def read_sources(path: Path, encoding: str | None) -> Pairs:
    """Read every line as a source without a target; an empty line is an empty text."""
    file = read_text(path, encoding)
    return Pairs(
        path.name,
        file.lines,
        None,
        _places(range(1, len(file.lines) + 1)),
        str(path),
        file.sha256,
        read_as={"format": "lines"},
        findings=file.encoding.findings(),
    )


def has_tabs(path: Path, encoding: str | None) -> bool:
    """Return whether nearly all lines of a file have a tab, ignoring blank ones."""
    lines = [line for line in read_text(path, encoding).lines if line.strip()]
    return bool(lines) and 20 * sum("\t" in line for line in lines) >= 19 * len(lines)


def read_tabs(path: Path, config: ParallelData, *, with_targets: bool) -> Pairs:
    """Read pairs from lines of cells with tabs between them; the first line may name the columns.

    Without names the first cell is the source and the second one the target. Raises `DataError`
    for a line with too few cells.
    """
    file = read_text(path, config.encoding)
    rows = [(n, line.split("\t")) for n, line in enumerate(file.lines, 1) if line.strip()]
    if not rows:
        raise DataError(f"{path}: holds no line; a source and a target with a tab are expected")
    layout = _layout(path, rows[0][1], config, with_targets=with_targets)
    rows = rows[1:] if layout.has_names else rows
    cells = _cells(path, rows, layout)
    names = [layout.source, *([layout.target] if layout.target is not None else [])]
    return Pairs(
        path.name,
        cells[0],
        None if layout.target is None else [(cell,) for cell in cells[1]],
        _places([number for number, _ in rows]),
        str(path),
        file.sha256,
        read_as={
            "format": "tsv",
            "header": layout.has_names,
            **dict(zip(("source", "target"), names, strict=False)),
        },
        findings=(*_notes(file), *columns_note(path.name, layout.names, *layout.roles, config)),
    )


@dataclass(frozen=True)
class _Layout:
    """Columns of a file: all names, and those of source and target.

    has_names: true if the first line holds the names.
    """

    names: list[str]
    has_names: bool
    source: str
    target: str | None

    @property
    def roles(self) -> tuple[str, str | None]:
        return self.source, self.target


def _layout(path: Path, first: list[str], config: ParallelData, *, with_targets: bool) -> _Layout:
    has_names = config.header
    if has_names is None:
        has_names = is_heading(first, config, may_be_any=False)
    names = [cell.strip() if has_names else f"column_{i}" for i, cell in enumerate(first, 1)]
    is_usual = {config.source, config.target} <= {None, *names[:2]}
    known = names[:2] if is_usual and not has_names else names
    roles = pair_columns(path.name, known, config, with_targets=with_targets)
    return _Layout(names, has_names, *roles)


def _cells(path: Path, rows: Sequence[tuple[int, list[str]]], layout: _Layout) -> list[list[str]]:
    """Return the cells of the source, and of the target if there is one, without outer quotes."""
    columns = [layout.names.index(each) for each in layout.roles if each is not None]
    least = max(columns) + 1
    for number, cells in rows:
        if len(cells) < least:
            raise DataError(
                f"{path}: line {number}: {least} cells with a tab between them are expected, got "
                f"{len(cells)}: {cells[0][:40]!r}; add what is missing, or remove the line"
            )
    found = [[cells[column] for _, cells in rows] for column in columns]
    return [[_bare(c) for c in column] for column in found] if _is_quoted(found) else found


def _trim(one: list[str], other: list[str]) -> None:
    """Remove empty lines at the end of the longer of two lists until their lengths are equal."""
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    while len(longer) > len(shorter) and not longer[-1].strip():
        longer.pop()


def _places(numbers: Sequence[int]) -> list[str]:
    return [f"line {number}" for number in numbers]


def _notes(file: TextFile) -> tuple[Finding, ...]:
    """Return findings on the encoding, and on blank lines except for those at the end."""
    full = [number for number, line in enumerate(file.lines, 1) if line.strip()]
    blank = sorted(set(range(1, full[-1])) - set(full))
    if not blank:
        return file.encoding.findings()
    message = f"{len(blank):,} lines are blank; skipped"
    note = Finding("blank-lines", "note", message, tuple(_places(blank[:SHOWN])))
    return (*file.encoding.findings(), note)


def _is_quoted(columns: Sequence[Sequence[str]]) -> bool:
    """Return whether quotes enclose cells, with inner ones doubled, as programs write them.

    Otherwise a quote belongs to the text, as in files of sentences.
    """
    marked = [cell for column in columns for cell in column if _QUOTE in cell]
    if not marked or not all(_fits(cell) for cell in marked):
        return False
    is_each = len(marked) == sum(map(len, columns))
    return is_each or all(_QUOTE in cell[1:-1] for cell in marked)


def _fits(cell: str) -> bool:
    is_around = len(cell) > 1 and cell[0] == cell[-1] == _QUOTE
    return is_around and _QUOTE not in cell[1:-1].replace(_QUOTE * 2, "")


def _bare(cell: str) -> str:
    return cell[1:-1].replace(_QUOTE * 2, _QUOTE) if _QUOTE in cell else cell
