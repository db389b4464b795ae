"""Programs of the native scan: for a forward pass alone, or a pair for training.

Tensors that a program names: "output" [T, B, P], "tape" [T, B, ·] (states and kept values side by
side), "state:NAME" before the scan, "final:NAME" after it, "input:NAME", "value:N" (a vector from
parameters), and the same with the prefix "gradient:" for their gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from longshort.engine.derive import Derived, derive
from longshort.engine.executors.common.values import Values
from longshort.engine.executors.native.lower import Lowering, Phases
from longshort.engine.executors.native.program import (
    Buffer,
    Enter,
    Kind,
    Leave,
    MatrixSum,
    Place,
    Program,
    VectorSum,
)
from longshort.engine.graph import Graph, Level, Node
from longshort.engine.schedule import (
    BackwardSchedule,
    Schedule,
    schedule_forward,
    schedule_single,
    schedule_training,
)


def _values_of(program: Program, nodes: tuple[Node, ...]) -> Values:
    """Return the vectors that a program reads."""
    names = [name for name in program.externals if name.startswith("value:")]
    return Values.of(nodes, (int(name.removeprefix("value:")) for name in names))


@dataclass(frozen=True)
class Tape:
    """Memory for the values of every step: columns of the states and of the kept values."""

    columns: dict[int, tuple[int, int]]
    """First column and width of each value except the output."""
    width: int
    output: int
    output_size: int
    ring: int
    """Number of steps in a ring buffer: 2 without a backward pass; 0: all steps are kept."""

    def place(self, program: Program, index: int, shift: int = 0, first: int = -1) -> Place | None:
        """Return the place of a stored value at a step; None if it is not stored."""
        if index == self.output:
            external = program.external("output")
            buffer = Buffer(Kind.TIME, self.output_size, external, shift, 0, first)
            return Place(program.buffer(buffer), 0)
        if index in self.columns:
            external = program.external("tape")
            origin, width = self.columns[index]
            buffer = Buffer(Kind.TIME, width, external, shift, self.ring, first, origin)
            return Place(program.buffer(buffer), 0)
        return None


@dataclass(frozen=True, eq=False)
class Backward:
    """The backward program, and the values that are computed before and after it."""

    derived: Derived
    schedule: BackwardSchedule
    program: Program
    values: Values
    results: Values
    """Gradients of parameter vectors, and pairs of vectors for matrices that multiply such."""


@dataclass(frozen=True, eq=False)
class Compiled:
    """A forward program with its tape, and the backward program where one was asked for."""

    schedule: Schedule
    tape: Tape
    program: Program
    values: Values
    backward: Backward | None = None

    def shape(self, name: str, steps: int, batch: int) -> tuple[int, ...]:
        """Return the shape of a tensor of the forward program, by the program's name."""
        graph = self.schedule.graph
        kind, _, key = name.partition(":")
        match kind:
            case "matrix":
                return graph.matrices[key]
            case "value":
                return (self.schedule.nodes[int(key)].width,)
            case "tape":
                return (self.tape.ring or steps, batch, self.tape.width)
            case "output":
                return (steps, batch, graph.output_size)
            case "input":
                spec = next(spec for spec in graph.inputs if spec.name == key)
                return (batch, spec.width) if spec.per_sequence else (steps, batch, spec.width)
        return (batch, graph.state_sizes[key])


@lru_cache(maxsize=256)
def compile_forward(graph: Graph) -> Compiled:
    """Compile for inference."""
    schedule = schedule_forward(graph)
    tape = _tape(schedule, ring=2)
    program = _forward_program(schedule, tape)
    return Compiled(schedule, tape, program, _values_of(program, schedule.nodes))


@lru_cache(maxsize=256)
def compile_single(graph: Graph) -> Compiled:
    """Compile for single steps, which may only read stored parameters."""
    schedule = schedule_single(graph)
    tape = _tape(schedule, ring=2)
    program = _forward_program(schedule, tape)
    return Compiled(schedule, tape, program, _values_of(program, schedule.nodes))


@lru_cache(maxsize=256)
def compile_training(graph: Graph, wanted: tuple[str, ...], every_state: bool = False) -> Compiled:
    """Compile for training: gradients of parameters, states, and the inputs named in `wanted`."""
    derived = derive(graph, every_state)
    schedule, back = schedule_training(derived, wanted)
    tape = _tape(schedule, ring=0)
    forward = _forward_program(schedule, tape)
    program = _backward_program(schedule, back, tape)
    return Compiled(
        schedule,
        tape,
        forward,
        _values_of(forward, schedule.nodes),
        Backward(
            derived,
            back,
            program,
            _values_of(program, schedule.nodes),
            Values.of(derived.nodes, derived.results),
        ),
    )


def _tape(schedule: Schedule, ring: int) -> Tape:
    columns: dict[int, tuple[int, int]] = {}
    width = 0
    for index in [*schedule.states.values(), *schedule.saved]:
        if index not in columns and index != schedule.output:
            columns[index] = (width, schedule.nodes[index].width)
            width += schedule.nodes[index].width
    return Tape(columns, width, schedule.output, schedule.nodes[schedule.output].width, ring)


def _state_leaves(schedule: Schedule, program: Program, tape: Tape) -> dict[str, Place]:
    """Return the places of the old states: the tape's previous step, initially the given state."""
    places = {}
    for name, size in schedule.graph.state_sizes.items():
        given = program.buffer(Buffer(Kind.BATCH, size, program.external(f"state:{name}")))
        place = tape.place(program, schedule.states[name], shift=-1, first=given)
        assert place is not None
        places[name] = place
    return places


def _leaf_places(schedule: Schedule, program: Program, tape: Tape) -> Callable[[int], Place | None]:
    states = _state_leaves(schedule, program, tape)
    nodes = schedule.nodes

    def place(index: int) -> Place | None:
        node: Node = nodes[index]
        if node.op == "state":
            return states[node.name]
        if node.op == "input":
            kind = Kind.BATCH if node.level == Level.SEQUENCE else Kind.TIME
            external = program.external(f"input:{node.name}")
            return Place(program.buffer(Buffer(kind, node.width, external)), 0)
        if node.level == Level.PARAMETER:
            external = program.external(f"value:{index}")
            return Place(program.buffer(Buffer(Kind.VECTOR, node.width, external)), 0)
        return None

    return place


def _forward_program(schedule: Schedule, tape: Tape) -> Program:
    program = Program(backward=False)
    leaves = _leaf_places(schedule, program, tape)
    stores = []
    for index in dict.fromkeys([schedule.output, *schedule.states.values(), *schedule.saved]):
        place = tape.place(program, index)
        assert place is not None
        stores.append((index, place))
    lowering = Lowering(program, schedule.nodes, leaves, sinks=[])
    lowering.run(Phases(schedule.hoisted, schedule.step, []), stores)
    for name, size in schedule.graph.state_sizes.items():
        source = tape.place(program, schedule.states[name])
        assert source is not None
        first = program.buffer(Buffer(Kind.BATCH, size, program.external(f"state:{name}")))
        target = program.buffer(Buffer(Kind.BATCH, size, program.external(f"final:{name}")))
        program.leave.append(Leave(source, first, target))
    return program


def _backward_program(schedule: Schedule, back: BackwardSchedule, tape: Tape) -> Program:
    program = Program(backward=True)
    leaves = _leaf_places(schedule, program, tape)
    nodes, sizes = schedule.nodes, schedule.graph.state_sizes
    rings = {name: program.external(f"ring:{name}") for name in sizes}

    def given(index: int) -> Place | None:
        node = nodes[index]
        if node.op == "state_gradient":
            after = Buffer(Kind.TIME, node.width, rings[node.name], shift=1, ring=2)
            return Place(program.buffer(after), 0)
        if node.op == "every_gradient":
            external = program.external(f"gradient:states:{node.name}")
            return Place(program.buffer(Buffer(Kind.TIME, node.width, external)), 0)
        if node.op == "output_gradient":
            external = program.external("gradient:output")
            return Place(program.buffer(Buffer(Kind.TIME, node.width, external)), 0)
        return leaves(index) or tape.place(program, index)

    stores = [
        (index, Place(program.buffer(Buffer(Kind.TIME, sizes[name], rings[name], ring=2)), 0))
        for name, index in back.states.items()
    ]
    for name, index in back.inputs.items():
        external = program.external(f"gradient:input:{name}")
        stores.append(
            (index, Place(program.buffer(Buffer(Kind.TIME, nodes[index].width, external)), 0))
        )
    sinks = [*back.gathered, *(i for m in back.matrices for i in (m.d, m.v))]
    lowering = Lowering(program, nodes, given, sinks)
    lowering.run(Phases([], back.step, back.sunk), stores)
    for m in back.matrices:
        external = program.external(f"gradient:matrix:{m.matrix}")
        d, v = lowering.place(m.d), lowering.place(m.v)
        program.matrix_sums.append(MatrixSum(external, *m.span, nodes[m.v].width, d, v))
    for k, index in enumerate(back.gathered):
        external = program.external(f"sum:{k}")
        program.vector_sums.append(VectorSum(external, nodes[index].width, lowering.place(index)))
    for name, size in sizes.items():
        final = program.buffer(Buffer(Kind.BATCH, size, program.external(f"gradient:final:{name}")))
        ring = program.buffer(Buffer(Kind.TIME, size, rings[name], ring=2))
        first = program.buffer(Buffer(Kind.BATCH, size, program.external(f"gradient:state:{name}")))
        program.enter.append(Enter(final, ring))
        program.leave.append(Leave(Place(ring, 0), final, first))
    return program
