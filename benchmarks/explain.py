"""Explanations: whether sums are complete, planted truth is found, and deletion beats random order.

    python benchmarks/explain.py [--parts runs hmm …] [--quick] [--show]

runs: sums, deletion and random weights for rows of four runs (two forecasts, a classification of
texts and one of series), trained here, and the lag of a forecast y[t] = x[t - k]. echo: the same
lag for a layer alone. captum: the same integrated gradients by Captum, if it is installed. hmm: the
hidden Markov data of Dynamask (Crabbé & van der Schaar, 2021; as in time_interpret) with a GRU,
whose relevant feature of every step is known; area under the precision-recall curve of absolute
values. adding: the sum of two marked numbers, whose share of each is the number (Arras et al.,
2019). speed: LRP of a row of 200 steps by 128 units, one thread.

Every goal stands beside what was measured; random order and random attributions stand beside ours.
Results go to benchmarks/results/explain.json, unless --quick is given, which takes fewer rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

import longshort as ls
from longshort.data.labelled import examples_of
from longshort.explanation.checks import shuffled
from longshort.explanation.faithfulness import agreement, deletion
from longshort.explanation.gradients import integrated_gradients
from longshort.explanation.methods import attribute
from longshort.explanation.relevance.mode import relevance
from longshort.runs import story, trained
from longshort.runs.explaining import Question, Subject
from longshort.runs.job import environment
from longshort.runs.task import quiet
from longshort.train.events import silent

RESULTS = Path(__file__).parent / "results" / "explain.json"
METHODS = ("ig", "lrp", "cd")
Found = dict[str, Any]


@dataclass
class OneRow:
    """A subject with a network of ours, of which single questions are asked."""

    network: nn.Module


def asked(answer: Callable[[Tensor], Tensor], inputs: np.ndarray) -> Question:
    """A question about a network's number for inputs [T, F]."""
    steps, features = inputs.shape
    return Question(
        name="answer", unit="", answer=answer, inputs=inputs.astype(float),
        exists=np.ones(inputs.shape, bool), mean=np.zeros(inputs.shape),
        others=np.random.default_rng(0).normal(size=(32, steps, features)),
        steps=[str(n) for n in range(steps)], features=[str(n) for n in range(features)],
    )  # fmt: skip


# Runs of ours


def wave(rows: int = 1500) -> pl.DataFrame:
    """An hourly series with a daily wave, a trend and noise."""
    t, draw = np.arange(rows), np.random.default_rng(0)
    values = 10 + 0.002 * t + 3 * np.sin(2 * np.pi * t / 24) + 0.5 * draw.normal(size=rows)
    stamps = np.datetime64("2024-01-01T00:00:00", "us") + t * np.timedelta64(1, "h")
    return pl.DataFrame({"ds": stamps, "y": values})


def lagged(lag: int, rows: int = 2000) -> pl.DataFrame:
    """y[t] = x[t - lag] with a little noise; x and a third column are white noise."""
    draw = np.random.default_rng(1)
    x, z = draw.normal(size=(2, rows + lag))
    stamps = np.datetime64("2024-01-01T00:00:00", "us") + np.arange(rows) * np.timedelta64(1, "h")
    y = x[:rows] + 0.05 * draw.normal(size=rows)
    return pl.DataFrame({"ds": stamps, "y": y, "x": x[lag:], "z": z[lag:]})


def bursts(rows: int = 400) -> Any:
    """Series of 40 steps and 3 channels, of two classes that differ in a burst in channel 2."""
    draw, items, labels = np.random.default_rng(2), [], []
    for number in range(rows):
        values = draw.normal(size=(40, 3))
        begin = int(draw.integers(5, 30))
        values[begin : begin + 6, 1] += 1.5 if number % 2 else -1.5
        items.append(values)
        labels.append("up" if number % 2 else "down")
    return examples_of(items, labels)


def runs(lag: int) -> dict[str, tuple[Found, object]]:
    """Settings and data of the runs."""
    train = {"threads": 1}
    series = {"data": {"target": "y", "time": "ds"}}
    planted = {"context_length": 12, "horizon": 1, "hidden": 32}
    return {
        "wave": ({"task": "forecast", **series, "model": {"horizon": 12, "hidden": 32},
                  "train": {**train, "max_epochs": 8}}, wave()),
        "lag": ({"task": "forecast", "data": {**series["data"], "past": ["x", "z"]},
                 "model": planted,
                 "train": {**train, "max_epochs": 12}}, lagged(lag)),
        "topics": ({"task": "classify", "train": train, "model": {"members": 1}},
                   ls.example("topics")),
        "bursts": ({"task": "classify", "train": {**train, "max_epochs": 12},
                    "model": {"hidden": 32, "members": 1}}, bursts()),
    }  # fmt: skip


def trained_run(settings: Found, data: object) -> tuple[Subject, Found]:
    """Train a run; returns what can be explained of its test split, and its scores."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        scores = story.run(settings, path, data=data, say=quiet, listen=silent)
        return trained.load(path).remember(data).subject(), scores


def rows_of(subject: Subject, most: int) -> list[int]:
    """Row numbers at even distances."""
    count = len(subject.places)
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def of_run(subject: Subject, most: int, methods: Sequence[str] = METHODS) -> Found:
    """Completeness, deletion against random order and random weights, by method."""
    found: Found = {}
    for name in methods:
        errors, wins, gains, alike = [], [], [], []
        for row in rows_of(subject, most):
            question = subject.question(row, None)
            try:
                own = attribute(name, subject, question, "mean", 0)
            except ls.ConfigError as error:
                found[name] = {"refused": str(error)}
                break
            deleted = deletion(question, own, row)
            errors.append(own.completeness)
            wins.append(deleted.gain > 0)
            gains.append((deleted.gain, deleted.gain_of_distance))
            if row % 4 == 0:
                with shuffled(subject.network, row):
                    other = attribute(name, subject, question, "mean", 0)
                alike.append(agreement(own, other, question))
        if name in found:
            continue
        found[name] = {
            "rows": len(errors),
            "worst_error": max(errors),
            "beats_random": float(np.mean(wins)),
            "median_gain": float(np.median([gain for gain, _ in gains])),
            "median_gain_of_order_by_distance": float(np.median([gain for _, gain in gains])),
            "random_weights": float(np.nanmean(alike)) if alike else None,
        }
    return found


def lag_found(subject: Subject, lag: int, most: int) -> Found:
    """Share of forecasts whose largest cell is x at the planted lag."""
    found = {}
    for name in METHODS:
        hits = []
        for row in rows_of(subject, most):
            question = subject.question(row, None)
            values = np.abs(attribute(name, subject, question, "mean", 0).values)
            step, feature = divmod(int(values.argmax()), values.shape[1])
            ahead = len(values) - 1 - step
            hits.append(question.features[feature] == "x" and ahead == lag)
        found[name] = float(np.mean(hits))
    cells = int(question.exists.sum())
    return {"lag": lag, "found": found, "random": 1 / cells}


# Hidden Markov data


def hidden_markov(count: int, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series [n, T, 3], labels [n, T], and the relevant feature [n, T] of every step.

    Two states with other means; the label's log odds are twice the feature 1 or 2, by state.
    """
    draw = np.random.default_rng(seed)
    means = np.array([[0.1, 1.6, 0.5], [-0.1, -0.4, -1.5]])
    relevant = np.array([1, 2])
    covariances = []
    for feature in relevant:
        matrix = 0.801 * np.eye(3)
        matrix[0, feature] = matrix[feature, 0] = 0.01
        covariances.append(matrix)
    states = np.zeros((count, steps), int)
    state, stayed = draw.integers(0, 2, count), np.zeros(count)
    for t in range(steps):
        p = np.where(state == 1, 0.95 - stayed / 500, 0.05)
        new = (draw.random(count) < p).astype(int)
        stayed = np.where(new == state, stayed + 1, 0)
        states[:, t] = state = new
    x = np.stack([draw.multivariate_normal(m, c, (count, steps)) for m, c in
                  zip(means, covariances, strict=True)])  # fmt: skip
    x = np.where(states[..., None] == 0, x[0], x[1])
    seen = np.take_along_axis(x, relevant[states][..., None], 2)[..., 0]
    y = (draw.random((count, steps)) < 1 / (1 + np.exp(-2 * seen))).astype(float)
    return x, y, relevant[states]


class PerStep(nn.Module):
    """A recurrent layer below a linear head at every step, [B, T, F] to log odds [B, T]."""

    def __init__(self, layer: nn.Module, hidden: int) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(x.transpose(0, 1))[0])[..., 0].T


def hmm(quick: bool) -> Found:
    """Area under the precision-recall curve, for the answer of each step by its own inputs."""
    torch.manual_seed(0)
    hidden, epochs = (50, 8) if quick else (100, 30)
    x, y, _ = hidden_markov(800, 200, 0)
    network = PerStep(ls.nn.GRU(3, hidden), hidden)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    inputs, truth = torch.from_numpy(x).float(), torch.from_numpy(y).float()
    for _ in range(epochs):
        for some in torch.randperm(len(x)).split(50):
            optimiser.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(
                network(inputs[some]), truth[some]
            )
            loss.backward()
            optimiser.step()
    network.double().eval().requires_grad_(False)
    x, y, relevant = hidden_markov(200, 200, 1)
    right = ((network(torch.from_numpy(x)) > 0).double().numpy() == y).mean()
    series, every = (6, 20) if quick else (25, 5)
    scores: dict[str, list[np.ndarray]] = {name: [] for name in ("ig", "lrp", "occlusion")}
    marks = []
    for row in range(series):
        for t in range(every - 1, 200, every):
            question = asked(lambda part: network(part)[:, -1], x[row, : t + 1])
            for name, values in scores.items():
                if name == "occlusion":
                    values.append(_last_hidden(question))
                else:
                    one: Any = OneRow(network)
                    values.append(np.abs(attribute(name, one, question, "zero", 0).values[-1]))
            marks.append(np.arange(3) == relevant[row, t])
    truth_of = np.concatenate(marks)
    area = {name: precision_recall(np.concatenate(v), truth_of) for name, v in scores.items()}
    return {
        "accuracy": float(right), "answers": len(marks), "auprc": area,
        "random": float(truth_of.mean()), "goal": 0.91,
    }  # fmt: skip


def _last_hidden(question: Question) -> np.ndarray:
    """By how much the answer changes where a feature of the last step is 0, [F]."""
    copies = np.repeat(question.inputs[None], question.inputs.shape[1] + 1, 0)
    for feature in range(question.inputs.shape[1]):
        copies[feature + 1, -1, feature] = 0.0
    with torch.no_grad():
        found = question.answer(torch.from_numpy(copies)).numpy()
    return np.abs(found[0] - found[1:])


def precision_recall(scores: np.ndarray, truth: np.ndarray) -> float:
    """Area under the precision-recall curve, as average precision."""
    order = np.argsort(-scores, kind="stable")
    hits = truth[order].astype(float)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / hits.sum())


# The adding task


class Sum(nn.Module):
    """An LSTM below a linear head that reads its last step."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.layer, self.head = ls.nn.LSTM(2, hidden), nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(x.transpose(0, 1))[0][-1])[:, 0]


def marked(count: int, steps: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Numbers in ±1 with a mark at two of them, [n, T, 2], and the sum of these two."""
    x = np.zeros((count, steps, 2))
    x[..., 0] = draw.uniform(-1, 1, (count, steps))
    for row in x:
        row[draw.choice(steps, 2, replace=False), 1] = 1.0
    return x, (x[..., 0] * x[..., 1]).sum(1)


def adding(quick: bool) -> Found:
    """Share of attribution on marked numbers, and its correlation with the numbers themselves."""
    torch.manual_seed(0)
    draw, steps = np.random.default_rng(0), 20
    network = Sum(32)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(800 if quick else 3000):
        x, y = (torch.from_numpy(each).float() for each in marked(64, steps, draw))
        optimiser.zero_grad()
        nn.functional.mse_loss(network(x), y).backward()
        optimiser.step()
    network.double().eval().requires_grad_(False)
    x, y = marked(20 if quick else 100, steps, draw)
    error = float(np.mean((network(torch.from_numpy(x)).numpy() - y) ** 2))
    found: Found = {"steps": steps, "error": error, "error_of_the_mean": float(np.var(y))}
    for name in (*METHODS, "gradient", "occlusion"):
        shares, own, true = [], [], []
        for row in x:
            one: Any = OneRow(network)
            question = asked(network, row)
            values = attribute(name, one, question, "zero", 0).values[:, 0]
            marks = row[:, 1] == 1
            shares.append(np.abs(values[marks]).sum() / np.abs(values).sum())
            own += values[marks].tolist()
            true += row[marks, 0].tolist()
        found[name] = {
            "share_on_marked_numbers": float(np.mean(shares)),
            "correlation_with_the_numbers": float(np.corrcoef(own, true)[0, 1]),
        }
    return found | {"share_of_random": 2 / steps}


def echo(quick: bool, lag: int = 5) -> Found:
    """The same planted lag for a recurrent layer alone: the output is the input of before."""
    torch.manual_seed(0)
    draw, steps = np.random.default_rng(0), 20
    network = PerStep(ls.nn.LSTM(1, 48), 48)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(600 if quick else 2500):
        x = torch.from_numpy(draw.normal(size=(32, steps, 1))).float()
        optimiser.zero_grad()
        error = network(x)[:, lag:] - x[:, :-lag, 0]
        error.square().mean().backward()
        optimiser.step()
    network.double().eval().requires_grad_(False)
    rows = draw.normal(size=(40 if quick else 200, steps, 1))
    with torch.no_grad():
        last = network(torch.from_numpy(rows))[:, -1].numpy()
    found: Found = {"lag": lag, "error": float(np.mean((last - rows[:, -1 - lag, 0]) ** 2))}
    one: Any = OneRow(network)
    hits: dict[str, list[bool]] = {name: [] for name in METHODS}
    alike = []
    for row in rows:
        question = asked(lambda part: network(part)[:, -1], row)
        own = {name: attribute(name, one, question, "zero", 0) for name in METHODS}
        for name, each in own.items():
            hits[name].append(int(np.abs(each.values[:, 0]).argmax()) == steps - 1 - lag)
        alike.append(agreement(own["ig"], own["lrp"], question))
    found |= {name: float(np.mean(each)) for name, each in hits.items()}
    found["median_agreement_of_ig_and_lrp"] = float(np.median(alike))
    return found | {"random": 1 / steps, "goal": 0.95}


# Captum and speed


def beside_captum() -> Found:
    """Largest difference to Captum's integrated gradients, with the same and with other points."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from captum.attr import IntegratedGradients
    except ImportError:
        return {"skipped": "captum is not installed"}
    torch.manual_seed(0)
    network = Sum(64).double().eval().requires_grad_(False)
    found, largest = [], 0.0
    for seed in range(10):
        x = np.random.default_rng(seed).normal(size=(50, 2))
        own = integrated_gradients(asked(network, x), "zero", 0).values
        inputs = torch.from_numpy(x)[None]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = IntegratedGradients(network).attribute(
                inputs, 0 * inputs, n_steps=500, method="gausslegendre"
            )[0]
        found.append(float(np.abs(own - theirs.numpy()).max()))
        largest = max(largest, float(theirs.abs().max()))
    return {"largest_difference": max(found), "largest_value": largest, "goal": 1e-5}


def speed() -> Found:
    """Milliseconds of LRP and of a forward and backward pass, median of 20."""
    torch.set_num_threads(1)
    network = Sum(128).double().eval().requires_grad_(False)
    x = torch.randn(1, 200, 2, dtype=torch.float64)

    def relevant() -> None:
        inputs, one = x.clone().requires_grad_(), torch.ones(1).double().requires_grad_()
        with relevance(network, one):
            answer = network(inputs).sum()
        torch.autograd.grad(answer, [inputs, one])

    def gradient() -> None:
        inputs = x.clone().requires_grad_()
        torch.autograd.grad(network(inputs).sum(), [inputs])

    found: Found = {}
    for name, run in (("lrp", relevant), ("gradient", gradient)):
        run()
        times = []
        for _ in range(20):
            begun = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - begun))
        found[f"{name}_ms"] = round(statistics.median(times), 2)
    return found | {"steps": 200, "hidden": 128, "goal_ms": 50}


PARTS = ("runs", "hmm", "echo", "adding", "captum", "speed")


def main() -> None:
    """Run the parts, print and keep what was measured."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--show", action="store_true")
    given = arguments.parse_args()
    if given.show:
        print(RESULTS.read_text())
        return
    torch.set_num_threads(1)
    found: Found = {"environment": environment()}
    if not given.quick and RESULTS.exists():
        found = json.loads(RESULTS.read_text()) | found
    lag, most = 5, 12 if given.quick else 60
    if "runs" in given.parts:
        found["runs"] = {}
        for name, (settings, data) in runs(lag).items():
            begun = time.perf_counter()
            subject, scores = trained_run(settings, data)
            entry = {"verdict": scores["verdict"], "methods": of_run(subject, most)}
            if name == "lag":
                entry["planted"] = lag_found(subject, lag, most)
            found["runs"][name] = entry | {"seconds": round(time.perf_counter() - begun)}
            print(name, json.dumps(found["runs"][name], indent=1), flush=True)
    others: dict[str, Callable[[], Found]] = {
        "hmm": lambda: hmm(given.quick),
        "echo": lambda: echo(given.quick),
        "adding": lambda: adding(given.quick),
        "captum": beside_captum,
        "speed": speed,
    }
    for name, part in others.items():
        if name in given.parts:
            begun = time.perf_counter()
            found[name] = part() | {"seconds": round(time.perf_counter() - begun)}
            print(name, json.dumps(found[name], indent=1), flush=True)
    if not given.quick:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
