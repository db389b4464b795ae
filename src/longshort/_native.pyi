from collections.abc import Sequence

class Program: ...

class Stream:
    def __init__(self, is_double: bool, batch: int) -> None: ...
    def add(
        self,
        program: Program,
        sizes: Sequence[int],
        slots: Sequence[int],
        output_size: int,
        tape_size: int,
        states: Sequence[int],
        parameters: Sequence[int],
    ) -> None: ...
    def step(self, addresses: Sequence[int]) -> None: ...

def program(
    backward: bool,
    externals: int,
    buffers: Sequence[tuple[Sequence[int], float]],
    matrices: Sequence[Sequence[int]],
    instructions: Sequence[tuple[str, Sequence[int]]],
    stages: Sequence[Sequence[Sequence[int]]],
    matrix_sums: Sequence[Sequence[int]],
    vector_sums: Sequence[Sequence[int]],
    enter: Sequence[Sequence[int]],
    leave: Sequence[Sequence[int]],
) -> Program: ...
def prefer_large_pages(address: int, bytes: int) -> None: ...
def run(
    program: Program,
    precision: int,
    steps: int,
    batch: int,
    tensors: Sequence[int],
    lengths: int,
    threads: int,
    isa: str | None = None,
) -> None: ...
def share_openmp(path: str) -> bool: ...
def isas() -> list[str]: ...
