"""Runs of every task that take a second: for what all tasks promise alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from longshort.data.labelled import examples_of
from longshort.data.strokes.ink import Inks, ink_of_strokes
from longshort.tasks.tag.conll import tagged_of

from .captions import shapes
from .conftest import hourly
from .drawn_lines import drawn
from .speech import spelt

TRAIN = {"max_epochs": 1, "threads": 1}
TASKS = (
    "forecast",
    "classify",
    "regress",
    "anomaly",
    "tag",
    "lm",
    "translate",
    "summarise",
    "caption",
    "read",
    "transcribe",
    "draw",
    "frames",
    "speaker",
)


def small(task: str) -> tuple[dict[str, Any], object]:
    """Settings of a tiny run of this task, and its data."""
    if task == "forecast":
        model = {"hidden": 4, "context_length": 36, "horizon": 6, "season": 24}
        train = {**TRAIN, "steps_per_epoch": 2, "batch_size": 8}
        return {"task": task, "model": model, "train": train}, hourly(300)
    if task == "anomaly":
        draw = np.random.default_rng(0)
        values = np.sin(np.arange(400) / 4) + 0.1 * draw.normal(size=400)
        marks = np.zeros(400, int)
        for start in range(220, 400, 40):
            values[start : start + 8] += 2.0
            marks[start : start + 8] = 1
        stamps = np.datetime64("2024-01-01T00", "us") + np.arange(400) * np.timedelta64(1, "h")
        frame = pl.DataFrame({"ds": stamps, "y": values, "bad": marks})
        train = {**TRAIN, "steps_per_epoch": 2}
        settings = {"data": {"target": "y", "labels": "bad"}, "model": {"hidden": 4}}
        return {"task": task, "train": train, **settings}, frame
    if task == "classify":
        items = [f"a {word} day {i}" for i in range(40) for word in ("fine", "bad")]
        data = examples_of(items, ["good", "bad"] * 40)
        return {"task": task, "model": {"hidden": 4}, "train": {**TRAIN}}, data
    if task == "regress":
        draw = np.random.default_rng(0)
        arrays = [draw.normal(size=(draw.integers(4, 9), 2)) for _ in range(60)]
        sums = [float(each.sum()) for each in arrays]
        return {"task": task, "model": {"hidden": 4}, "train": {**TRAIN}}, examples_of(arrays, sums)
    if task == "caption":
        return {"task": task, "model": {"hidden": 8}, "train": {**TRAIN}}, shapes(60)
    if task == "read":
        settings = {"image": {"height": 16}, "model": {"hidden": 4, "channels": [4, 4]}}
        return {"task": task, "train": {**TRAIN}, **settings}, drawn(40, words=1)
    if task == "transcribe":
        return {"task": task, "model": {"hidden": 4}, "train": {**TRAIN}}, spelt(60)
    if task == "draw":
        draw = np.random.default_rng(0)
        walks = [draw.normal(size=(int(n), 2)).cumsum(0) for n in draw.integers(6, 12, 60)]
        inks = [ink_of_strokes([walk[:4], walk[4:]], "x") for walk in walks]
        places = [f"item {i}" for i in range(60)]
        settings = {"model": {"hidden": 4, "mixtures": 2}, "train": {**TRAIN, "batch_size": 16}}
        return {"task": task, **settings}, Inks("walks", inks, ["a", "b"] * 30, places)
    if task == "frames":
        draw = np.random.default_rng(0)
        clips = np.zeros((20, 8, 8, 8), np.uint8)
        for clip, (y, x) in zip(clips, draw.integers(0, 6, (20, 2)).tolist(), strict=True):
            for t, frame in enumerate(clip):
                frame[y : y + 3, (x + t) % 8] = 200
        train = {**TRAIN, "batch_size": 4}
        return {"task": task, "model": {"hidden": 4}, "train": train}, clips
    if task == "speaker":
        draw = np.random.default_rng(0)
        voices = draw.normal(size=(20, 6))
        arrays = [voice + draw.normal(size=(draw.integers(40, 60), 6)) for voice in voices
                  for _ in range(3)]  # fmt: skip
        speakers = [f"s{i}" for i in range(20) for _ in range(3)]
        train = {**TRAIN, "steps_per_epoch": 2, "shortest": 0.2, "longest": 0.3}
        settings = {"model": {"hidden": 4, "size": 8}, "evaluate": {"short": 0.3}}
        return {"task": task, "train": train, **settings}, examples_of(arrays, speakers)
    if task == "tag":
        tokens = [["mr", "otto", "in", "rome", f"n{i}"] for i in range(60)]
        sentences = tagged_of(tokens, [["O", "B-per", "O", "B-loc", "O"]] * 60)
        settings = {"model": {"hidden": 4, "characters": 4}, "evaluate": {"softmax": False}}
        return {"task": task, "train": {**TRAIN}, **settings}, sentences
    if task in ("translate", "summarise"):
        numbers = [divmod(n, 8) for n in range(64)]
        sources = [f"the cat {i} sees a dog {j} here ." for i, j in numbers]
        targets = [f"a dog {j} is seen by cat {i}" for i, j in numbers]
        settings = {"text": {"tokens": "words"}, "model": {"hidden": 8, "embedding": 4}}
        return {"task": task, "train": {**TRAIN}, **settings}, (sources, targets)
    words = np.random.default_rng(0).choice(["the", "cat", "sat", "on", "mats"], (400, 6))
    lines = [" ".join(row) for row in words]
    return {"task": task, "model": {"hidden": 4}, "train": {**TRAIN, "batch_size": 4}}, lines
