"""Description of a cell for people: its equations, their derivatives, its parameters and states."""

from __future__ import annotations

import dataclasses
from typing import Any

from longshort.cells.contract import Cell, Map, Sizes, Start, check_cell
from longshort.cells.named import option_names
from longshort.engine.printing.mathematics import as_latex, as_text, parameter_symbols
from longshort.engine.printing.named import name_equations
from longshort.engine.trace import trace


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One stored parameter."""

    name: str
    shape: tuple[int, ...]
    symbols: tuple[str, ...]
    """Symbols of its rows in the equations, in order."""
    start: str
    """Its initialisation, in words."""


@dataclasses.dataclass(frozen=True)
class CellCard:
    """Description of a cell with its options at given sizes."""

    name: str
    description: str
    source: str
    options: dict[str, Any]
    input_size: int
    hidden_size: int
    output_size: int
    equations: str
    """Forward equations, backpropagation through time, and gradients, as text."""
    latex: str
    """The same equations as `align*` environments of LaTeX."""
    parameters: tuple[Parameter, ...]
    states: dict[str, int]
    parameter_count: int
    """Number of parameters, without biases that only add to another one."""
    stored_count: int

    def __str__(self) -> str:
        """Return the description as text for a terminal."""
        return _text(self)


def describe(cell: Cell, n: Sizes) -> CellCard:
    """Describe a cell; raises ConfigError if it cannot have these sizes."""
    check_cell(cell)
    graph = trace(cell, n)
    named = name_equations(graph, cell.maps(n))
    shapes, symbols = cell.parameter_shapes(n), parameter_symbols(named)
    return CellCard(
        name=cell.name,
        description=cell.description(),
        source=cell.source,
        options=_options(cell),
        input_size=n.input,
        hidden_size=n.hidden,
        output_size=graph.output_size,
        equations=as_text(named),
        latex=as_latex(named),
        parameters=tuple(
            Parameter(name, shape, symbols.get(name, ()), _start(cell, n, name))
            for name, shape in shapes.items()
        ),
        states=cell.state_sizes(n),
        parameter_count=cell.parameter_count(n),
        stored_count=sum(_size(shape) for shape in shapes.values()),
    )


def _options(cell: Cell) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in option_names(cell)}


def _size(shape: tuple[int, ...]) -> int:
    rows, *columns = shape
    return rows * (columns[0] if columns else 1)


def _start(cell: Cell, n: Sizes, name: str) -> str:
    """Return the recommended initialisation of a parameter, in words."""
    maps, vectors = cell.maps(n), cell.vectors(n)
    if name in vectors:
        whole = name == "bias" and vectors[name].size == len(cell.gate_names()) * n.hidden
        return _drawn(vectors[name].start) + _gate_starts(cell, cell.gate_names() if whole else ())
    kind, _, of = name.partition("_")
    if kind == "weight":
        return _matrix_start(maps[of])
    if maps[of].redundant_bias:
        return "0; only adds to the other bias"
    return "0" + _gate_starts(cell, maps[of].gates)


def _matrix_start(declared: Map) -> str:
    each = ", each gate by itself" if len(declared.gates) > 1 else ""
    return ("orthogonal" if declared.recurrent else "Xavier uniform") + each


def _gate_starts(cell: Cell, gates: tuple[str, ...]) -> str:
    starts = [f"{gate}: {_drawn(cell.gate_bias[gate])}" for gate in gates if gate in cell.gate_bias]
    return "".join(f"; {start}" for start in starts)


def _drawn(start: Start) -> str:
    if start.kind == "constant" or start.high is None:
        return f"{start.low:g}"
    between = f"{start.low:.4g} to {start.high:.4g}"
    return {
        "uniform": f"uniform, {between}",
        "log_uniform": f"log-uniform, {between}",
        "linspace": f"evenly spaced, {between}",
        "logit": f"inverse sigmoid of uniform, {between}",
    }[start.kind]


def _text(card: CellCard) -> str:
    options = " ".join(f"{name}={_shown(value)}" for name, value in card.options.items())
    states = ", ".join(f"{name} [B, {size}]" for name, size in card.states.items())
    stored = ""
    if card.stored_count != card.parameter_count:
        stored = f"; {card.stored_count:,} are stored, with biases that only add to others"
    lines = [
        f"{card.name}: {card.description}",
        *([f"Source: {card.source}"] if card.source else []),
        *([f"Options: {options}"] if options else []),
        "",
        card.equations,
        "",
        f"Parameters, I={card.input_size}, H={card.hidden_size}",
        *_table(card),
        f"  {card.parameter_count:,} in all{stored}",
        "",
        f"States: {states}",
        f"Output: [B, {card.output_size}]",
    ]
    return "\n".join(lines)


def _table(card: CellCard) -> list[str]:
    rows = [
        (p.name, str(list(p.shape)), ", ".join(p.symbols) or "-", p.start) for p in card.parameters
    ]
    rows.insert(0, ("name", "shape", "symbols", "starts as"))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    return [
        "  "
        + "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _shown(value: object) -> str:
    """Return an option's value as it is written for --set."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "()"
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
