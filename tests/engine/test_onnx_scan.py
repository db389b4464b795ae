"""A graph as an ONNX Scan, in ONNX Runtime against the numpy executor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import pytest

from longshort import cells
from longshort.cells import Cell, Map, Sizes, State, Value
from longshort.engine import ops
from longshort.engine.executors import numpy as reference
from longshort.engine.trace import trace
from tests.cell_table import TRIALS, Case, Trial, case

pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
onnx = import_module("longshort.engine.executors.onnx")

TOLERANCE = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-10}

Unary = Callable[[Value], Value]
OPERATIONS: dict[str, Callable[[Value, Value], Value]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / (b * b + 1.0),
    "neg": lambda a, b: -a,
    "sigmoid": lambda a, b: ops.sigmoid(a),
    "tanh": lambda a, b: ops.tanh(a),
    "relu": lambda a, b: ops.relu(a),
    "exp": lambda a, b: ops.exp(a),
    "log": lambda a, b: ops.log(a * a + 0.5),
    "softplus": lambda a, b: ops.softplus(a * 30.0),
    "sqrt": lambda a, b: ops.sqrt(a * a),
    "floor": lambda a, b: ops.floor(a * 7.3),
    "maximum": lambda a, b: ops.maximum(a, b),
    "minimum": lambda a, b: ops.minimum(a, b),
    "greater_equal": lambda a, b: ops.greater_equal(a, b) * a,
    "where": lambda a, b: ops.where(ops.greater_equal(a, 0.1), a, b),
    "straight_through": lambda a, b: ops.straight_through(a, b),
    "sum": lambda a, b: ops.total(a) + b,
    "max": lambda a, b: ops.softmax(a * 5.0),
    "cumsum": lambda a, b: ops.cumsum(a),
    "standardise": lambda a, b: ops.standardise(a),
    "concat": lambda a, b: ops.concat(a, b)[2:7],
}
"""Each operation, of two values of five columns."""


@dataclass(frozen=True)
class Every(Cell):
    """One operation on values of every level."""

    operation: str
    state: ClassVar[tuple[str, ...]] = ("h", "d")

    def maps(self, n: Sizes) -> dict[str, Map]:
        return {"ih": Map(n.input, n.hidden), "hh": Map(n.hidden, n.hidden)}

    def step(self, x: Value, s: Any, p: Any) -> tuple[Value, State]:
        operation = OPERATIONS[self.operation]
        fixed = operation(p.ih(x)[0:1].tape.constant(0.3) + p.peep, p.peep)
        early = operation(p.ih(x), p.peep)
        mixed = operation(p.peep, p.ih(x))
        late = operation(p.hh(s.h), early) + operation(p.peep, s.d) + operation(mixed, s.h)
        h = ops.tanh(late * 0.3) + fixed * 0.1
        return ops.concat(h, p.ih(x), p.peep[0:2]), State(h=h, d=mixed * 1.0)

    def vectors(self, n: Sizes) -> dict[str, Any]:
        return {"peep": cells.Vector(n.hidden)}


def compare(found: Case, dtype: np.dtype[Any]) -> None:
    """Output and final states of ONNX Runtime in that type and of the reference in double."""
    rounded = [
        {name: value.astype(dtype) for name, value in arrays.items()}
        for arrays in (found.parameters, found.inputs, found.state)
    ]
    output, final = onnx.forward(found.graph, *rounded)
    double = ({k: v.astype(np.float64) for k, v in arrays.items()} for arrays in rounded)
    wanted = reference.forward(found.graph, *double)
    assert output.dtype == dtype
    scale = max(1.0, np.abs(wanted.output).max())
    np.testing.assert_allclose(output, wanted.output, rtol=0, atol=TOLERANCE[dtype] * scale)
    assert final.keys() == wanted.final.keys()
    for key, value in wanted.final.items():
        scale = max(1.0, np.abs(value).max())
        np.testing.assert_allclose(final[key], value, rtol=0, atol=TOLERANCE[dtype] * scale)


def test_every_operation_has_a_form_and_a_trial() -> None:
    assert onnx.FORMS.keys() == ops.OPS.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operation_in_and_outside_the_scan(operation: str, dtype: np.dtype[Any]) -> None:
    assert operation in {node.op for node in trace(Every(operation), Sizes(3, 5)).nodes}
    compare(case(Trial(operation, Every(operation), sizes=Sizes(3, 5))), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", TRIALS)
def test_cell(name: str, dtype: np.dtype[Any]) -> None:
    trial = TRIALS[name]
    compare(case(trial), dtype)
    compare(case(trial.within(ragged=True, reset=True)), dtype)
