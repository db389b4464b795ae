"""The measurements of `gpu.py`, one step per call; prints a JSON line per entry.

    python benchmarks/gpu_steps.py (environment|warm|cells|tasks) NAME … [--toy]

Shapes are (B, T, I, H): batch, steps, input size, hidden size. Times are medians in milliseconds,
measured in turns, of forward and backward ("training", gradients of all weights) and of forward
alone ("inference"). cuDNN runs the torch layer of the same name, or its LSTM for all other cells;
the loop runs the cell's own equations in torch operations, step by step.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from baselines import FLOAT32, Bench, Call, Shape, Trial
from torch import Tensor, nn

from longshort import cells
from longshort.cells import Cell, Sizes
from longshort.cells.named import known_cells
from longshort.engine.executors import torch as equations
from longshort.engine.scan import MISSING
from longshort.engine.trace import trace
from longshort.nn import Recurrent

SHAPES = (Shape(32, 100, 128, 128), Shape(128, 96, 7, 128), Shape(256, 24, 16, 64))
TOY_SHAPES = (Shape(3, 2, 3, 8),)
TOY_CELLS = ("LSTM", "JANET")
REPEATS = 5
TOLERANCE = 5e-3
"""Largest difference from the loop's result, relative to its largest number, in float32."""
DISCRETE = ("HMLSTM",)
"""Cells that round, so that a rounding error can become a whole unit."""

Entry = dict[str, Any]


def contestants() -> dict[str, Cell]:
    """Return all cells, and variants of the LSTM that cuDNN lacks."""
    found: dict[str, Cell] = {name: kind() for name, kind in known_cells().items()}
    return found | {
        "LSTM-peephole": cells.LSTM(peephole=True),
        "LSTM-layer-norm": cells.LSTM(layer_norm="ba2016"),
    }


class EquationsLoop(nn.Module):
    """A layer's equations in torch operations, step by step, on the layer's weights."""

    def __init__(self, layer: Recurrent) -> None:
        super().__init__()
        self.layer, self.graph = (
            layer,
            trace(layer.cell, Sizes(layer.input_size, layer.hidden_size)),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        weights: dict[str, Tensor] = {
            name: self.layer.get_parameter(f"{name}_l0")
            for name in (*self.graph.matrices, *self.graph.vectors)
        }
        sizes = self.graph.state_sizes.items()
        state = {name: x.new_zeros(x.size(1), width) for name, width in sizes}
        found = equations.run(
            self.graph, weights, {"x": x}, state, want_states=False, parallel=False
        )
        return found.output, found.final


def bench_of(toy: bool) -> Bench:
    if not toy:
        FLOAT32.apply()
    return Bench(
        device="cpu" if toy else "cuda",
        backend="triton",
        threads=1,
        repeats=1 if toy else REPEATS,
        block=0.0 if toy else 0.02,
        with_compile=False,
        input_gradient=False,
    )


def calls_of(trial: Trial) -> dict[str, dict[str, Call]]:
    """Return calls of training and inference by contender."""
    named = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}
    cell = trial.layer.cell
    plain = type(cell).__name__ in named and cell == type(cell)()
    kind = named[type(cell).__name__] if plain else nn.LSTM
    modules = {
        "triton": trial.layer,
        "cudnn": kind(trial.shape.inputs, trial.shape.hidden).to(trial.x),
        "loop": EquationsLoop(trial.layer),
    }
    return {
        "training": {name: training(trial, module) for name, module in modules.items()},
        "inference": {name: trial.inference(module) for name, module in modules.items()},
    }


def training(trial: Trial, module: nn.Module) -> Call:
    """Return a call for gradients of the sum of all outputs, whose width may differ from ours."""
    weights = list(module.parameters())
    return lambda: torch.autograd.grad(module(trial.x)[0].sum(), weights, allow_unused=True)


def difference(one: Sequence[Any], other: Sequence[Any]) -> float:
    """Return the largest difference, relative to the largest number of each tensor."""
    found = [0.0]
    for a, b in zip(one, other, strict=True):
        if a is not None and b is not None and a.numel():
            scale = float(b.abs().max()) + 1e-6
            found.append(float((a - b).abs().max()) / scale)
    return max(found)


def compared(bench: Bench, calls: dict[str, Call]) -> Entry:
    """Return each contender's median milliseconds, and quartiles of its time over ours."""
    order = list(calls)
    counts = {n: max(1, round(bench.block / max(bench.seconds(calls[n], 1), 1e-9))) for n in order}
    times: dict[str, list[float]] = {name: [] for name in order}
    for repeat in range(bench.repeats):
        for name in order if repeat % 2 == 0 else reversed(order):
            times[name].append(bench.timed(calls[name], counts[name]) * 1e3)
    ours, *baselines = order
    found: Entry = {name: round(statistics.median(own), 4) for name, own in times.items()}
    for baseline in baselines:
        ratios = [b / a for a, b in zip(times[ours], times[baseline], strict=True)]
        found[f"{baseline} over ours"] = round(statistics.median(ratios), 3)
    return found


def step_cells(name: str, toy: bool) -> Iterator[Entry]:
    bench = bench_of(toy)
    for shape in TOY_SHAPES if toy else SHAPES:
        trial = Trial(bench, contestants()[name], shape)
        for what, calls in calls_of(trial).items():
            off = difference(calls["triton"](), calls["loop"]())
            entry = {
                "name": name,
                "shape": str(shape),
                "what": what,
                "difference": float(f"{off:.1e}"),
            }
            yield entry | compared(bench, calls)


def step_warm(name: str, toy: bool) -> Iterator[Entry]:
    for shape in TOY_SHAPES if toy else SHAPES:
        trial = Trial(bench_of(toy), contestants()[name], shape)
        training(trial, trial.layer)()
        trial.inference(trial.layer)()
    yield from ()


def settings_of(toy: bool) -> dict[str, object]:
    device = "cpu" if toy else "cuda"
    short: dict[str, object] = {"train.max_epochs": 2, "train.steps_per_epoch": 50}
    if toy:
        short = {"train.max_epochs": 1, "train.steps_per_epoch": 2}
    return {"train.device": device, "train.threads": 1, **short}


def forecast(folder: str, toy: bool) -> Entry:
    """Train, save, load and predict."""
    import longshort as ls

    hidden = 8 if toy else 64
    model = ls.Forecaster(7, context_length=28, hidden=hidden, settings=settings_of(toy))
    made = model.fit(ls.example("weather"), target="temp_max", out=f"{folder}/run")
    again: Any = ls.load(f"{folder}/run")
    table = again.predict()
    found: Entry = {"rows": table.height, "verdict": again.verdict}
    if not table.equals(made.predict()):
        found["error"] = "the loaded run predicts something else"
    return found


def language(folder: str, toy: bool) -> Entry:
    """Train, save, load and generate text; the cell has no kernel in cuDNN."""
    import longshort as ls

    hidden = 8 if toy else 128
    settings = settings_of(toy) | {"model.cell_options": {"peephole": True}}
    model = ls.LanguageModel(cell="lstm", hidden=hidden, embedding=hidden, settings=settings)
    made = model.fit(ls.example("shakespeare"), out=f"{folder}/run")
    again: Any = ls.load(f"{folder}/run")
    text = again.generate("The ", length=20, seed=1)
    found: Entry = {"text": text, "verdict": again.verdict}
    if text != made.generate("The ", length=20, seed=1):
        found["error"] = "the loaded run writes something else"
    return found


TASKS: dict[str, Callable[[str, bool], Entry]] = {"forecast": forecast, "language": language}


def step_tasks(name: str, toy: bool) -> Iterator[Entry]:
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = TASKS[name](folder, toy)
    yield {"name": name, **found, "seconds": round(time.monotonic() - begin, 1)}


def step_environment(name: str, toy: bool) -> Iterator[Entry]:
    found: Entry = {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {p: installed(p) for p in ("longshort", "torch", "triton", "numpy")},
        "missing": MISSING,
        "date": time.strftime("%Y-%m-%d"),
        "device": name if toy else torch.cuda.get_device_name(),
    }
    if not toy:
        about = torch.cuda.get_device_properties(0)
        found |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
        found |= {"memory_gib": round(about.total_memory / 2**30, 1)}
        found |= {"multiprocessors": about.multi_processor_count}
    yield found


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


STEPS: dict[str, Callable[[str, bool], Iterator[Entry]]] = {
    "environment": step_environment,
    "warm": step_warm,
    "cells": step_cells,
    "tasks": step_tasks,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("step", choices=[*STEPS, "list-cells", "list-tasks"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--toy", action="store_true")
    chosen = parser.parse_args()
    if chosen.step == "list-cells":
        print(*(TOY_CELLS if chosen.toy else contestants()))
        return
    if chosen.step == "list-tasks":
        print(*TASKS)
        return
    for name in chosen.names:
        for entry in STEPS[chosen.step](name, chosen.toy):
            print(json.dumps(entry), flush=True)
        print(json.dumps({"done": name}), flush=True)


if __name__ == "__main__":
    main()
