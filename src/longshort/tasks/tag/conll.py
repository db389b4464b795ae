"""Tagged sentences, and their reading from CoNLL columns, JSON lines and lists."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.textfiles import json_fault, read_text, well_formed
from longshort.errors import DataError

Format = Literal["conll", "jsonl", "table", "text"]
"""Formats of sentences; text has no tags, and a sentence per line."""

_DOCUMENT = "-DOCSTART-"
_JSON = re.compile(r'{|\[{|\[\n{"')
"""Beginnings of an object, and of a list of objects, which is refused with a hint."""
TOKENS = ("token", "tokens", "word", "words", "form")
TAGS = ("tag", "tags", "ner", "ner_tag", "ner_tags", "label", "labels", "bio", "iob", "entity")
"""Usual names of the columns, in a first line or in a table."""
_UNIVERSAL = 10
"""Number of columns of CoNLL-U."""
_SPAN = re.compile(r"\d+[-.]\d+")
"""Numbers in CoNLL-U of words of several tokens, and of empty ones: neither is a token."""
_STRATUM = 20
"""Least number of sentences with the same types that are stratified as a group of their own."""
_POSITIONED = re.compile(r"(.+?)[0-9]+")
"""A token with its place in a word behind it, which may have two digits."""


@dataclass(frozen=True)
class Tagged:
    """Sentences: the tokens of each, and a tag for each token where there are tags."""

    name: str
    """Name of the source in messages."""
    tokens: list[list[str]]
    tags: list[list[str]] | None
    places: list[str]
    """Place of each sentence in the source, for people, such as "line 17"."""
    path: str | None = None
    sha256: str | None = None
    read_as: Format | None = None
    """Format of the file."""
    findings: tuple[Finding, ...] = ()
    """Findings of reading the source."""

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def strata(self) -> list[str] | None:
        """The types that occur in each sentence, by which splits are stratified.

        Rare combinations form one group: each alone is too small to be divided by shares.
        """
        if self.tags is None:
            return None
        found = [" ".join(sorted({kind_of(tag) for tag in tags} - {""})) for tags in self.tags]
        counts = Counter(found)
        return [kinds if counts[kinds] >= _STRATUM else "" for kinds in found]

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Tagged:
        """Return the sentences with these numbers, in this order."""
        chosen = [int(i) for i in indices]
        return replace(
            self,
            tokens=[self.tokens[i] for i in chosen],
            tags=None if self.tags is None else [self.tags[i] for i in chosen],
            places=[self.places[i] for i in chosen],
        )

    def keys(self) -> list[bytes]:
        """Return a key of each sentence, which is equal for equal tokens."""
        return [_hash("\0".join(tokens)) for tokens in self.tokens]

    def digest(self) -> str:
        """Return a digest of tokens, tags and order."""
        found = hashlib.sha256()
        for tokens, tags in zip(self.tokens, self.tags or self.tokens, strict=True):
            found.update(_hash("\0".join(tokens)) + _hash("\0".join(tags)))
        return found.hexdigest()


def kind_of(tag: str) -> str:
    """Return the type in a tag: "PER" for "B-PER", "" for "O"."""
    prefix, dash, kind = tag.partition("-")
    return kind if dash and len(prefix) == 1 else "" if tag == "O" else tag


def read_tagged(
    data: str | Path,
    *,
    format: Literal["conll", "jsonl"] | None = None,
    token_column: int = 0,
    tag_column: int = -1,
    strip_position: bool = False,
    with_tags: bool = True,
    encoding: str | None = None,
) -> Tagged:
    """Read sentences from a file of columns or of JSON lines, gzip too.

    format: "conll" has a token per line, columns separated by tabs or spaces, and a blank line
    behind every sentence; lines that begin with -DOCSTART- are skipped. "jsonl" has
    {"tokens": [...], "tags": [...]} per line. None: decided by the beginning of the file.
    token_column, tag_column: columns from 0, negative ones from the end. strip_position: remove the
    number at every token's end ("科0"). with_tags: whether tags are needed, and read. Raises
    `DataError` with file and line.
    """
    path = Path(data)
    file = read_text(path, encoding)
    lines, digest = file.lines, file.sha256
    if format is None:
        format = "jsonl" if are_json(lines) else "conll"
    if format == "jsonl":
        tokens, tags, numbers = _from_json(path, lines, with_tags)
    else:
        tokens, tags, numbers = _from_columns(path, lines, token_column, tag_column, with_tags)
    if not tokens:
        raise DataError(f"{path}: no sentence in the file; a token a line is expected")
    places = [f"line {line}" for line in numbers]
    found = Tagged(
        path.name,
        tokens,
        tags if with_tags else None,
        places,
        str(path),
        digest,
        format,
        file.encoding.findings(),
    )
    return without_positions(found) if strip_position else found


def are_json(lines: Iterable[str]) -> bool:
    """Whether the lines of a file begin as JSON does."""
    begin = "\n".join(islice((line.strip() for line in lines if line.strip()), 2))
    return bool(_JSON.match(begin))


def without_positions(source: Tagged) -> Tagged:
    """Return the source without the number at every token's end.

    Raises `DataError` if a token has none.
    """
    owner = source.path or source.name
    tokens = [
        [_stripped(token, f"{owner}: {place}: token {at + 1}") for at, token in enumerate(row)]
        for row, place in zip(source.tokens, source.places, strict=True)
    ]
    return replace(source, tokens=tokens)


def tagged_of(
    tokens: Iterable[Iterable[str]], tags: Iterable[Iterable[str]] | None = None
) -> Tagged:
    """Return sentences that are given as lists of tokens, with a list of tags for each.

    Raises `DataError` if they are no lists of texts, or lengths differ.
    """
    sentences = _listed("sentence", tokens)
    marks = None if tags is None else _listed("tags of sentence", tags)
    if marks is not None and len(marks) != len(sentences):
        raise DataError(f"tags: {len(marks):,} lists for {len(sentences):,} sentences")
    for number, (words, given) in enumerate(zip(sentences, marks or [], strict=False)):
        if len(words) != len(given):
            raise DataError(f"sentence {number}: {len(given)} tags for {len(words)} tokens")
    places = [f"sentence {number}" for number in range(len(sentences))]
    return Tagged("sentences", sentences, marks, places)


def _listed(what: str, lists: Iterable[Iterable[str]]) -> list[list[str]]:
    """Return the lists as lists; raise `DataError` for others; what: their name in messages."""
    if isinstance(lists, str) or not isinstance(lists, Iterable):
        raise DataError(f"{what}s: lists of texts are expected, got {type(lists).__name__}")
    found = []
    for number, words in enumerate(lists):
        is_list = isinstance(words, Iterable) and not isinstance(words, str)
        listed = list(words) if is_list else []
        if not is_list or not all(isinstance(word, str) for word in listed):
            raise DataError(f"{what} {number}: a list of texts is expected, got {words!r:.60}")
        for at, word in enumerate(listed):
            well_formed(word, f"{what} {number}: text {at + 1}")
        found.append(listed)
    return found


_Sentences = tuple[list[list[str]], list[list[str]], list[int]]


def _from_columns(
    path: Path, lines: list[str], token_column: int, tag_column: int, with_tags: bool
) -> _Sentences:
    tokens: list[list[str]] = []
    tags: list[list[str]] = []
    numbers: list[int] = []
    columns = (token_column, tag_column) if with_tags else (token_column,)
    needed = max(2 if with_tags else 1, *(c + 1 if c >= 0 else -c for c in columns))
    by_tabs = any("\t" in line for line in lines)
    is_open, width, is_universal = False, 0, False
    for number, line in enumerate(lines, 1):
        if not line.strip(" \t\r") or line.startswith(_DOCUMENT):
            is_open = False
            continue
        if by_tabs and line.startswith("#") and "\t" not in line:
            continue
        cells = _cells(line)
        if not width:
            width, is_universal = len(cells), _is_universal(cells)
            if is_universal and columns == (0, -1):
                raise DataError(
                    f"{path}: line {number}: is CoNLL-U by its ten columns; its tokens stand in "
                    "data.token_column = 1, and its tags in data.tag_column = 3 (UPOS) or 4 (XPOS)"
                )
            if with_tags and _names_columns(cells, token_column, tag_column):
                continue
        if is_universal and _SPAN.fullmatch(cells[0]):
            continue
        if len(cells) < needed:
            raise DataError(
                f"{path}: line {number}: {needed} columns are needed, got {len(cells)}: "
                f"{line[:60]!r}; write token and tag apart by a tab, and an empty line between "
                "sentences"
            )
        for column, role in zip(columns, ("token", "tag"), strict=False):
            if not cells[column]:
                raise DataError(
                    f"{path}: line {number}: column {column % len(cells) + 1} of {len(cells)}, the "
                    f"{role}'s, is empty: {line[:60]!r}; write one there, or name another column "
                    f"with data.{role}_column"
                )
        if len(cells) != width:
            raise DataError(
                f"{path}: line {number}: {len(cells)} columns, and {width} before: {line[:60]!r}; "
                "a token with a space in it needs tabs between the columns"
            )
        if with_tags and token_column % width == tag_column % width:
            raise DataError(
                f"{path}: line {number}: of {width} columns, data.token_column = {token_column} "
                f"and data.tag_column = {tag_column} are the same one"
            )
        if not is_open:
            tokens.append([])
            tags.append([])
            numbers.append(number)
            is_open = True
        tokens[-1].append(cells[token_column])
        if with_tags:
            tags[-1].append(cells[tag_column])
    return tokens, tags, numbers


def _is_universal(cells: Sequence[str]) -> bool:
    return len(cells) == _UNIVERSAL and cells[0] in ("0", "1", "1-2")


def _names_columns(cells: Sequence[str], token_column: int, tag_column: int) -> bool:
    """Whether the first line of a file holds the names of its columns."""
    if max(token_column, tag_column) >= len(cells) or len(cells) < 2:
        return False
    return cells[token_column].lower() in TOKENS and cells[tag_column].lower() in (*TAGS, "pos")


def _cells(line: str) -> list[str]:
    """Return the cells of a line, cut at tabs (cells may be empty), or else at spaces."""
    if "\t" in line:
        return [cell.strip(" \r") for cell in line.split("\t")]
    return [cell for cell in line.strip(" \r").split(" ") if cell]


_TAG_KEYS = ("tags", "ner_tags", "labels")


def _from_json(path: Path, lines: list[str], with_tags: bool) -> _Sentences:
    tokens: list[list[str]] = []
    tags: list[list[str]] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _parsed(path, number, line)
        words = _texts(path, number, row, "tokens")
        labels: list[str] = []
        if with_tags:
            key = next((name for name in _TAG_KEYS if name in row), _TAG_KEYS[0])
            labels = _texts(path, number, row, key)
            if len(labels) != len(words):
                raise DataError(
                    f"{path}: line {number}: {len(words)} tokens have {len(labels)} tags; every "
                    "token needs one"
                )
        if words:
            tokens.append(words)
            tags.append(labels)
            numbers.append(number)
    return tokens, tags, numbers


def _parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: line {number}: is not JSON: {json_fault(error)}; write one object a line"
        ) from None
    if not isinstance(row, dict):
        raise DataError(
            f'{path}: line {number}: {{"tokens": […], "tags": […]}} is expected, one object a line '
            "without brackets around all of them"
        )
    return row


def _texts(path: Path, number: int, row: dict[str, Any], key: str) -> list[str]:
    value = row.get(key)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        hint = ""
        if isinstance(value, list) and any(isinstance(each, int) for each in value):
            hint = "; numbers are none: write the names that they stand for"
        raise DataError(f"{path}: line {number}: a list of texts is expected under {key!r}{hint}")
    for at, each in enumerate(value):
        well_formed(each, f"{path}: line {number}: {key}: text {at + 1}")
    return value


def _stripped(token: str, place: str) -> str:
    found = _POSITIONED.fullmatch(token)
    if found is None:
        raise DataError(
            f"{place} {token!r} carries no position digit; leave data.strip_position out"
        )
    return found[1]


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
