"""Lines from standard input, one at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from longshort.errors import DataError


def lines() -> Iterator[str]:
    """Yield lines without their ends; raises `DataError` with line and byte where not UTF-8."""
    from longshort.data.textfiles import decoded

    if sys.stdin is None:
        raise DataError("stdin: is closed; pipe lines into the command, or name a file with --data")
    for number, raw in enumerate(sys.stdin.buffer, 1):
        yield decoded("stdin", raw.rstrip(b"\r\n"), number)
