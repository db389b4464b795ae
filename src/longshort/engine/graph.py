"""A cell's equations as data: nodes in order of computation, and the tape that records them.

Every value is a row vector of known width, one for each sequence of the batch; values of width 1
are broadcast. Letters: T time steps, B batch, W width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NoReturn

from longshort.errors import ConfigError


class Level(IntEnum):
    """The axes along which a value varies; a value has the highest level of its inputs."""

    PARAMETER = 0
    """Neither time nor batch: computed once."""
    SEQUENCE = 1
    """Batch only, such as a mask that is the same at every step."""
    INPUT = 2
    """Time and batch, but not the state: can be computed for all steps at once."""
    STEP = 3
    """The state, or a gradient: must be computed step by step."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value: an operation on earlier values, or a leaf."""

    op: str
    inputs: tuple[int, ...]
    width: int
    level: Level
    name: str = ""
    """Name of the leaf, or of the matrix of a product."""
    span: tuple[int, int] = (0, 0)
    """Columns of a slice, or rows of the matrix of a product."""
    value: float = 0.0
    """The number of a constant."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a scan besides parameters and states: [T, B, W], or [B, W] per sequence."""

    name: str
    width: int
    per_sequence: bool = False
    noise: tuple[str, float] | None = None
    """How it is drawn in training: ("dropout", rate): 0 or 1/(1-rate); ("keep", rate): 1 or 0."""
    differentiable: bool = False


@dataclass(frozen=True, eq=False)
class Graph:
    """The equations of one step, traced for given sizes."""

    nodes: tuple[Node, ...]
    output: int
    states: dict[str, int]
    """Indices of the new states, by name."""
    state_sizes: dict[str, int]
    matrices: dict[str, tuple[int, int]]
    """Shapes [rows, columns] of the parameters used as matrices, by name."""
    vectors: dict[str, int]
    """Widths of the parameters used as vectors, by name."""
    inputs: tuple[Input, ...]

    @property
    def output_size(self) -> int:
        """Width of the output."""
        return self.nodes[self.output].width

    def needed(self, *targets: int) -> list[int]:
        """Return the indices of all values that `targets` depend on, with themselves, in order."""
        return needed(self.nodes, targets)


def needed(
    nodes: Sequence[Node], targets: tuple[int, ...], known: frozenset[int] = frozenset()
) -> list[int]:
    """Return the indices of all values that `targets` depend on, without `known`, in order."""
    wanted: set[int] = set()
    open_ends = [target for target in targets if target not in known]
    while open_ends:
        index = open_ends.pop()
        if index not in wanted:
            wanted.add(index)
            open_ends += [i for i in nodes[index].inputs if i not in known]
    return sorted(wanted)


@dataclass
class Tape:
    """Records nodes; the same operation on the same values is recorded only once."""

    nodes: list[Node] = field(default_factory=list)
    _known: dict[Node, int] = field(default_factory=dict)

    def add(self, node: Node) -> int:
        """Return the index of a node, recorded now or before."""
        if node not in self._known:
            self._known[node] = len(self.nodes)
            self.nodes.append(node)
        return self._known[node]

    def leaf(self, op: str, name: str, width: int, level: Level) -> Value:
        """Return a value that is given to the graph."""
        return Value(self, self.add(Node(op, (), width, level, name)))

    def constant(self, value: float) -> Value:
        """Return a constant."""
        return Value(self, self.add(Node("constant", (), 1, Level.PARAMETER, value=value)))

    def apply(
        self,
        op: str,
        *inputs: Value,
        width: int | None = None,
        name: str = "",
        span: tuple[int, int] = (0, 0),
    ) -> Value:
        """Return the result of an operation; `width` defaults to the common width of the inputs."""
        if width is None:
            width = common_width(op, inputs)
        level = max(value.node.level for value in inputs)
        indices = tuple(value.index for value in inputs)
        gates = next((v.gates for v in inputs if v.gates and v.width == width), ())
        return Value(self, self.add(Node(op, indices, width, level, name, span)), gates)


def common_width(op: str, inputs: tuple[Value, ...]) -> int:
    """Return the common width of pointwise operands; width 1 fits any."""
    widths = {value.width for value in inputs} - {1}
    if len(widths) > 1:
        sizes = " and ".join(str(value.width) for value in inputs)
        raise ConfigError(f"{op}: the operands have {sizes} columns; they must be equal or 1")
    return widths.pop() if widths else 1


def _refusal(what: str) -> Callable[..., NoReturn]:
    """Return a method that refuses an operation of Python that a graph cannot represent."""

    def refuse(*_: object) -> NoReturn:
        raise ConfigError(what)

    return refuse


class Value:
    """A value on a tape while a cell is traced; arithmetic on it is recorded."""

    __slots__ = ("gates", "index", "tape")

    def __init__(self, tape: Tape, index: int, gates: tuple[str, ...] = ()) -> None:
        self.tape = tape
        self.index = index
        self.gates = gates

    @property
    def node(self) -> Node:
        """The recorded node."""
        return self.tape.nodes[self.index]

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.node.width

    def lift(self, other: Value | float) -> Value:
        """Return a number as a value of this tape."""
        if isinstance(other, Value):
            return other
        if isinstance(other, (int, float)):
            return self.tape.constant(float(other))
        raise ConfigError(
            f"a cell's step computes with its own values and numbers, got {type(other).__name__}; "
            "use the functions of longshort.engine.ops"
        )

    def __add__(self, other: Value | float) -> Value:
        return self.tape.apply("add", self, self.lift(other))

    def __radd__(self, other: float) -> Value:
        return self.tape.apply("add", self.lift(other), self)

    def __sub__(self, other: Value | float) -> Value:
        return self.tape.apply("sub", self, self.lift(other))

    def __rsub__(self, other: float) -> Value:
        return self.tape.apply("sub", self.lift(other), self)

    def __mul__(self, other: Value | float) -> Value:
        return self.tape.apply("mul", self, self.lift(other))

    def __rmul__(self, other: float) -> Value:
        return self.tape.apply("mul", self.lift(other), self)

    def __truediv__(self, other: Value | float) -> Value:
        return self.tape.apply("div", self, self.lift(other))

    def __rtruediv__(self, other: float) -> Value:
        return self.tape.apply("div", self.lift(other), self)

    def __neg__(self) -> Value:
        return self.tape.apply("neg", self)

    __array_ufunc__ = None
    """NumPy then leaves arithmetic with an array on the left to this class, which refuses it."""

    _branch = _refusal(
        "a cell's step cannot compare or branch on a value; use greater_equal(a, b) and "
        "where(condition, a, b) of longshort.engine.ops"
    )
    __bool__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _branch
    __hash__ = object.__hash__
    __iter__ = _refusal("a value cannot be iterated; take columns with value[start:stop]")
    __len__ = _refusal("a value has no length; its number of columns is value.width")
    __pow__ = __rpow__ = _refusal(
        "a value has no powers; multiply it, or use sqrt, exp and log of longshort.engine.ops"
    )
    __matmul__ = __rmatmul__ = _refusal(
        "a value has no matrix products; declare a Map in maps(n) and apply it, p.NAME(value)"
    )
    __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = _refusal(
        "a value has no // and %; use mod(a, b) and floor(a) of longshort.engine.ops"
    )
    __abs__ = _refusal("a value has no abs; use absolute(a) of longshort.engine.ops")
    __float__ = __int__ = __index__ = _refusal(
        "a value is no number yet; use the functions of longshort.engine.ops, not those of math"
    )

    @classmethod
    def __torch_function__(cls, function: Any, *_: object, **__: object) -> NoReturn:
        raise ConfigError(
            f"a cell's step cannot call torch's {function.__name__}; use the functions of "
            "longshort.engine.ops"
        )

    def __getitem__(self, columns: slice) -> Value:
        if not isinstance(columns, slice) or columns.step not in (None, 1):
            raise ConfigError("take columns with value[start:stop]")
        start, stop, _ = columns.indices(self.width)
        if start >= stop:
            raise ConfigError(f"columns {start}:{stop} of {self.width} are none")
        if (start, stop) == (0, self.width):
            return self
        return self.tape.apply("slice", self, width=stop - start, span=(start, stop))

    def __getattr__(self, name: str) -> Value:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self.gates:
            known = ", ".join(self.gates) or "none"
            raise ConfigError(f"no gate {name!r} in this value; its gates: {known}")
        size = self.width // len(self.gates)
        place = self.gates.index(name)
        return self[place * size : (place + 1) * size]
