"""Planning of one pass of a scan on the GPU: products by torch, and kernels between them.

Names of tensors are those of `plan.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from longshort.engine.executors.common.values import Values
from longshort.engine.executors.triton.source import Launch, write_kernel, write_loop
from longshort.engine.executors.triton.tiles import VIEWS, Place, UnsuitedError
from longshort.engine.fuse import PRODUCTS
from longshort.engine.graph import Graph, Level, Node, needed

Store = tuple[int, Place]
"""A value, and the place where it is wanted."""


@dataclass(frozen=True)
class Multiply:
    """target = source · matrixᵀ (or · matrix, if transposed), plus an addend."""

    source: Place
    matrix: str
    span: tuple[int, int]
    transposed: bool
    target: Place
    add: str | None
    """The addend: "there" (the content of the target), the name of a vector, or None."""


Stage = Multiply | Launch


@dataclass
class Pass:
    """The forward or the backward pass."""

    before: list[Stage] = field(default_factory=list)
    loop: list[Stage] = field(default_factory=list)
    after: list[Stage] = field(default_factory=list)
    buffers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Tensors that the pass fills: rows in addition to T, and columns, by name."""
    places: dict[int, Place] = field(default_factory=dict)
    """Places of the values that are in memory at the end."""
    persistent: bool = False
    why_not: str = ""
    """Why the loop is not a single kernel; empty if it is."""

    @property
    def stages(self) -> list[Stage]:
        """All stages."""
        return [*self.before, *self.loop, *self.after]

    @property
    def launches(self) -> list[Launch]:
        """The kernels among the stages."""
        return [stage for stage in self.stages if isinstance(stage, Launch)]

    def vectors(self, nodes: tuple[Node, ...]) -> Values:
        """Return the vectors that the pass reads."""
        names = {name for stage in self.stages for name in tensors_of(stage)}
        numbers = sorted(int(n.partition(":")[2]) for n in names if n.startswith("vector:"))
        return Values.of(nodes, numbers)


def tensors_of(stage: Stage) -> set[str]:
    """Return the names of the tensors that a stage reads or writes."""
    if isinstance(stage, Launch):
        return set(stage.tensors)
    found = {stage.source.buffer, stage.target.buffer, f"matrix:{stage.matrix}"}
    return found if stage.add in (None, "there") else found | {stage.add}


class Planner:
    """Plans one pass; `done` collects the source of its kernels."""

    def __init__(
        self, title: str, nodes: tuple[Node, ...], places: dict[int, Place], done: list[str]
    ) -> None:
        self.title, self.nodes, self.done = title, nodes, done
        self.found = Pass(places=places)
        self.uses: Counter[int] = Counter()

    def count_uses(self, roots: Sequence[int]) -> None:
        """Count how often each value is read."""
        order = needed(self.nodes, tuple(roots))
        self.uses.update(i for index in order for i in self.nodes[index].inputs)
        self.uses.update(roots)

    # Memory

    def find(self, index: int) -> Place | None:
        """Return the place of a value; None if it is not in memory."""
        if index in self.found.places:
            return self.found.places[index]
        node = self.nodes[index]
        match node.op:
            case "constant":
                return None
            case "input":
                kind = "batch" if node.level == Level.SEQUENCE else "time"
                return Place(f"input:{node.name}", 0, node.width, kind)
            case "state":
                return Place(f"states:{node.name}", 0, node.width, "time")
            case "state_gradient":
                return Place(f"back:{node.name}", 0, node.width, "time", shift=1)
            case "every_gradient":
                return Place(f"every:{node.name}", 0, node.width, "time")
            case "output_gradient":
                return Place("gradient:output", 0, node.width, "time")
        if node.level == Level.PARAMETER:
            return Place(f"vector:{index}", 0, node.width, "vector")
        return None

    def readable(self, index: int) -> Place | None:
        """Return the place of a value, or of the value that it is a view of."""
        column = 0
        while self.find(index) is None and self.nodes[index].op in VIEWS:
            column += self.nodes[index].span[0]
            index = self.nodes[index].inputs[0]
        place = self.find(index)
        if place is None:
            return None
        return Place(place.buffer, place.column + column, place.stride, place.kind, place.shift)

    def buffer(self, index: int) -> Place:
        """Return a new place for a value."""
        width = self.nodes[index].width
        self.found.buffers[f"value:{index}"] = (0, width)
        return Place(f"value:{index}", 0, width, "time")

    def wanted(self, index: int) -> Store | None:
        """Return a new place for a value; None if torch can read it where it is."""
        place = self.readable(index)
        if place is not None and place.kind == "time":
            return None
        return index, self.buffer(index)

    def _note(self, index: int, place: Place) -> None:
        """Record that a value is in memory, and with it the operands that it concatenates."""
        if self.find(index) is None:
            self.found.places[index] = place
        node, column = self.nodes[index], place.column
        if node.op == "concat":
            for i in node.inputs:
                self._note(i, Place(place.buffer, column, place.stride, place.kind, place.shift))
                column += self.nodes[i].width

    def _forget(self, place: Place) -> None:
        """Record that the values at a place are overwritten."""
        gone = (place.buffer, place.shift)
        for index, other in list(self.found.places.items()):
            if (other.buffer, other.shift) == gone:
                del self.found.places[index]

    def known(self) -> frozenset[int]:
        """Return the values that are in memory."""
        return frozenset(i for i in range(len(self.nodes)) if self.find(i) is not None)

    # Stages

    def stages(self, targets: Sequence[Store]) -> list[Stage]:
        """Return products, each after a kernel that stores its operands and all that is ready."""
        found: list[Stage] = []
        rest = [(i, place) for i, place in targets if self.find(i) != place]
        order = needed(self.nodes, tuple(i for i, _ in rest), self.known())
        for product in [i for i in order if self._is_product(i)]:
            required: list[Store] = []
            home, add = self._home(product, rest, required)
            self._kernel(required, rest, found)
            node = self.nodes[product]
            source = self.readable(node.inputs[0])
            assert source is not None
            transposed = node.op == "product_transposed"
            found.append(Multiply(source, node.name, node.span, transposed, home, add))
            if add == "there":
                self._forget(home)
            self.found.places.setdefault(product, home)
        if rest:
            self._kernel([rest.pop()], rest, found)
        return found

    def _is_product(self, index: int) -> bool:
        node = self.nodes[index]
        return node.op in PRODUCTS and node.level > Level.PARAMETER

    def _home(
        self, index: int, rest: list[Store], required: list[Store]
    ) -> tuple[Place, str | None]:
        """Return the target and the addend of a product; its operands are added to `required`."""
        node = self.nodes[index]
        source = self.wanted(node.inputs[0])
        if source is not None:
            required.append(source)
        home = next((place for i, place in rest if i == index), None)
        if home is not None:
            rest.remove((index, home))
        add: str | None = None
        if len(node.inputs) > 1:
            start = node.inputs[1]
            place = self.found.places.get(start)
            vector = self.readable(start)
            if place is not None and home is None and self._may_be_overwritten(start, place):
                home, add = place, "there"
            elif vector == Place(f"vector:{start}", 0, node.width, "vector"):
                add = vector.buffer
            else:
                home, add = home or self.buffer(index), "there"
                required.append((start, home))
        return home or self.buffer(index), add

    def _may_be_overwritten(self, index: int, place: Place) -> bool:
        own = place.buffer == f"value:{index}" and place.buffer in self.found.buffers
        return own and self.uses[index] == 1

    def _kernel(self, required: list[Store], rest: list[Store], found: list[Stage]) -> None:
        """Append a kernel that stores what is required, and what else needs no further product."""
        if not required:
            return
        known = self.known()
        ready = [
            (i, place)
            for i, place in rest
            if not any(map(self._is_product, needed(self.nodes, (i,), known)))
        ]
        stores = list(dict.fromkeys([*required, *ready]))
        text, launch = write_kernel(f"{self.title}_{len(self.done)}", self.nodes, self.find, stores)
        self.done.append(text)
        found.append(launch)
        rest[:] = [store for store in rest if store not in ready]
        for index, place in stores:
            self._note(index, place)

    # The loop

    def loop(
        self, targets: Sequence[Store], later: Sequence[int], limit: int, graph: Graph
    ) -> None:
        """Plan the loop: `targets` are the states, `later` is computed after it."""
        try:
            self.found.loop = [self._whole_loop(targets, later, limit, graph)]
            self.found.persistent = True
        except UnsuitedError as error:
            self.found.why_not = str(error)
            self.found.loop = self.stages(targets)

    def _whole_loop(
        self, targets: Sequence[Store], later: Sequence[int], limit: int, graph: Graph
    ) -> Launch:
        known = self.known()
        order = needed(self.nodes, tuple(i for i, _ in targets), known)
        products = [i for i in order if self._is_product(i)]
        between = {*products, *(self.nodes[i].inputs[0] for i in products)}
        between = {i for i in between if i not in known and self.nodes[i].op not in VIEWS}
        between -= {i for i, _ in targets}
        read_later = set(needed(self.nodes, tuple(later), known | between))
        stores = list(targets)
        stores += [(i, self._later_place(i)) for i in sorted(between & read_later)]
        op = "state_gradient" if targets[0][1].buffer.startswith("back:") else "state"
        leaves = {node.name: i for i, node in enumerate(self.nodes) if node.op == op}
        carried = {}
        for index, place in targets:
            kind, _, name = place.buffer.partition(":")
            leaf = leaves.get(name) if kind in ("states", "back") else None
            first = None if leaf is None else self.find(leaf)
            if leaf is not None and first is not None:
                carried[leaf] = (index, first)
        text, launch, size = write_loop(
            f"{self.title}_{len(self.done)}",
            self.nodes,
            self.find,
            stores,
            carried,
            graph.matrices,
            backward=op == "state_gradient",
        )
        if size > limit:
            raise UnsuitedError(f"the recurrent matrices have {size} numbers, above {limit}")
        self.done.append(text)
        for index, place in stores:
            self.found.buffers.setdefault(place.buffer, (0, place.stride))
            self._note(index, place)
        return launch

    def _later_place(self, index: int) -> Place:
        return Place(f"value:{index}", 0, self.nodes[index].width, "time")
