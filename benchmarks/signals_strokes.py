"""Drawing by pen strokes: nats per point on held-out drawings, beside simpler models.

omniglot: characters of many alphabets as sketch-rnn's data sets have them, with their parts;
points lie on pixels of 105 a side, some 6 units each, over which they are spread (data.grid = 6).
crohme: mathematical symbols, told their label; the median one has 200 units; points are left out
where that changes lines by less than 5 units, and spread over 4. Writers of the test are unseen.
Nats are of densities, in multiples of the spread of offsets of the training part, so they compare
models of one data set alone. Peers: the same network with one normal distribution, the
autoregression of order 2, the mixture without memory. Settings were chosen on validation parts.
Seconds are of one processor.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from crohme import symbols

from longshort.config import assign
from longshort.data.splits import Given
from longshort.data.strokes.svg import drawn
from longshort.metrics.bootstrap import compare_sums
from longshort.runs import story
from longshort.runs.job import Job
from longshort.runs.pen import Pen
from longshort.runs.task import quiet, untracked
from longshort.train.events import EpochEnded, Event

PICTURES = Path(__file__).parent / "results"
LABELS = ["x", "2", r"\alpha", "a", "=", r"\sum", r"\beta", "k"]
SETTINGS: dict[str, dict[str, Any]] = {
    "omniglot": {"data.grid": 6.0, "train.max_epochs": 3},
    "crohme": {
        "data.simplify": 5.0,
        "data.grid": 4.0,
        "data.condition": "label",
        "train.max_epochs": 1,
    },
}


def measure(data: Path) -> dict[str, Any]:
    """Measure all parts on the folder of real data."""
    return part(data, bool(os.environ.get("QUICK")))


def part(data: Path, quick: bool) -> dict[str, Any]:
    """Measure all parts; quick: a few steps, to see that it runs."""
    return {"omniglot": omniglot(data, quick), "crohme": crohme(data, quick)}


def omniglot(data: Path, quick: bool) -> dict[str, Any]:
    """Characters of many alphabets."""
    return _measured("omniglot", str(data / "strokes" / "omniglot.npz"), quick)


def crohme(data: Path, quick: bool) -> dict[str, Any]:
    """Mathematical symbols."""
    source = Given(symbols(data, "train"), None, symbols(data, "test2014"))
    return _measured("crohme", source, quick)


def _measured(name: str, source: Any, quick: bool) -> dict[str, Any]:
    """Train the network and its peer of one normal, and score both beside the baselines."""
    found: dict[str, Any] = {}
    rows = {}
    for mixtures in (20, 1):
        job, found_one, rows[mixtures] = _trained(name, source, mixtures, quick)
        found["network" if mixtures > 1 else "one normal"] = found_one
        if mixtures > 1:
            _draw(name, job)
    better = compare_sums(rows[20], rows[1], lambda sums: -sums[..., 0] / sums[..., 1])
    found["saved beside one normal"] = [better.gain, better.low, better.high]
    return found


def _trained(name: str, source: Any, mixtures: int, quick: bool) -> tuple[Any, Any, Any]:
    settings: dict[str, Any] = {"task": "draw"}
    chosen = {**SETTINGS[name], "model.mixtures": mixtures, "train.threads": 1}
    if isinstance(source, str):
        chosen["data.path"] = source
    if quick:
        chosen |= {"train.max_epochs": 1, "train.steps_per_epoch": 5}
    for key, value in chosen.items():
        assign(settings, key, value)
    begun = time.process_time()
    data = None if isinstance(source, str) else source
    job = Job(story.prepare(settings, data), quiet)
    training = job.train(None, _shown, resume=False)
    spent = round(time.process_time() - begun)
    result = job.finish(training, untracked)
    rows = result.scored.scores["model"].per_sample
    sums = np.column_stack([rows[:, 0] * rows[:, 1], rows[:, 1]])
    scores = result.scores
    kept = {key: scores[key] for key in ("test", "verdict", "drawings", "points", "scale", "grid")}
    return job, {**kept, "training": scores["training"], "training_seconds": spent}, sums


def _draw(name: str, job: Any) -> None:
    """Write a picture of drawings of the network, more and more biased."""
    inks, titles = [], []
    told = LABELS if job.prepared.config.data.condition == "label" else [None] * len(LABELS)
    for bias in (0.0, 0.5, 1.0):
        for seed, label in enumerate(told):
            inks += job.task.draw(job.model, Pen(bias=bias, seed=seed, told=label))
            titles.append(f"bias {bias:g}" if label is None else f"{label}, bias {bias:g}")
    picture = drawn(inks, titles, columns=len(told), width=110, height=80, line=1.5)
    (PICTURES / f"signals_strokes_{name}.svg").write_text(picture)


def _shown(event: Event) -> None:
    if isinstance(event, EpochEnded):
        score = event.record.get("val_score", 0)
        print(f"epoch {event.record['epoch']}: {score:.4f}", file=sys.stderr, flush=True)


def show(results: dict[str, Any]) -> list[str]:
    """Return results as lines for people."""
    lines = []
    for name in SETTINGS:
        one = results[name]
        own, peer = (
            one[key]["test"]["model"]["nats_per_point"] for key in ("network", "one normal")
        )
        others = one["network"]["test"]["baselines"]
        best = min(peer, *(each["nats_per_point"] for each in others.values()))
        lines += [
            f"{name}: {own:.3f} nats per point, goal below {best:.3f} "
            f"{'met' if own < best else 'missed'}; offsets in {one['network']['scale']:.4g} units, "
            f"{one['network']['training_seconds']} s of training",
            f"  one normal {peer:.3f}, "
            + ", ".join(f"{key} {each['nats_per_point']:.3f}" for key, each in others.items()),
        ]
    return lines
