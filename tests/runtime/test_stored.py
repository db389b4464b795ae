"""Functions as plain values: they come back, and damaged ones are refused."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from longshort.errors import RunError
from longshort.runtime.network import Function, Network, Step
from longshort.runtime.stored import from_plain, to_plain

FUNCTION = Function(
    "forward", {"tuple": ["*"]}, "*", ("x",), {"w": "weight"},
    (Step("a", "mul.Tensor", [{"result": "x"}, {"result": "w"}], {}),
     Step("b", "clamp", [{"result": "a"}, -math.inf, 3.0], {})), ("b",),
)  # fmt: skip


def test_a_function_comes_back_through_json() -> None:
    stored = json.loads(json.dumps(to_plain(FUNCTION), allow_nan=False))
    network = Network([from_plain(stored, ["weight"])], {"weight": np.array([2.0])})
    np.testing.assert_array_equal(network.call("forward", np.array([1.0, 2.0])), [2.0, 3.0])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("steps", [["a", "system", [], {}]], "the step 'system' is not known to this version"),
        ("steps", [["a", "abs", [{"result": "y"}], {}]], "a needs 'y' before it"),
        ("results", ["c"], "nothing makes its result 'c'"),
        ("weights", {"w": "other"}, "there is no weight 'other'"),
        ("steps", [["a"]], "a function of the network is damaged"),
    ],
)
def test_damaged_functions_are_refused(key: str, value: Any, message: str) -> None:
    with pytest.raises(RunError, match=message):
        from_plain(to_plain(FUNCTION) | {key: value}, ["weight"])


def test_other_inputs_are_refused_by_name() -> None:
    network = Network([FUNCTION], {"weight": np.array([2.0])})
    with pytest.raises(RunError, match="no function 'forward' for such inputs"):
        network.call("forward", np.array([1.0]), None)
