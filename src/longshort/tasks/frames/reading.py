"""What readers of all kinds of clips share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from longshort.data.findings import Finding
from longshort.tasks.frames.clips import Clip


class Read(NamedTuple):
    """Clips of a source, with its path and the sha256 of its files."""

    name: str
    clips: tuple[Clip, ...]
    path: str | None
    sha256: str | None
    findings: tuple[Finding, ...] = ()


def digest_of(files: Sequence[Path]) -> str:
    """Return the sha256 of a file, or that of the digests of several."""
    marks = []
    for path in files:
        with path.open("rb") as file:
            marks.append(hashlib.file_digest(file, "sha256").hexdigest())
    return marks[0] if len(marks) == 1 else hashlib.sha256("".join(marks).encode()).hexdigest()


def naturally(folder: Path) -> list[Path]:
    """Return what a folder holds but for hidden files, with frame 2 before frame 10."""
    shown = [each for each in folder.iterdir() if not each.name.startswith(".")]
    return sorted(shown, key=lambda each: _parts(each.name))


def _parts(name: str) -> list[tuple[int, int, str]]:
    pieces = re.split(r"(\d+)", name)
    return [(0, int(each), "") if each.isdigit() else (1, 0, each) for each in pieces]
