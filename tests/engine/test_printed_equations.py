"""What is printed is what is computed: the text is read back, evaluated, and compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from longshort.cells import Cell, Sizes
from longshort.engine.derive import derive
from longshort.engine.executors import numpy as reference
from longshort.engine.printing.mathematics import Mathematics, write
from longshort.engine.printing.named import name_equations
from longshort.engine.printing.notation import Unicode
from longshort.engine.trace import trace
from tests.cell_table import TRIALS

STEPS = 3


def _norm_gradient(d: Any, a: Any) -> Any:
    n = _norm(a)
    return (d - d.mean() - n * (d * n).mean()) / np.sqrt(a.var() + 1e-5)


def _norm(a: Any) -> Any:
    return (a - a.mean()) / np.sqrt(a.var() + 1e-5)


FUNCTIONS: dict[str, Any] = {
    "σ": lambda a: (1 + np.tanh(a / 2)) / 2,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
    "softplus": lambda a: np.log1p(np.exp(a)),
    "relu": lambda a: np.maximum(a, 0),
    "floor": np.floor,
    "√": np.sqrt,
    "abs": np.abs,
    "zeros": lambda width: np.zeros((int(width[0, 0]), 1)),
    "clip": lambda a, low, high: np.minimum(np.maximum(a, low), high),
    "max": lambda a, *b: np.maximum(a, *b) if b else a.max(),
    "min": np.minimum,
    "sum": lambda a: a.sum(keepdims=True),
    "pass": lambda a, b: a,
    "norm": _norm,
    "norm′": _norm_gradient,
    "cumsum": lambda a: a.cumsum(0),
    "cumsum′": lambda a: a[::-1].cumsum(0)[::-1],
}
SYMBOL = r"δ?[^\W\d_](?:[^\Wᵀ²]|[′\u0303^…]|\{t-1\}|,(?=[\w{]))*"
TOKEN = re.compile(rf"∂L/∂y_t|{SYMBOL}|\d+(?:\.\d+)?(?:e-\d+)?|\S")
GATES = re.compile(r"   \((k|j|q) = (.*)\)$")
COMPARE = {"≥": np.greater_equal, "≤": np.less_equal, "<": np.less, ">": np.greater,
           "=": np.equal, "≠": np.not_equal}  # fmt: skip


class Reader:
    """Evaluates a printed formula. Vectors are columns; names mean what `values` says."""

    def __init__(
        self, text: str, values: dict[str, Any], steps: list[dict[str, Any]] | None = None
    ) -> None:
        self.values, self.steps = values, steps or []
        self.tokens = [*((m[0], m.start(), m.end()) for m in TOKEN.finditer(text)), ("", -1, -1)]
        self.place = 0

    def result(self) -> Any:
        found = self.sum()
        assert self.token == "", self.tokens[self.place :]
        return found

    @property
    def token(self) -> str:
        return self.tokens[self.place][0]

    @property
    def touches(self) -> bool:
        """Whether no space is before this token."""
        return self.tokens[self.place][1] == self.tokens[self.place - 1][2]

    def take(self, *allowed: str) -> str:
        token = self.token
        assert not allowed or token in allowed, f"{token!r} where one of {allowed} belongs"
        self.place += 1
        return token

    def sum(self) -> Any:
        negative = self.token == "-" and self.take()
        found = -self.term() if negative else self.term()
        while self.token in ("+", "-"):
            found = found + self.term() if self.take() == "+" else found - self.term()
        return found

    def term(self) -> Any:
        if self.token == "Σ_t":
            return self.over_time()
        found = self.applied()
        while self.token in ("⊙", "·", "/"):
            found = found / self.applied() if self.take() == "/" else found * self.applied()
        return found

    def over_time(self) -> Any:
        self.take()
        place, total = self.place, 0.0
        for values in self.steps:
            self.place, self.values = place, values
            total = total + self.term()
        return total

    def applied(self) -> Any:
        found = self.atom()
        while re.match(r"[^\W\d]|∂|[\[(]", self.token) and self.token not in ("if", "else", "ᵀ"):
            found = found @ self.atom()
        return found

    def atom(self) -> Any:
        found = self.leaf()
        while self.token in ("ᵀ", "²") or (self.token == "[" and self.touches):
            token = self.take()
            if token == "[":
                start = int(self.take()) - 1
                self.take("…")
                found = found[start : int(self.take())]
                self.take("]")
            else:
                found = found.T if token == "ᵀ" else found**2
        return found

    def leaf(self) -> Any:
        token = self.take()
        if token == "(":
            found = self.sum()
            self.take(")")
            return found
        if token == "[":
            return self.brackets()
        if token == "{":
            a, _, condition, _, _, b, _ = (
                self.sum(), self.take("if"), self.condition(), self.take(","), self.take("else"),
                self.sum(), self.take("}"))  # fmt: skip
            return np.where(condition, a, b)
        if token[0].isdigit():
            return np.full((1, 1), float(token))
        if self.token == "(" and self.touches:
            return FUNCTIONS[token](*self.arguments())
        return self.values[token]

    def arguments(self) -> list[Any]:
        found = []
        while self.take("(", ",", ")") != ")":
            found.append(self.sum())
            if self.token == ")":
                self.take()
                break
        return found

    def condition(self, left: Any = None) -> Any:
        left = self.sum() if left is None else left
        return COMPARE[self.take()](left, self.sum())

    def brackets(self) -> Any:
        """[a; b], or [condition]."""
        parts = [self.sum()]
        if self.token in COMPARE:
            found = self.condition(parts[0]).astype(float)
        else:
            while self.token == ";":
                self.take()
                parts.append(self.sum())
            found = np.concatenate(parts)
        self.take("]")
        return found


class Run:
    """A cell's printed mathematics, evaluated for one sequence."""

    def __init__(self, cell: Cell, n: Sizes, seed: int = 0) -> None:
        self.maps = cell.maps(n)
        self.graph = trace(cell, n)
        self.derived = derive(self.graph)
        self.named = name_equations(self.graph, self.maps)
        draw = np.random.default_rng(seed)
        self.parameters = {
            name: draw.normal(size=shape) * 0.7 + (name.startswith("gain") or name == "period")
            for name, shape in cell.parameter_shapes(n).items()
        }
        self.x = draw.normal(size=(STEPS, 1, n.input))
        sizes = self.graph.state_sizes
        self.state = {k: np.abs(draw.normal(size=(1, size))) + 0.1 for k, size in sizes.items()}
        self.dy = draw.normal(size=(STEPS, 1, self.graph.output_size))
        self.final = {name: draw.normal(size=(1, size)) for name, size in sizes.items()}

    def by_machine(self) -> tuple[Any, Any]:
        run = reference.forward(self.graph, self.parameters, {"x": self.x}, self.state)
        return run, reference.backward(
            self.derived, self.parameters, {"x": self.x}, run, self.dy, self.final
        )

    def slices(self) -> Iterator[tuple[str, str, slice]]:
        """Printed name, stored name and rows of every parameter."""
        for key in self.named.parameter_keys():
            name, start, stop = key.split(":")
            yield Unicode().symbol(self.named.symbols[key]), name, slice(int(start), int(stop))

    def printed_parameters(self) -> dict[str, Any]:
        found = {}
        for shown, name, rows in self.slices():
            value = self.parameters[name]
            redundant = [f"bias_{k}" for k, m in self.maps.items() if m.redundant_bias]
            if name == "bias_ih":
                value = value + sum(self.parameters[other] for other in redundant)
            found[shown] = value[rows] if value.ndim == 2 else value[rows, None]
        return found

    def by_reading(self, printed: Mathematics) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
        """Outputs, gradients of x and of the initial state, gradients of the parameters."""
        parameters = self.printed_parameters()
        steps: list[dict[str, Any]] = []
        past = {f"{name}_{{t-1}}": value.T for name, value in self.state.items()}
        for t in range(STEPS):
            values = {**parameters, **past, "x_t": self.x[t].T}
            for line in printed.forward:
                values[line.left] = Reader(line.right, values).result()
            past = {f"{name}_{{t-1}}": values[f"{name}_t"] for name in self.state}
            steps.append(values)
        back = {f"δ{name}_t": value.T for name, value in self.final.items()}
        inputs = {}
        for t in range(STEPS - 1, -1, -1):
            values = steps[t] = steps[t] | back | {"∂L/∂y_t": self.dy[t].T}
            for line in printed.backward:
                value = Reader(line.right, values).result()
                values[line.left] = values[line.left] + value if line.adds else value
            back = {f"δ{k}_t": values.get(f"δ{k}_{{t-1}}", 0.0) for k in self.state}
            inputs[f"x{t}"] = values["δx_t"]
        gradients = {}
        for left, right in (pair for line in printed.gradients for pair in lines_of(line)):
            value = Reader(right, parameters, steps).result()
            if left.startswith("∂L/∂"):
                gradients[left.removeprefix("∂L/∂")] = value
            else:
                parameters[left] = value
        return [s["y_t"] for s in steps], inputs | back, gradients


def lines_of(line: Any) -> Iterator[tuple[str, str]]:
    """A line, or one for each of its gates."""
    found = GATES.search(line.right)
    if found is None:
        yield line.left, line.right
        return
    right, letter = line.right[: found.start()], found[1]
    for gate in found[2].split(", "):
        put = re.compile(rf"(?<=[_,]){letter}(?!\w)|(?<![\w^]){letter}(?=_)|(?<=δ){letter}(?=_)")
        yield put.sub(gate, line.left), put.sub(gate, right)


CELLS = {(trial.cell, trial.sizes): name for name, trial in TRIALS.items()}
"""Every cell with every option, each once."""


@pytest.mark.parametrize(("cell", "sizes"), CELLS, ids=CELLS.values())
def test_the_printed_equations_give_the_machine_s_numbers(cell: Cell, sizes: Sizes) -> None:
    run = Run(cell, sizes)
    machine, back = run.by_machine()
    output, given, gradients = run.by_reading(write(run.named, Unicode()))
    same = {"rtol": 1e-9, "atol": 1e-10}
    np.testing.assert_allclose(np.concatenate(output, 1).T, machine.output[:, 0], **same)
    for t in range(STEPS):
        np.testing.assert_allclose(given[f"x{t}"].T, back.inputs["x"][t], **same)
    for name, value in back.state.items():
        np.testing.assert_allclose(given[f"δ{name}_t"].T, value, **same)
    seen = set()
    for shown, name, rows in run.slices():
        found = gradients[shown].reshape(back.parameters[name][rows].shape)
        np.testing.assert_allclose(found, back.parameters[name][rows], **same, err_msg=shown)
        seen.add(name)
    redundant = {f"bias_{name}" for name, m in run.maps.items() if m.redundant_bias}
    assert seen | redundant >= set(run.parameters)
