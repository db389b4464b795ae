"""Each step of the table as C, WebAssembly and ONNX, against the runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from longshort.errors import RunError
from longshort.export.code.arrays import Pool
from longshort.export.code.loops import Program
from longshort.export.code.program import program
from longshort.export.code.rules import MOVING, RULES, SHAPED
from longshort.runtime import program as runtime
from longshort.runtime.network import Function, Step
from longshort.runtime.recurrent import Layers
from longshort.runtime.steps import STEPS
from tests.compiled import in_c, in_wasm
from tests.runtime.test_steps import BIAS, CASES, MASK, NUMBERS, M, X, Y, plain

Array = NDArray[Any]

COUNTS = torch.tensor([2, 1, 2, 1, 2, 1])
"""Steps of sequences in a batch."""

MORE: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("bitwise_and.Tensor", (MASK, MASK), {}),
    ("bitwise_or.Tensor", (MASK, MASK), {}),
    ("cat", ([X, M[None].repeat(3, 1, 1)], 0), {}),
    ("embedding_bag", (M, NUMBERS[0], NUMBERS[0] * 0, False, 0, False, X[0, 0, :3]), {}),
    ("eq.Tensor", (NUMBERS, NUMBERS[:1]), {}),
    ("gather", (X, 2, NUMBERS[None]), {}),
    ("gt.Tensor", (X, Y), {}),
    ("index.Tensor", (X, [NUMBERS[0, :2], NUMBERS[1, :2]]), {}),
    ("le.Scalar", (NUMBERS, 2), {}),
    ("log", (X.abs() + 1e-3,), {}),
    (
        "longshort.best_path",
        (X, COUNTS[: X.shape[1]], Y[0, :1].mT + Y[0, :1], X[0, 0], Y[0, 1]),
        {},
    ),
    (
        "longshort.best_path",
        (X[:1], COUNTS[: X.shape[1]].clamp(max=1), Y[0, :1].mT + Y[0, :1], X[0, 0], Y[0, 1]),
        {},
    ),
    ("lt.Tensor", (X, Y), {}),
    ("minimum", (X, Y), {}),
    ("mm", (M, M.T), {}),
    ("ne.Scalar", (NUMBERS, 2), {}),
    ("neg", (X,), {}),
    ("reciprocal", (X,), {}),
    ("sqrt", (X.abs(),), {}),
    ("square", (X,), {}),
    ("to.dtype", (X * 3, "int64"), {}),
    ("_to_copy", (MASK,), {"dtype": "float32"}),
    ("var.correction", (X, [0, 2]), {"correction": 1, "keepdim": True}),
    ("where.ScalarOther", (MASK, X, 2.0), {}),
]
EXACT: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "log": np.log,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
}
ALL = [(kind, plain(given), more) for kind, _, given, more in CASES] + [
    (kind, plain(given), more) for kind, given, more in MORE
]


def function_of(kind: str, given: Any, more: dict[str, Any]) -> tuple[Function, list[Array]]:
    """A function of this step alone, and its arguments."""
    arrays: list[Array] = []

    def referred(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return {"result": f"a{len(arrays) - 1}"}
        return [referred(each) for each in value] if isinstance(value, list | tuple) else value

    arguments = referred(list(given))
    names = tuple(f"a{number}" for number in range(len(arrays)))
    with np.errstate(all="ignore"):
        found = STEPS[kind](*given, **more)
    steps = [Step("found", kind, arguments, more)]
    results = ["found"]
    if isinstance(found, list | tuple):
        kept = [k for k, each in enumerate(found) if each is not None]
        kept = kept[:1] if kind == "sort" else kept
        steps += [Step(f"r{k}", "getitem", [{"result": "found"}, k], {}) for k in kept]
        results = [f"r{k}" for k in kept]
    gives = {"tuple": ["*"] * len(results)}
    whole = Function("run", {"tuple": ["*"] * len(arrays)}, gives, names, {}, tuple(steps),
                     tuple(results))  # fmt: skip
    return whole, arrays


def run(function: Function, arrays: list[Array]) -> list[Array]:
    """What the runtime answers."""
    with np.errstate(all="ignore"):
        return runtime.Program(function, {}, Layers(), by_row=False)(arrays)


def programs(known: bool) -> list[tuple[Program, dict[str, Array], list[Array]]]:
    """Each case as a program; known: whether all arguments but the first are constants."""
    pool, found = Pool(), []
    for number, (kind, given, more) in enumerate(ALL):
        function, arrays = function_of(kind, given, more)
        fixed = range(1, len(arrays)) if known else [
            place for place, each in enumerate(arrays) if kind == "embedding_bag" and place == 2
        ]  # fmt: skip
        left = [each for place, each in enumerate(arrays) if place not in fixed]
        made = program(function, {}, pool, arrays, name=f"case{number}", fixed=fixed)
        named = {f"input{place}": each for place, each in enumerate(left)}
        found.append((made, named, run(function, arrays)))
    return found


@pytest.fixture(scope="module", params=[False, True], ids=["given", "known"])
def asked(request: pytest.FixtureRequest) -> Any:
    return programs(request.param)


@pytest.mark.parametrize("writer", [in_c, in_wasm])
def test_steps_compute_what_the_runtime_does(writer: Any, asked: Any, tmp_path: Path) -> None:
    found = writer([(made, given) for made, given, _ in asked], tmp_path)
    for (kind, *_), own, (_, _, wanted) in zip(ALL, found, asked, strict=True):
        for one, other in zip(own, wanted, strict=True):
            expected = other.astype(np.float32).reshape(-1)
            np.testing.assert_allclose(one, expected, rtol=2e-5, atol=2e-6, err_msg=kind)


def test_every_rule_is_tried() -> None:
    """Names that share a rule with a tried one count as tried."""
    tried = {RULES.get(kind, kind) for kind, *_ in ALL}
    aliases = {"embedding_bag.padding_idx", "_log_softmax", "_softmax", "where.ScalarSelf"}
    left = {kind for kind, rule in RULES.items() if rule not in tried} - aliases
    assert left <= {"_native_batch_norm_legit_no_training", "mean", "masked_fill.Tensor",
                    "logical_and", "logical_not"}, left  # fmt: skip
    assert not RULES.keys() & {*MOVING, *SHAPED}


def test_numbers_outside_of_a_table_are_limited(tmp_path: Path) -> None:
    function, arrays = function_of("embedding", (M.numpy(), NUMBERS.numpy()), {})
    made = program(function, {}, Pool(), arrays, name="run", fixed=[0])
    given = {"input0": np.array([[99, -5, 1], [0, 3, 4]])}
    (found,) = in_c([(made, given)], tmp_path)[0]
    expected = M.numpy()[np.array([[3, 0, 1], [0, 3, 3]])]
    np.testing.assert_array_equal(found, expected.reshape(-1))


def test_a_step_without_a_form_is_refused_by_its_name() -> None:
    function, arrays = function_of("div.Tensor_mode", (X.numpy(), Y.numpy()), {})
    step = Step("found", "div.Tensor_mode", [{"result": "a0"}, {"result": "a1"}],
                {"rounding_mode": "trunc"})  # fmt: skip
    changed = Function("run", function.takes, function.gives, function.inputs, {}, (step,),
                       function.results)  # fmt: skip
    with pytest.raises(RunError, match="rounding_mode='trunc'"):
        program(changed, {}, Pool(), arrays, name="run")


def test_weights_in_int8_have_a_scale_for_each_row(tmp_path: Path) -> None:
    weight = np.concatenate([M.numpy(), 100 * M.numpy()])
    function, arrays = function_of("linear", (X.numpy(), weight, np.tile(BIAS.numpy()[:4], 2)), {})
    made = program(function, {}, Pool(int8=True), arrays, name="run", fixed=[1, 2])
    (found,) = in_c([(made, {"input0": X.numpy()})], tmp_path)[0]
    (again,) = in_wasm([(made, {"input0": X.numpy()})], tmp_path)[0]
    (wanted,) = run(function, arrays)
    size = np.abs(wanted).reshape(-1, 8).max(0)
    for own in (found, again):
        apart = np.abs(own.reshape(-1, 8) - wanted.reshape(-1, 8)).max(0) / size
        assert (apart < 0.01).all() and apart.max() > 1e-6


def test_functions_are_accurate_over_their_range(tmp_path: Path) -> None:
    x = np.concatenate([np.linspace(-110, 95, 4001), [-np.inf, np.inf, 0.0, 1e-30, -1e-4]])
    x = x.astype(np.float32)
    asked = []
    for kind in EXACT:
        given = np.abs(x) if kind == "log" else x
        function, arrays = function_of(kind, (given,), {})
        made = program(function, {}, Pool(), arrays, name=f"of_{kind}")
        asked.append((made, {"input0": given}))
    for writer in (in_c, in_wasm):
        for kind, (own,), (_, given) in zip(EXACT, writer(asked, tmp_path), asked, strict=True):
            with np.errstate(all="ignore"):
                wanted = EXACT[kind](given["input0"].astype(np.float64)).astype(np.float32)
            np.testing.assert_allclose(own, wanted, rtol=1e-6, atol=1e-37, err_msg=kind)
