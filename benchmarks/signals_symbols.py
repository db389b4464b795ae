"""Handwritten symbols: pen digits of unseen writers, and mathematical symbols of CROHME.

pendigits: the official files, 30 writers for training and 14 others for the test. crohme: 101
symbols of handwritten formulas, each alone and in a size of its own; tests of 2014 and 2016, all of
unseen writers. Settings were chosen on writers of the training files. Beside the network are the
baselines of the task, the nearest training symbol by dynamic time warping among the nearest by
Euclid's distance, and the nearest mean symbol, both on points at equal distances along the pen's
way. Seconds are of one processor.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from crohme import symbols
from numpy.typing import NDArray

from longshort.config import assign
from longshort.data.splits import Given
from longshort.data.strokes.ink import Ink, Inks
from longshort.data.strokes.reading import read_inks
from longshort.data.strokes.shape import normalise
from longshort.runs import story
from longshort.runs.job import Job
from longshort.runs.task import quiet, untracked
from longshort.train.events import EpochEnded, Event

Floats = NDArray[np.float64]
GOALS = {"pendigits": 0.985, "crohme_2014": 0.88, "crohme_2016": 0.88}
DIGITS = {"train.augment": 1.0}
MATHS = {"train.max_epochs": 4, "train.learning_rate": 0.003}
POINTS, BAND, NEAREST, ASKED = 24, 4, 50, 4_000
"""Points of a symbol, how far apart two that are matched may be, candidates that are warped, and
test symbols for which neighbours are looked for, at most."""


def measure(data: Path) -> dict[str, Any]:
    """Measure all parts on the folder of real data."""
    return part(data, bool(os.environ.get("QUICK")))


def part(data: Path, quick: bool) -> dict[str, Any]:
    """Measure all parts; quick: on a hundredth of the work, to see that it runs."""
    return pendigits(data, quick) | crohme(data, quick)


def pendigits(data: Path, quick: bool) -> dict[str, Any]:
    """Digits."""
    train, test = (read_inks(data / "pendigits" / f"pendigits-{n}") for n in ("train", "test"))
    return _measured(DIGITS, train, {"pendigits": test}, quick)


def crohme(data: Path, quick: bool) -> dict[str, Any]:
    """Mathematical symbols."""
    tests = {f"crohme_{year}": symbols(data, f"test{year}") for year in (2014, 2016)}
    return _measured(MATHS, symbols(data, "train"), tests, quick)


def _measured(
    chosen: dict[str, Any], train: Inks, tests: dict[str, Inks], quick: bool
) -> dict[str, Any]:
    """Train once, and score every test beside its baselines."""
    settings: dict[str, Any] = {"task": "classify"}
    for key, value in {**chosen, "train.threads": 1}.items():
        assign(settings, key, value)
    if quick:
        train = train.take(range(0, len(train), 100 if len(train) > 10_000 else 10))
        tests = {key: test.take(range(0, len(test), 20)) for key, test in tests.items()}
        assign(settings, "train.max_epochs", 1)
        known = {*(train.labels or [])}
        tests = {key: _of_labels(test, known) for key, test in tests.items()}
    first, *_ = tests
    begun = time.process_time()
    job = Job(story.prepare(settings, Given(train, None, tests[first])), quiet)
    training = job.train(None, _shown, resume=False)
    spent = round(time.process_time() - begun)
    found = {
        key: {"examples": len(test), "accuracy": _accuracy(job, test), "goal": GOALS[key],
              "training_seconds": spent, **nearest(train, test)}
        for key, test in tests.items()
    }  # fmt: skip
    scores = job.finish(training, untracked).scores
    others = {name: each["accuracy"] for name, each in scores["test"]["baselines"].items()}
    found[first] |= {"baselines": others, "verdict": scores["verdict"]}
    return found


def nearest(train: Inks, test: Inks) -> dict[str, float]:
    """Accuracies of the nearest training symbol by warping, and of the nearest mean symbol."""
    _say(f"{test.name}: looking for the nearest symbols")
    test = test.take(np.random.default_rng(0).permutation(len(test))[:ASKED])
    return {"warping": warped(train, test), "mean": of_means(train, test)}


def _of_labels(test: Inks, known: set[str]) -> Inks:
    return test.take([i for i, label in enumerate(test.labels or []) if label in known])


def _accuracy(job: Any, test: Inks) -> float:
    """Share of the test symbols that the network names right."""
    task, model = job.task, job.model
    samples = task.read_labelled(test, model, None)
    arrays = task.encode(model.encoder, samples)
    return float(np.mean(task.predict(model, arrays).p.argmax(1) == arrays.targets))


def evenly(ink: Ink) -> Floats:
    """Points at equal distances along the pen's way [POINTS, 2], through the air too."""
    points = normalise(ink).points
    way = np.append(0.0, np.hypot(*np.diff(points, axis=0).T).cumsum())
    where = np.linspace(0.0, way[-1], POINTS)
    return np.column_stack([np.interp(where, way, points[:, axis]) for axis in (0, 1)])


def of_means(train: Inks, test: Inks) -> float:
    """Accuracy of the label whose mean symbol is the nearest."""
    known, asked = (np.stack([evenly(i).ravel() for i in inks.items]) for inks in (train, test))
    labels = np.array(train.labels)
    names = np.unique(labels)
    means = np.stack([known[labels == name].mean(0) for name in names])
    return float(np.mean(names[_squares(asked, means).argmin(1)] == np.array(test.labels)))


def warped(train: Inks, test: Inks) -> float:
    """Accuracy of the label of the nearest training symbol by dynamic time warping."""
    known, asked = (np.stack([evenly(i).ravel() for i in inks.items]) for inks in (train, test))
    labels, right = np.array(train.labels), 0
    for begin in range(0, len(asked), 200):
        block = asked[begin : begin + 200]
        count = min(NEAREST, len(known) - 1)
        near = np.argpartition(_squares(block, known), count, axis=1)[:, :count]
        pairs = known[near.ravel()].reshape(-1, POINTS, 2)
        far = warping(np.repeat(block.reshape(-1, POINTS, 2), count, 0), pairs)
        chosen = near[np.arange(len(block)), far.reshape(len(block), count).argmin(1)]
        right += int(np.sum(labels[chosen] == np.array(test.labels[begin : begin + 200])))  # type: ignore[index]
    return right / len(asked)


def warping(a: Floats, b: Floats) -> Floats:
    """Distances of pairs of sequences [N, POINTS, 2] by dynamic time warping, [N]."""
    before = np.full((POINTS + 1, len(a)), np.inf)
    before[0] = 0.0
    for i in range(POINTS):
        row = np.full_like(before, np.inf)
        for j in range(max(0, i - BAND), min(POINTS, i + BAND + 1)):
            cost = np.square(a[:, i] - b[:, j]).sum(-1)
            row[j + 1] = cost + np.minimum(np.minimum(before[j], before[j + 1]), row[j])
        before = row
    return before[POINTS]


def _squares(a: Floats, b: Floats) -> Floats:
    found: Floats = np.square(a).sum(1)[:, None] - 2 * a @ b.T + np.square(b).sum(1)
    return found


def _shown(event: Event) -> None:
    if isinstance(event, EpochEnded):
        _say(f"epoch {event.record['epoch']}: {event.record.get('val_score', 0):.4f}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def show(results: dict[str, Any]) -> list[str]:
    """Return results as lines for people."""
    lines = []
    for name in GOALS:
        one = results[name]
        outcome = "met" if one["accuracy"] >= one["goal"] else "missed"
        others = {"warping": one["warping"], "mean symbol": one["mean"], **one.get("baselines", {})}
        lines += [
            f"{name}: accuracy {one['accuracy']:.4f}, goal {one['goal']} {outcome}, "
            f"{one['examples']:,} symbols, {one['training_seconds']} s of training",
            "  " + ", ".join(f"{other} {value:.4f}" for other, value in others.items()),
        ]
    return lines
