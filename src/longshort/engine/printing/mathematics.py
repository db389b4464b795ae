"""The equations of a graph and its backpropagation through time, for people.

The named equations are written in two notations, Unicode text and LaTeX. They are for one sequence
and column vectors; the implementation computes rows of a batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import log10

from longshort.engine.derive import MatrixGradient
from longshort.engine.graph import Level, needed
from longshort.engine.ops import EPSILON
from longshort.engine.printing.formula import Formulas
from longshort.engine.printing.named import Named, costs
from longshort.engine.printing.notation import ATOM, PRODUCT, SUM, Latex, Notation, Piece, Unicode
from longshort.engine.printing.symbols import Symbol

_POWER = str(round(log10(EPSILON))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
_DEVIATION = f"√(var(a) + 10{_POWER})"

LEGEND = {
    "norm": f"norm(a) = (a - mean(a)) / {_DEVIATION}, mean and variance over the units",
    "norm′": f"norm′(d, a) = (d - mean(d) - n ⊙ mean(d ⊙ n)) / {_DEVIATION}, n = norm(a)",
    "cumsum": "cumsum(a): running sum over the units",
    "cumsum′": "cumsum′(d): running sum over the units, from the last one",
    "sum": "sum(a): over the units",
    "clip": "clip(a, low, high) = min(max(a, low), high)",
    "softplus": "softplus(a) = log(1 + exp(a))",
    "bracket": "[condition]: 1 where it is true, else 0",
    "pass": "pass(a, b) = a, its gradient goes to b",
}
"""Explanations of functions, printed where they are used."""

BACKWARD = "Backward, t = T … 1; δv is ∂L/∂v, += adds to what came back from t+1"


@dataclass(frozen=True)
class Line:
    """A line of the form left = right, or left += right."""

    left: str
    right: str
    adds: bool = False


@dataclass(frozen=True)
class Mathematics:
    """Equations of one step, of its backward step, and of the parameters' gradients."""

    forward: tuple[Line, ...]
    backward: tuple[Line, ...]
    gradients: tuple[Line, ...]
    legend: tuple[str, ...] = ()


def write(named: Named, notation: Notation) -> Mathematics:
    """Write the mathematics of a cell, line by line."""
    return _Writer(named, notation).write()


def as_text(named: Named) -> str:
    """The mathematics as text."""
    written = write(named, Unicode())
    parts = [
        f"Forward, t = 1 … T\n{_aligned(written.forward)}",
        f"{BACKWARD}\n{_aligned(written.backward)}",
        f"Gradients\n{_aligned(written.gradients)}",
    ]
    if written.legend:
        parts.append("\n".join(f"  {line}" for line in written.legend))
    return "\n\n".join(parts)


def as_latex(named: Named) -> str:
    """Return the mathematics as `align*` environments for amsmath."""
    written = write(named, Latex())
    blocks = (written.forward, written.backward, written.gradients)
    return "\n".join(_environment(block) for block in blocks if block)


def parameter_symbols(named: Named) -> dict[str, tuple[str, ...]]:
    """Return the symbols of every parameter's rows in the text, in their order."""
    found: dict[str, list[str]] = {name: [] for name in named.parameters}
    for key in sorted(named.parameter_keys(), key=named.rank):
        found[named.parameter(key)].append(Unicode().symbol(named.symbols[key]))
    return {name: tuple(symbols) for name, symbols in found.items()}


def _aligned(lines: tuple[Line, ...]) -> str:
    width = max((len(line.left) for line in lines), default=0)
    equals = {False: " =", True: "+="} if any(line.adds for line in lines) else {False: "="}
    return "\n".join(f"  {line.left:<{width}} {equals[line.adds]} {line.right}" for line in lines)


def _environment(lines: tuple[Line, ...]) -> str:
    equals = {False: "=", True: r"\mathrel{+}="}
    rows = [f"  {line.left} &{equals[line.adds]} {line.right}" for line in lines]
    return "\n".join((r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"))


class _Writer:
    def __init__(self, named: Named, notation: Notation) -> None:
        self.named, self.notation = named, notation
        self.formulas = Formulas(named, notation)
        self.nodes, self.names = self.formulas.nodes, self.formulas.names
        self.extra = self.formulas.unused("e", "v", "w", "extra")

    def write(self) -> Mathematics:
        forward = tuple(self._forward())
        backward = tuple(self._backward())
        gradients = tuple(self._gradients())
        legend = tuple(text for name, text in LEGEND.items() if name in self.formulas.used)
        return Mathematics(forward, backward, gradients, legend)

    def _forward(self) -> Iterator[Line]:
        for equation in self.named.values:
            own = self.names.pop(equation.index, None)
            yield Line(self.formulas.symbol(equation.key), self.formulas.write(equation.index).text)
            if own is not None:
                self.names[equation.index] = own
        if self.named.output != "y@t":
            yield Line(self.formulas.output(), self.formulas.symbol(self.named.output))

    def _backward(self) -> Iterator[Line]:
        shared = self._shared()
        states = {f"{name}@t" for name in self.named.states}
        symbols = self.named.symbols
        before = [key for name in self.named.states if (key := f"{name}@t-1") in symbols]
        last_first = sorted(self.named.values, key=lambda equation: -equation.depth)
        inputs = ["x"] if "x" in symbols else []
        for key in (*(equation.key for equation in last_first), *inputs, *before):
            gradient = self.named.gradients.get(key)
            symbol = replace(symbols[key], delta=True)
            if gradient is not None:
                yield from self._definitions(shared, gradient)
                right = self.formulas.write(gradient).text
                yield Line(self.formulas.shown(symbol), right, adds=key in states)
                if key not in states:
                    self.names.setdefault(gradient, symbol)
            elif key not in states:
                yield Line(self.formulas.shown(symbol), "0")
        for index in shared:
            if self.nodes[index].level > Level.PARAMETER:
                yield from self._definitions(shared, index)

    def _shared(self) -> list[int]:
        """Return long expressions of the backward step that are needed more than once."""
        derived = self.named.derived
        roots = {
            *self.named.gradients.values(),
            *derived.gathered,
            *(m.d for m in (*derived.matrices, *derived.late)),
        }
        order = needed(self.nodes, tuple(roots))
        uses = Counter(i for index in order for i in self.nodes[index].inputs)
        uses.update(roots)
        cost = costs(self.nodes, self.names.__contains__)
        first = len(derived.forward.nodes)
        return [i for i in order if i >= first and uses[i] > 1 and cost[i] >= 3]

    def _definitions(self, shared: list[int], target: int) -> Iterator[Line]:
        for index in needed(self.nodes, (target,), frozenset(self.names)):
            if index in shared:
                count = sum(symbol.base == self.extra for symbol in self.names.values())
                symbol = Symbol(self.extra, below=str(count + 1))
                yield Line(self.formulas.shown(symbol), self.formulas.write(index).text)
                self.names[index] = symbol

    def _gradients(self) -> Iterator[Line]:
        """Yield one line per parameter, or one for all gates if their equations agree.

        Values that several gradients need and that are computed from sums over time come first.
        """
        shared = self._shared()
        for index in shared:
            yield from self._definitions(shared, index)
        alike: dict[Line, list[str]] = {}
        for key in self.named.parameter_keys():
            self.formulas.gate = self.named.symbols[key].gate
            alike.setdefault(self._gradient(key), []).append(key)
        self.formulas.gate = ""
        for line, keys in sorted(alike.items(), key=lambda item: self.named.rank(item[1][0])):
            if len(keys) == 1:
                yield self._gradient(keys[0])
                continue
            gates = ", ".join(
                self.named.symbols[key].gate for key in sorted(keys, key=self.named.rank)
            )
            remark = self.notation.remark(f"{self.formulas.any_gate} = {gates}")
            yield Line(line.left, line.right + remark)

    def _gradient(self, key: str) -> Line:
        derived, notation = self.named.derived, self.notation
        left = notation.partial(self.formulas.symbol(key))
        if key in derived.vectors:
            gradient = self.named.gradients.get(key)
            return Line(left, "0" if gradient is None else self.formulas.write(gradient).text)
        early = [self._outer(m) for m in derived.matrices if m.matrix == key]
        late = [self._outer(m) for m in derived.late if m.matrix == key]
        total = Piece(" + ".join(early), PRODUCT if len(early) == 1 else SUM)
        summed = [notation.over_time + notation.wrap(total, PRODUCT)] if early else []
        return Line(left, " + ".join([*summed, *late]))

    def _outer(self, m: MatrixGradient) -> str:
        d, v = self.formulas.text(m.d, ATOM), self.formulas.text(m.v, ATOM)
        return d + self.notation.apply + v + self.notation.transposed
