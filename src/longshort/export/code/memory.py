"""Where the scratch buffers of a program lie in one stretch of memory, which they share."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.export.code.loops import Buffer, Program, touched


@dataclass(frozen=True)
class Scratch:
    """The place of each scratch buffer, in numbers, and how many numbers all take."""

    places: dict[Buffer, int]
    size: int


def scratch(program: Program) -> Scratch:
    """Place buffers side by side where they are in use at the same time.

    Places are multiples of 4 numbers, as vectors of WebAssembly like them.
    """
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for time, statement in enumerate(program.statements):
        for buffer in touched(statement):
            if buffer.role == "scratch":
                first.setdefault(buffer, time)
                last[buffer] = time
    places: dict[Buffer, int] = {}
    for buffer in sorted(first, key=lambda each: -each.size):
        beside = sorted(
            (places[other], places[other] + _rounded(other.size))
            for other in places
            if first[other] <= last[buffer] and first[buffer] <= last[other]
        )
        place = 0
        for begin, end in beside:
            if place + buffer.size <= begin:
                break
            place = max(place, end)
        places[buffer] = place
    size = max((place + _rounded(buffer.size) for buffer, place in places.items()), default=0)
    return Scratch(places, size)


def _rounded(size: int) -> int:
    return -(-size // 4) * 4
