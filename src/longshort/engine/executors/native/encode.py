"""A program as rows of numbers, as the native module takes it."""

from __future__ import annotations

from functools import lru_cache

from longshort import _native
from longshort.engine.executors.native.program import NOWHERE, Place, Product, Program, Rows


@lru_cache(maxsize=1024)
def encode(program: Program) -> _native.Program:
    """The native module's own form of a program, checked."""
    return _native.program(
        program.backward,
        len(program.externals),
        [
            ((b.kind, b.width, b.external, b.shift, b.ring, b.first, b.origin), b.value)
            for b in program.buffers
        ],
        [(m.external, *m.span, m.columns, m.transposed) for m in program.matrices],
        [
            (i.op, (i.size, *i.target, *_flat(i.sources + (NOWHERE,) * (3 - len(i.sources)))))
            for i in program.instructions
        ],
        [[_stage(s) for s in phase] for phase in (program.before, program.step, program.after)],
        [(s.external, *s.span, s.columns, *s.d, *s.v) for s in program.matrix_sums],
        [(s.external, s.size, *s.d) for s in program.vector_sums],
        [(e.source, e.target) for e in program.enter],
        [(*e.source, e.first, e.target) for e in program.leave],
    )


def _flat(places: tuple[Place, ...]) -> list[int]:
    return [number for place in places for number in place]


def _stage(stage: Product | Rows) -> list[int]:
    if isinstance(stage, Rows):
        return [0, 0, *NOWHERE, *NOWHERE, *NOWHERE, stage.first, stage.last]
    return [1, stage.matrix, *stage.target, *stage.source, *stage.start, 0, 0]
