"""Which of several processes holds a session: its id says so, whoever gave it."""

from __future__ import annotations

import secrets
import zlib
from dataclasses import dataclass


class Elsewhere(Exception):
    """A session is held by another process. number: of that process."""

    def __init__(self, number: int) -> None:
        super().__init__(f"the session is held by process {number}")
        self.number = number


@dataclass(frozen=True)
class Share:
    """The share of one process. number: of the process, of `of` processes."""

    number: int = 0
    of: int = 1

    def holder(self, name: str) -> int:
        """Return the number of the process that holds the session of this id."""
        return zlib.crc32(name.encode()) % self.of

    def check(self, name: str) -> None:
        """Raise `Elsewhere` if another process holds the session of this id."""
        if self.of > 1 and self.holder(name) != self.number:
            raise Elsewhere(self.holder(name))

    def draw(self) -> str:
        """Return a new id, of 32 hexadecimal digits that cannot be guessed, of this share."""
        while True:
            name = secrets.token_hex(16)
            if self.holder(name) == self.number:
                return name


ALL = Share()
"""The share of a single process: all sessions."""
