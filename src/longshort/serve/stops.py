"""Texts at which writing ends, found in a text that comes in pieces."""

from __future__ import annotations

from collections.abc import Sequence


class Stops:
    """Holds back what might be the beginning of a stop.

    stops: texts at which writing ends; they are not part of what is written.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._most = max((len(each) for each in stops), default=1) - 1
        self._held = self._ready = ""
        self._is_over = False

    def add(self, text: str) -> bool:
        """Take in more text; returns whether a stop is in it."""
        if self._is_over:
            return True
        self._held += text
        found = [place for each in self._stops if (place := self._held.find(each)) >= 0]
        if found:
            self._held = self._held[: min(found)]
            self._is_over = True
            self.end()
            return True
        keep = self._beginning()
        cut = len(self._held) - keep
        self._ready += self._held[:cut]
        self._held = self._held[cut:]
        return False

    def end(self) -> None:
        """Give up what is held back: no more text comes."""
        self._ready += self._held
        self._held = ""

    def ready(self) -> str:
        """Return the text that can be shown, once."""
        found, self._ready = self._ready, ""
        return found

    def _beginning(self) -> int:
        """Return the length of the longest end of the text that begins a stop."""
        for length in range(min(self._most, len(self._held)), 0, -1):
            if any(each.startswith(self._held[-length:]) for each in self._stops):
                return length
        return 0
