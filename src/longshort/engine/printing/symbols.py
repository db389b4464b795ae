"""Symbols of values and parameters in equations.

W x + R h + b for the maps of input and state, p for peepholes, γ for gains.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import ClassVar

from longshort.engine.graph import Graph, Node
from longshort.engine.parameters import Map


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol with its indices, such as R above "hr" below "i", or c at time t-1."""

    base: str
    above: str = ""
    below: str = ""
    gate: str = ""
    time: int | None = None
    """Offset in steps from t; None: written without time."""
    tilde: bool = False
    delta: bool = False
    """Whether it is ∂L/∂v instead of v."""

    def with_gate(self, gate: str) -> Symbol:
        """Return the same symbol for another gate."""
        if not self.gate:
            return self
        return replace(self, base=gate if self.base == self.gate else self.base, gate=gate)


class ParameterSymbols:
    """Symbols of matrices and vectors: W x + R h + b, p for peepholes, γ for gains."""

    WORDS: ClassVar[dict[str, str]] = {"peephole": "p", "gain": "γ", "bias": "b", "recurrent": "u"}

    def __init__(self, maps: dict[str, Map], graph: Graph) -> None:
        self.maps, self.graph = maps, graph
        self.gates = {gate for m in maps.values() for gate in m.gates}
        self.biased = [
            name
            for name, m in maps.items()
            if f"bias_{name}" in graph.vectors and not m.redundant_bias
        ]

    def all(self, nodes: tuple[Node, ...]) -> dict[str, Symbol]:
        """Return the symbols by key; all are distinct."""
        found: dict[str, Symbol] = {}
        taken: set[Symbol] = set()
        for node in nodes:
            if node.op in ("product", "vector") and node.name not in found:
                make = self._matrix if node.op == "product" else self._vector
                found[node.name] = unlike(make(*key_parts(node.name)), taken)
                taken.add(found[node.name])
        return found

    def _matrix(self, name: str, start: int, stop: int) -> Symbol:
        name = name.removeprefix("weight_")
        m = self.maps[name]
        letter, label = map_label(name)
        gate = gate_of(m.gates, m.outputs, start, stop)
        return Symbol(letter, above=label, gate=gate) if gate else Symbol(letter, below=label)

    def _vector(self, name: str, start: int, stop: int) -> Symbol:
        word, _, rest = name.partition("_")
        m = self.maps.get(rest)
        size = self.graph.vectors[name]
        gates = m.gates if m else self._gates_of_width(size)
        gate = gate_of(gates, size, start, stop)
        base = self.WORDS.get(word, word)
        if m is None and rest in self.gates:
            return Symbol(base, below=gate, gate=rest)
        if m is None:
            return Symbol(base, below=rest, gate=gate)
        alone = word == "bias" and self.biased == [rest] and "bias" not in self.graph.vectors
        letter, label = map_label(rest)
        return Symbol(base, above="" if alone else label or letter, gate=gate)

    def _gates_of_width(self, size: int) -> tuple[str, ...]:
        return next((m.gates for m in self.maps.values() if m.outputs == size), ())


def map_label(name: str) -> tuple[str, str]:
    """Return letter and label of a map: W for the input, R for the state, else W and its name."""
    found = re.fullmatch(r"(?:(\w+)_)?(ih|hh)(\d*)", name)
    if not found:
        return "W", name
    return {"ih": "W", "hh": "R"}[found[2]], found[1] or found[3]


def key_parts(key: str) -> tuple[str, int, int]:
    """Return the parameter of a key, and the first row and end row of the slice."""
    name, start, stop = key.rsplit(":", 2)
    return name, int(start), int(stop)


def gate_of(gates: tuple[str, ...], width: int, start: int, stop: int) -> str:
    """Return the gate of these columns: "" for all gates, a range where they belong to none."""
    if (start, stop) == (0, width):
        return ""
    size = width // len(gates) if gates else width
    if gates and start % size == 0 and stop % size == 0:
        return "".join(gates[start // size : stop // size])
    return f"{start + 1}…{stop}"


def unlike(symbol: Symbol, others: set[Symbol]) -> Symbol:
    """Return the symbol with enough primes to differ from the others."""
    while symbol in others:
        symbol = replace(symbol, base=symbol.base + "′")
    return symbol
