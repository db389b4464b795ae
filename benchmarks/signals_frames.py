"""Next frames: Moving MNIST beside its baselines, and a step of ConvLSTM beside the usual cell.

    LONGSHORT_DATA=FOLDER python benchmarks/signals_frames.py [--parts step] [--quick] [--out RUN]

Moving MNIST is an own draw by a fixed seed, since the published test file was not at hand: two
digits of 28 x 28 in 64 x 64, 3.6 pixels a frame, mirrored at the edges, joined by the maximum. The
digits of the training clips are from MNIST's training part, those of the 1,000 test clips from its
test part. Ten frames are read, ten forecast. An epoch has 4,000 clips and takes 95 processor
seconds. `--stopped RUN` scores a run that was stopped before its end.

The step is forward and backward pass of one ConvLSTM layer over ten frames, with the cell that most
repositories copy (input and state joined, one convolution, four parts) in the same process, turn by
turn; processor seconds, the least of several. Results go to benchmarks/results/signals_frames.json.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from longshort.config import read_toml
from longshort.data.splits import Given
from longshort.nn.convolutional import ConvLSTM
from longshort.runs import story
from longshort.runs.job import Job, environment
from longshort.runs.task import untracked
from longshort.train.checkpoint import load_tensors, load_weights
from longshort.train.events import EpochEnded, Event
from longshort.train.loop import TrainResult

RESULTS = Path(__file__).parent / "results" / "signals_frames.json"
SIZE, DIGIT, SPEED, DIGITS = 64, 28, 3.6, 2
FRAMES, TEST, VAL = 20, 1_000, 200
SETTINGS: dict[str, Any] = {
    "task": "frames",
    "model": {"inputs": 10, "outputs": 10, "patch": 4, "scales": 2, "hidden": 32},
    "train": {
        "batch_size": 8,
        "learning_rate": 0.004,
        "max_epochs": 1,
        "steps_per_epoch": 500,
        "threads": 1,
        "ema": 0.995,
    },
}
GOALS = {"mse": 60.0, "ssim": 0.85, "parameters": 1_500_000, "ratio": 1.5}


def digits(data: Path, part: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """MNIST's images of a part, "train" or "t10k", [n, 28, 28]."""
    with gzip.open(data / "mnist" / f"{part}-images-idx3-ubyte.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, DIGIT, DIGIT)


def moving(images: np.ndarray[Any, Any], count: int, seed: int) -> np.ndarray[Any, Any]:
    """Clips [count, FRAMES, SIZE, SIZE] of digits that move and are mirrored at the edges."""
    draw = np.random.default_rng(seed)
    room = SIZE - DIGIT
    begin = draw.uniform(0, room, (count, DIGITS, 1, 2))
    turn = draw.uniform(0, 2 * np.pi, (count, DIGITS, 1))
    velocity = SPEED * np.stack([np.sin(turn), np.cos(turn)], -1)
    way = begin + velocity * np.arange(FRAMES)[:, None]
    places = np.rint(np.abs((way + room) % (2 * room) - room)).astype(int)
    chosen = images[draw.integers(0, len(images), (count, DIGITS))]
    clips = np.zeros((count, FRAMES, SIZE, SIZE), np.uint8)
    for clip, digit, place in zip(clips, chosen, places, strict=True):
        for each, steps in zip(digit, place, strict=True):
            for frame, (y, x) in zip(clip, steps.tolist(), strict=True):
                part = frame[y : y + DIGIT, x : x + DIGIT]
                np.maximum(part, each, out=part)
    return clips


def clips_of(data: Path, quick: bool, count: int) -> Given:
    """Training, validation and test clips."""
    train, test = digits(data, "train"), digits(data, "t10k")
    held = moving(train[50_000:], 20 if quick else VAL, 2)
    shown = moving(train[:50_000], 40 if quick else count, 1)
    return Given(shown, held, moving(test, 20 if quick else TEST, 3))


def moving_mnist(
    data: Path, quick: bool, out: Path | None, clips: int, epochs: int
) -> dict[str, Any]:
    """Train on clips of the training digits, and score on 1,000 clips of the test digits."""
    parts = clips_of(data, quick, clips)
    train = SETTINGS["train"] | {"max_epochs": 1 if quick else epochs}
    settings = SETTINGS | {"train": train | ({"steps_per_epoch": 5} if quick else {})}
    begin = time.process_time()

    def told(event: Event) -> None:
        if isinstance(event, EpochEnded):
            print(f"{time.process_time() - begin:,.0f} s: {event}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        place = out or Path(folder) / "run"
        scores = story.run(settings, place, data=parts, say=print, overwrite=True, listen=told)
    return {
        "clips": {"train": clips, "test": TEST},
        "settings": settings,
        "processor_seconds": time.process_time() - begin,
        "scores": scores,
    }


def of_weights(data: Path, run: Path, clips: int) -> dict[str, Any]:
    """Score the best weights of a run that was stopped before its end."""
    settings = read_toml(run / "config.toml")
    job = Job(story.prepare(settings, clips_of(data, False, clips)), print)
    weights, best = load_tensors(run / "ckpt" / "best.safetensors")
    load_weights(job.model.network, weights, run)
    history = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    epoch = int(best["epoch"])
    score = next(each["val_score"] for each in history if each["epoch"] == epoch)
    stopped = TrainResult(epoch, score, history, "stopped before the end of the plan", 0.0)
    result = job.finish(stopped, untracked)
    return {"clips": {"train": clips, "test": TEST}, "settings": settings, "scores": result.scores}


class Usual(nn.Module):
    """The ConvLSTM cell that most repositories copy."""

    def __init__(self, inputs: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.gates = nn.Conv2d(inputs + hidden, 4 * hidden, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of x [T, B, I, Y, X]."""
        h = c = x.new_zeros(x.size(1), self.hidden, *x.shape[-2:])
        found = []
        for frame in x:
            i, f, o, g = torch.chunk(self.gates(torch.cat([frame, h], 1)), 4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            found.append(h)
        return torch.stack(found)


class Ours(nn.Module):
    """One layer of ours, in training with operands in this precision."""

    def __init__(self, inputs: int, hidden: int, kernel: int, precision: str) -> None:
        super().__init__()
        self.layer = ConvLSTM(inputs, hidden, kernel, precision=precision)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of x [T, B, I, Y, X]."""
        found: Tensor = self.layer(x)[0]
        return found


class Autocast(nn.Module):
    """A network under torch's automatic bfloat16."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return what the network does."""
        with torch.autocast("cpu", torch.bfloat16):
            found: Tensor = self.network(x)
        return found


SHAPES = {
    "patches, 16 channels, 64 units, 3 x 3": (8, 16, 64, 16, 3),
    "second layer, 64 channels, 64 units, 3 x 3": (8, 64, 64, 16, 3),
    "patches, 16 channels, 64 units, 5 x 5": (8, 16, 64, 16, 5),
}


def step(quick: bool) -> dict[str, Any]:
    """Processor seconds of a step of each cell, and our ratios."""
    torch.set_num_threads(1)
    found = {}
    for name, (batch, inputs, hidden, size, kernel) in SHAPES.items():
        x = torch.randn(2 if quick else 10, batch, inputs, size, size)
        cells = {
            "usual": Usual(inputs, hidden, kernel),
            "usual, autocast": Autocast(Usual(inputs, hidden, kernel)),
            "ours, float32": Ours(inputs, hidden, kernel, "float32"),
            "ours": Ours(inputs, hidden, kernel, "bfloat16"),
        }
        least = dict.fromkeys(cells, float("inf"))
        for round_ in range(2 if quick else 9):
            for key, cell in cells.items():
                begin = time.process_time()
                cell.zero_grad()
                cell(x).square().mean().backward()
                if round_:
                    least[key] = min(least[key], time.process_time() - begin)
        ratios = {key: least["usual"] / seconds for key, seconds in least.items()}
        found[name] = {"seconds": least, "times as fast as the usual cell": ratios}
        print(name, {key: f"{ratio:.2f}" for key, ratio in ratios.items()}, flush=True)
    return found


PARTS = ("moving_mnist", "step")


def part(
    data: Path,
    quick: bool,
    parts: Sequence[str] = PARTS,
    out: Path | None = None,
    clips: int = 10_000,
    epochs: int = 30,
    stopped: Path | None = None,
) -> dict[str, Any]:
    """Return the results of these parts, beside the goals; stopped: a run to score as it is."""
    found: dict[str, Any] = {"goals": GOALS}
    if stopped is not None:
        found["moving_mnist"] = of_weights(data, stopped, clips)
    elif "moving_mnist" in parts:
        found["moving_mnist"] = moving_mnist(data, quick, out, clips, epochs)
    if "step" in parts:
        found["step"] = step(quick)
    return found


def measure(data: Path) -> dict[str, Any]:
    """Measure in full, for `signals.py`."""
    return part(data, quick=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--quick", action="store_true", help="a few clips and steps")
    parser.add_argument("--out", type=Path, help="folder that keeps the run")
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--stopped", type=Path, help="run that was stopped; score its weights")
    given = parser.parse_args()
    data, how = Path(os.environ["LONGSHORT_DATA"]), (given.out, given.clips, given.epochs)
    found = part(data, given.quick, given.parts, *how, given.stopped)
    if not given.quick:
        before = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
        whole = {**before, **found, "environment": environment()}
        RESULTS.write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
