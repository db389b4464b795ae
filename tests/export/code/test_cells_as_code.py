"""Every cell of the table as loops over time, in C and WebAssembly, against the NumPy executor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from longshort.engine.executors.numpy import forward
from longshort.engine.text import to_text
from longshort.export.code.arrays import Pool
from longshort.export.code.loops import Program
from longshort.export.code.program import program
from longshort.runtime.network import Function, Step
from tests.cell_table import TRIALS, case
from tests.compiled import in_c, in_wasm

Array = NDArray[Any]
STEPS = 5


def scan_of(name: str, steps: int, number: int, pool: Pool) -> tuple[Program, Any, list[Array]]:
    """A cell's scan as a program with all inputs given, its arguments, and what is expected."""
    made = case(TRIALS[name], steps=steps)
    weights = {key: each.astype(np.float32) for key, each in made.parameters.items()}
    inputs = {key: each.astype(np.float32) for key, each in made.inputs.items()}
    state = {key: each.astype(np.float32) for key, each in made.state.items()}
    found = forward(made.graph, weights, inputs, state)
    wanted = [found.output, *(found.final[key] for key in made.graph.states)]
    ordered = [*(inputs[spec.name] for spec in made.graph.inputs),
               *(state[key] for key in made.graph.state_sizes)]  # fmt: skip
    names = tuple(f"a{k}" for k in range(len(ordered)))
    split, parameters = len(made.graph.inputs), [*made.graph.matrices, *made.graph.vectors]
    refer = [{"result": each} for each in names]
    arguments = [to_text(made.graph), refer[:split], refer[split:],
                 [{"result": f"w.{key}"} for key in parameters]]  # fmt: skip
    results = [0, *range(2, 2 + len(state))]
    scan = Step("found", "longshort.scan", arguments, {})
    parts = [Step(f"r{k}", "getitem", [{"result": "found"}, k], {}) for k in results]
    function = Function(
        "run", None, None, names, {f"w.{key}": key for key in parameters}, (scan, *parts),
        tuple(f"r{k}" for k in results),
    )  # fmt: skip
    whole = program(function, weights, pool, ordered, name=f"case{number}")
    given = {f"input{place}": each for place, each in enumerate(ordered)}
    return whole, given, wanted


@pytest.mark.parametrize("writer", [in_c, in_wasm])
@pytest.mark.parametrize("steps", [1, STEPS])
def test_cells_compute_what_the_reference_does(writer: Any, steps: int, tmp_path: Path) -> None:
    names, pool = list(TRIALS), Pool()
    assert len(names) > 50
    asked = [scan_of(name, steps, number, pool) for number, name in enumerate(names)]
    found = writer([(made, given) for made, given, _ in asked], tmp_path)
    for name, own, (_, _, wanted) in zip(names, found, asked, strict=True):
        for one, other in zip(own, wanted, strict=True):
            expected = np.asarray(other, np.float32).reshape(-1)
            np.testing.assert_allclose(one, expected, rtol=1e-4, atol=2e-5, err_msg=name)
