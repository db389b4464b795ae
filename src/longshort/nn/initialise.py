"""Initial weights of recurrent layers, for any cell."""

from __future__ import annotations

import math
from itertools import zip_longest

import torch
from torch import Tensor, nn

from longshort.cells import Cell, Map, Sizes, Start
from longshort.errors import ArgumentError, nearest

SCHEMES = ("recommended", "torch", "chrono:<T>")


def initialise(cell: Cell, n: Sizes, parameters: dict[str, Tensor], scheme: str) -> None:
    """Set all weights of one layer and direction in place.

    "recommended": recurrent weights are orthogonal and other weights Xavier, each gate by itself;
    biases are 0 unless the cell defines others, such as an LSTM's forget bias 1 (Jozefowicz et al.,
    2015). "torch": weights and biases are uniform in ±1/sqrt(H). "chrono:<T>": as recommended, but
    biases are log U(1, T-1) for gates that remember, and its negative for gates that take in, for
    dependencies up to T steps (Tallec & Ollivier, 2018). Vectors, such as peepholes and gains, are
    initialised as the cell defines.
    """
    longest = _chrono_length(scheme)
    with torch.no_grad():
        if scheme == "torch":
            _uniform(cell, n, parameters)
        else:
            _recommended(cell, n, parameters)
        for name, vector in cell.vectors(n).items():
            _fill(parameters[name], vector.start)
        if scheme != "torch":
            for gate, start in cell.gate_bias.items():
                for bias in _gate_bias(cell, n, parameters, gate):
                    _fill(bias, start)
        if longest is not None:
            _chrono(cell, n, parameters, longest)


def _uniform(cell: Cell, n: Sizes, parameters: dict[str, Tensor]) -> None:
    """Draw weights in torch's order, so that the same seed gives the same weights as torch."""
    vectors = cell.vectors(n)
    bound = 1.0 / math.sqrt(n.hidden)
    for name, parameter in parameters.items():
        if name not in vectors:
            nn.init.uniform_(parameter, -bound, bound)


def _recommended(cell: Cell, n: Sizes, parameters: dict[str, Tensor]) -> None:
    for name, declared in cell.maps(n).items():
        for rows in parameters[f"weight_{name}"].chunk(max(1, len(declared.gates))):
            _matrix(rows, declared)
        if f"bias_{name}" in parameters:
            nn.init.zeros_(parameters[f"bias_{name}"])


def _matrix(rows: Tensor, declared: Map) -> None:
    # There is no QR decomposition in half precision.
    drawn = torch.empty_like(rows, dtype=torch.float32) if rows.element_size() < 4 else rows
    if declared.recurrent:
        nn.init.orthogonal_(drawn)
    else:
        nn.init.xavier_uniform_(drawn)
    if drawn is not rows:
        rows.copy_(drawn)


def _fill(parameter: Tensor, start: Start) -> None:
    low, high = start.low, start.low if start.high is None else start.high
    match start.kind:
        case "constant":
            parameter.fill_(low)
        case "uniform":
            parameter.uniform_(low, high)
        case "log_uniform":
            parameter.uniform_(math.log(low), math.log(high)).exp_()
        case "linspace":
            parameter.copy_(torch.linspace(low, high, parameter.numel()))
        case "logit":
            parameter.uniform_(low, high).logit_()
        case _:
            kinds = ("constant", "uniform", "log_uniform", "linspace", "logit")
            raise ArgumentError(f"Start: {start.kind!r} is not known; {nearest(start.kind, kinds)}")


def _gate_bias(cell: Cell, n: Sizes, parameters: dict[str, Tensor], gate: str) -> list[Tensor]:
    """Return the gate's slice of every bias that has one: of input maps, or of "bias"."""
    found = []
    for name, declared in cell.maps(n).items():
        bias = parameters.get(f"bias_{name}")
        if bias is not None and gate in declared.gates and not declared.recurrent:
            found.append(bias.chunk(len(declared.gates))[declared.gates.index(gate)])
    gates, vector = cell.gate_names(), cell.vectors(n).get("bias")
    if not found and vector is not None and gate in gates and vector.size == len(gates) * n.hidden:
        found.append(parameters["bias"].chunk(len(gates))[gates.index(gate)])
    return found


def _chrono(cell: Cell, n: Sizes, parameters: dict[str, Tensor], longest: float) -> None:
    remember, take = (
        _gate_bias(cell, n, parameters, gate) if gate is not None else [] for gate in cell.chrono
    )
    if not remember and not take:
        raise ArgumentError(
            f"init: chrono sets the biases of gates that remember, which cell {cell.name} does not "
            "have with these options; use 'recommended'"
        )
    for kept, taken in zip_longest(remember, take):
        drawn = torch.empty_like(taken if kept is None else kept)
        drawn.uniform_(1.0, longest - 1.0).log_()
        if kept is not None:
            kept.copy_(drawn)
        if taken is not None:
            taken.copy_(-drawn)


def _chrono_length(scheme: str) -> float | None:
    if scheme in ("recommended", "torch"):
        return None
    name, _, length = str(scheme).partition(":")
    if name != "chrono":
        raise ArgumentError(f"init: {scheme!r} is not known; {nearest(scheme, SCHEMES)}")
    if not length.isdecimal() or int(length) < 3:
        raise ArgumentError(f"init: write 'chrono:<T>' with the longest lag T >= 3, got {scheme!r}")
    return float(length)
