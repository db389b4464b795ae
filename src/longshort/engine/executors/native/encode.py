"""Programs in the native module's own form."""

from __future__ import annotations

from functools import lru_cache

from longshort import _native
from longshort.engine.executors.native.program import Program


@lru_cache(maxsize=1024)
def encode(program: Program) -> _native.Program:
    """A program as C++ has it, checked; it may not be changed any more."""
    return _native.program(program)
