"""Reading of sentences: tagged ones from files and frames, and plain text that is to be tagged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from pathlib import Path

from longshort.data.sources import is_frame
from longshort.data.textfiles import TextFile, read_head, read_text
from longshort.errors import DataError
from longshort.tasks.tag.config import TagData
from longshort.tasks.tag.conll import Tagged, are_json, read_tagged, without_positions
from longshort.tasks.tag.tables import names_roles, read_table

_DELIMITERS = (",", "\t", ";")
_PARQUET = b"PAR1"
_HEADER = 1 << 12
"""Bytes of a file that are searched for a table's column names."""
_MOSTLY = 0.9


def read_sentences(data: object, settings: TagData, *, with_tags: bool = True) -> Tagged:
    """Read a file of columns, JSON lines or a table, or a frame; return `Tagged` as it is.

    Raises `DataError` with file and line.
    """
    if isinstance(data, Tagged):
        return data
    if not isinstance(data, str | Path) and not is_frame(data):
        raise DataError(
            f"tagging reads files, frames or Tagged sentences, got {type(data).__name__}"
        )
    if not isinstance(data, str | Path) or is_table(Path(data), settings):
        found = read_table(data, settings, with_tags=with_tags)
        return without_positions(found) if settings.strip_position else found
    return read_tagged(
        data,
        format=None if settings.format == "table" else settings.format,
        token_column=settings.token_column,
        tag_column=settings.tag_column,
        strip_position=settings.strip_position,
        with_tags=with_tags,
        encoding=settings.encoding,
    )


def is_table(path: Path, settings: TagData) -> bool:
    """Whether the file is a table with a row for every token, judged by its column names."""
    if settings.format is not None:
        return settings.format == "table"
    head = read_head(path, _HEADER)
    if head.startswith(_PARQUET):
        return True
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    first = head.decode(encoding, "replace").split("\n")[0].strip()
    for mark in _DELIMITERS:
        names = [cell.strip(' "') for cell in first.split(mark)]
        # Tokens and tags apart by tabs may be columns too; by commas they are a table.
        if names_roles(names, settings, with_sentence=True) or (
            mark != "\t" and names_roles(names, settings, with_sentence=False)
        ):
            return True
    return False


def read_to_tag(
    path: Path, settings: TagData, cut: Callable[[str], list[str]], tags: Collection[str],
    *, by_character: bool,
) -> Tagged:  # fmt: skip
    """Read sentences to be tagged from a file like the training file, or from lines of plain text.

    cut: returns the tokens of a text. tags: the tags that the tagger knows, by which columns are
    recognised. by_character: whether the tokens are single characters. Raises `DataError` if the
    file may be either.
    """
    if not is_table(path, settings) and settings.format != "jsonl":
        file = read_text(path, settings.encoding)
        if not are_json(file.lines) and _is_text(path, file.lines, tags, by_character=by_character):
            return _by_line(path, file, cut)
    return read_sentences(path, settings, with_tags=False)


def _by_line(path: Path, file: TextFile, cut: Callable[[str], list[str]]) -> Tagged:
    """Return a sentence for every line that has a token."""
    numbered = [(f"line {number}", cut(line)) for number, line in enumerate(file.lines, 1)]
    found = [(place, tokens) for place, tokens in numbered if tokens]
    if not found:
        raise DataError(f"{path}: no sentence in the file; one on every line is expected")
    return Tagged(
        path.name,
        [tokens for _, tokens in found],
        None,
        [place for place, _ in found],
        str(path),
        file.sha256,
        "text",
        file.encoding.findings(),
    )


def _is_text(
    path: Path, lines: Sequence[str], tags: Collection[str], *, by_character: bool
) -> bool:
    """Whether the lines are sentences, and not tokens with columns beside them."""
    rows = [line for line in lines if line.strip() and not line.startswith("-DOCSTART-")]
    tabbed = sum("\t" in line for line in rows)
    if 2 * tabbed > len(rows):
        return False
    cells = [line.split() for line in rows]
    widths = Counter(map(len, cells))
    if set(widths) <= {1}:
        longer = sum(len(row[0]) > 1 for row in cells)
        return by_character and 2 * longer > len(rows)
    width, count = widths.most_common(1)[0]
    if count < 2 or count < _MOSTLY * len(rows):
        return True
    if all(row[-1] in tags for row in cells if len(row) == width):
        return False
    if len(widths) == 1 and _in_blocks(lines):
        raise DataError(
            f"{path}: every line has {width} words, so it may hold columns with a token a line, or "
            "sentences; write the columns apart by tabs, or pipe the sentences into `longshort "
            "predict`, one a line"
        )
    return True


def _in_blocks(lines: Sequence[str]) -> bool:
    """Whether empty lines separate blocks of lines, as they separate sentences in columns."""
    blank = [not line.strip() for line in lines]
    together = any(not (one or other) for one, other in pairwise(blank))
    return together and any(blank[:-1])
