"""Speed of recurrent cells beside baselines, contender against contender in one process.

    python benchmarks/cells.py [--rows training gru …] [--threads 2 1] [--compile] [--device cuda]

A ratio is computed from two timings in succession, once per repetition, in the order AB BA AB …;
the result is the median [quartiles]. Before each timing, threads that the other contender left
spinning go to sleep, and short calls have a warm-up call. First results are compared. The machine
must be idle: OpenMP's barriers wait for a thread that another program has displaced.

Shapes are (B, T, I, H): batch, steps, input size, hidden size. Training is forward and backward:
gradients of all weights, and of x with --input-gradient, from a random gradient of the output.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from importlib import import_module
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import baselines
import torch
from baselines import LOOPS, PAUSE, PRECISIONS, Bench, Call, Loop, Result, Shape, SlowMemory, Trial
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.utils.rnn import pack_padded_sequence

from longshort.cells import GRU, LSTM, Cell, Sizes
from longshort.engine.scan import MISSING
from longshort.engine.trace import Mode, trace
from longshort.errors import BackendError, LongshortError
from longshort.nn import Recurrent
from longshort.runs.job import environment as environment_of_runs

RESULTS = Path(__file__).parent / "results"
STEP, SEQUENCE, BATCH = Shape(1, 1, 128, 128), Shape(1, 100, 128, 128), Shape(32, 100, 128, 128)
WIDE, WIDEST = Shape(32, 100, 256, 256), Shape(32, 100, 512, 512)
LANGUAGE, FORECASTER, SHORT = (
    Shape(20, 35, 650, 650),
    Shape(128, 96, 7, 128),
    Shape(256, 24, 16, 64),
)
SHAPES = (STEP, SEQUENCE, BATCH, WIDE, WIDEST, LANGUAGE, FORECASTER, SHORT)
LARGE = (WIDE, WIDEST, LANGUAGE)
TRAINING_GOALS = {
    FORECASTER: 2.5,
    **dict.fromkeys((BATCH, WIDE, WIDEST, SHORT), 1.5),
    **dict.fromkeys((LANGUAGE, SEQUENCE), 1.2),
}


def variants(hidden: int) -> dict[str, Cell]:
    ablated = {a: LSTM(ablate=(a,)) for a in ("NIG", "NFG", "NOG", "NIAF", "NOAF", "FGR")}
    return {
        "peephole": LSTM(peephole=True),
        "coupled f=1-i": LSTM(couple="f=1-i"),
        "coupled i=1-f": LSTM(couple="i=1-f"),
        **ablated,
        "layer norm": LSTM(layer_norm="ba2016"),
        "projection to H/2": LSTM(projection=hidden // 2),
        "a user's own cell": SlowMemory(),
    }


def training(bench: Bench) -> Iterator[Result]:
    """Training of the plain LSTM against nn.LSTM."""
    for shape in SHAPES:
        trial = Trial(bench, LSTM(), shape)
        duel = bench.duel(trial.training(trial.layer), trial.training(trial.torch_layer(nn.LSTM)))
        goal = bench.goal("≥", TRAINING_GOALS.get(shape))
        yield trial.result("LSTM training, nn.LSTM", duel, goal)


def inference(bench: Bench) -> Iterator[Result]:
    """Inference on whole sequences; the better baseline counts, so both have the goal."""
    for shape in SHAPES:
        trial = Trial(bench, LSTM(), shape)
        ours = trial.inference(trial.layer)
        goal = bench.goal("≥", 1.3 if shape in (STEP, SEQUENCE, SHORT) else 1.0)
        duel = bench.duel(ours, trial.inference(trial.torch_layer(nn.LSTM)))
        yield trial.result("LSTM inference, nn.LSTM", duel, goal)
        if bench.device == "cpu" and baselines.installed("onnx", "onnxruntime"):
            baseline = baselines.onnx_runtime(trial.layer, trial.x, bench.threads)
            yield trial.result("LSTM inference, ONNX Runtime", bench.duel(ours, baseline), goal)


def streaming(bench: Bench) -> Iterator[Result]:
    """A single step, with the state as input and output."""
    trial = Trial(bench, LSTM(), STEP)
    x, state = trial.x[0].detach(), (trial.x.new_zeros(1, 1, STEP.hidden),) * 2
    rows = (state[0][0], state[1][0])
    cell = nn.LSTMCell(STEP.inputs, STEP.hidden).to(x)
    cell.load_state_dict(dict(zip(cell.state_dict(), trial.layer.parameters(), strict=True)))

    def ours() -> Sequence[Any]:
        with torch.inference_mode():
            return trial.layer.step(x, state)[:1]

    def baseline() -> Sequence[Any]:
        with torch.inference_mode():
            found: Sequence[Any] = cell(x, rows)
        return found[:1]

    yield trial.result("step, nn.LSTMCell", bench.duel(ours, baseline), bench.goal("≥", 3.0))
    if bench.device == "cpu" and baselines.installed("onnx", "onnxruntime"):
        other = baselines.onnx_runtime(trial.layer, trial.x, bench.threads, stateful=True)
        yield trial.result("step, ONNX Runtime", bench.duel(ours, other))
        what, goal = "native call of a step, ONNX Runtime", bench.goal("≥", 1.5)
        native = native_step(trial.layer, x, state)
        yield trial.result(what, bench.duel(native, other), goal)


def native_step(layer: nn.Module, x: Tensor, state: tuple[Tensor, ...]) -> Call:
    """Return the native call inside `layer.step`, without its checks."""
    if "native" in MISSING:
        raise BackendError(f"native call of a step: {MISSING['native']}")
    streaming = import_module("longshort.engine.executors.native.streaming")
    graph = trace(LSTM(), Sizes(STEP.inputs, STEP.hidden), Mode())
    step = streaming.stack_step((graph,), STEP.batch, x.dtype)
    if step is None:
        raise BackendError(f"native call of a step: there is none for this cell in {x.dtype}")
    weights = [layer.get_parameter(f"{name}_l{k}") for k, name in step.parameters]
    return lambda: step(x, state, weights)[:1]


def gru(bench: Bench) -> Iterator[Result]:
    """GRU against nn.GRU."""
    for shape in (BATCH, WIDE, FORECASTER, SHORT):
        trial = Trial(bench, GRU(), shape)
        baseline = trial.torch_layer(nn.GRU)
        duel = bench.duel(trial.training(trial.layer), trial.training(baseline))
        yield trial.result("GRU training, nn.GRU", duel, bench.goal("≥", 2.0))
        duel = bench.duel(trial.inference(trial.layer), trial.inference(baseline))
        yield trial.result("GRU inference, nn.GRU", duel)


def cost_of_variants(bench: Bench) -> Iterator[Result]:
    """Training time of every variant relative to our plain LSTM."""
    for shape in (BATCH, FORECASTER):
        vanilla = Trial(bench, LSTM(), shape)
        for name, cell in variants(shape.hidden).items():
            trial = Trial(bench, cell, shape)
            ours, baseline = (t.training(t.layer) for t in (trial, vanilla))
            duel = bench.duel(ours, baseline, compare=False)
            goal = bench.goal("≤", 1.5 if name == "layer norm" else 1.3)
            share = matrix_size(trial.layer) / matrix_size(vanilla.layer)
            note = f"{share:.2f} of vanilla's multiplications in matrices"
            yield trial.result(f"cost of {name}, our vanilla", duel, goal, note, cost=True)


def matrix_size(layer: nn.Module) -> int:
    return sum(p.numel() for p in layer.parameters() if p.dim() == 2)


def loops(bench: Bench) -> Iterator[Result]:
    """Training against a Python loop of torch operations, with and without torch.compile."""
    for shape in (BATCH, FORECASTER):
        for name, (cell, step) in LOOPS.items():
            trial = Trial(bench, cell, shape)
            loop = Loop(trial.layer, step)
            ours = trial.training(trial.layer)
            duel = bench.duel(ours, trial.training(loop))
            yield trial.result(f"{name} training, Python loop", duel)
            if bench.with_compile and name == "peephole":
                yield compiled(trial, ours, loop)


def compiled(trial: Trial, ours: Call, loop: Loop) -> Result:
    baseline = trial.training(torch.compile(loop))
    begin = time.perf_counter()
    baseline()
    note = f"compiled in {time.perf_counter() - begin:.0f} s"
    duel = trial.bench.duel(ours, baseline)
    return trial.result("peephole training, torch.compile of the loop", duel, note=note)


def ragged(bench: Bench) -> Iterator[Result]:
    """Lengths from 1 to T, T/2 on average, against nn.LSTM on a PackedSequence.

    Our layer gets a padded x and the lengths; the baseline's packing is not counted.
    """
    trial = Trial(bench, LSTM(), BATCH)
    lengths = torch.linspace(1, BATCH.steps, BATCH.batch).round().long()
    lengths = lengths[torch.randperm(BATCH.batch)]
    baseline = trial.torch_layer(nn.LSTM)

    def packed(values: Tensor) -> Any:
        return pack_padded_sequence(values, lengths, enforce_sorted=False)

    def forward() -> Tensor:
        output: Tensor = baseline(packed(trial.x) if bench.input_gradient else given)[0].data
        return output

    def infer() -> Sequence[Any]:
        with torch.inference_mode():
            found: Sequence[Any] = baseline(given)
        return found[:1]

    given, goal = packed(trial.x.detach()), bench.goal("≥", 3.0)
    theirs = trial.gradients(baseline, forward, packed(trial.gradient).data)
    duel = bench.duel(trial.training(trial.layer, lengths=lengths), theirs)
    yield trial.result("ragged training, nn.LSTM packed", duel, goal)
    ours = trial.inference(trial.layer, lengths=lengths)
    duel = bench.duel(ours, infer, compare=False)
    yield trial.result("ragged inference, nn.LSTM packed", duel, goal)


def bfloat16(bench: Bench) -> Iterator[Result]:
    """Training in bfloat16 against float32, both with our layer."""
    for shape in LARGE:
        what, goal = "bfloat16 training, our float32", bench.goal("≥", 1.5)
        short = replace(bench, precision=PRECISIONS["cuda"][2])
        trial, reference = Trial(short, LSTM(), shape), Trial(bench, LSTM(), shape)
        if trial.backend.split(":")[0] != reference.backend.split(":")[0]:
            note = f"not compared, bfloat16 runs by another backend: {trial.backend}"
            yield Result(what, shape, goal=goal, note=note)
            continue
        ours, baseline = (t.training(t.layer) for t in (trial, reference))
        yield trial.result(what, bench.duel(ours, baseline, compare=False), goal)


def share_of_peak(bench: Bench) -> Iterator[Result]:
    """Operations per second in training relative to a loop of multiply-adds in C."""
    try:
        peak = baselines.Peak(bench.threads)
    except OSError as error:
        yield Result("share of the peak", note=str(error))
        return
    for shape in LARGE:
        trial = Trial(bench, LSTM(), shape)
        duel = bench.duel(trial.training(trial.layer), peak, compare=False)
        needed = training_operations(shape, bench.input_gradient)
        rate = needed / statistics.median(duel.ours) / 1e9
        top = peak.operations / statistics.median(duel.baseline) / 1e9
        yield replace(
            trial.result("training, share of the peak in %", duel),
            ratio=duel.speedup(100 * needed / peak.operations),
            goal=bench.goal("≥", 70.0, " %"),
            note=f"{rate:.0f} of {top:.0f} GFLOP/s; 8TBH({2 + bench.input_gradient}I + 3H) counted",
        )


def training_operations(shape: Shape, input_gradient: bool) -> int:
    """Operations of the products: forward, gradients of h, of the weights, and of x if wanted.

    8TBH(I+H) + 8TBHH + 8TBH(I+H) + 8TBHI; pointwise work and recomputed gates do not count.
    """
    batch, steps, inputs, hidden = shape
    forward = inputs + hidden
    backward = hidden + forward + (inputs if input_gradient else 0)
    return 8 * steps * batch * hidden * (forward + backward)


def first_call(bench: Bench) -> Iterator[Result]:
    """Time from a new cell class to its first result, including the layer's construction."""
    place: dict[str, Any] = {"backend": bench.backend, "device": bench.device}
    x = torch.randn(BATCH.steps, BATCH.batch, BATCH.inputs, device=bench.device)
    gradient = torch.randn(BATCH.steps, BATCH.batch, BATCH.hidden, device=bench.device)

    def fresh(decay: float, train: bool) -> Call:
        cell = type("Fresh", (SlowMemory,), {"__doc__": "Fresh."})(decay)

        def call() -> Sequence[Any]:
            layer = Recurrent(cell, BATCH.inputs, BATCH.hidden, **place)
            with torch.set_grad_enabled(train):
                output: Tensor = layer(x)[0]
            return torch.autograd.grad(output, list(layer.parameters()), gradient) if train else ()

        return call

    for train, what in ((False, "first call of a new cell"), (True, "the same and backward")):
        decays = [0.5 + (k + 100 * train) / 1000 for k in range(bench.repeats + 1)]
        times = [bench.seconds(fresh(decay, train), 1) * 1e3 for decay in decays][1:]
        goal = None if train else bench.goal("≤", 50.0, " ms")
        median, low, high = baselines.quartiles(times)
        note = f"quartiles {low:.1f} to {high:.1f} ms"
        yield Result(bench.name(what), BATCH, ours=median, goal=goal, note=note)


def memory(bench: Bench) -> Iterator[Result]:
    """Bytes kept for the backward pass per step, sequence and unit, without x and the weights."""
    note = "by saved_tensors_hooks, with workspaces and kept outputs"
    pairs: list[tuple[str, Cell, Any]] = [
        ("LSTM, nn.LSTM", LSTM(), nn.LSTM),
        ("GRU, nn.GRU", GRU(), nn.GRU),
        *((f"{name}, Python loop", cell, step) for name, (cell, step) in LOOPS.items()),
    ]
    for name, cell, base in pairs:
        trial = Trial(bench, cell, BATCH)
        other = trial.torch_layer(base) if isinstance(base, type) else Loop(trial.layer, base)
        ours, theirs = (bytes_kept(module, trial.x) for module in (trial.layer, other))
        what, ratio = bench.name(f"kept by {name}"), (theirs / ours,) * 3
        yield Result(what, BATCH, ours, theirs, ratio, None, "B", note, trial.backend)


def bytes_kept(module: nn.Module, x: Tensor) -> float:
    known = {tensor.untyped_storage().data_ptr() for tensor in (x, *module.parameters())}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        output = module(x)
    del output
    return sum(kept.values()) / (x.size(0) * x.size(1) * BATCH.hidden)


def against_jax(bench: Bench) -> Iterator[Result]:
    """The plain LSTM against lax.scan, which uses all cores."""
    if not baselines.installed("jax") or bench.threads != len(os.sched_getaffinity(0)):
        yield Result("LSTM, JAX", note="not installed, or more cores than threads: use taskset")
        return
    for shape in (SEQUENCE, BATCH, WIDE, FORECASTER):
        trial = Trial(bench, LSTM(), shape)
        given = (trial.layer, trial.x, trial.gradient, bench.input_gradient)
        infer, train = baselines.jax_scan(*given)
        duel = bench.duel(trial.inference(trial.layer), infer)
        yield trial.result("LSTM inference, JAX", duel)
        yield trial.result("LSTM training, JAX", bench.duel(trial.training(trial.layer), train))


ROWS: dict[str, Callable[[Bench], Iterator[Result]]] = {
    "training": training,
    "inference": inference,
    "step": streaming,
    "gru": gru,
    "variants": cost_of_variants,
    "loop": loops,
    "ragged": ragged,
    "bf16": bfloat16,
    "peak": share_of_peak,
    "first": first_call,
    "memory": memory,
    "jax": against_jax,
}
CPU_ONLY = ("bf16", "peak", "jax")
HEAD = f"{'what':46} {'shape':>15} {'ours':>10} {'baseline':>10} {'ratio':>20} {'goal':>8} met"


def line(result: Result) -> str:
    pair = (result.ours, result.baseline)
    ours, baseline = ("" if value is None else f"{value:.4g} {result.unit}" for value in pair)
    ratio = "{:.3g} [{:.3g}, {:.3g}]".format(*result.ratio) if result.ratio else ""
    goal = result.goal or ""
    unsteady = "unsteady. " if result.ratio and result.ratio[2] > 1.25 * result.ratio[1] else ""
    met, shape = {None: "", True: "yes", False: "no"}[result.met], str(result.shape or "")
    start = f"{result.what:46} {shape:>15} {ours:>10} {baseline:>10} {ratio:>20} "
    return f"{start}{goal!s:>8} {met:3} {unsteady}{result.note[:70]}".rstrip()


def record(result: Result) -> dict[str, Any]:
    texts = {"shape": str(result.shape or ""), "goal": str(result.goal or ""), "met": result.met}
    return {k: v for k, v in (asdict(result) | texts).items() if v not in (None, "")}


def environment(bench: Bench) -> dict[str, Any]:
    found = environment_of_runs() | {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "isas": [] if "native" in MISSING else import_module("longshort._native").isas(),
        "load": os.getloadavg()[0],
        "date": time.strftime("%Y-%m-%d"),
        "settings": asdict(bench) | {"precision": "", "pause": PAUSE},
        "fma_peak_gflops": {str(n): peak_rate(bench, n) for n in (1, 2)},
    }
    others = [d for d in distributions() if d.name in ("onnxruntime", "jax", "triton")]
    found["packages"] |= {d.name: d.version for d in others}
    if bench.device == "cuda":
        cudnn = torch.backends.cudnn
        found |= {"gpu": torch.cuda.get_device_name(), "cudnn": cudnn.version()}
        found["cudnn_benchmark"] = cudnn.benchmark
    return found


def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", info.read_text()) if info.exists() else []
    return names[0] if names else platform.processor()


def peak_rate(bench: Bench, threads: int) -> float | None:
    """GFLOP/s of float32 multiply-adds; None without a C compiler."""
    try:
        peak = baselines.Peak(threads)
    except OSError:
        return None
    times = [replace(bench, device="cpu").seconds(peak, 1) for _ in range(max(3, bench.repeats))]
    return peak.operations / statistics.median(times) / 1e9


def plot(entries: dict[str, Any], path: Path) -> None:
    """Plot the speed relative to each baseline that was measured, with quartiles and goals."""
    from matplotlib import pyplot as plt

    rows = [
        (f"{row['what']}  {row['shape']}", *row["ratio"], row.get("goal", "≥ 1"))
        for name, entry in entries.items()
        if name.split()[0] in ("training", "inference", "gru", "loop", "ragged", "jax", "step")
        for row in entry["rows"]
        if "ratio" in row
    ]
    if not rows:
        return
    plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "cells"}
    figure, axes = plt.subplots(figsize=(7.5, 0.6 + 0.2 * len(rows)), layout="constrained")
    for y, (_, median, low, high, goal) in enumerate(rows):
        bound = float(goal.split()[1])
        axes.plot([low, high], [y, y], color="0.6", lw=3)
        axes.plot(median, y, "o", ms=5, color="tab:blue" if median >= bound else "tab:red")
        axes.plot(bound, y, "|", ms=9, color="black")
    axes.set_yticks(range(len(rows)), [row[0] for row in rows], fontsize=7)
    axes.set(xscale="log", ylim=(len(rows), -1), xlabel="their time over ours; | the goal, or 1")
    ends = min(row[2] for row in rows) / 2, max(row[3] for row in rows) * 2
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if ends[0] <= t <= ends[1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="x", color="0.9")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def attempted(group: str, bench: Bench) -> Iterator[Result]:
    """Yield a group's rows up to the first that a backend refuses, which is printed."""
    try:
        yield from ROWS[group](bench)
    except LongshortError as error:
        yield Result(bench.name(group), note=f"refused: {error}")


def measure(bench: Bench, groups: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield results by group, device and threads."""
    torch.set_num_threads(bench.threads)
    about = environment(bench)
    print(f"\n{bench.device}, {bench.threads} threads\n{HEAD}", flush=True)
    for group in groups:
        results = []
        for precision in PRECISIONS[bench.device]:
            precision.apply()
            for result in attempted(group, replace(bench, precision=precision)):
                print(line(result), flush=True)
                results.append(record(result))
        key = f"{group} {bench.device} {bench.threads}"
        yield {key: {"rows": results, "environment": about}}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--threads", nargs="+", type=int, default=[2, 1])
    parser.add_argument("--repeats", type=int, default=31)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--compile", action="store_true", help="torch.compile too: minutes")
    parser.add_argument("--input-gradient", action="store_true", help="x requires its gradient")
    parser.add_argument("--quick", action="store_true", help="3 repetitions, to see that it runs")
    parser.add_argument("--out", type=Path, help="results/cells.json; with --quick nowhere")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    out = chosen.out or (None if chosen.quick else RESULTS / "cells.json")
    entries = json.loads(out.read_text()) if out and out.exists() else {}
    groups = [r for r in chosen.rows if chosen.device == "cpu" or r not in CPU_ONLY]
    threads = chosen.threads if chosen.device == "cpu" else chosen.threads[:1]
    for count in threads:
        bench = Bench(
            device=chosen.device,
            backend=chosen.backend,
            threads=count,
            repeats=3 if chosen.quick else chosen.repeats,
            block=0.002 if chosen.quick else 0.02,
            with_compile=chosen.compile,
            input_gradient=chosen.input_gradient,
        )
        for entry in measure(bench, groups):
            entries |= entry
            if out:
                out.parent.mkdir(parents=True, exist_ok=True)
                out.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    if out:
        suffix = f" {chosen.device} {threads[0]}"
        plot({k: v for k, v in entries.items() if k.endswith(suffix)}, out.with_suffix(".svg"))
        print(f"\nwritten to {out} and {out.with_suffix('.svg')}")


if __name__ == "__main__":
    main()
