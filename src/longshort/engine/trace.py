"""Tracing of a cell: `step` is called with values that record all operations on them.

A cell is traced for every layer anew, because it, its class, or what it reads may have changed.
Compiled programs are cached by the traced equations, never by the cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

from longshort.engine.declared import check_declared
from longshort.engine.graph import Graph, Input, Level, Tape, Value
from longshort.engine.ops import where
from longshort.engine.parameters import Map, Sizes, Vector
from longshort.engine.text import shared
from longshort.errors import ConfigError, nearest


class Equations(Protocol):
    """What the engine needs of a cell; see `longshort.cells.Cell`."""

    @property
    def name(self) -> str:
        """Name of the cell, for messages."""

    def maps(self, n: Sizes) -> dict[str, Map]:
        """Return the linear maps by name."""

    def vectors(self, n: Sizes) -> dict[str, Vector]:
        """Return the parameter vectors by name."""

    def state_sizes(self, n: Sizes) -> dict[str, int]:
        """Return the widths of the states by name."""

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        """Return the output and the new state."""


@dataclass(frozen=True, slots=True)
class Mode:
    """Modes of a layer that change the equations of its cell."""

    training: bool = False
    bias: bool = True
    ragged: bool = False
    """Whether there is an input "alive" [T, B, 1]: where 0, the output is 0 and the state stays."""
    reset: bool = False
    """Whether there is an input "reset" [T, B, 1]: where 1, the state is reset before the step."""
    zoneout: tuple[tuple[str, float], ...] = ()
    """Zoneout rates by state (Krueger et al., 2017).

    In training a unit keeps its old value with that probability; otherwise it gets the expectation.
    """
    sequence_dropout: float = 0.0
    """Rate of a mask per sequence on x and inputs of recurrent maps (Gal & Ghahramani, 2016)."""
    candidate_dropout: float = 0.0
    """Rate of a mask per step on the candidate (Semeniuta et al., 2016)."""


class State:
    """Named states: `State(h=h, c=c)`, read as `s.h`, `s.c`."""

    def __init__(self, /, *unnamed: object, **values: Value) -> None:
        if unnamed:
            raise ConfigError("State(...) takes its values by name, such as State(h=h)")
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Value:
        known = ", ".join(self.__dict__)
        raise ConfigError(f"the state {name!r} is not declared; this cell's states: {known}")


class _Map:
    """A declared linear map, or some of its gates, to be applied to a value."""

    def __init__(self, owner: Parameters, name: str, declared: Map, gates: tuple[str, ...]) -> None:
        self._owner, self._name, self._declared, self._gates = owner, name, declared, gates

    def __getitem__(self, gates: str | tuple[str, ...]) -> _Map:
        chosen = (gates,) if isinstance(gates, str) else gates
        places = [self._gates.index(gate) for gate in chosen if gate in self._gates]
        if len(places) < len(chosen) or places != list(range(places[0], places[0] + len(places))):
            raise ConfigError(
                f"p.{self._name}[{', '.join(map(repr, chosen))}]: take neighbouring gates of "
                f"{', '.join(self._gates) or 'none'}"
            )
        return _Map(self._owner, self._name, self._declared, chosen)

    def rows(self, start: int, stop: int) -> _MapRows:
        """Return some rows of the map."""
        return _MapRows(self._owner, self._name, self._declared, (start, stop), ())

    def __call__(self, value: Value) -> Value:
        if not self._gates:
            whole = (0, self._declared.outputs)
            return _MapRows(self._owner, self._name, self._declared, whole, ())(value)
        size = self._declared.outputs // len(self._declared.gates)
        first = self._declared.gates.index(self._gates[0])
        span = (first * size, (first + len(self._gates)) * size)
        return _MapRows(self._owner, self._name, self._declared, span, self._gates)(value)


@dataclass(frozen=True)
class _MapRows:
    owner: Parameters
    name: str
    declared: Map
    span: tuple[int, int]
    gates: tuple[str, ...]

    def __call__(self, value: Value) -> Value:
        if not isinstance(value, Value):
            raise ConfigError(
                f"p.{self.name} takes a value of the step, got {type(value).__name__}"
            )
        if value.width != self.declared.inputs:
            raise ConfigError(
                f"p.{self.name} takes {self.declared.inputs} columns, got {value.width}"
            )
        return self.owner.product(self, value)


class Parameters:
    """The argument p of `step`: the declared maps and vectors as attributes."""

    def __init__(self, cell: Equations, n: Sizes, mode: Mode, tape: Tape) -> None:
        self._maps, self._vectors = cell.maps(n), cell.vectors(n)
        self._mode, self._tape = mode, tape
        self.matrices: dict[str, tuple[int, int]] = {}
        self.vectors: dict[str, int] = {}
        self.inputs: list[Input] = []
        check_declared(cell.name, self._maps, self._vectors, cell.state_sizes(n), dir(self))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._maps:
            return _Map(self, name, self._maps[name], self._maps[name].gates)
        if name in self._vectors:
            return self._vector(name, self._vectors[name].size)
        known = [*self._maps, *self._vectors]
        raise ConfigError(f"the parameter {name!r} is not declared; {nearest(name, known)}")

    def _vector(self, name: str, size: int) -> Value:
        self.vectors[name] = size
        return self._tape.leaf("vector", name, size, Level.PARAMETER)

    def product(self, part: _MapRows, value: Value) -> Value:
        """Return the product of the map's rows with a value, plus their bias."""
        if part.declared.recurrent and self._dropping(self._mode.sequence_dropout):
            value = value * self._noise(
                f"drop_{part.name}_{value.index}", value.width, self._mode.sequence_dropout, True
            )
        weight, bias = f"weight_{part.name}", f"bias_{part.name}"
        self.matrices[weight] = (part.declared.outputs, part.declared.inputs)
        start, stop = part.span
        result = self._tape.apply("product", value, width=stop - start, name=weight, span=part.span)
        if part.declared.bias and self._mode.bias:
            result = result + self._vector(bias, part.declared.outputs)[start:stop]
        result.gates = part.gates
        return result

    def drop(self, candidate: Value) -> Value:
        """Return the candidate, masked where the layer has Semeniuta's dropout."""
        if not self._dropping(self._mode.candidate_dropout):
            return candidate
        name = f"drop_candidate_{len(self.inputs)}"
        return candidate * self._noise(name, candidate.width, self._mode.candidate_dropout, False)

    def thin_input(self, x: Value) -> Value:
        """Return the input, masked where the layer has Gal's dropout."""
        if not self._dropping(self._mode.sequence_dropout):
            return x
        return x * self._noise("drop_x", x.width, self._mode.sequence_dropout, True)

    def zone(self, name: str, old: Value, new: Value, rate: float) -> Value:
        """Return the new state under zoneout."""
        if not self._mode.training:
            return new + (old - new) * rate
        spec = Input(f"zone_{name}", new.width, noise=("keep", rate))
        return where(self.input(spec), old, new)

    def input(self, spec: Input) -> Value:
        """Declare an input of the scan."""
        if spec not in self.inputs:
            self.inputs.append(spec)
        level = Level.SEQUENCE if spec.per_sequence else Level.INPUT
        return self._tape.leaf("input", spec.name, spec.width, level)

    def _dropping(self, rate: float) -> bool:
        return self._mode.training and rate > 0.0

    def _noise(self, name: str, width: int, rate: float, per_sequence: bool) -> Value:
        return self.input(Input(name, width, per_sequence, ("dropout", rate)))


def trace(cell: Equations, n: Sizes, mode: Mode = Mode()) -> Graph:
    """Return the graph of one step of `cell` in its present state.

    Equal equations give the same object. Raises `ConfigError` if the equations differ from one call
    to the next.
    """
    graph, again = shared(_recorded(cell, n, mode)), shared(_recorded(cell, n, mode))
    if graph is not again:
        raise _changing(cell, graph, again)
    graph = with_starts(graph) if mode.reset else graph
    return with_ends(graph) if mode.ragged else graph


def _changing(cell: Equations, graph: Graph, again: Graph) -> ConfigError:
    pairs = zip(graph.nodes, again.nodes, strict=False)
    first, second = next(((a, b) for a, b in pairs if a != b), (None, None))
    seen = ""
    if first is not None and second is not None and first.op == second.op == "constant":
        seen = f" (a number in them is {first.value!r} and then {second.value!r})"
    return ConfigError(
        f"cell {cell.name}: its step gave other equations when it was called again{seen}; they are "
        "recorded when a layer is built and then hold at every step, so nothing in them may be "
        "drawn, counted or read from a clock: for noise use p.drop(value) or the layer's dropout "
        "and zoneout, for what varies over time an input"
    )


def _recorded(cell: Equations, n: Sizes, mode: Mode) -> Graph:
    tape = Tape()
    p = Parameters(cell, n, mode, tape)
    sizes = cell.state_sizes(n)
    x = p.input(Input("x", n.input, differentiable=True))
    old = {name: tape.leaf("state", name, size, Level.STEP) for name, size in sizes.items()}
    output, new = _checked_pair(cell, _stepped(cell, p.thin_input(x), State(**old), p))
    states = _checked_states(cell, sizes, new)
    for name, rate in mode.zoneout:
        if name not in states:
            raise ConfigError(
                f"zoneout: cell {cell.name} has no state {name!r}; {nearest(name, states)}"
            )
        zoned = p.zone(name, old[name], states[name], rate)
        output = zoned if output.index == states[name].index else output
        states[name] = zoned
    return Graph(
        nodes=tuple(tape.nodes),
        output=output.index,
        states={name: value.index for name, value in states.items()},
        state_sizes=sizes,
        matrices=p.matrices,
        vectors=p.vectors,
        inputs=tuple(p.inputs),
    )


@lru_cache(maxsize=256)
def with_starts(graph: Graph) -> Graph:
    """Add an input "reset" [T, B, 1]: where 1, the states are reset to `initial_NAME` [B, W]."""
    tape, inputs = Tape(), [*graph.inputs, Input("reset", 1)]
    places: list[int] = []
    for node in graph.nodes:
        moved = replace(node, inputs=tuple(places[i] for i in node.inputs))
        value = Value(tape, tape.add(moved))
        if node.op == "state":
            fresh = Input(
                f"initial_{node.name}", node.width, per_sequence=True, differentiable=True
            )
            inputs.append(fresh)
            reset = tape.leaf("input", "reset", 1, Level.INPUT)
            initial = tape.leaf("input", fresh.name, node.width, Level.SEQUENCE)
            value = where(reset, initial, value)
        places.append(value.index)
    return shared(
        replace(
            graph,
            nodes=tuple(tape.nodes),
            output=places[graph.output],
            states={name: places[index] for name, index in graph.states.items()},
            inputs=tuple(inputs),
        )
    )


@lru_cache(maxsize=256)
def with_ends(graph: Graph) -> Graph:
    """Add an input "alive" [T, B, 1]: where 0, the output is 0 and the state stays."""
    tape = Tape(list(graph.nodes), {node: i for i, node in enumerate(graph.nodes)})
    alive = tape.leaf("input", "alive", 1, Level.INPUT)
    output = where(alive, Value(tape, graph.output), 0.0)
    states = {}
    for name, index in graph.states.items():
        old = tape.leaf("state", name, graph.state_sizes[name], Level.STEP)
        states[name] = where(alive, Value(tape, index), old).index
    return shared(
        replace(
            graph,
            nodes=tuple(tape.nodes),
            output=output.index,
            states=states,
            inputs=(*graph.inputs, Input("alive", 1)),
        )
    )


def _stepped(cell: Equations, x: Value, s: State, p: Parameters) -> object:
    """Return what `step` returns; an error in it is raised with the cell's name."""
    try:
        return cell.step(x, s, p)
    except (ConfigError, NotImplementedError) as error:
        raise ConfigError(f"cell {cell.name}: {error}") from error
    except (AttributeError, TypeError) as error:
        raise ConfigError(
            f"cell {cell.name}: {error}; a step computes with values, numbers and the functions "
            "of longshort.engine.ops"
        ) from error


def _checked_pair(cell: Equations, returned: object) -> tuple[Value, State]:
    match returned:
        case (Value() as output, State() as new):
            return output, new
    raise ConfigError(
        f"cell {cell.name}: step must return (output, State(...)), got {type(returned).__name__}"
    )


def _checked_states(cell: Equations, sizes: dict[str, int], new: State) -> dict[str, Value]:
    got = dict(new.__dict__)
    if got.keys() != sizes.keys():
        raise ConfigError(
            f"cell {cell.name}: step must return the states {', '.join(sizes)}, got "
            f"{', '.join(got) or 'none'}"
        )
    for name, value in got.items():
        if not isinstance(value, Value) or value.width != sizes[name]:
            width = value.width if isinstance(value, Value) else type(value).__name__
            raise ConfigError(
                f"cell {cell.name}: the state {name} has {sizes[name]} columns, step returned "
                f"{width}"
            )
    return {name: got[name] for name in sizes}
