"""Writes LaTeX in one way, so that formulas of several sources can be compared.

What changes nothing of a formula's meaning is dropped: spaces, sizes of brackets, fonts, groups
around a single sign; `^` and `_` always have a group, `_` comes first, and commands that mean the
same have one name.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\S")
_DROPPED = {
    r"\left", r"\right", r"\limits", r"\mbox", r"\mathrm", r"\text", r"\rm", r"\displaystyle",
    r"\big", r"\Big", r"\bigg", r"\Bigg", r"\,", r"\;", r"\!", r"\:", r"\ ", r"\quad", r"\qquad",
    "$", "&",
}  # fmt: skip
_SAME = {
    r"\to": r"\rightarrow", r"\le": r"\leq", r"\ge": r"\geq", r"\ne": r"\neq", r"\lt": "<",
    r"\gt": ">", r"\lbrack": "[", r"\rbrack": "]", r"\ldots": r"\dots", r"\cdots": r"\dots",
    r"\vert": "|", r"\mid": "|", r"\parallel": "|", r"\dfrac": r"\frac", r"\tfrac": r"\frac",
    r"\lparen": "(", r"\rparen": ")", r"\cdotp": r"\cdot", r"\prime": "'",
}  # fmt: skip


def tokens_of(latex: str) -> list[str]:
    """Return a formula's signs in the one way."""
    raw = [_SAME.get(each, each) for each in _TOKEN.findall(latex)]
    return _Reader([each for each in raw if each not in _DROPPED]).sequence(is_whole=True)


class _Reader:
    """Reads tokens from left to right; what is not closed is closed at the end."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at = tokens, 0

    def sequence(self, *, is_whole: bool = False, end: str = "}") -> list[str]:
        """Read up to a closing mark; in a whole formula stray ones are dropped."""
        found: list[str] = []
        while self.at < len(self.tokens):
            if self.tokens[self.at] == end:
                self.at += 1
                if not is_whole:
                    return found
                continue
            found += self.item()
            found += self.scripts()
        return found

    def item(self) -> list[str]:
        """Read one sign with its arguments, or a group without its braces."""
        if self.at >= len(self.tokens):
            return []
        token = self.tokens[self.at]
        if token in ("^", "_"):
            return []
        self.at += 1
        if token == "{":
            return self.sequence()
        if token == r"\frac":
            return [token, *self.argument(), *self.argument()]
        if token == r"\sqrt":
            index: list[str] = []
            if self.at < len(self.tokens) and self.tokens[self.at] == "[":
                self.at += 1
                index = ["[", *self.sequence(end="]"), "]"]
            return [token, *index, *self.argument()]
        return [token]

    def argument(self) -> list[str]:
        """Read an argument, with braces around it."""
        return ["{", *self.item(), "}"]

    def scripts(self) -> list[str]:
        """Read what stands below and above a sign, below first."""
        found: dict[str, list[str]] = {"_": [], "^": []}
        while self.at < len(self.tokens) and self.tokens[self.at] in found:
            kind = self.tokens[self.at]
            self.at += 1
            found[kind] += self.item()
        return [
            token for kind, inner in found.items() if inner for token in (kind, "{", *inner, "}")
        ]
