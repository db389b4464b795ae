"""Conversion of programs to objects of the native module."""

from __future__ import annotations

from functools import lru_cache

from longshort import _native
from longshort.engine.executors.native.program import Program


@lru_cache(maxsize=1024)
def encode(program: Program) -> _native.Program:
    """Return a program as a checked object of C++; it must not be changed afterwards."""
    return _native.program(program)
