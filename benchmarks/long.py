"""Long sequences: what is learned over many steps, and what training them costs.

    LONGSHORT_DATA=FOLDER python benchmarks/long.py [--plan evening] [--parts adding early copy …]

adding: two marked numbers of T are to be added; the baseline always answers 1, whose mean squared
error is about 1/6, and below 0.01 counts as solved (Hochreiter & Schmidhuber, 1997). early: the
same with both numbers in the first half, so that gradients truncated to a quarter of T never see
one. far: adding over 10,000 steps, read whole and in patches that leave 250 of them, after as many
updates. copy: ten of eight symbols are to be repeated after T blank steps; without memory the best
loss is 10 ln 8 / (T + 20) (Arjovsky et al., 2016). pixels: MNIST as 784 steps of one pixel, in
order and in a fixed random order, four times the batch, one cycle of the rate, beside the most
frequent digit and a linear model that sees all pixels at once. cost: peak memory
and time of a training step by T, with all values kept, with checkpoints, truncated and in patches,
each in a process of its own.

Cells have about the same number of weights, with patches more, in the first matrix. Each method has
its own learning rate, chosen by validation loss where several are tried. The test data are looked
at once. The plan "full" takes about a day of one core, "evening" two hours, with fewer units,
updates, lengths and digits; "quick" has few steps and rows: it shows that the script works and
which way the numbers go. Results are kept by plan. Times count only on a machine with nothing else
to do; the output says how many processes wait.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.cells.named import build_cell
from longshort.data.formats import idx
from longshort.nn.blocks.patches import patches
from longshort.nn.recurrent import Recurrent
from longshort.runs.job import environment

RESULTS = Path(__file__).parent / "results" / "long.json"
PARTS = ("adding", "early", "far", "copy", "pixels", "cost")
SYMBOLS, COPIED = 8, 10
TEST = 1_000
TEST_SEED = 3
SOLVED = 0.01
READ_STEPS = 250


@dataclass(frozen=True)
class Method:
    """A cell, and how it reads long sequences; {T} in `init` is the number of steps."""

    name: str
    cell: str
    init: str = "recommended"
    checkpoint: bool = False
    truncate: int | None = None
    patch: int = 1


LSTM = Method("LSTM", "LSTM")
CHRONO = Method("LSTM, chrono", "LSTM", "chrono:{T}")
CELLS = (
    LSTM,
    CHRONO,
    Method("GRU", "GRU"),
    Method("GRU, chrono", "GRU", "chrono:{T}"),
    Method("RNN", "RNN"),
)
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@dataclass(frozen=True)
class Plan:
    """How much is computed. steps: training steps by T; rates: learning rates that are tried."""

    adding: dict[int, int]
    far: dict[int, int]
    copy: dict[int, int]
    rates: tuple[float, ...]
    rows: int
    epochs: int
    lengths: tuple[int, ...]
    hidden: int
    batch: int = 32


LENGTHS = (784, 1_000, 4_000, 10_000)
PLANS = {
    "quick": Plan({100: 1_500}, {}, {50: 1_500}, (0.005,), 2_000, 1, (400, 1_600), 64),
    "evening": Plan(
        {1_000: 3_000}, {10_000: 1_500}, {500: 3_000}, (0.001, 0.005), 20_000, 4, LENGTHS, 64
    ),
    "full": Plan(
        {100: 6_000, 400: 6_000, 1_000: 6_000},
        {10_000: 6_000},
        {100: 6_000, 500: 6_000, 1_000: 6_000},
        (0.001, 0.005),
        60_000,
        10,
        LENGTHS,
        128,
    ),
}


class Problem(Protocol):
    """Draws batches, and judges outputs."""

    steps: int
    inputs: int
    outputs: int
    every_step: bool

    def draw(self, batch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return x [T, B, inputs] and what is wanted."""

    def loss(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean loss."""


@dataclass(frozen=True)
class Adding:
    """Random numbers, two of which are marked, one in each half of the first `within` steps.

    Wanted is their sum.
    """

    steps: int
    within: int
    inputs: int = 2
    outputs: int = 1
    every_step: bool = False

    def draw(self, batch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return numbers with marks, and the sums [B, 1]."""
        x = np.zeros((self.steps, batch, 2), np.float32)
        x[..., 0] = rng.random((self.steps, batch))
        half, rows = self.within // 2, np.arange(batch)
        first, second = rng.integers(0, half, batch), rng.integers(half, self.within, batch)
        x[first, rows, 1] = x[second, rows, 1] = 1
        wanted = x[first, rows, 0] + x[second, rows, 0]
        return torch.from_numpy(x), torch.from_numpy(wanted)[:, None]

    def loss(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean squared error."""
        return F.mse_loss(found, wanted)


@dataclass(frozen=True)
class Copying:
    """Symbols, `lag` blanks, a sign, and the symbols wanted again."""

    lag: int
    inputs: int = SYMBOLS + 2
    outputs: int = SYMBOLS + 1
    every_step: bool = True

    @property
    def steps(self) -> int:
        """Number of all steps."""
        return self.lag + 2 * COPIED

    def draw(self, batch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return symbols [T, B, 10], one column each, and the wanted ones [T, B]."""
        symbols = rng.integers(1, SYMBOLS + 1, (COPIED, batch))
        read, wanted = (np.zeros((self.steps, batch), np.int64) for _ in range(2))
        read[:COPIED], wanted[-COPIED:] = symbols, symbols
        read[-COPIED - 1] = SYMBOLS + 1
        return F.one_hot(torch.from_numpy(read), self.inputs).float(), torch.from_numpy(wanted)

    def loss(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean nats of all steps."""
        return F.cross_entropy(found.flatten(0, 1), wanted.flatten())


class Network(nn.Module):
    """Recurrent layers and a linear head on the output of the last step, or of every step."""

    def __init__(self, method: Method, problem: Problem, hidden: int) -> None:
        super().__init__()
        self.patch, self.every_step = method.patch, problem.every_step
        self.layers = Recurrent(
            build_cell(method.cell, {}),
            problem.inputs * method.patch,
            round(hidden * math.sqrt(GATES["LSTM"] / GATES[method.cell])),
            init=method.init.format(T=problem.steps),
            checkpoint=method.checkpoint,
            truncate=method.truncate,
        )
        self.head = nn.Linear(self.layers.output_size, problem.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return outputs [B, K], or [T, B, K]."""
        x, _ = patches(x, torch.full((x.size(1),), x.size(0)), self.patch)
        states, _ = self.layers(x)
        found: Tensor = self.head(states if self.every_step else states[-1])
        return found


def learned(
    method: Method, problem: Problem, plan: Plan, rate: float, count: int
) -> tuple[Network, float]:
    """Train a network for `count` batches; returns it with its validation loss."""
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    network = Network(method, problem, plan.hidden)
    optimiser = torch.optim.Adam(network.parameters(), rate)
    for _ in range(count):
        x, wanted = problem.draw(plan.batch, rng)
        optimiser.zero_grad()
        problem.loss(network(x), wanted).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    return network, mean_loss(network, problem, np.random.default_rng(2))


@torch.no_grad()
def mean_loss(network: Network, problem: Problem, rng: np.random.Generator) -> float:
    """Return the mean loss of `TEST` new sequences."""
    batches = [problem.draw(100, rng) for _ in range(TEST // 100)]
    return float(np.mean([float(problem.loss(network(x), wanted)) for x, wanted in batches]))


def row(method: Method, problem: Problem, plan: Plan, count: int) -> dict[str, Any]:
    """Return the result of the learning rate with the best validation loss."""
    begin = time.perf_counter()
    tried = [(*learned(method, problem, plan, rate, count), rate) for rate in plan.rates]
    network, _, rate = min(tried, key=lambda each: each[1])
    return {
        "method": method.name,
        "T": problem.steps,
        "updates": count,
        "learning_rate": rate,
        "weights": sum(weight.numel() for weight in network.parameters()),
        "test_loss": mean_loss(network, problem, np.random.default_rng(TEST_SEED)),
        "seconds": round(time.perf_counter() - begin, 1),
    }


def adding(plan: Plan, _data: Path | None) -> Iterator[dict[str, Any]]:
    """Yield the adding problem for each T and method."""
    for steps, count in plan.adding.items():
        for method in (
            *CELLS,
            patched(LSTM, steps, 4),
            patched(CHRONO, steps, 4),
            truncated(LSTM, steps),
            truncated(CHRONO, steps),
        ):
            yield added(method, Adding(steps, steps), plan, count)


def early(plan: Plan, _data: Path | None) -> Iterator[dict[str, Any]]:
    """Yield the adding problem with both numbers in the first half, for each T."""
    for steps, count in plan.adding.items():
        for method in (LSTM, CHRONO, truncated(CHRONO, steps)):
            yield added(method, Adding(steps, steps // 2), plan, count)


def far(plan: Plan, _data: Path | None) -> Iterator[dict[str, Any]]:
    """Yield the adding problem over very many steps, read whole and in patches."""
    for steps, count in plan.far.items():
        size = steps // READ_STEPS
        for method in (patched(LSTM, steps, size), patched(CHRONO, steps, size), CHRONO):
            yield added(method, Adding(steps, steps), plan, count)


def patched(method: Method, steps: int, size: int) -> Method:
    """Return the method reading so many steps at once, which are one step of the cell."""
    name, init = f"{method.name}, patches of {size}", method.init.format(T=steps // size)
    return replace(method, name=name, patch=size, init=init)


def truncated(method: Method, steps: int) -> Method:
    """Return the method with gradients that end at quarters of the sequence."""
    return replace(method, name=f"{method.name}, truncated to T/4", truncate=steps // 4)


def added(method: Method, problem: Adding, plan: Plan, count: int) -> dict[str, Any]:
    """Return a row with the baseline, and whether the problem is solved."""
    found = row(method, problem, plan, count)
    return found | {"baseline": always_one(problem), "solved": found["test_loss"] < SOLVED}


def always_one(problem: Adding) -> float:
    """Return the mean squared error of the answer 1 on the test sequences."""
    rng = np.random.default_rng(TEST_SEED)
    wanted = [problem.draw(100, rng)[1] for _ in range(TEST // 100)]
    return float((torch.cat(wanted) - 1).square().mean())


def copy(plan: Plan, _data: Path | None) -> Iterator[dict[str, Any]]:
    """Yield the copy task for each lag and method."""
    for lag, count in plan.copy.items():
        for method in CELLS:
            baseline = COPIED * math.log(SYMBOLS) / (lag + 2 * COPIED)
            found = row(method, Copying(lag), plan, count)
            yield found | {"lag": lag, "baseline": baseline}


@dataclass(frozen=True)
class Pixels:
    """Shapes of MNIST as sequences of pixels."""

    steps: int = 784
    inputs: int = 1
    outputs: int = 10
    every_step: bool = False

    def draw(self, batch: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return noise: only the cost of a step is measured with it."""
        x = rng.random((self.steps, batch, 1), dtype=np.float32)
        return torch.from_numpy(x), torch.from_numpy(rng.integers(0, 10, batch))

    def loss(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Return the cross entropy."""
        return F.cross_entropy(found, wanted)


def digits(data: Path, part: str, rows: int) -> tuple[Tensor, Tensor]:
    """Return pixels [N, 784] from 0 to 1, and labels [N]."""
    found = idx.read(data / "mnist" / f"{part}-images-idx3-ubyte.gz", "pixels")
    assert found.labels is not None
    x = np.stack([np.asarray(item, np.float32).ravel() for item in found.items[:rows]]) / 255
    return torch.from_numpy(x), torch.tensor([int(str(label)) for label in found.labels[:rows]])


def pixels(plan: Plan, data: Path | None) -> Iterator[dict[str, Any]]:
    """Yield the accuracy on MNIST by pixels; a tenth of the training rows chooses the rate."""
    if data is None:
        print("pixels: left out, since LONGSHORT_DATA names no folder")
        return
    x, labels = digits(data, "train", plan.rows)
    test, truth = digits(data, "t10k", 10_000 if plan.rows == 60_000 else TEST)
    orders = {"in order": np.arange(784), "permuted": np.random.default_rng(0).permutation(784)}
    most = torch.bincount(truth).max().item() / len(truth)
    linear = least_squares(x[len(x) // 10 :], labels[len(x) // 10 :], test, truth)
    for order, places in orders.items():
        for method in (*CELLS, patched(LSTM, 784, 4)):
            begin = time.perf_counter()
            tried = [read_digits(method, plan, rate, x[:, places], labels) for rate in plan.rates]
            network, _ = max(tried, key=lambda each: each[1])
            yield {
                "method": method.name,
                "order": order,
                "rows": len(x),
                "epochs": plan.epochs,
                "accuracy": accuracy(network, test[:, places], truth),
                "most frequent digit": most,
                "least squares": linear,
                "seconds": round(time.perf_counter() - begin, 1),
            }


def least_squares(x: Tensor, labels: Tensor, test: Tensor, truth: Tensor) -> float:
    """Return the accuracy of a linear model of all pixels at once, with a small ridge penalty."""
    pixels, wanted = F.pad(x, (0, 1), value=1.0).double(), F.one_hot(labels).double()
    square = pixels.T @ pixels + torch.eye(pixels.size(1), dtype=torch.float64)
    weights = torch.linalg.solve(square, pixels.T @ wanted)
    found = (F.pad(test, (0, 1), value=1.0).double() @ weights).argmax(1)
    return float((found == truth).float().mean())


def read_digits(
    method: Method, plan: Plan, rate: float, x: Tensor, labels: Tensor
) -> tuple[Network, float]:
    """Train on nine tenths of the digits; returns the network and its accuracy on the others."""
    torch.manual_seed(0)
    network, problem = Network(method, Pixels(), plan.hidden), Pixels()
    size, held = 4 * plan.batch, len(x) // 10
    batches = (len(x) - held) // size
    optimiser = torch.optim.Adam(network.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=plan.epochs * batches
    )
    for _ in range(plan.epochs):
        for rows in (held + torch.randperm(len(x) - held))[: batches * size].view(-1, size):
            optimiser.zero_grad()
            problem.loss(network(x[rows].T.unsqueeze(-1)), labels[rows]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return network, accuracy(network, x[:held], labels[:held])


@torch.no_grad()
def accuracy(network: Network, x: Tensor, labels: Tensor) -> float:
    """Return the share of right digits."""
    found = [network(part.T.unsqueeze(-1)).argmax(1) for part in x.split(250)]
    return float((torch.cat(found) == labels).float().mean())


WAYS = (
    replace(LSTM, name="whole"),
    replace(LSTM, name="checkpointed", checkpoint=True),
    replace(LSTM, name="truncated to 100", truncate=100),
    replace(LSTM, name="patches of 4", patch=4),
)


def cost(plan: Plan, _data: Path | None) -> Iterator[dict[str, Any]]:
    """Yield peak memory and time of a training step, measured in new processes."""
    for steps in plan.lengths:
        for way in WAYS:
            order = json.dumps([asdict(way), steps, plan.hidden, 4 * plan.batch])
            command = [sys.executable, __file__, "--measure", order]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            yield {"method": way.name, "T": steps, "batch": 4 * plan.batch} | json.loads(
                done.stdout
            )


def measure(way: Method, steps: int, hidden: int, batch: int) -> dict[str, Any]:
    """Return time and memory of a training step, beyond that of the network and its data."""
    problem = Pixels(steps)
    network = Network(way, problem, hidden)
    x, wanted = problem.draw(batch, np.random.default_rng(0))
    short, _ = problem.draw(batch, np.random.default_rng(0))
    problem.loss(network(short[:8]), wanted).backward()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        problem.loss(network(x), wanted).backward()
        times.append(time.perf_counter() - begin)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"MiB": round((after - before) / 1024, 1), "ms per step": round(1e3 * min(times), 1)}


MEASURES: dict[str, Callable[[Plan, Path | None], Iterator[dict[str, Any]]]] = {
    "adding": adding,
    "early": early,
    "far": far,
    "copy": copy,
    "pixels": pixels,
    "cost": cost,
}


def main() -> None:
    """Run the parts that are asked for; each row is written as soon as it is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--plan", choices=PLANS, default="full", help="how much is computed")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        way, *sizes = json.loads(chosen.measure)
        print(json.dumps(measure(Method(**way), *sizes)))
        return
    folder = os.environ.get("LONGSHORT_DATA")
    plan, data = PLANS[chosen.plan], Path(folder) if folder else None
    results = json.loads(chosen.out.read_text()) if chosen.out.is_file() else {}
    for part in chosen.parts:
        rows: list[dict[str, Any]] = []
        for found in MEASURES[part](plan, data):
            rows.append(found)
            print(part, *(f"{key}={shown(value)}" for key, value in found.items()), flush=True)
            about = environment() | {"load": round(os.getloadavg()[0], 1)}
            results.setdefault(chosen.plan, {})[part] = {"rows": rows, "environment": about}
            chosen.out.write_text(json.dumps(results, indent=1) + "\n")


def shown(value: object) -> str:
    """Return a value with few digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
