"""Single steps of an LSTM with packed weights, beside ONNX Runtime and torch.

    python benchmarks/step.py [--shapes 1x128 64x128 …] [--rounds 15] [--out FILE | --show]

A shape is batch × hidden units; the input has as many columns. All contenders have one thread and
the same weights, and feed their state back. They take turns, block by block of calls; a number is
the median of processor time per call, since other programs may run beside, and a ratio the median
of ratios of a turn. ONNX Runtime runs its LSTM operator in float32 and, quantised dynamically, in
int8; torch runs nn.LSTM. Ours has weights in several formats, and with bfloat16_products the other
operand of products is rounded to bfloat16 too. `steps` is our call with addresses that are known
beforehand, as a server has them. Results and the environment go to benchmarks/results/step.json.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import torch
from baselines import onnx_model
from numpy.typing import NDArray
from torch import nn

from longshort import _native
from longshort.engine.executors.native.inference import address
from longshort.nn import LSTM
from longshort.runs.job import environment

RESULTS = Path(__file__).parent / "results" / "step.json"
BLOCK = 2e-3
"""Seconds of calls in a block."""

Array = NDArray[np.float32]
Call = Callable[[], object]


class Shape(NamedTuple):
    batch: int
    hidden: int

    def __str__(self) -> str:
        return f"{self.batch}x{self.hidden}"


class Goal(NamedTuple):
    ours: str
    other: str
    bound: float


SINGLE = [Shape(1, hidden) for hidden in (64, 128, 256, 512, 1024)]
MANY = [Shape(8, 512), Shape(64, 128), Shape(64, 256)]
FLOAT, INT8 = "ONNX Runtime float32", "ONNX Runtime int8"
GOALS = {
    SINGLE[0]: [Goal("float32", FLOAT, 4)],
    SINGLE[1]: [Goal("float32", FLOAT, 3)],
    SINGLE[2]: [Goal("float32", FLOAT, 1.5)],
    SINGLE[3]: [Goal("float32", FLOAT, 1.2), Goal("int8", INT8, 1)],
    SINGLE[4]: [Goal("int8", INT8, 1)],
    MANY[0]: [Goal("float32", FLOAT, 1.3)],
    MANY[1]: [Goal("float32", FLOAT, 1.5)],
}
"""Of both ways to call a step, by shape."""


def ours(layer: LSTM, weights: str, x: Array) -> tuple[Call, Call]:
    """Return a step on arrays, and the same on addresses, in turn from one state to another."""
    stack = layer.packed(weights)
    kept = [stack.start(len(x))]

    def step() -> object:
        output, kept[0] = stack.step(x, kept[0])
        return output

    steps = stack.steps(len(x))
    output = np.empty((len(x), layer.hidden_size), np.float32)
    pair = [stack.start(len(x)), stack.start(len(x))]
    places = [[address(value) for value in state] for state in pair]
    ways = [[address(x), address(output), *places[k], *places[1 - k]] for k in (0, 1)]

    def quick() -> object:
        steps(ways[0])
        ways.reverse()
        return output, pair

    return step, quick


def by_onnx_runtime(model: bytes, x: Array, hidden: int) -> Call:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = 1, 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    zeros = np.zeros((1, len(x), hidden), np.float32)
    feed = {"x": x[None], "h": zeros, "c": zeros}

    def step() -> object:
        output, feed["h"], feed["c"] = session.run(names[:3], feed)
        return output

    return step


def quantised(model: bytes) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model)
        quantize_dynamic(path, path.with_suffix(".int8"), weight_type=QuantType.QInt8)
        return path.with_suffix(".int8").read_bytes()


def by_torch(layer: LSTM, x: Array) -> Call:
    other = nn.LSTM(layer.input_size, layer.hidden_size)
    other.load_state_dict(layer.state_dict())
    given = torch.from_numpy(x)[None]
    kept: list[Any] = [None]

    def step() -> object:
        with torch.inference_mode():
            output, kept[0] = other(given, kept[0])
        return output

    return step


def contenders(shape: Shape) -> dict[str, Call]:
    torch.manual_seed(0)
    layer = LSTM(shape.hidden, shape.hidden)
    x = torch.randn(shape.batch, shape.hidden).numpy()
    found: dict[str, Call] = {}
    for weights in ("float32", "bfloat16", "int8", "bfloat16_products"):
        found[weights], found[f"{weights} steps"] = ours(layer, weights, x)
    model = onnx_model(layer, stateful=True)
    found[FLOAT] = by_onnx_runtime(model, x, shape.hidden)
    found[INT8] = by_onnx_runtime(quantised(model), x, shape.hidden)
    found["nn.LSTM"] = by_torch(layer, x)
    return found


def seconds(call: Call, calls: int) -> float:
    begin = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - begin) / calls


def measured(shape: Shape, rounds: int) -> dict[str, list[float]]:
    """Processor seconds of a call, turn by turn, by contender."""
    found = contenders(shape)
    calls = {name: max(1, int(BLOCK / seconds(call, 5))) for name, call in found.items()}
    times: dict[str, list[float]] = {name: [] for name in found}
    for turn in range(rounds):
        order = list(found) if turn % 2 else list(found)[::-1]
        for name in order:
            found[name]()
            times[name].append(seconds(found[name], calls[name]))
    return times


def result(shape: Shape, rounds: int) -> dict[str, Any]:
    times = measured(shape, rounds)
    goals = []
    for weights, other, bound in GOALS.get(shape, []):
        for ours in (f"{weights} steps", weights):
            pairs = zip(times[ours], times[other], strict=True)
            ratio = statistics.median(b / a for a, b in pairs)
            goals.append({"ours": ours, "other": other, "times as fast": round(ratio, 2),
                          "goal": bound, "met": ratio >= bound})  # fmt: skip
    medians = {name: round(statistics.median(values) * 1e6, 2) for name, values in times.items()}
    return {"batch": shape.batch, "hidden": shape.hidden, "microseconds": medians, "goals": goals}


def show(entry: dict[str, Any]) -> None:
    print(f"\n{entry['batch']} × {entry['hidden']}, µs of processor time per step")
    for name, value in entry["microseconds"].items():
        print(f"  {name:<26}{value:10.1f}")
    for goal in entry["goals"]:
        met = "met" if goal["met"] else "missed"
        print(f"  {goal['ours']}: {goal['times as fast']} times as fast as {goal['other']}, "
              f"goal {goal['goal']}: {met}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    names = {str(shape): shape for shape in (*SINGLE, *MANY)}
    parser.add_argument("--shapes", nargs="+", choices=names, default=list(names))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true", help="write nothing")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    entries = []
    for name in chosen.shapes:
        entries.append(result(names[name], chosen.rounds))
        show(entries[-1])
    if not chosen.show:
        about = environment() | {
            "onnxruntime": onnxruntime.__version__,
            "isa": _native.isas()[0],
            "load": round(os.getloadavg()[0], 1),
        }
        found = {"environment": about, "rounds": chosen.rounds, "steps": entries}
        chosen.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
