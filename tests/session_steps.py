"""Steps of sessions for the tiny runs of all tasks, and what `predict` says of the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from longshort.data.labelled import examples_of
from longshort.data.strokes.ink import Ink, Inks
from longshort.runs.trained import AnyTrained
from longshort.tasks.transcribe.samples import utterances_of
from tests.captions import shapes
from tests.drawn_lines import drawn, pictures
from tests.speech import spelt
from tests.tiny_runs import small

TEXTS = {
    "classify": ["a fine", "day", "17"],
    "tag": ["mr otto", "in", "rome n3"],
    "lm": ["the cat", "sat\non", "mats"],
    "translate": ["the cat 3 sees a dog 4 here .", "the cat 1", "a dog"],
    "summarise": ["the cat 3 sees a dog 4 here .", "the cat 1", "a dog"],
}


def steps_of(task: str) -> list[Any]:
    """What a session of the task's tiny run takes, step by step."""
    if task in TEXTS:
        return list(TEXTS[task])
    if task == "regress":
        rows = np.random.default_rng(1).normal(size=(5, 2))
        return [{"channel 1": a, "channel 2": b} for a, b in rows.tolist()]
    if task == "transcribe":
        frames = spelt(1, seed=9).items[0].tolist()
        return [{f"channel {n}": value for n, value in enumerate(row, 1)} for row in frames]
    if task == "speaker":
        frames = np.random.default_rng(1).normal(size=(6, 6)).tolist()
        return [{f"channel {n}": value for n, value in enumerate(row, 1)} for row in frames]
    if task == "draw":
        moves = np.random.default_rng(1).normal(size=(5, 2)).tolist()
        return [{"dx": a, "dy": b, "pen": 0.0, "told": "a"} for a, b in moves]
    if task == "caption":
        images = shapes(3, seed=9)
        places, whole = images.features.places, images.features.whole
        assert places is not None and whole is not None
        return [
            {"features": a.tolist(), "global_features": b.tolist()}
            for a, b in zip(places.values, whole.values, strict=True)
        ]
    if task == "read":
        return [{"picture": each.tolist()} for each in pictures(3, words=1, seed=9)]
    if task == "frames":
        return [{"frame": frame.tolist()} for frame in clip_of(6)]
    rows = frame_of(task).select("ds", "y").to_dicts()
    return [{"ds": row["ds"].isoformat(), "y": row["y"]} for row in rows]


def clip_of(count: int) -> np.ndarray[Any, Any]:
    """The first frames of the first clip of the tiny run."""
    found = small("frames")[1]
    assert isinstance(found, np.ndarray)
    clip: np.ndarray[Any, Any] = found[0, :count]
    return clip


def frame_of(task: str) -> pl.DataFrame:
    """The rows of a session of series."""
    found = small(task)[1]
    assert isinstance(found, pl.DataFrame)
    return found.head(40)


def predicted(run: AnyTrained, count: int) -> dict[str, Any]:
    """What `predict` says of the first `count` steps, by names that answers have too."""
    task, steps = run.task.name, steps_of(run.task.name)[:count]
    if task == "forecast" and count < 36:  # the run's context
        return {"forecast": []}
    if task == "frames":
        if count < 4:  # frames that the run reads
            return {"frames": []}
        frames = run.predict(run.read([clip_of(count)]))[0, ..., 0]
        return {"frames": run.encoder.units(frames.astype(np.float64)).tolist()}
    if task == "forecast":
        return {"forecast": run.ahead(frame_of(task)[:count]).json()["forecast"]}
    if task == "anomaly":
        samples = run.read(frame_of(task)[:count])
        last = run.table(samples).row(-1, named=True)
        names = ("expected_y", "score", "threshold", "p", "alarm")
        return {name: last[name] for name in names}
    if task == "lm":
        numbers = run.encoder.encode("".join(steps[:-1]))
        before = run.task.predict(run.model, numbers).nats.sum() if len(numbers) else 0.0
        whole = run.task.predict(run.model, run.encoder.encode("".join(steps))).nats.sum()
        return {"log_probability": before - whole}
    if task == "tag":
        samples = run.read_lines([" ".join(steps)])
        return dict(run.task.json(run.table(samples))["sentences"][0])
    if task == "classify":
        return run.table(run.read_lines([" ".join(steps)])).row(0, named=True)
    if task == "regress":
        rows = np.array([list(row.values()) for row in steps])
        return run.table(run.read(examples_of([rows]))).row(0, named=True)
    if task == "transcribe":
        frames = utterances_of([spelt(1, seed=9).items[0][:count]])
        return run.table(frames).row(0, named=True)
    if task == "speaker":
        voice = examples_of([np.array([list(row.values()) for row in steps])])
        return {"embedding": run.predict(run.read(voice)).whole.model[0].tolist()}
    if task == "draw":
        moves = np.array([[row["dx"], row["dy"]] for row in steps])
        ink = Ink(moves.cumsum(0), np.zeros(count, dtype=np.bool_))
        return run.table(run.read(Inks("x", [ink], ["a"], ["x"]))).row(0, named=True)
    if task == "caption":
        return run.table(shapes(3, seed=9).take([count - 1])).row(0, named=True)
    if task == "read":
        row = run.table(run.read(drawn(3, words=1, seed=9)).take([count - 1])).row(0, named=True)
        return {"read": row["read"], "confidence": row["confidence"]}
    return run.table(run.read_lines([steps[-1]])).row(0, named=True)
