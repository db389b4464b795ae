"""Word vectors in text files of word2vec and GloVe."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longshort.data.numbers import finite
from longshort.data.textfiles import raw_lines
from longshort.errors import DataError


@dataclass(frozen=True)
class Vectors:
    """Vectors [size] of the tokens that were found."""

    size: int
    by_token: dict[str, NDArray[np.float32]]


def vector_size(path: Path) -> int:
    """Return the number of values of a vector, from the file's first lines."""
    return _shape(path)[0]


def read_vectors(path: Path, wanted: Collection[str]) -> Vectors:
    """Read a token and its values, divided by spaces, from every line; also gzip.

    A first line of two numbers (word2vec) is skipped. Of a repeated token the first line counts.
    Only vectors of `wanted` tokens are kept; a wanted token that the file lacks gets the vector of
    the first token that differs only by case. Raises `DataError` with the line.
    """
    size, first = _shape(path)
    exact: dict[str, NDArray[np.float32]] = {}
    folded: dict[str, NDArray[np.float32]] = {}
    known = {token.lower() for token in wanted}
    for number, raw in enumerate(raw_lines(path), 1):
        if number < first or not raw.strip():
            continue
        token, cells = _divided(path, number, raw, size)
        if token.lower() in known and token not in exact:
            exact[token] = _values(path, number, cells)
            folded.setdefault(token.lower(), exact[token])
    found = {token: exact.get(token, folded.get(token.lower())) for token in wanted}
    return Vectors(size, {token: each for token, each in found.items() if each is not None})


def _shape(path: Path) -> tuple[int, int]:
    """Return the size of the vectors, and the line of the first one."""
    head = []
    if not path.is_file():
        raise DataError(f"{path}: no such file of vectors; check model.vectors")
    for raw in raw_lines(path):
        head.append(raw)
        if len(head) == 2:
            break
    if not head or not head[0].strip():
        raise DataError(f"{path}: line 1 is empty; a token and its values are expected")
    cells = head[0].split()
    if len(cells) == 2 and all(cell.isdigit() for cell in cells) and len(head) == 2:
        size = int(cells[1])
        if size < 1:
            raise DataError(f"{path}: line 1: vectors of {size} values are none")
        return size, 2
    if len(cells) < 2:
        raise DataError(
            f"{path}: line 1: a token and its values are expected, got {_shown(head[0])}"
        )
    return len(cells) - 1, 1


def _divided(path: Path, number: int, raw: bytes, size: int) -> tuple[str, list[bytes]]:
    """Return the token of a line, which may contain spaces, and its values."""
    cells = raw.rsplit(None, size)
    if len(cells) != size + 1:
        raise DataError(
            f"{path}: line {number}: a token and {size} values are expected, there are "
            f"{len(cells)} cells: {_shown(raw)}"
        )
    try:
        return cells[0].decode("utf-8").strip(), cells[1:]
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: line {number}: byte {error.start} ({cells[0][error.start]:#04x}) is not "
            "UTF-8; vectors in text form are read, not word2vec's binary form"
        ) from None


def _values(path: Path, number: int, cells: list[bytes]) -> NDArray[np.float32]:
    values, bad = finite(cells, np.float32)
    if bad is not None:
        raise DataError(f"{path}: line {number}: {_shown(cells[bad])} is not a finite number")
    return values


def _shown(raw: bytes) -> str:
    return repr(raw[:40].decode("utf-8", "replace").strip())
