"""Halves of characters, which come of wrongly decoded bytes and cannot be written as UTF-8."""

from __future__ import annotations

from longshort.errors import DataError


def refuse_half_characters(text: str, owner: str) -> None:
    """Raise `DataError` where a text has one."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{owner}: character {error.start} (U+{ord(text[error.start]):04X}) is half of a "
            "surrogate pair; read the text again with its right encoding"
        ) from None
