"""Labelled sequences and text on real data: scores beside rivals and goals, and the speed.

    LONGSHORT_DATA=FOLDER python benchmarks/text.py [--rows sst2 vowels …] [--seeds 3] [--threads 2]

Every row is the run that the command makes with its own defaults, once for each seed; settings were
chosen on validation parts, and the test part is scored once a seed. A score is the mean over seeds,
with the least and the largest. Speed is training, forward and backward with the step of the
optimiser left out, in steps of sequences a second: batch by batch against the same network built on
torch.nn.LSTM with PackedSequence, in the order AB BA …; the ratio is the median [quartiles].
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from cells import cpu_model
from rivals import quartiles
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from longshort import workflow
from longshort.config import assign, build
from longshort.tasks.classify.task import ClassifyTask
from longshort.workflow.classify import ClassifyJob

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """A data set, its settings beside the defaults, and the goal for the test accuracy."""

    train: str
    goal: float
    test: str | None = None
    val: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    above: str | None = None
    """The rival that has to be beaten too."""

    def nested(self, data: Path, seed: int, threads: int) -> dict[str, Any]:
        found: dict[str, Any] = {"task": "classify"}
        files = {"path": self.train, "val_path": self.val, "test_path": self.test}
        for key, name in files.items():
            if name is not None:
                assign(found, f"data.{key}", str(data / name))
        chosen = {"train.seed": seed, "train.threads": threads, **self.settings}
        for key, value in chosen.items():
            assign(found, key, value)
        return found


ROWS = {
    "sst2": Row(
        "sst2/stsa.binary.train",
        0.82,
        "sst2/stsa.binary.test",
        "sst2/stsa.binary.dev",
        {"text.tokens": "spaces"},
        "bag_of_words",
    ),
    "hotels": Row("chn_hotel/ChnSentiCorp_htl_all.csv", 0.90, above="bag_of_words"),
    "vowels": Row("ucr/JapaneseVowels_TRAIN.ts", 0.985, "ucr/JapaneseVowels_TEST.ts"),
    "motions": Row(
        "ucr/BasicMotions_TRAIN.ts", 1.0, "ucr/BasicMotions_TEST.ts", None, {"split.val": 0.2}
    ),
    "mnist": Row("mnist/train-images-idx3-ubyte.gz", 0.988, "mnist/t10k-images-idx3-ubyte.gz"),
}


class Packed(nn.Module):
    """torch's LSTM on a PackedSequence in the place of our layers."""

    def __init__(self, layers: Any) -> None:
        super().__init__()
        self.output_size = layers.output_size
        self.lstm = nn.LSTM(
            layers.input_size,
            layers.hidden_size,
            layers.num_layers,
            bidirectional=layers.bidirectional,
        )

    def forward(self, x: Tensor, *, lengths: Tensor) -> tuple[Tensor, None]:
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0])[0], None


def speed(task: ClassifyTask, batches: Sequence[Tensor]) -> dict[str, Any]:
    """Training of ours against the rival's, steps of sequences a second."""
    rival = copy.copy(task)
    rival.network = copy.deepcopy(task.network)
    rival.network.layers = Packed(task.network.layers)  # type: ignore[assignment]
    times: dict[str, list[float]] = {"ours": [], "rival": []}
    for number, samples in enumerate(batches):
        order = [("ours", task), ("rival", rival)]
        for name, each in order if number % 2 else reversed(order):
            each.module.train()
            begin = time.perf_counter()
            torch.autograd.backward(each.loss(samples))
            times[name].append(time.perf_counter() - begin)
            each.module.zero_grad()
    ratios = [b / a for a, b in zip(times["ours"][2:], times["rival"][2:], strict=True)]
    rates = {
        name: statistics.median(
            task.size(samples) / seconds
            for samples, seconds in zip(batches[2:], each[2:], strict=True)
        )
        for name, each in times.items()
    }
    return {"steps_per_second": rates, "ratio": list(quartiles(ratios))}


def measure(row: Row, data: Path, seeds: int, threads: int) -> dict[str, Any]:
    scores, seconds, cpu = [], [], []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            wall, used = time.monotonic(), time.process_time()
            found = workflow.run(row.nested(data, seed, threads), Path(folder) / "run")
            seconds.append(time.monotonic() - wall)
            cpu.append(time.process_time() - used)
            scores.append(found)
    accuracies = [each["test"]["model"]["accuracy"] for each in scores]
    mean = statistics.mean(accuracies)
    rivals = scores[0]["test"]["baselines"]
    beaten = row.above is None or mean > rivals[row.above]["accuracy"]
    torch.set_num_threads(threads)
    job = ClassifyJob.prepare(
        build(row.nested(data, 0, threads)), str(data / row.train), lambda _: None  # type: ignore[arg-type]
    )  # fmt: skip
    batches = job.task.batches(job.plan(), torch.Generator().manual_seed(0))
    return {
        "accuracy": mean,
        "range": [min(accuracies), max(accuracies)],
        "goal": row.goal,
        "met": mean >= row.goal and beaten,
        "model": {
            key: statistics.mean(each["test"]["model"][key] for each in scores)
            for key in ("macro_f1", "log_loss", "calibration_error")
        },
        "rivals": rivals,
        "verdicts": [each["outcome"] for each in scores],
        "seconds": statistics.median(seconds),
        "cpu_seconds": statistics.median(cpu),
        "training": [each["training"] for each in scores],
        "speed": speed(job.task, (list(batches) * 40)[:40]),
        "settings": asdict(row),
    }


def line(name: str, found: dict[str, Any]) -> str:
    low, high = found["range"]
    rivals = ", ".join(f"{key} {each['accuracy']:.3f}" for key, each in found["rivals"].items())
    ratio = "{:.2f} [{:.2f}, {:.2f}]".format(*found["speed"]["ratio"])
    rate = found["speed"]["steps_per_second"]["ours"]
    return (
        f"{name:8} {found['accuracy']:.4f} [{low:.4f}, {high:.4f}] goal {found['goal']:.3f} "
        f"{'met' if found['met'] else 'not met'}; {rivals}; {found['seconds']:.0f} s, CPU "
        f"{found['cpu_seconds']:.0f} s; {rate:,.0f} steps/s, nn.LSTM packed x {ratio}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, default=RESULTS / "text.json")
    chosen = parser.parse_args()
    folder = os.environ.get("LONGSHORT_DATA")
    if not folder or not Path(folder).is_dir():
        raise SystemExit("LONGSHORT_DATA is unset or no folder: real data is not at hand")
    environment = workflow.environment() | {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": chosen.threads,
        "seeds": chosen.seeds,
        "load": os.getloadavg()[0],
        "date": time.strftime("%Y-%m-%d"),
    }
    results: dict[str, Any] = {}
    for name in chosen.rows:
        results[name] = measure(ROWS[name], Path(folder), chosen.seeds, chosen.threads)
        print(line(name, results[name]), flush=True)
        content = {"environment": environment, "results": results}
        chosen.out.parent.mkdir(exist_ok=True)
        chosen.out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
