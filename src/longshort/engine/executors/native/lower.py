"""Lowering of a schedule to a program: every value gets a place in memory.

A stored value is computed directly in its place. Other values are in a row of a thread if a single
run of row instructions uses them, in a block of a thread if products or several runs do, and in a
chunk if they are used before or after the loop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from longshort.engine.executors.native.program import (
    NOWHERE,
    Buffer,
    Instruction,
    Kind,
    Place,
    Product,
    Program,
    Run,
    Weight,
)
from longshort.engine.fuse import PRODUCTS
from longshort.engine.graph import Level, Node, needed
from longshort.engine.ops import EPSILON
from longshort.engine.schedule import LEAVES, VIEWS

SINK = ("sink", 0)
COPIES = ("step", 1_000_000)
"""The last stage of a step: copies of values that are needed in two places."""

Stage = tuple[str, int]
"""A phase ("before", "step", "after" or "sink") and a position in it."""


@dataclass(frozen=True)
class Phases:
    """Values that are computed before, in and after the time loop."""

    before: list[int]
    step: list[int]
    after: list[int]


class Lowering:
    """Fills a program with stages; `given` returns the place of a value computed elsewhere."""

    def __init__(
        self,
        program: Program,
        nodes: Sequence[Node],
        given: Callable[[int], Place | None],
        sinks: Sequence[int],
    ) -> None:
        self.program, self.nodes, self.given = program, nodes, given
        self.homes: dict[int, Place] = {}
        self.sinks = sinks
        self.inside: dict[int, tuple[int, int]] = {}
        self.stage_of: dict[int, Stage] = {}
        self.users: dict[int, set[Stage]] = defaultdict(set)
        self.free_rows: list[int] = []

    def run(self, phases: Phases, stores: Sequence[tuple[int, Place]]) -> None:
        """Place and emit all values; `stores` are values with the places where they are stored."""
        self._claim_homes(stores, phases.before)
        copies = [(i, place) for i, place in stores if self.homes.get(i) != place]
        arranged = {
            "before": self._arrange(phases.before),
            "step": self._arrange(phases.step),
            "after": self._arrange(phases.after),
        }
        for phase, stages in arranged.items():
            for number, stage in enumerate(stages):
                self._note_stage((phase, number), stage)
        for index in self.sinks:
            self.users[self.base(index)[0]].add(SINK)
        for index, _ in copies:
            self.users[self.base(index)[0]].add(COPIES)
        self._fill_concats(phases)
        for phase, stages in arranged.items():
            emitted = [self._emit(stage) for stage in stages]
            getattr(self.program, phase).extend(s for s in emitted if s is not None)
        self._emit_copies(copies)

    def base(self, index: int) -> tuple[int, int]:
        """Return the value that a view shows columns of, and the first of these columns."""
        offset = 0
        while self.nodes[index].op in VIEWS:
            offset += self.nodes[index].span[0]
            index = self.nodes[index].inputs[0]
        return index, offset

    def place(self, index: int) -> Place:
        """Return the place of a value."""
        known = self.given(index)
        if known is not None:
            return known
        base, offset = self.base(index)
        home = self.given(base) or self._home(base)
        return Place(home.buffer, home.column + offset)

    def _claim_homes(self, stores: Sequence[tuple[int, Place]], before: Sequence[int]) -> None:
        for index, place in stores:
            node = self.nodes[index]
            computed = node.level > Level.PARAMETER and node.op not in (*LEAVES, *VIEWS)
            # A chunk of steps computed at once would overrun a ring buffer.
            fits = index not in before or not self.program.buffers[place.buffer].ring
            if computed and fits and self.given(index) is None:
                self.homes.setdefault(index, place)

    def _arrange(self, order: Sequence[int]) -> list[list[int] | int]:
        """Return products and, between them, runs of row instructions, each as late as possible."""
        stages: list[list[int] | int] = []
        done: set[int] = set()
        wanted = set(order)

        def catch_up(targets: Sequence[int]) -> None:
            finished = self._finished([i for i in order if i not in done])
            todo = needed(self.nodes, (*targets, *finished), frozenset(done))
            rows = [i for i in todo if i in wanted and self.nodes[i].op not in VIEWS]
            done.update(rows)
            if rows:
                stages.append(rows)

        for index in order:
            if self.nodes[index].op in PRODUCTS:
                catch_up(self.nodes[index].inputs)
                stages.append(index)
                done.add(index)
        catch_up(order)
        return stages

    def _finished(self, rest: Sequence[int]) -> set[int]:
        """Return values of `rest` that need no product, and that nothing after a product needs."""
        waiting: set[int] = set()
        for index in rest:
            if self.nodes[index].op in PRODUCTS or waiting.intersection(self.nodes[index].inputs):
                waiting.add(index)
        for index in reversed(rest):
            if index in waiting:
                waiting.update(self.nodes[index].inputs)
        return set(rest) - waiting

    def _note_stage(self, name: Stage, stage: list[int] | int) -> None:
        for index in [stage] if isinstance(stage, int) else stage:
            self.stage_of[index] = name
            for i in self.nodes[index].inputs:
                self.users[self.base(i)[0]].add(name)

    def _fill_concats(self, phases: Phases) -> None:
        """Compute the operands of a concatenation directly in its columns."""
        for index in [*phases.before, *phases.step, *phases.after]:
            if self.nodes[index].op != "concat":
                continue
            offset = 0
            for i in self.nodes[index].inputs:
                free = i not in self.homes and i not in self.inside and i in self.stage_of
                if free and self.nodes[i].op not in VIEWS:
                    self.inside[i] = (index, offset)
                offset += self.nodes[i].width

    def _owner(self, index: int) -> tuple[int, int]:
        offset = 0
        while index in self.inside:
            index, more = self.inside[index]
            offset += more
        return index, offset

    def _home(self, index: int) -> Place:
        owner, offset = self._owner(index)
        if owner not in self.homes:
            self.homes[owner] = self._new_home(owner)
        home = self.homes[owner]
        return Place(home.buffer, home.column + offset)

    def _stages(self, owner: int) -> set[Stage]:
        parts = [i for i in self.inside if self._owner(i)[0] == owner]
        found = {self.stage_of[i] for i in [owner, *parts]}
        return found.union(*(self.users[i] for i in [owner, *parts]))

    def _new_home(self, owner: int) -> Place:
        node = self.nodes[owner]
        stages = self._stages(owner)
        phases = {phase for phase, _ in stages}
        if node.op in PRODUCTS and len(node.inputs) == 2 and phases == {"step"}:
            start, offset = self.base(node.inputs[1])
            reusable = self.users[start] == {self.stage_of[owner]} and start in self.stage_of
            if reusable and offset == 0 and self.nodes[start].width == node.width:
                home = self._home(start)
                if self.program.buffers[home.buffer].kind == Kind.LOCAL:
                    return home
        if phases != {"step"} and (len(stages) > 1 or node.op in PRODUCTS):
            kind = Kind.SHARED if self.program.backward else Kind.LOCAL
        elif len(stages) > 1 or node.op in PRODUCTS:
            kind = Kind.BLOCK
        else:
            return self._row(node.width)
        return Place(self.program.buffer(Buffer(kind, node.width)), 0)

    def _row(self, width: int) -> Place:
        buffers = self.program.buffers
        if self.free_rows:
            slot = self.free_rows.pop()
            buffers[slot] = buffers[slot]._replace(width=max(width, buffers[slot].width))
            return Place(slot, 0)
        return Place(self.program.buffer(Buffer(Kind.ROW, width)), 0)

    def _emit(self, stage: list[int] | int) -> Product | Run | None:
        if isinstance(stage, int):
            return self._emit_product(stage)
        first = len(self.program.instructions)
        uses: dict[int, int] = {}
        for index in stage:
            for i in self.nodes[index].inputs:
                uses[self._owner(self.base(i)[0])[0]] = index
        for index in stage:
            self._emit_row(index)
            for owner in [o for o, last in uses.items() if last == index]:
                self._release(owner)
        last = len(self.program.instructions)
        return Run(first, last) if last > first else None

    def _release(self, owner: int) -> None:
        home = self.homes.get(owner)
        if home is not None and self.program.buffers[home.buffer].kind == Kind.ROW:
            self.free_rows.append(home.buffer)
            del self.homes[owner]

    def _emit_product(self, index: int) -> Product:
        node = self.nodes[index]
        transposed = node.op == "product_transposed"
        columns = node.width if transposed else self.nodes[node.inputs[0]].width
        external = self.program.external(f"matrix:{node.name}")
        matrix = Weight(external, *node.span, columns, transposed)
        return Product(
            matrix=self.program.matrix(matrix),
            source=self.place(node.inputs[0]),
            start=self.place(node.inputs[1]) if len(node.inputs) > 1 else NOWHERE,
            target=self._home(index),
        )

    def _emit_row(self, index: int) -> None:
        node = self.nodes[index]
        if node.op == "concat":
            offset, home = 0, self._home(index)
            for i in node.inputs:
                if self.inside.get(i) != (index, offset):
                    self._copy(i, Place(home.buffer, home.column + offset))
                offset += self.nodes[i].width
            return
        reduces = node.op in ("sum", "max", "inverse_deviation")
        size = self.nodes[node.inputs[0]].width if reduces else node.width
        sources, spare = [], []
        for i in node.inputs:
            narrow = node.op == "standardise_gradient" and i == node.inputs[2]
            source, temporary = self._operand(i, 1 if narrow or node.op == "expand" else size)
            sources.append(source)
            if temporary:
                spare.append(source.buffer)
        if node.op in ("standardise", "inverse_deviation"):
            sources.append(self._number(EPSILON, 1))
        self._write(node.op, size, self._home(index), sources)
        self.free_rows.extend(spare)

    def _operand(self, index: int, size: int) -> tuple[Place, bool]:
        """Return a value as `size` columns, and whether a row had to be borrowed for that."""
        node = self.nodes[index]
        if node.op == "constant":
            return self._number(node.value, size), False
        if node.width == size:
            return self.place(index), False
        row = self._row(size)
        self._write("expand", size, row, [self.place(index)])
        return row, True

    def _number(self, value: float, size: int) -> Place:
        return Place(self.program.buffer(Buffer(Kind.CONSTANT, size, value=value)), 0)

    def _write(self, op: str, size: int, target: Place, sources: Sequence[Place]) -> None:
        self.program.instructions.append(Instruction(op, size, target, tuple(sources)))

    def _copy(self, index: int, target: Place) -> None:
        size = self.nodes[index].width
        source, temporary = self._operand(index, size)
        self._write("copy", size, target, [source])
        if temporary:
            self.free_rows.append(source.buffer)

    def _emit_copies(self, copies: Sequence[tuple[int, Place]]) -> None:
        first = len(self.program.instructions)
        for index, place in copies:
            self._copy(index, place)
        if copies:
            self.program.step.append(Run(first, len(self.program.instructions)))
