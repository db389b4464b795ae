"""Running text in parts: files of their own, or the last shares of one file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from longshort.data.findings import Finding
from longshort.data.textfiles import read_lines
from longshort.errors import DataError

_LONG = 30
"""Characters of a line from which on its repetition is hardly chance."""


@dataclass(frozen=True)
class Running:
    """A text; every line ends with a line feed."""

    name: str
    text: str
    path: str | None = None
    sha256: str | None = None

    def digest(self) -> str:
        """Of the content."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class RunningParts:
    """Training, validation and test text."""

    train: Running
    val: Running
    test: Running
    how: str
    findings: list[Finding]

    def by_name(self) -> dict[str, Running]:
        """In their order."""
        return {"train": self.train, "val": self.val, "test": self.test}


def read_running(data: object) -> Running:
    """A text file, gzip too, or a list of lines."""
    if isinstance(data, (str, Path)):
        path = Path(data)
        lines, digest = read_lines(path)
        return Running(path.name, _joined(lines), str(path), digest)
    if isinstance(data, (list, tuple)) and all(isinstance(line, str) for line in data):
        return Running("lines", _joined(list(data)))
    raise DataError(f"data: a text file or a list of lines is expected, got {type(data).__name__}")


def make_running_parts(
    train: Running, val: Running | None, test: Running | None, *, shares: tuple[float, float]
) -> RunningParts:
    """Parts as given; absent ones are cut from the end of the training text, the test last.

    Cuts fall on ends of lines, or between words where lines are very long.
    """
    told, left = [], 1.0
    if sum(shares) >= 1.0:
        raise DataError(f"split: val {shares[0]:g} and test {shares[1]:g} leave no training text")
    if test is None:
        train, test = _cut(train, shares[1])
        told.append(f"the last {shares[1]:.0%} for test")
        left -= shares[1]
    if val is None:
        train, val = _cut(train, shares[0] / left)
        told.insert(0, f"{shares[0]:.0%} before it for val" if told else f"{shares[0]:.0%} for val")
    parts = RunningParts(train, val, test, ", ".join(told) or "files for all three parts", [])
    for name, part in parts.by_name().items():
        if not part.text.strip():
            raise DataError(f"{part.name}: the {name} part has no text")
    parts.findings.extend(_repeated(parts))
    return parts


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


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
            f"{source.name}: {len(text):,} characters are too few for three parts; give more text, "
            "or files with --val and --test"
        )
    return (
        Running(source.name, head, source.path, source.sha256),
        Running(source.name, tail, source.path, source.sha256),
    )


def _repeated(parts: RunningParts) -> list[Finding]:
    known = {line for line in parts.train.text.split("\n") if len(line) >= _LONG}
    long = [line for line in parts.test.text.split("\n") if len(line) >= _LONG]
    twice = [line for line in long if line in known]
    if not twice:
        return []
    return [
        Finding(
            "duplicate",
            "warning",
            f"{len(twice):,} of {len(long):,} long test lines stand in the training text too, so "
            "scores on them flatter",
            tuple(repr(line[:60]) for line in twice[:3]),
            "remove them from one of the parts",
        )
    ]
