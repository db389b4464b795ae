from collections.abc import Sequence
from typing import Any

from longshort.engine.executors.native.program import Program as Description

class Program: ...

class Packed:
    @property
    def bytes(self) -> int: ...
    def run(
        self, steps: int, batch: int, tensors: Sequence[int], lengths: int, threads: int
    ) -> None: ...

class Stream:
    def __init__(self, format: int, batch: int) -> None: ...
    def add(
        self,
        program: Program,
        sizes: Sequence[int],
        slots: Sequence[int],
        output_size: int,
        tape_size: int,
        states: Sequence[int],
        parameters: Sequence[int],
        packed: Packed | None = None,
        fixed: Sequence[int] = (),
    ) -> None: ...
    def step(self, addresses: Sequence[int]) -> None: ...
    def step_arrays(self, arrays: list[Any]) -> bool: ...

def program(program: Description) -> Program: ...
def pack(
    program: Program,
    format: int,
    matrices: Sequence[int],
    scales: Sequence[int],
    isa: str | None = None,
) -> Packed: ...
def record_fields() -> dict[str, list[str]]: ...
def prefer_large_pages(address: int, bytes: int) -> None: ...
def gradient_steps(batch: int) -> int: ...
def run(
    program: Program,
    format: int,
    steps: int,
    batch: int,
    tensors: Sequence[int],
    lengths: int,
    threads: int,
    isa: str | None = None,
) -> None: ...
def ctc(
    is_double: bool,
    sizes: Sequence[int],
    scores: int,
    labels: int,
    lengths: int,
    counts: int,
    losses: int,
    gradient: int,
    blank: int,
    threads: int,
    isa: str | None = None,
) -> None: ...
def share_openmp(path: str) -> bool: ...
def isas() -> list[str]: ...
