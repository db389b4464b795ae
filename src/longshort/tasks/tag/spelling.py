"""The writing of a token: its characters, its case, and whether it has digits."""

from __future__ import annotations

SHAPES = ("none", "lower", "title", "upper", "mixed", "number", "digits", "mark", "other")
"""Names of the shapes, by number; 0 is padding."""
_LONGEST = 128


def spelled(token: str) -> str:
    """Return the token, or both ends of one that is longer than any word."""
    return token if len(token) <= _LONGEST else token[: _LONGEST // 2] + token[-_LONGEST // 2 :]


def shape_of(token: str) -> int:
    """Return the number of a token's shape."""
    return SHAPES.index(_name(token))


def _name(token: str) -> str:
    if not any(letter.isalnum() for letter in token):
        return "mark"
    if not any(letter.isalpha() for letter in token):
        return "number"
    if any(letter.isdigit() for letter in token):
        return "digits"
    if token.islower():
        return "lower"
    if token.isupper() and len(token) > 1:
        return "upper"
    if token[0].isupper() and not any(letter.isupper() for letter in token[1:]):
        return "title"
    return "mixed" if token != token.lower() else "other"
