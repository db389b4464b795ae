"""The best path through scores of tags and of transitions, as two Scans of ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper

from longshort.engine.executors.onnx import BATCH, Code
from longshort.export.onnx_moving import range_to
from longshort.export.onnx_values import Graph, Value


def best_path(g: Graph, scores: Value, lengths: Any, transitions: Any, start: Any, end: Any) -> str:
    """Write `longshort.runtime.paths.best_path`; one Scan over the steps, and one back."""
    code, tags = g.code, scores.example.shape[2]
    moves, first, last = (g.value(each).name for each in (transitions, start, end))
    each = g.value(np.arange(tags)).name
    every = range_to(g, Value(code.add("Shape", scores.name, start=0, end=1), 1))
    places = code.add("Unsqueeze", every, code.integers(1))
    inside = code.add("Less", places, g.cast(lengths, "i"))
    later = code.add("And", inside, code.add("Greater", places, code.integers(0)))
    later = code.add("Unsqueeze", later, code.integers(-1))
    here = code.add("Squeeze", code.columns(scores.name, 0, 1, axis=0), code.integers(0))
    best, origins = _scanned(
        code, _forward(code.body(), moves, each, tags), [code.add("Add", here, first)],
        [scores.name, later], is_back=False,
    )  # fmt: skip
    total = code.add("Add", best, last)
    tag = code.add("ArgMax", total, axis=1, keepdims=1)
    _, path = _scanned(code, _backward(code.body(), tags), [tag], [origins], is_back=True)
    path = code.add("Squeeze", path, code.integers(2))
    return code.add("Where", inside, path, code.integers(-1))


def _scanned(
    code: Code, body: Any, state: list[str], given: list[str], *, is_back: bool
) -> list[str]:
    return code.call(
        "Scan",
        [*state, *given],
        [code.fresh("last"), code.fresh("each")],
        body=body,
        num_scan_inputs=len(given),
        scan_input_directions=[int(is_back)] * len(given),
        scan_output_directions=[int(is_back)],
    )


def _forward(code: Code, moves: str, each: str, tags: int) -> Any:
    best, score, later = (code.fresh(name) for name in ("best", "score", "later"))
    inputs = [code.info(best, BATCH, tags), code.info(score, BATCH, tags)]
    inputs.append(helper.make_tensor_value_info(later, TensorProto.BOOL, [BATCH, 1]))
    reached = code.add("Add", code.add("Unsqueeze", best, code.integers(2)), moves)
    most = code.add("Add", code.add("ReduceMax", reached, axes=[1], keepdims=0), score)
    origin = code.add("ArgMax", reached, axis=1, keepdims=0)
    own = [code.add("Where", later, most, best), code.add("Where", later, origin, each)]
    kinds = code.info(own[0], BATCH, tags), _whole(own[1], tags)
    return code.graph(code.fresh("step"), inputs, list(kinds))


def _backward(code: Code, tags: int) -> Any:
    tag, origin = code.fresh("tag"), code.fresh("origin")
    inputs = [_whole(tag, 1), _whole(origin, tags)]
    before = code.add("GatherElements", origin, tag, axis=1)
    said = code.add("Identity", tag)
    return code.graph(code.fresh("step"), inputs, [_whole(before, 1), _whole(said, 1)])


def _whole(name: str, width: int) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.INT64, [BATCH, width])
