"""The mathematics of a graph for people: its equations and its backpropagation through time.

One walk over the named equations writes them in two notations, as text in Unicode and as LaTeX.
They are written for one sequence and with column vectors; the machine runs rows of a batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from longshort.engine.derive import MatrixGradient
from longshort.engine.executors.notation import (
    ATOM,
    MATRIX,
    PRODUCT,
    SUM,
    Latex,
    Notation,
    Piece,
    Unicode,
)
from longshort.engine.graph import Level, Node, needed
from longshort.engine.named import Named, costs, is_zero
from longshort.engine.symbols import Symbol

LEGEND = {
    "norm": "norm(a) = (a - mean(a)) / √(var(a) + 10⁻⁵), mean and variance over the units",
    "norm′": "norm′(d, a) = (d - mean(d) - n ⊙ mean(d ⊙ n)) / √(var(a) + 10⁻⁵), n = norm(a)",
    "cumsum": "cumsum(a): running sum over the units",
    "cumsum′": "cumsum′(d): running sum over the units, from the last one",
    "sum": "sum(a): over the units",
    "clip": "clip(a, low, high) = min(max(a, low), high)",
    "softplus": "softplus(a) = log(1 + exp(a))",
    "bracket": "[condition]: 1 where it is true, else 0",
    "pass": "pass(a, b) = a, its gradient goes to b",
}
"""What is said of a function where it is used."""

BACKWARD = "Backward, t = T … 1; δv is ∂L/∂v, += adds to what came back from t+1"

CALLS = {
    "standardise": "norm",
    "cumsum_reversed": "cumsum′",
    "maximum": "max",
    "minimum": "min",
    "straight_through": "pass",
}
"""Functions whose written name is not that of the operation."""


@dataclass(frozen=True)
class Line:
    """left = right, or left += right."""

    left: str
    right: str
    adds: bool = False


@dataclass(frozen=True)
class Mathematics:
    """The equations of one step, of the step back, and of the parameters' gradients."""

    forward: tuple[Line, ...]
    backward: tuple[Line, ...]
    gradients: tuple[Line, ...]
    legend: tuple[str, ...] = ()


def write(named: Named, notation: Notation) -> Mathematics:
    """The mathematics of a cell, line by line."""
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
    """The mathematics as `align*` environments, to be set with amsmath."""
    written = write(named, Latex())
    blocks = (written.forward, written.backward, written.gradients)
    return "\n".join(_environment(block) for block in blocks if block)


def parameter_symbols(named: Named) -> dict[str, tuple[str, ...]]:
    """What the rows of every parameter are called in the text, in their order."""
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
        self.nodes = named.derived.nodes
        self.names: dict[int, Symbol] = {
            equation.index: named.symbols[equation.key]
            for equation in reversed(named.values)
            if self.nodes[equation.index].op != "input"
        }
        self.used: set[str] = set()
        self.gate = ""
        """Written as `any_gate`, to find equations that all gates share."""
        self.any_gate = self._unused("k", "j", "q", "gate")
        self.extra = self._unused("e", "v", "w", "extra")
        self.expressions = {
            named.symbols[equation.key]: equation.index for equation in named.values
        }

    def _unused(self, *letters: str) -> str:
        taken = {symbol.base for symbol in self.named.symbols.values()}
        return next(letter for letter in letters if letter not in taken)

    def write(self) -> Mathematics:
        forward = tuple(self._forward())
        backward = tuple(self._backward())
        gradients = tuple(self._gradients())
        legend = tuple(text for name, text in LEGEND.items() if name in self.used)
        return Mathematics(forward, backward, gradients, legend)

    def _forward(self) -> Iterator[Line]:
        for equation in self.named.values:
            own = self.names.pop(equation.index, None)
            yield Line(self._symbol(equation.key), self._write(equation.index).text)
            if own is not None:
                self.names[equation.index] = own
        if self.named.output != "y@t":
            yield Line(self._output(), self._symbol(self.named.output))

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
                right = self._write(gradient).text
                yield Line(self._shown(symbol), right, adds=key in states)
                if key not in states:
                    self.names.setdefault(gradient, symbol)
            elif key not in states:
                yield Line(self._shown(symbol), "0")
        for index in shared:
            if self.nodes[index].level > Level.PARAMETER:
                yield from self._definitions(shared, index)

    def _shared(self) -> list[int]:
        """Long expressions of the backward step that are needed more than once."""
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
                yield Line(self._shown(symbol), self._write(index).text)
                self.names[index] = symbol

    def _gradients(self) -> Iterator[Line]:
        """One line a parameter, or one for all gates where they have it alike.

        Before them what several need that is computed from sums over time.
        """
        shared = self._shared()
        for index in shared:
            yield from self._definitions(shared, index)
        alike: dict[Line, list[str]] = {}
        for key in self.named.parameter_keys():
            self.gate = self.named.symbols[key].gate
            alike.setdefault(self._gradient(key), []).append(key)
        self.gate = ""
        for line, keys in sorted(alike.items(), key=lambda item: self.named.rank(item[1][0])):
            if len(keys) == 1:
                yield self._gradient(keys[0])
                continue
            gates = ", ".join(
                self.named.symbols[key].gate for key in sorted(keys, key=self.named.rank)
            )
            remark = self.notation.remark(f"{self.any_gate} = {gates}")
            yield Line(line.left, line.right + remark)

    def _gradient(self, key: str) -> Line:
        derived, notation = self.named.derived, self.notation
        left = notation.partial(self._symbol(key))
        if key in derived.vectors:
            gradient = self.named.gradients.get(key)
            return Line(left, "0" if gradient is None else self._write(gradient).text)
        early = [self._outer(m) for m in derived.matrices if m.matrix == key]
        late = [self._outer(m) for m in derived.late if m.matrix == key]
        total = Piece(" + ".join(early), PRODUCT if len(early) == 1 else SUM)
        summed = [notation.over_time + notation.wrap(total, PRODUCT)] if early else []
        return Line(left, " + ".join([*summed, *late]))

    def _outer(self, m: MatrixGradient) -> str:
        d, v = self._text(m.d, ATOM), self._text(m.v, ATOM)
        return d + self.notation.apply + v + self.notation.transposed

    def _shown(self, symbol: Symbol) -> str:
        alike = self.gate != "" and symbol.gate == self.gate
        return self.notation.symbol(symbol.with_gate(self.any_gate) if alike else symbol)

    def _symbol(self, key: str) -> str:
        return self._shown(self.named.symbols[key])

    def _output(self) -> str:
        return self.notation.symbol(Symbol("y", time=0))

    def _text(self, index: int, strength: int) -> str:
        return self.notation.wrap(self._write(index), strength)

    def _block(self, index: int) -> str:
        if is_zero(self.nodes, index):
            return self.notation.zeros(self.nodes[index].width)
        return self._text(index, SUM)

    def _call(self, name: str, *arguments: int) -> Piece:
        self.used.add(name)
        return Piece(self.notation.call(name, *(self._text(i, SUM) for i in arguments)))

    def _write(self, index: int) -> Piece:
        """The formula of a value."""
        if index in self.names:
            return Piece(self._shown(self.names[index]))
        node = self.nodes[index]
        match node.op:
            case "add" | "sub" | "neg":
                return self._sum(index)
            case "mul" | "sigmoid_gradient" | "tanh_gradient":
                return self._signed(*self._product(index))
            case "where":
                return self._where(index, node)
            case "div":
                return self.notation.fraction(*(self._write(i) for i in node.inputs))
            case "product" | "product_transposed":
                return self._matrix(node)
            case "expand":
                return self._write(node.inputs[0])
            case "slice":
                text = self._text(node.inputs[0], ATOM)
                return Piece(self.notation.part(text, node.span[0] + 1, node.span[1]))
            case "concat":
                return Piece(self.notation.stack(*(self._block(i) for i in node.inputs)))
            case "greater_equal":
                return self._bracket(self._condition(index))
        return self._function(node) if node.inputs else self._leaf(node)

    def _leaf(self, node: Node) -> Piece:
        match node.op:
            case "constant":
                return self._signed(*self._number(node.value))
            case "state_gradient":
                return Piece(self._shown(replace(self.named.symbols[node.name], delta=True)))
            case "output_gradient":
                return Piece(self.notation.partial(self._output()))
            case "gathered":
                text = self._text(self.named.derived.gathered[int(node.name)], PRODUCT)
                return Piece(self.notation.over_time + text, PRODUCT)
        return Piece(self._symbol(node.name))

    def _number(self, value: float) -> tuple[int, Piece]:
        sign, size = (-1 if value < 0 else 1), abs(value)
        if size == int(size):
            return sign, Piece(str(int(size)))
        ratio = Fraction(size).limit_denominator(1000)
        if len(repr(size)) > 5 and float(ratio) == size:
            return sign, self.notation.number(ratio.numerator, ratio.denominator)
        return sign, Piece(repr(size))

    def _signed(self, sign: int, piece: Piece) -> Piece:
        return piece if sign > 0 else Piece(f"-{self.notation.wrap(piece, PRODUCT)}", SUM)

    def _matrix(self, node: Node) -> Piece:
        matrix = self._symbol(node.name)
        if node.op == "product_transposed":
            matrix += self.notation.transposed
        return Piece(matrix + self.notation.apply + self._text(node.inputs[0], ATOM), MATRIX)

    def _function(self, node: Node) -> Piece:
        inputs = node.inputs
        if node.op == "standardise_gradient":
            scale = self.nodes[inputs[2]]
            a = scale.inputs[0] if scale.op == "inverse_deviation" else inputs[2]
            return self._call("norm′", inputs[0], a)
        if node.op == "minimum":
            inner = self.nodes[inputs[0]]
            if inner.op == "maximum" and inputs[0] not in self.names:
                return self._call("clip", *inner.inputs, inputs[1])
        if node.op == "maximum":
            other = self.nodes[inputs[1]]
            if other.op == "neg" and other.inputs[0] == inputs[0]:
                return self._call("abs", inputs[0])
        return self._call(CALLS.get(node.op, node.op), *inputs)

    def _sum(self, index: int) -> Piece:
        terms = sorted(self._terms(index, 1), key=lambda term: term[0])
        if not terms:
            return Piece("0")
        lead = next((k for k, (_, sign, _) in enumerate(terms) if sign > 0), 0)
        terms.insert(0, terms.pop(lead))
        if len(terms) == 1:
            return self._signed(*terms[0][1:])
        words = [self._signed(*terms[0][1:]).text]
        for _, sign, piece in terms[1:]:
            words += ["+" if sign > 0 else "-", self.notation.wrap(piece, PRODUCT)]
        return Piece(" ".join(words), SUM)

    def _terms(self, index: int, sign: int) -> Iterator[tuple[tuple[int, ...], int, Piece]]:
        """Place, sign and text of what is added up."""
        node = self.nodes[index]
        op = "" if index in self.names else node.op
        if op in ("add", "sub"):
            yield from self._terms(node.inputs[0], sign)
            yield from self._terms(node.inputs[1], sign if op == "add" else -sign)
        elif op in ("neg", "expand") and not self._is_log_sigmoid(index):
            yield from self._terms(node.inputs[0], -sign if op == "neg" else sign)
        else:
            own, piece = self._product(index)
            if piece.text != "0":
                yield self._order(index), sign * own, piece

    def _order(self, index: int) -> tuple[int, ...]:
        """Matrix products first, biases last, the cell's order of parameters among the like."""
        node = self.nodes[index]
        if index in self.names:
            return (1,)
        if node.op in ("product", "product_transposed"):
            return 0, *self.named.rank(node.name)
        if node.op == "vector":
            return 3, *self.named.rank(node.name)
        vectors = [self.nodes[i] for i in node.inputs if self.nodes[i].op == "vector"]
        return (2, *self.named.rank(vectors[0].name)) if vectors else (1,)

    def _is_log_sigmoid(self, index: int) -> bool:
        node = self.nodes[index]
        inner = self.nodes[node.inputs[0]]
        return (
            node.op == "neg" and inner.op == "softplus" and self.nodes[inner.inputs[0]].op == "neg"
        )

    def _log_sigmoid(self, softplus: int) -> Piece:
        negated = self.nodes[self.nodes[softplus].inputs[0]]
        inner = self._call("sigmoid", negated.inputs[0])
        return Piece(self.notation.call("log", inner.text))

    def _product(self, index: int) -> tuple[int, Piece]:
        sign, factors = self._factors(index)
        texts = [factor.piece.text for factor in factors]
        if "0" in texts:
            return sign, Piece("0")
        if texts != ["1"]:
            factors = [factor for factor in factors if factor.piece.text != "1"]
        factors.sort(key=lambda factor: factor.place)
        if len(factors) == 1:
            return sign, factors[0].piece
        text = self.notation.wrap(factors[0].piece, ATOM)
        for before, factor in pairwise(factors):
            scalar = before.scalar or factor.scalar
            text += self.notation.dot if scalar else self.notation.times
            text += self.notation.wrap(factor.piece, ATOM)
        return sign, Piece(text, PRODUCT)

    def _factors(self, index: int) -> tuple[int, list[_Factor]]:
        """Sign and factors of a product."""
        node = self.nodes[index]
        inputs = node.inputs
        match "" if index in self.names else node.op:
            case "constant":
                sign, piece = self._number(node.value)
                return sign, [_Factor(0, piece, True)]
            case "mul":
                (s, a), (r, b) = self._factors(inputs[0]), self._factors(inputs[1])
                return s * r, a + b
            case "neg" if not self._is_log_sigmoid(index):
                sign, factors = self._factors(inputs[0])
                return -sign, factors
            case "neg":
                return 1, [_Factor(4, self._log_sigmoid(inputs[0]))]
            case "expand":
                return self._factors(inputs[0])
            case "sigmoid_gradient" | "tanh_gradient":
                sign, factors = self._factors(inputs[0])
                return sign, [*factors, *self._slope(node.op, inputs[1])]
            case "where" if (mask := self._mask(node)) is not None:
                kept, sign, factors = mask[0], *self._factors(mask[1])
                return sign, [_Factor(6, self._bracket(kept)), *factors]
        return 1, [_Factor(self._place(index), self._write(index), node.width == 1)]

    def _slope(self, op: str, y: int) -> list[_Factor]:
        """y (1 - y), or 1 - y²."""
        place = self._place(y)
        if op == "tanh_gradient":
            text = f"1 - {self.notation.square(self._text(y, ATOM))}"
            return [_Factor(place, Piece(text, SUM))]
        return [
            _Factor(place, self._write(y)),
            _Factor(place, Piece(f"1 - {self._text(y, PRODUCT)}", SUM)),
        ]

    def _place(self, index: int) -> int:
        """Where a factor stands: gradients, parameters, gates, other values, the past."""
        node = self.nodes[index]
        if node.op == "vector":
            return 2
        leaves = [self.nodes[i] for i in needed(self.nodes, (index,), frozenset(self.names))]
        if any(leaf.op in ("state_gradient", "output_gradient") for leaf in leaves):
            return 1
        if node.op == "input" and (node.name.endswith("@t-1") or node.name == "x"):
            return 5
        return 3 if self._opens(index) else 4

    def _opens(self, index: int) -> bool:
        """Whether this is a gate that lies between 0 and 1, or 1 minus one."""
        node = self.nodes[index]
        if index in self.names:
            symbol = self.names[index]
            return self.nodes[self.expressions.get(symbol, index)].op == "sigmoid"
        if node.op == "input":
            place = self.expressions.get(self.named.symbols[node.name])
            return place is not None and self.nodes[place].op == "sigmoid"
        if node.op == "sub":
            return self.nodes[node.inputs[0]].op == "constant" and self._opens(node.inputs[1])
        return node.op == "sigmoid"

    def _where(self, index: int, node: Node) -> Piece:
        if self._mask(node) is not None:
            return self._signed(*self._product(index))
        condition, a, b = node.inputs
        return Piece(
            self.notation.cases(self._condition(condition), self._text(a, SUM), self._text(b, SUM))
        )

    def _mask(self, node: Node) -> tuple[str, int] | None:
        """Condition and value where the other branch is 0."""
        condition, a, b = node.inputs
        if is_zero(self.nodes, b):
            return self._condition(condition), a
        if is_zero(self.nodes, a):
            return self._condition(condition, holds=False), b
        return None

    def _condition(self, index: int, holds: bool = True) -> str:
        node = self.nodes[index]
        if index not in self.names and node.op == "greater_equal":
            a, b = (self._text(i, SUM) for i in node.inputs)
            if self.nodes[node.inputs[0]].op == "constant":
                return self.notation.relation(b, "<=" if holds else ">", a)
            return self.notation.relation(a, ">=" if holds else "<", b)
        return self.notation.relation(self._text(index, SUM), "!=" if holds else "=", "0")

    def _bracket(self, condition: str) -> Piece:
        self.used.add("bracket")
        return Piece(self.notation.bracket(condition))


@dataclass(frozen=True, slots=True)
class _Factor:
    place: int
    piece: Piece
    scalar: bool = False
