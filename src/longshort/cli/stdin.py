"""Lines from the standard input, as they come."""

from __future__ import annotations

import sys
from collections.abc import Iterator


def lines() -> Iterator[str]:
    """Without their ends; raises `DataError` with line and byte for what is not UTF-8."""
    from longshort.data.textfiles import decoded

    for number, raw in enumerate(sys.stdin.buffer, 1):
        yield decoded("stdin", raw.rstrip(b"\r\n"), number)
