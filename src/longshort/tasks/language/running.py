"""Running text in splits: from files of their own, or as the last shares of one file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from longshort.data.encodings import decoded_text, find_encoding
from longshort.data.findings import Finding
from longshort.data.foreign import refuse_foreign
from longshort.data.sources import is_frame
from longshort.data.splits import Splits
from longshort.data.textfiles import read_bytes, split_lines, well_formed
from longshort.errors import DataError


@dataclass(frozen=True)
class Running:
    """A text whose lines end with a line feed; the last one only if it does so in the file."""

    name: str
    text: str
    path: str | None = None
    sha256: str | None = None
    ends: tuple[int, int] = (0, 0)
    """Number of lines of the file that end with a line feed alone, and with carriage return too."""
    first_line: int = 1
    """Number of the split's first line in the file."""
    findings: tuple[Finding, ...] = ()
    """Findings of reading."""

    def __len__(self) -> int:
        """Return the number of characters."""
        return len(self.text)

    def digest(self) -> str:
        """Return a digest of the content."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_running(data: object, encoding: str | None = None) -> Running:
    """Read a text file, gzipped or not, or a list of lines, with or without their ends.

    encoding: the file's encoding; found when absent.
    """
    if isinstance(data, (str, Path)):
        return _from_file(Path(data), encoding)
    is_table = isinstance(data, Mapping) or is_frame(data)
    lines: list[Any] = list(data) if isinstance(data, Iterable) and not is_table else [None]
    if all(isinstance(line, str) for line in lines):
        for number, line in enumerate(lines, 1):
            well_formed(line, f"lines: line {number}")
        return _with_text(Running("lines", _joined([line.rstrip("\r\n") for line in lines])))
    raise DataError(f"data: a text file or a list of lines is expected, got {type(data).__name__}")


def split_running(
    train: Running, val: Running | None, test: Running | None, *, shares: tuple[float, float]
) -> Splits[Running]:
    """Return the splits, those that are not given cut from the training text.

    They are cut from its end, the test split last. Cuts fall on ends of lines, or between words
    where lines are very long.
    """
    cut, left = [], 1.0
    taken = [share for share, given in zip(shares, (val, test), strict=True) if given is None]
    if sum(taken) >= 1.0:
        raise DataError(f"split: val {shares[0]:g} and test {shares[1]:g} leave no training text")
    if test is None:
        train, test = _cut(train, shares[1])
        cut.append(f"the last {shares[1]:.0%} for test")
        left -= shares[1]
    if val is None:
        train, val = _cut(train, shares[0] / left)
        cut.append(
            f"the {shares[0]:.0%} before for val" if cut else f"the last {shares[0]:.0%} for val"
        )
    how = ", ".join(cut) or "files for all three splits"
    splits = Splits(train, val, test, (), how)
    for name, split in splits.by_name().items():
        if not split.text.strip():
            raise DataError(
                f"{split.name}: the {name} split, from line {split.first_line:,} on, has no text; "
                "give more text, other shares (split.val, split.test), or files with --val and "
                "--test"
            )
    return splits


def _from_file(path: Path, asked: str | None) -> Running:
    raw, digest = read_bytes(path)
    refuse_foreign(path, raw)
    encoding = find_encoding(path, raw, asked)
    content = decoded_text(path, raw, encoding)
    text = _joined(split_lines(content))
    if not content.endswith("\n"):
        text = text.removesuffix("\n")
    windows = content.count("\r\n")
    ends = (content.count("\n") - windows, windows)
    found = encoding.findings()
    return _with_text(Running(path.name, text, str(path), digest, ends, findings=found))


def _with_text(source: Running) -> Running:
    if not source.text.strip():
        raise DataError(f"{source.path or source.name}: has no text, only blank lines")
    return source


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def last_share(source: Running, share: float) -> Running:
    """Return about this share of a text, from its end; `share` is below 1."""
    return _cut(source, share)[1]


def _cut(source: Running, share: float) -> tuple[Running, Running]:
    text = source.text
    place = round(len(text) * (1 - share))
    near = min(place + max(200, len(text) // 100), len(text) - 1)
    for mark in ("\n", " "):
        found = text.find(mark, place, near)
        if found >= 0:
            place = found + 1
            break
    head, tail = text[:place], text[place:]
    if not head or not tail:
        raise DataError(
            f"{source.name}: {len(text):,} characters are too few for three splits; give more "
            "text, or files with --val and --test"
        )
    line = source.first_line + head.count("\n")
    return replace(source, text=head), replace(source, text=tail, first_line=line)
