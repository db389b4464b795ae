"""Each step as ONNX, with all sizes open, against the runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as runtime
import pytest
from onnx import helper

from longshort.engine.executors.onnx import Code
from longshort.errors import RunError
from longshort.export.onnx_values import TYPES, Value
from longshort.export.steps_onnx import graph_in
from tests.export.code.test_steps_as_code import ALL, function_of, run
from tests.runtime.test_steps import X


def answered(kind: str, given: Any, more: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """What ONNX Runtime and the runtime answer to a step."""
    function, arrays = function_of(kind, given, more)
    code = Code(np.dtype(np.float32))
    values = [Value(name, each) for name, each in zip(function.inputs, arrays, strict=True)]
    results = graph_in(code).function(function, {}, values)
    inputs = [
        helper.make_tensor_value_info(
            each.name, TYPES[each.kind], [f"{each.name}_{k}" for k in range(each.rank)]
        )
        for each in values
    ]
    outputs = []
    for place, each in enumerate(results):
        code.add("Identity", each.name, named=f"out{place}")
        told = [None] * each.rank
        outputs.append(helper.make_tensor_value_info(f"out{place}", TYPES[each.kind], told))
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    model = code.model("step", inputs, outputs).SerializeToString()
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    known = {each.name for each in session.get_inputs()}
    feeds = {each.name: each.example for each in values if each.name in known}
    return session.run(None, feeds), run(function, arrays)


STRANGE = {"index.Tensor": "several axes after others"}
"""Cases that are refused, with a part of the message."""


@pytest.mark.parametrize(("kind", "given", "more"), ALL, ids=[kind for kind, *_ in ALL])
def test_a_step_answers_as_the_runtime(kind: str, given: Any, more: dict[str, Any]) -> None:
    try:
        found, wanted = answered(kind, given, more)
    except RunError as error:
        assert STRANGE.get(kind, "max_pool2d") in str(error)
        return
    for own, theirs in zip(found, wanted, strict=True):
        assert own.shape == theirs.shape
        np.testing.assert_allclose(own, theirs, rtol=2e-5, atol=2e-6)


def test_a_step_without_a_form_is_refused_by_its_name() -> None:
    with pytest.raises(RunError, match="the step max_pool2d has no form in ONNX here"):
        answered("max_pool2d", (X.numpy()[None], [2, 2]), {})
