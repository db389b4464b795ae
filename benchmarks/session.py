"""One step of a session, beside ONNX Runtime and torch for the same network.

    python benchmarks/session.py [--hidden 64 128 256] [--batch 8 64] [--rounds 15] [--show]

The network is that of `regress`: an LSTM layer on four columns below a linear head, from a bundle
without torch's help. All contenders have one thread, the same weights, and go on from their own
state. `network`: from arrays to arrays. `step`: what a server does, from a row by column to a value
in the data's units; the two others do for that what a user of theirs would write: scale the row,
run, scale back. They take turns, block by block of calls; a number is the median of processor time
per call, since other programs may run beside. `rows` are steps of many sessions together, per
session. Results and the environment go to benchmarks/results/session.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from baselines import onnx_model
from torch import nn

from longshort.data.labelled import examples_of
from longshort.nn import LSTM
from longshort.runs import story, trained
from longshort.runs.exporting import export_run
from longshort.runs.job import environment
from longshort.runs.session import step_many
from longshort.runs.trained import AnyTrained

RESULTS = Path(__file__).parent / "results" / "session.json"
COLUMNS, GOAL = 4, 30.0
"""Columns of a row; microseconds of processor time that a step of 128 units may take."""
BLOCK = 2e-3
"""Seconds of calls in a block."""
OURS, ORT, TORCH = "ours", "ONNX Runtime", "torch"

Call = Callable[[], object]


def models(hidden: int) -> tuple[AnyTrained, AnyTrained]:
    """The run with torch's weights, and its bundle."""
    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=(12, COLUMNS)) for _ in range(60)]
    data = examples_of(arrays, [float(each.sum()) for each in arrays])
    settings = {"hidden": hidden, "summary": False}
    train = {"max_epochs": 1, "threads": 1}
    with tempfile.TemporaryDirectory() as folder:
        run, bundle = Path(folder) / "run", Path(folder) / "x.longshort"
        story.run({"task": "regress", "model": settings, "train": train}, run, data=data)
        export_run(run, bundle, memory=data)
        return trained.load(run), trained.load(bundle)


def by_onnx_runtime(run: AnyTrained) -> tuple[Call, Call]:
    """ONNX's LSTM operator, its state fed back, and a product for the head."""
    network, layer = run.model.network, _lstm(run)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = 1, 1
    session = onnxruntime.InferenceSession(
        onnx_model(layer, stateful=True), options, providers=["CPUExecutionProvider"]
    )
    names = [one.name for one in session.get_outputs()]
    weight = network.head.weight.detach().numpy().T.copy()
    bias = network.head.bias.detach().numpy()
    zeros = np.zeros((1, 1, layer.hidden_size), np.float32)
    feed = {"x": np.ones((1, 1, COLUMNS), np.float32), "h": zeros, "c": zeros}

    def quick() -> Any:
        output, feed["h"], feed["c"] = session.run(names, feed)
        return output[0, 0] @ weight + bias

    def step() -> object:
        feed["x"] = _scaled(run)[None]
        return _answer(run, quick())

    return step, quick


def by_torch(run: AnyTrained) -> tuple[Call, Call]:
    """nn.LSTM and nn.Linear."""
    network, layer = run.model.network, _lstm(run)
    other = nn.LSTM(COLUMNS, layer.hidden_size)
    other.load_state_dict(layer.state_dict())
    kept: list[Any] = [torch.ones(1, 1, COLUMNS), None]

    def quick() -> Any:
        with torch.inference_mode():
            output, kept[1] = other(kept[0], kept[1])
            return network.head(output[0]).numpy()

    def step() -> object:
        kept[0] = torch.from_numpy(_scaled(run))[None]
        return _answer(run, quick())

    return step, quick


def _lstm(run: AnyTrained) -> LSTM:
    own = run.model.network.layers
    layer = LSTM(COLUMNS, own.hidden_size)
    layer.load_state_dict(own.state_dict())
    return layer


ROW = {f"channel {number + 1}": 0.1 * number for number in range(COLUMNS)}


def _scaled(run: AnyTrained) -> Any:
    reader = run.encoder.reader
    values = np.array([ROW[name] for name in ROW])
    return ((values - reader.mean) / reader.deviation).astype(np.float32)[None]


def _answer(run: AnyTrained, scaled: Any) -> object:
    value = float(scaled.reshape(-1)[0])
    return {"predicted": value * run.encoder.deviation[0] + run.encoder.mean[0]}


def ours(bundle: AnyTrained) -> tuple[Call, Call]:
    """A session of the bundle."""
    session, stepper = bundle.session(), bundle._stepper
    program: Any = stepper._advance  # type: ignore[attr-defined]
    x, context = np.ones((1, COLUMNS), np.float32), stepper.begin()
    return lambda: session.step(ROW), lambda: program((x, *context))


def together(bundle: AnyTrained, count: int) -> Call:
    """One step of many sessions."""
    sessions, rows = [bundle.session() for _ in range(count)], [ROW] * count
    return lambda: step_many(sessions, rows)


def seconds(call: Call, calls: int) -> float:
    begin = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - begin) / calls


def microseconds(found: dict[str, Call], rounds: int) -> dict[str, float]:
    """Median processor time of a call, measured in turns."""
    calls = {name: max(1, int(BLOCK / seconds(call, 20))) for name, call in found.items()}
    times: dict[str, list[float]] = {name: [] for name in found}
    for turn in range(rounds):
        for name in list(found)[:: 1 if turn % 2 else -1]:
            found[name]()
            times[name].append(seconds(found[name], calls[name]))
    return {name: 1e6 * statistics.median(each) for name, each in times.items()}


def measured(hidden: int, batches: list[int], rounds: int) -> dict[str, Any]:
    run, bundle = models(hidden)
    pairs = {OURS: ours(bundle), ORT: by_onnx_runtime(run), TORCH: by_torch(run)}
    many = {str(count): together(bundle, count) for count in batches}
    rows = microseconds(many, rounds)
    return {
        "executor": bundle.executor,
        "step": microseconds({name: pair[0] for name, pair in pairs.items()}, rounds),
        "network": microseconds({name: pair[1] for name, pair in pairs.items()}, rounds),
        "rows": {name: each / int(name) for name, each in rows.items()},
    }


def show(results: dict[str, Any]) -> None:
    for hidden, found in results["hidden"].items():
        for part in ("step", "network"):
            each = ", ".join(f"{name} {value:.1f}" for name, value in found[part].items())
            print(f"H={hidden} {part}: {each} µs")
        each = ", ".join(f"{name}: {value:.1f}" for name, value in found["rows"].items())
        print(f"H={hidden} rows of batches: {each} µs a session")
    known = results["hidden"].get("128")
    if known is not None:
        step = known["step"][OURS]
        met = "met" if step <= GOAL else f"missed by {step - GOAL:.1f} µs"
        print(f"goal: a step of 128 units in {GOAL:.0f} µs or less: {step:.1f} µs, {met}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--batch", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--show", action="store_true", help="print the kept results")
    given = parser.parse_args()
    if given.show:
        show(json.loads(RESULTS.read_text()))
        return
    torch.set_num_threads(1)
    found = {str(h): measured(h, given.batch, given.rounds) for h in given.hidden}
    where = environment() | {"cores": os.cpu_count(), "onnxruntime": onnxruntime.__version__}
    results = {"columns": COLUMNS, "hidden": found, "environment": where}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    show(results)


if __name__ == "__main__":
    main()
