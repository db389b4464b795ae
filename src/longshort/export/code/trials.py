"""Recorded calls of programs, which prove code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from longshort.export.code.loops import Program

Array = NDArray[Any]


@dataclass(frozen=True)
class Trial:
    """Calls of a program one after the other, from the first state on.

    given: arguments of each call, by name. answers: its answers; whole numbers are choices, -1
    where there is none. lead: calls of other programs before these, which leave the state.
    """

    program: Program
    given: Sequence[Mapping[str, Array]]
    answers: Sequence[Sequence[Array]]
    lead: Sequence[tuple[Program, Mapping[str, Array]]] = ()


def is_choice(answer: Array) -> bool:
    """Whether an answer has choices, of which those count that differ, and not how far."""
    return answer.dtype.kind in "iu"
