"""Formulas of single values: sums, products and functions of named values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from longshort.engine.graph import Node, needed
from longshort.engine.printing.named import Named, is_zero
from longshort.engine.printing.notation import ATOM, MATRIX, PRODUCT, SUM, Notation, Piece
from longshort.engine.printing.symbols import Symbol

CALLS = {
    "standardise": "norm",
    "cumsum_reversed": "cumsum′",
    "maximum": "max",
    "minimum": "min",
    "straight_through": "pass",
}
"""Functions whose printed name differs from that of the operation."""


class Formulas:
    """Writes values in a notation; a value with a name is written as its name."""

    def __init__(self, named: Named, notation: Notation) -> None:
        self.named, self.notation = named, notation
        self.nodes = named.derived.nodes
        self.names: dict[int, Symbol] = {
            equation.index: named.symbols[equation.key]
            for equation in reversed(named.values)
            if self.nodes[equation.index].op != "input"
        }
        self.used: set[str] = set()
        """Functions that were written so far."""
        self.gate = ""
        """A gate that is written as `any_gate`, to find equations that all gates share."""
        self.any_gate = self.unused("k", "j", "q", "gate")
        self.expressions = {
            named.symbols[equation.key]: equation.index for equation in named.values
        }

    def unused(self, *letters: str) -> str:
        """Return the first of these letters that no symbol has."""
        taken = {symbol.base for symbol in self.named.symbols.values()}
        return next(letter for letter in letters if letter not in taken)

    def shown(self, symbol: Symbol) -> str:
        """Return a symbol as it is written at present."""
        alike = self.gate != "" and symbol.gate == self.gate
        return self.notation.symbol(symbol.with_gate(self.any_gate) if alike else symbol)

    def symbol(self, key: str) -> str:
        """Return the symbol of a value or parameter."""
        return self.shown(self.named.symbols[key])

    def output(self) -> str:
        """Symbol of the output."""
        return self.notation.symbol(Symbol("y", time=0))

    def text(self, index: int, strength: int) -> str:
        """Return the formula of a value, in parentheses where it binds less than `strength`."""
        return self.notation.wrap(self.write(index), strength)

    def _block(self, index: int) -> str:
        if is_zero(self.nodes, index):
            return self.notation.zeros(self.nodes[index].width)
        return self.text(index, SUM)

    def _call(self, name: str, *arguments: int) -> Piece:
        self.used.add(name)
        return Piece(self.notation.call(name, *(self.text(i, SUM) for i in arguments)))

    def write(self, index: int) -> Piece:
        """Return the formula of a value."""
        if index in self.names:
            return Piece(self.shown(self.names[index]))
        node = self.nodes[index]
        match node.op:
            case "add" | "sub" | "neg":
                return self._sum(index)
            case "mul" | "sigmoid_gradient" | "tanh_gradient":
                return self._signed(*self._product(index))
            case "where":
                return self._where(index, node)
            case "div":
                return self.notation.fraction(*(self.write(i) for i in node.inputs))
            case "product" | "product_transposed":
                return self._matrix(node)
            case "expand":
                return self.write(node.inputs[0])
            case "slice":
                text = self.text(node.inputs[0], ATOM)
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
                return Piece(self.shown(replace(self.named.symbols[node.name], delta=True)))
            case "output_gradient":
                return Piece(self.notation.partial(self.output()))
            case "gathered":
                text = self.text(self.named.derived.gathered[int(node.name)], PRODUCT)
                return Piece(self.notation.over_time + text, PRODUCT)
        return Piece(self.symbol(node.name))

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
        matrix = self.symbol(node.name)
        if node.op == "product_transposed":
            matrix += self.notation.transposed
        return Piece(matrix + self.notation.apply + self.text(node.inputs[0], ATOM), MATRIX)

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
        """Yield sort key, sign and text of the terms of a sum."""
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
        """Return a term's sort key: matrix products first, biases last, others by parameters."""
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
        """Return sign and factors of a product."""
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
        return 1, [_Factor(self._place(index), self.write(index), node.width == 1)]

    def _slope(self, op: str, y: int) -> list[_Factor]:
        """Return the factors y (1 - y), or 1 - y²."""
        place = self._place(y)
        if op == "tanh_gradient":
            text = f"1 - {self.notation.square(self.text(y, ATOM))}"
            return [_Factor(place, Piece(text, SUM))]
        return [
            _Factor(place, self.write(y)),
            _Factor(place, Piece(f"1 - {self.text(y, PRODUCT)}", SUM)),
        ]

    def _place(self, index: int) -> int:
        """Return a factor's rank: gradients, parameters, gates, other values, the step before."""
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
        """Whether a value is a gate between 0 and 1, or 1 minus one."""
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
            self.notation.cases(self._condition(condition), self.text(a, SUM), self.text(b, SUM))
        )

    def _mask(self, node: Node) -> tuple[str, int] | None:
        """Return condition and value of a `where` whose other branch is 0; None for others."""
        condition, a, b = node.inputs
        if is_zero(self.nodes, b):
            return self._condition(condition), a
        if is_zero(self.nodes, a):
            return self._condition(condition, holds=False), b
        return None

    def _condition(self, index: int, holds: bool = True) -> str:
        node = self.nodes[index]
        if index not in self.names and node.op == "greater_equal":
            a, b = (self.text(i, SUM) for i in node.inputs)
            if self.nodes[node.inputs[0]].op == "constant":
                return self.notation.relation(b, "<=" if holds else ">", a)
            return self.notation.relation(a, ">=" if holds else "<", b)
        return self.notation.relation(self.text(index, SUM), "!=" if holds else "=", "0")

    def _bracket(self, condition: str) -> Piece:
        self.used.add("bracket")
        return Piece(self.notation.bracket(condition))


@dataclass(frozen=True, slots=True)
class _Factor:
    place: int
    piece: Piece
    scalar: bool = False
