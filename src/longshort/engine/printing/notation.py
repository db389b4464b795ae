"""Notations of formulas: Unicode text and LaTeX."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from longshort.engine.printing.symbols import Symbol

SUM, PRODUCT, MATRIX, ATOM = range(4)
"""Binding strength of a piece of a formula, from weak to strong."""

_LETTERS = (
    "α alpha, β beta, γ gamma, δ delta, ε epsilon, ζ zeta, η eta, θ theta, κ kappa, λ lambda, "
    "μ mu, ν nu, ξ xi, π pi, ρ rho, σ sigma, τ tau, φ phi, χ chi, ψ psi, ω omega"
)
GREEK = {name: letter for letter, name in (entry.split() for entry in _LETTERS.split(", "))}


@dataclass(frozen=True, slots=True)
class Piece:
    """Text with its binding strength."""

    text: str
    strength: int = ATOM


class Notation(ABC):
    """A notation of formulas."""

    times: ClassVar[str]
    dot: ClassVar[str]
    over_time: ClassVar[str]
    transposed: ClassVar[str]
    apply: ClassVar[str]
    """Written between a matrix and the vector that it multiplies."""
    operators: ClassVar[dict[str, str]]
    functions: ClassVar[dict[str, str]]

    @abstractmethod
    def symbol(self, symbol: Symbol) -> str:
        """Return a named value or parameter."""

    @abstractmethod
    def partial(self, text: str) -> str:
        """Return the derivative of the loss by a parameter or the output."""

    @abstractmethod
    def call(self, name: str, *arguments: str) -> str:
        """Return a function call."""

    @abstractmethod
    def fraction(self, above: Piece, below: Piece) -> Piece:
        """Return a quotient."""

    @abstractmethod
    def cases(self, condition: str, a: str, b: str) -> str:
        """Return a where the condition holds, else b."""

    @abstractmethod
    def part(self, text: str, start: int, stop: int) -> str:
        """Return entries of a vector, counted from 1."""

    @abstractmethod
    def zeros(self, width: int) -> str:
        """Return a vector of zeros."""

    @abstractmethod
    def square(self, text: str) -> str:
        """Return the elementwise square."""

    @abstractmethod
    def remark(self, text: str) -> str:
        """Return a remark at the end of a line."""

    def wrap(self, piece: Piece, strength: int) -> str:
        """Return the text, in parentheses if it binds less than `strength`."""
        return piece.text if piece.strength >= strength else self.parentheses(piece.text)

    def parentheses(self, text: str) -> str:
        """Return the text in parentheses."""
        return f"({text})"

    def number(self, above: int, below: int) -> Piece:
        """Return a fraction of integers."""
        return self.fraction(Piece(str(above)), Piece(str(below)))

    def relation(self, a: str, operator: str, b: str) -> str:
        """Return a comparison."""
        return f"{a} {self.operators.get(operator, operator)} {b}"

    def bracket(self, condition: str) -> str:
        """Return 1 where the condition holds, else 0, as a bracket."""
        return f"[{condition}]"

    def stack(self, *parts: str) -> str:
        """Return vectors stacked on top of each other."""
        return f"[{'; '.join(parts)}]"


class Unicode(Notation):
    """Text for a terminal."""

    times = " ⊙ "
    dot = " · "
    over_time = "Σ_t "
    transposed = "ᵀ"
    apply = " "
    operators: ClassVar[dict[str, str]] = {">=": "≥", "<=": "≤", "!=": "≠"}
    functions: ClassVar[dict[str, str]] = {"sigmoid": "σ", "sqrt": "√"}

    def symbol(self, symbol: Symbol) -> str:
        """Examples: z_i, c_{t-1}, b^R_n."""
        base = GREEK.get(symbol.base, symbol.base) + ("\u0303" if symbol.tilde else "")
        above = f"^{symbol.above}" if symbol.above else ""
        gate = "" if symbol.base == symbol.gate else symbol.gate
        time = {0: "t", -1: "{t-1}", None: ""}[symbol.time]
        below = ",".join(part for part in (symbol.below, gate, time) if part)
        return f"{'δ' * symbol.delta}{base}{above}{'_' * bool(below)}{below}"

    def partial(self, text: str) -> str:
        """Example: ∂L/∂W_i."""
        return f"∂L/∂{text}"

    def call(self, name: str, *arguments: str) -> str:
        """Example: tanh(c_t)."""
        return f"{self.functions.get(name, name)}({', '.join(arguments)})"

    def fraction(self, above: Piece, below: Piece) -> Piece:
        """Example: a / b."""
        return Piece(f"{self.wrap(above, PRODUCT)} / {self.wrap(below, ATOM)}", PRODUCT)

    def number(self, above: int, below: int) -> Piece:
        """Example: 1/6."""
        return Piece(f"{above}/{below}", PRODUCT)

    def cases(self, condition: str, a: str, b: str) -> str:
        """Example: {a if x ≥ 0, else b}."""
        return f"{{{a} if {condition}, else {b}}}"

    def part(self, text: str, start: int, stop: int) -> str:
        """Example: v[1…20]."""
        return f"{text}[{start}…{stop}]"

    def zeros(self, width: int) -> str:
        """Example: zeros(2)."""
        return f"zeros({width})"

    def square(self, text: str) -> str:
        """Example: g_t²."""
        return f"{text}²"

    def remark(self, text: str) -> str:
        """Return the remark after some space."""
        return f"   ({text})"


class Latex(Notation):
    """Math mode of LaTeX with amsmath."""

    times = r" \odot "
    dot = r" \cdot "
    over_time = r"\sum_t "
    transposed = r"^{\top}"
    apply = r" \, "
    operators: ClassVar[dict[str, str]] = {">=": r"\geq", "<=": r"\leq", "!=": r"\neq"}
    functions: ClassVar[dict[str, str]] = {"sigmoid": r"\sigma"} | {
        name: f"\\{name}" for name in ("tanh", "exp", "log", "max", "min")
    }

    def symbol(self, symbol: Symbol) -> str:
        """Examples: z_{i}, c_{t-1}, b^{R}_{n}."""
        letters = symbol.base.rstrip("0123456789")
        number = symbol.base[len(letters) :]
        base = self._letters(letters)
        base = rf"\tilde{{{base}}}" if symbol.tilde else base
        above = f"^{{{self._letters(symbol.above)}}}" if symbol.above else ""
        gate = "" if symbol.base == symbol.gate else symbol.gate
        time = {0: "t", -1: "t-1", None: ""}[symbol.time]
        parts = [self._letters(part) for part in (number, symbol.below, gate) if part]
        below = ",".join([*parts, time] if time else parts)
        text = f"{base}{above}" + (f"_{{{below}}}" if below else "")
        text = f"{{{text}}}" if above else text
        return rf"\delta {text}" if symbol.delta else text

    def _letters(self, word: str) -> str:
        names = {letter: rf"\{name}" for name, letter in GREEK.items()}
        if word.rstrip("′") != word:
            return self._letters(word.rstrip("′")) + "'" * word.count("′")
        if word in GREEK or word in names:
            return names.get(word, rf"\{word}")
        if len(word) == 1 or word.replace("…", "").isdigit():
            return word.replace("…", r"\ldots ")
        return rf"\mathrm{{{word.replace('_', chr(92) + '_').replace('…', '-')}}}"

    def partial(self, text: str) -> str:
        """Return the derivative as a fraction."""
        return rf"\frac{{\partial L}}{{\partial {text}}}"

    def call(self, name: str, *arguments: str) -> str:
        """Example: \\tanh(c_t)."""
        if name == "sqrt":
            return rf"\sqrt{{{arguments[0]}}}"
        if name == "floor":
            return rf"\lfloor {arguments[0]} \rfloor"
        plain = name.replace("′", "")
        shown = self.functions.get(name, rf"\operatorname{{{plain}}}" + "'" * (plain != name))
        return shown + self.parentheses(", ".join(arguments))

    def parentheses(self, text: str) -> str:
        """Return the text in parentheses, large ones if it is tall."""
        high = r"\frac" in text or r"\begin" in text
        return rf"\left({text}\right)" if high else f"({text})"

    def bracket(self, condition: str) -> str:
        """Example: [x \\geq 0]."""
        return rf"\left[{condition}\right]"

    def fraction(self, above: Piece, below: Piece) -> Piece:
        """Return the quotient as a fraction."""
        return Piece(rf"\frac{{{above.text}}}{{{below.text}}}")

    def cases(self, condition: str, a: str, b: str) -> str:
        """Return cases in braces."""
        rows = rf"{a} & \text{{if }} {condition} \\ {b} & \text{{otherwise}}"
        return rf"\begin{{cases}} {rows} \end{{cases}}"

    def stack(self, *parts: str) -> str:
        """Example: [a; b]."""
        inner = r";\, ".join(parts)
        return rf"\left[{inner}\right]"

    def part(self, text: str, start: int, stop: int) -> str:
        """Example: v_{1 \\ldots 20}."""
        return rf"{{\left({text}\right)}}_{{{start} \ldots {stop}}}"

    def zeros(self, width: int) -> str:
        """Example: 0_{2}."""
        return f"0_{{{width}}}"

    def square(self, text: str) -> str:
        """Example: g_{t}^{2}."""
        return f"{text}^{{2}}"

    def remark(self, text: str) -> str:
        r"""Return the remark after a \qquad."""
        return rf" \qquad ({text})"
