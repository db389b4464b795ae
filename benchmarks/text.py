"""Labelled sequences and text on real data: scores beside baselines and goals, and speed.

    LONGSHORT_DATA=FOLDER python benchmarks/text.py [--rows sst2 …] [--seeds 3] [--go-on]

Every row is one run of the command per seed, with the settings given here, which were chosen on
validation splits; the test split is scored once per seed. A score is the mean over seeds, with
minimum and maximum. Speed is that of training, forward and backward without the optimiser's step,
in steps of sequences per second: batch by batch against the same network with torch.nn.LSTM, with
PackedSequence where lengths differ, in the order AB BA …; the ratio is the median [quartiles].
Results of rows and parts that are not chosen stay in the file, and every finished seed is written
to it, so that an interrupted row can continue. Other processes do not affect scores, but they
affect speed and minutes.
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
from dataclasses import asdict, dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from baselines import quartiles
from cells import cpu_model
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from longshort.config import assign
from longshort.runs import story
from longshort.runs.batches import BatchLearning
from longshort.runs.job import Job, environment
from longshort.runs.task import quiet
from longshort.train.learning import Learning

RESULTS = Path(__file__).parent / "results"
PARTS = ("quality", "speed")
BATCHES, WARMING = 40, 2
OF_RUNS = ("seeds", "models", "variants", "outcomes", "seconds", "cpu_seconds", "training")


@dataclass(frozen=True)
class Row:
    """A data set, its settings where they differ from the defaults, and the goal of a score."""

    task: str
    train: str
    metric: str
    goal: float | None
    test: str | None = None
    val: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    above: str | None = None
    """A baseline that must be beaten too."""
    minutes: float | None = None
    """Time limit of the whole run, in minutes."""
    seeds: int | None = None

    @property
    def is_loss(self) -> bool:
        """Whether lower is better."""
        return self.metric in ("perplexity", "nats_per_token")

    def nested(self, data: Path, seed: int, threads: int) -> dict[str, Any]:
        found: dict[str, Any] = {"task": self.task}
        files = {"path": self.train, "val_path": self.val, "test_path": self.test}
        for key, name in files.items():
            if name is not None:
                assign(found, f"data.{key}", str(data / name))
        chosen = {"train.seed": seed, "train.threads": threads, **self.settings}
        for key, value in chosen.items():
            assign(found, key, value)
        return found

    def is_better(self, score: float, other: float) -> bool:
        return score < other if self.is_loss else score > other

    def meets_goal(self, score: float) -> bool:
        return self.goal is None or score == self.goal or self.is_better(score, self.goal)


PTB = ("ptb/ptb.train.txt", "ptb/ptb.test.txt", "ptb/ptb.valid.txt")
SMALL = {
    "text.tokens": "spaces",
    "model.hidden": 200,
    "model.embedding": 200,
    "train.batch_size": 20,
}
TIED = SMALL | {
    "model.init_range": 0.1,
    "model.dropout": 0.2,
    "train.optimizer": "sgd",
    "train.learning_rate": 20.0,
    "train.clip_norm": 0.25,
    "train.schedule": "decay",
    "train.decay": 0.4,
    "train.decay_after": 3,
    "train.max_epochs": 6,
    "train.bptt": 35,
}
ZAREMBA = SMALL | {
    "model.tie": False,
    "model.init_range": 0.1,
    "train.optimizer": "sgd",
    "train.learning_rate": 20.0,
    "train.clip_norm": 0.25,
    "train.schedule": "decay",
    "train.decay": 0.5,
    "train.decay_after": 4,
    "train.max_epochs": 13,
    "train.patience": 13,
    "train.bptt": 20,
}
LARGER = TIED | {
    "model.hidden": 400,
    "model.embedding": 400,
    "model.dropout": 0.4,
    "train.decay": 0.6,
    "train.decay_after": 7,
    "train.max_epochs": 14,
    "train.patience": 14,
    "evaluate.cache": 2000,
    "evaluate.dynamic": True,
}
WEIBO = [f"weibo_ner/weiboNER_2nd_conll.{part}" for part in ("train", "test", "dev")]
WNUT = ("wnut17/wnut17train.conll", "wnut17/emerging.test.annotated", "wnut17/emerging.dev.conll")

ROWS = {
    "sst2": Row(
        "classify",
        "sst2/stsa.binary.train",
        "accuracy",
        0.82,
        "sst2/stsa.binary.test",
        "sst2/stsa.binary.dev",
        {"text.tokens": "spaces"},
        "bag_of_words",
    ),
    "hotels": Row(
        "classify",
        "chn_hotel/ChnSentiCorp_htl_all.csv",
        "accuracy",
        0.90,
        settings={"text.tokens": "jieba", "model.convolution": 128, "train.label_smoothing": 0.1},
        above="bag_of_characters",
    ),
    "vowels": Row(
        "classify",
        "ucr/JapaneseVowels_TRAIN.ts",
        "accuracy",
        0.985,
        "ucr/JapaneseVowels_TEST.ts",
        settings={"model.recurrent_dropout": 0.25},
    ),
    "motions": Row(
        "classify",
        "ucr/BasicMotions_TRAIN.ts",
        "accuracy",
        1.0,
        "ucr/BasicMotions_TEST.ts",
        settings={"split.val": 0.2, "model.members": 10},
    ),
    "mnist": Row(
        "classify",
        "mnist/train-images-idx3-ubyte.gz",
        "accuracy",
        0.988,
        "mnist/t10k-images-idx3-ubyte.gz",
        minutes=3.0,
    ),
    "weibo": Row("tag", WEIBO[0], "f1", 0.50, WEIBO[1], WEIBO[2], {"data.strip_position": True}),
    "wnut": Row(
        "tag",
        WNUT[0],
        "f1",
        0.20,
        WNUT[1],
        WNUT[2],
        {"model.characters": 100, "model.recurrent_dropout": 0.25, "train.max_epochs": 20},
        above="dictionary",
    ),
    "ptb6": Row("lm", PTB[0], "perplexity", 110.0, PTB[1], PTB[2], TIED),
    "zaremba": Row("lm", PTB[0], "perplexity", 112.0, PTB[1], PTB[2], ZAREMBA),
    "ptb60": Row("lm", PTB[0], "perplexity", None, PTB[1], PTB[2], LARGER, minutes=60.0, seeds=1),
    "shakespeare": Row(
        "lm",
        "tinyshakespeare/input.txt",
        "nats_per_token",
        1.60,
        settings={
            "text.tokens": "characters",
            "split.test": 0.1,
            "model.hidden": 512,
            "model.dropout": 0.25,
            "train.max_epochs": 10,
            "evaluate.dynamic": True,
        },
        minutes=10.0,
    ),
}


class Packed(nn.Module):
    """torch's LSTM on a PackedSequence in place of our layers."""

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


def on_torch(learning: Any) -> Any:
    """Return the same training of a network with torch's layers."""
    baseline, whole = copy.copy(learning), copy.deepcopy(learning.module)
    if isinstance(learning, BatchLearning):
        baseline.model = replace(learning.model, network=whole)
    else:
        baseline.network = whole
    for network in getattr(whole, "members", [whole]):
        layers = network.layers
        if isinstance(layers, nn.ModuleList):
            plain = [nn.LSTM(each.input_size, each.hidden_size) for each in layers]  # type: ignore[union-attr]
            network.layers = nn.ModuleList(plain)
        else:
            network.layers = Packed(layers)
    return baseline


def speed(task: Learning, epoch: Sequence[Tensor]) -> dict[str, Any]:
    """Return the training speed of our layers and torch's, in steps of sequences per second."""
    batches = list(islice(cycle(epoch), BATCHES))
    both = {"ours": task, "baseline": on_torch(task)}
    times: dict[str, list[float]] = {name: [] for name in both}
    for number, samples in enumerate(batches):
        for name in list(both) if number % 2 else reversed(list(both)):
            each = both[name]
            each.module.train()
            begin = time.perf_counter()
            torch.autograd.backward(each.loss(samples))
            times[name].append(time.perf_counter() - begin)
            each.module.zero_grad()
    ours, theirs = (values[WARMING:] for values in times.values())
    sizes = [task.size(samples) for samples in batches[WARMING:]]
    rates = {
        name: statistics.median(n / s for n, s in zip(sizes, values, strict=True))
        for name, values in (("ours", ours), ("baseline", theirs))
    }
    whole = sum(task.size(samples) for samples in epoch)
    return {
        "steps_per_second": rates,
        "minutes_per_epoch": {name: whole / rate / 60 for name, rate in rates.items()},
        "ratio": list(quartiles([b / a for a, b in zip(ours, theirs, strict=True)])),
    }


def one_run(row: Row, data: Path, seed: int, threads: int) -> dict[str, Any]:
    """Run one seed; returns its scores and times."""
    with tempfile.TemporaryDirectory() as folder:
        wall, used = time.monotonic(), time.process_time()
        found = story.run(row.nested(data, seed, threads), Path(folder) / "run")
        return {
            "seeds": seed,
            "models": {
                key: value
                for key, value in found["test"]["model"].items()
                if isinstance(value, float)
            },
            "variants": found["test"].get("variants", {}),
            "outcomes": found["outcome"],
            "seconds": time.monotonic() - wall,
            "cpu_seconds": time.process_time() - used,
            "training": found["training"],
            "baselines": found["test"]["baselines"],
        }


def quality(row: Row, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Summarise runs of several seeds; the baselines are those of the first."""
    lists = {key: [run[key] for run in runs] for key in OF_RUNS}
    models, baselines = lists["models"], runs[0]["baselines"]
    scores = [model[row.metric] for model in models]
    mean = statistics.mean(scores)
    is_met = row.meets_goal(mean)
    if row.above is not None:
        is_met &= row.is_better(mean, baselines[row.above][row.metric])
    if row.minutes is not None:
        is_met &= statistics.median(lists["seconds"]) <= 60 * row.minutes
    return {
        "metric": row.metric,
        "score": mean,
        "range": [min(scores), max(scores)],
        "goal": row.goal,
        "is_met": is_met,
        "model": {key: statistics.mean(model[key] for model in models) for key in models[0]},
        **lists,
        "baselines": baselines,
        "settings": asdict(row),
    }


def earlier(row: Row, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the runs of an earlier call that had the same settings."""
    settings = json.loads(json.dumps(asdict(row)))
    if found.get("settings") != settings or "seeds" not in found:
        return []
    by_seed = zip(*(found[key] for key in OF_RUNS), strict=True)
    runs = (dict(zip(OF_RUNS, each, strict=True)) for each in by_seed)
    return [run | {"baselines": found["baselines"]} for run in runs]


def throughput(row: Row, data: Path, threads: int) -> dict[str, Any]:
    """Measure training steps of the first seed's network."""
    torch.set_num_threads(threads)
    learning, _, plan, _ = Job(story.prepare(row.nested(data, 0, threads)), quiet).training
    return speed(learning, learning.batches(plan, torch.Generator().manual_seed(0)))


def line(name: str, found: dict[str, Any]) -> str:
    text = f"{name:12}"
    if "quality" in found:
        part = found["quality"]
        metric, (low, high) = part["metric"], part["range"]
        others = ", ".join(f"{key} {each[metric]:.4g}" for key, each in part["baselines"].items())
        goal = "no goal" if part["goal"] is None else f"goal {part['goal']:g}"
        seconds, cpu = (statistics.median(part[key]) for key in ("seconds", "cpu_seconds"))
        text += (
            f" {metric} {part['score']:.5g} [{low:.5g}, {high:.5g}], {goal} "
            f"{'met' if part['is_met'] else 'not met'}; {others}; {seconds:.0f} s, CPU {cpu:.0f} s"
        )
    if "speed" in found:
        ratio = "{:.2f} [{:.2f}, {:.2f}]".format(*found["speed"]["ratio"])
        rate = found["speed"]["steps_per_second"]["ours"]
        text += f" {rate:,.0f} steps/s, nn.LSTM x {ratio}"
        minutes = found["speed"].get("minutes_per_epoch", {})
        text += "".join(f", {name} {value:.3g} min an epoch" for name, value in minutes.items())
    return text


def about(threads: int) -> dict[str, Any]:
    return environment() | {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": threads,
        "load_before": os.getloadavg()[0],
        "date": time.strftime("%Y-%m-%d"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, default=RESULTS / "text.json")
    parser.add_argument(
        "--go-on", action="store_true", help="keep the seeds that --out has of equal settings"
    )
    chosen = parser.parse_args()
    folder = os.environ.get("LONGSHORT_DATA")
    if not folder or not Path(folder).is_dir():
        raise SystemExit("LONGSHORT_DATA is unset or no folder: real data is not at hand")
    results: dict[str, Any] = {}
    if chosen.out.is_file():
        results = json.loads(chosen.out.read_text())
    data, threads = Path(folder), chosen.threads

    def keep(name: str, part: str, found: dict[str, Any], where: dict[str, Any]) -> None:
        results.setdefault(name, {})[part] = found | {"environment": where}
        chosen.out.parent.mkdir(exist_ok=True)
        chosen.out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")

    for name in chosen.rows:
        row, before = ROWS[name], results.get(name, {}).get("quality", {})
        if "quality" in chosen.parts:
            runs = earlier(row, before) if chosen.go_on else []
            for seed in range(row.seeds or chosen.seeds):
                if seed not in [run["seeds"] for run in runs]:
                    where = about(threads)
                    runs.append(one_run(row, data, seed, threads))
                    keep(name, "quality", quality(row, runs), where)
        if "speed" in chosen.parts:
            where = about(threads)
            keep(name, "speed", throughput(row, data, threads), where)
        print(line(name, results[name]), flush=True)


if __name__ == "__main__":
    main()
