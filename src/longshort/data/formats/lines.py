"""Text files with a label and a text on every line, in either order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from longshort.config.sequences import SequenceData
from longshort.data.findings import Finding
from longshort.data.formats import marked
from longshort.data.formats.marked import MARK
from longshort.data.formats.sides import Side, side_of
from longshort.data.formats.table import LABELS, TEXTS
from longshort.data.label_sets import label_sets
from longshort.data.labelled import Examples
from longshort.data.labels import label_names
from longshort.data.textfiles import TextFile, raw_lines, read_text
from longshort.errors import DataError

_DELIMITERS = ("\t", ";", "|", ",", " ")
"""Delimiters in order of preference."""
_NAMES = {"\t": "a tab", " ": "white space"}
_MOSTLY = 0.95
"""Share of the lines that must have a delimiter; lines without it are then errors."""
_ADVICE = (
    "say --set data.label_side=first or last, and --set data.delimiter=',' (or another character) "
    "where labels are no single words; or write a table with the columns text and label"
)


@dataclass(frozen=True)
class Layout:
    """The delimiter of label and text, and the side of the label."""

    delimiter: str
    side: Side

    def divided(self, line: str) -> tuple[str, str] | None:
        """Return label and text of a line; None if one is missing."""
        begin, end = _divided(line, self.delimiter, self.side)
        label, text = (begin, end) if self.side == "first" else (end, begin)
        return (label, text) if label and text else None


def read(path: Path, config: SequenceData) -> Examples:
    """Read labels and texts; the side of the label is detected where the settings do not say.

    Empty lines are skipped. Several fastText labels on a line are an example's labels. Raises
    `DataError` for a line without label or text, and where the side of the label is ambiguous.
    """
    file = read_text(path, config.encoding)
    rows = [(number, line.strip()) for number, line in enumerate(file.lines, 1) if line.strip()]
    if not rows:
        raise DataError(f"{path}: holds no line; a label and a text on every line are expected")
    lines = [line for _, line in rows]
    if config.multi_label or marked.has_several(lines):
        side = marked.side_of_marks(lines, config)
        if side is not None:
            return _with_marks(path, file, rows, side)
    layout = _layout(path, lines, config)
    begin = 1 if _is_heading(layout, lines) else 0
    items, labels, places = [], [], []
    for number, line in rows[begin:]:
        found = layout.divided(line)
        if found is None:
            raise DataError(
                f"{path}: line {number}: a label and a text are expected, got {line[:40]!r}; "
                "remove the line, or add what is missing"
            )
        _refuse_several(path, number, line)
        labels.append(found[0])
        items.append(found[1])
        places.append(f"line {number}")
    if config.multi_label:
        sets = label_sets(labels, places, str(path), config.label_separator)
        read_as = {"format": "lines", "delimiter": layout.delimiter, "label_side": layout.side}
        examples = _examples(path, file, items, None, places, read_as)
        return examples.with_sets(sets, "if that is wrong, say data.label_separator")
    names = label_names(labels, places, str(path))
    note = _note(path, layout, names, has_heading=bool(begin))
    read_as = {"format": "lines", "delimiter": layout.delimiter, "label_side": layout.side}
    return _examples(path, file, items, names, places, read_as, note)


def _with_marks(
    path: Path, file: TextFile, rows: Sequence[tuple[int, str]], side: Side
) -> Examples:
    """Return examples of lines with any number of fastText's labels."""
    found = [marked.divided(path, number, line, side) for number, line in rows]
    places = [f"line {number}" for number, _ in rows]
    read_as = {"format": "lines", "delimiter": " ", "label_side": side}
    examples = _examples(path, file, [text for _, text in found], None, places, read_as)
    return examples.with_sets(label_sets([each for each, _ in found], places, str(path), " "))


def names_columns(path: Path) -> bool:
    """Whether the first line names a text and a label column, so that the file is a table."""
    first = next(raw_lines(path), b"").decode("utf-8-sig", "replace")
    names = ({_plain(cell).lower() for cell in first.split(mark)} for mark in _DELIMITERS[:-1])
    return any(each & {*TEXTS} and each & {*LABELS} for each in names)


def read_texts(path: Path, config: SequenceData) -> Examples:
    """Read every line as a text without a label; an empty line is an empty text."""
    file = read_text(path, config.encoding)
    places = [f"line {number}" for number in range(1, len(file.lines) + 1)]
    return _examples(path, file, file.lines, None, places, {"format": "lines"})


def known_labels(
    texts: Iterable[str], labels: Iterable[str], config: SequenceData
) -> list[tuple[str, str] | None]:
    """Return label and text of each line where it has one of these labels, otherwise None.

    config: settings that say where labels are. Where examples may have several labels, a line
    without any has the label "", if another line has a label.
    """
    known = set(labels)
    if config.multi_label and config.delimiter == " " and config.label_separator == " ":
        listed = list(texts)
        side = marked.side_of_marks(listed, config)
        return [None if side is None else marked.parted(each.strip(), side) for each in listed]
    layout = Layout(config.delimiter or " ", config.label_side or "first")
    found = (layout.divided(text.strip()) for text in texts)
    mark = config.label_separator if config.multi_label else None
    return [each if each and known.issuperset(_parts(each[0], mark)) else None for each in found]


def _parts(label: str, separator: str | None) -> list[str]:
    """What is divided by the separator, where there is one."""
    return [label] if separator is None else [each.strip() for each in label.split(separator)]


def _layout(path: Path, lines: Sequence[str], config: SequenceData) -> Layout:
    if config.delimiter is not None and config.label_side is not None:
        return Layout(config.delimiter, config.label_side)
    if config.delimiter is None and config.label_side is None:
        marked = _marked(lines)
        if marked is not None:
            return marked
    present = [
        delimiter
        for delimiter in ([config.delimiter] if config.delimiter else _DELIMITERS)
        if sum(delimiter in line for line in lines) >= _MOSTLY * len(lines)
    ]
    if config.label_side is not None and present:
        return Layout(present[0], config.label_side)
    _refuse_columns(path, lines, [mark for mark in present if mark not in ", "])
    found = [layout for mark in present if (layout := _with_delimiter(lines, mark)) is not None]
    if found:
        return found[0]
    begins, ends = (len({line.split(None)[i] for line in lines}) for i in (0, -1))
    raise DataError(
        f"{path}: which side of the lines is the label? {len(lines):,} lines begin with "
        f"{begins:,} different words and end with {ends:,}; {_ADVICE}"
    )


def _with_delimiter(lines: Sequence[str], delimiter: str) -> Layout | None:
    """Return the layout with this delimiter, if one side of it holds labels.

    Commas are common in texts, so labels beside one must be single words.
    """
    first = [_divided(line, delimiter, "first")[0] for line in lines]
    last = [_divided(line, delimiter, "last")[1] for line in lines]
    side = side_of(first, last)
    if side is None:
        return None
    cells = first if side == "first" else last
    is_doubtful = delimiter == "," and any(len(cell.split()) > 1 for cell in cells)
    return None if is_doubtful else Layout(delimiter, side)


def _marked(lines: Sequence[str]) -> Layout | None:
    """Return the layout of fastText's labels, if there are any."""
    if sum(line.startswith(MARK) for line in lines) >= _MOSTLY * len(lines):
        return Layout(" ", "first")
    ends = sum(line.rsplit(None, 1)[-1].startswith(MARK) for line in lines)
    return Layout(" ", "last") if ends >= _MOSTLY * len(lines) else None


def _divided(line: str, delimiter: str, side: Side) -> tuple[str, str]:
    """Return the texts before and after the first delimiter, or the last one, by side."""
    if delimiter == " ":
        cells = line.split(None, 1) if side == "first" else line.rsplit(None, 1)
        return (cells[0], cells[1].strip()) if len(cells) == 2 else ("", "")
    begin, _, end = line.partition(delimiter) if side == "first" else line.rpartition(delimiter)
    return _plain(begin), _plain(end)


def _plain(cell: str) -> str:
    """Remove surrounding white space, and quotes around the whole cell."""
    cell = cell.strip()
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"').strip()
    return cell


def _refuse_columns(path: Path, lines: Sequence[str], delimiters: Sequence[str]) -> None:
    """Raise `DataError` if the lines are rows of a table without column names."""
    for delimiter in delimiters:
        widths = {line.count(delimiter) + 1 for line in lines}
        if len(widths) == 1 and max(widths) > 2:
            raise DataError(
                f"{path}: every line has {max(widths)} columns, and nothing says which are text "
                "and label; put a line of column names on top, such as id, text, label, and say "
                "--set data.format=csv"
            )


def _refuse_several(path: Path, number: int, line: str) -> None:
    marks = [word for word in line.split() if word.startswith(MARK)]
    if len(marks) > 1:
        raise DataError(
            f"{path}: line {number}: has {len(marks)} labels, {', '.join(marks[:5])}, with words "
            "between them; put all labels in front of the text, or keep one"
        )


def _is_heading(layout: Layout, lines: Sequence[str]) -> bool:
    """Whether the first line names columns: its label is "label", which no other line has."""
    names, *others = (layout.divided(line) for line in lines)
    if names is None or layout.delimiter == " ":
        return False
    label, text = (name.lower() for name in names)
    is_named = (label in LABELS) + (text in TEXTS)
    return is_named == 2 or (is_named == 1 and all(each and each[0] != names[0] for each in others))


def _note(path: Path, layout: Layout, labels: list[str], *, has_heading: bool) -> Finding:
    mark = _NAMES.get(layout.delimiter, repr(layout.delimiter))
    where = f"before {mark}" if layout.side == "first" else f"behind {mark} at the end of the line"
    heading = ", below a line of names" if has_heading else ""
    kinds = sorted(set(labels))
    return Finding(
        "lines",
        "note",
        f"{path.name}: the label stands {where}{heading}: {len(kinds):,} labels in "
        f"{len(labels):,} lines",
        tuple(kinds[:5]),
        "if that is wrong, say data.label_side=first or last and data.delimiter",
    )


def _examples(
    path: Path,
    file: TextFile,
    texts: list[str],
    labels: list[str] | None,
    places: list[str],
    read_as: dict[str, str],
    *notes: Finding,
) -> Examples:
    findings = (*file.encoding.findings(), *notes)
    return Examples(
        path.name, list(texts), labels, places, str(path), file.sha256, read_as=read_as,
        findings=findings,
    )  # fmt: skip
