"""Audit of the verdict on sounds, lines, drawings and frames in which memory is of no use.

    python benchmarks/verdict_signals.py [--rows voices lines …] [--draws 6]

In half of the families nothing can be learned: features and pictures are noise, and texts and
speakers are drawn. In the others a simple rule is the best there is: points of a pen that come
from a few clouds, or are linear in those before; pictures that stand still, that move on as a
whole, or that are noise around a mean. Each set is given to the estimator as a user would, with few
epochs. Counted is how often the verdict says that the network earned its place, which is never
true. Results and the environment go to benchmarks/results/verdict_signals.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import longshort as ls
from longshort.runs.job import environment

RESULTS = Path(__file__).parent / "results" / "verdict_signals.json"
WORDS = ("a", "be", "sea", "dome", "hat", "no", "sun", "tide")
Draw = np.random.Generator
Settings = dict[str, Any]


def settings(epochs: int) -> Settings:
    """Settings of brief trainings on one thread, scored on many samples."""
    return {"train.max_epochs": epochs, "train.threads": 1, "split.test": 0.4}


def speech(draw: Draw) -> Any:
    """Noise with drawn texts."""
    sounds = [draw.normal(size=(draw.integers(40, 70), 13)) for _ in range(150)]
    texts = [" ".join(draw.choice(WORDS, draw.integers(1, 4))) for _ in sounds]
    model = ls.Transcriber(hidden=32, settings=settings(25))
    return model, (sounds, texts)


def voices(draw: Draw) -> Any:
    """Noise with drawn speakers."""
    sounds = [draw.normal(size=(60, 20)).astype(np.float32) for _ in range(200)]
    speakers = [f"speaker {number % 20}" for number in range(len(sounds))]
    return ls.SpeakerRecogniser(hidden=32, settings=settings(12)), (sounds, speakers)


def lines(draw: Draw) -> Any:
    """Noise with drawn texts."""
    pictures = [draw.random((16, draw.integers(50, 90))) for _ in range(200)]
    texts = ["".join(draw.choice(list("abcde"), draw.integers(3, 6))) for _ in pictures]
    return ls.Reader(hidden=32, settings=settings(15)), (pictures, texts)


def clouds(draw: Draw) -> Any:
    """Points of a pen that come from three clouds, whatever was before."""
    places = np.array([[3.0, 0.0], [-1.0, 2.0], [-1.0, -2.0]])
    drawings = [places[draw.integers(3, size=40)] + 0.3 * draw.normal(size=(40, 2))
                for _ in range(300)]  # fmt: skip
    return ls.Drawer(settings=settings(25)), ([_pen(each) for each in drawings],)


def linear(draw: Draw) -> Any:
    """Points of a pen that are linear in those before, with errors from two clouds."""
    drawings = []
    for _ in range(300):
        moves = np.zeros((40, 2))
        for t in range(1, 40):
            jump = [2.0 * draw.integers(2) - 1.0, 0.0]
            moves[t] = 0.7 * moves[t - 1] + jump + 0.2 * draw.normal(size=2)
        drawings.append(_pen(moves))
    return ls.Drawer(settings=settings(25)), (drawings,)


def _pen(moves: Any) -> Any:
    """A drawing of one stroke, as rows (dx, dy, pen)."""
    lifted = np.zeros(len(moves))
    lifted[-1] = 1
    return np.column_stack([moves, lifted])


def noise(draw: Draw) -> Any:
    """Frames that are noise around a mean for each pixel."""
    mean = draw.random((12, 12))
    clips = np.clip(mean + 0.2 * draw.normal(size=(100, 8, 12, 12)), 0, 1)
    return _frames(), (clips,)


def still(draw: Draw) -> Any:
    """Frames that stand still, under noise."""
    clips = draw.random((100, 1, 12, 12)) + 0.05 * draw.normal(size=(100, 8, 12, 12))
    return _frames(), (np.clip(clips, 0, 1),)


def moving(draw: Draw) -> Any:
    """Frames that move on as a whole, each clip by a step of its own."""
    clips = np.zeros((100, 8, 12, 12))
    for clip in clips:
        wide = (draw.random((40, 40)) > 0.85).astype(float)
        down, across = draw.integers(-1, 2, 2)
        for t, frame in enumerate(clip):
            y, x = 14 - down * t, 14 - across * t
            frame[:] = wide[y : y + 12, x : x + 12]
    return _frames(), (clips,)


def _frames() -> Any:
    return ls.FrameForecaster(inputs=4, outputs=4, hidden=8, settings=settings(60))


FAMILIES: dict[str, Callable[[Draw], Any]] = {
    "speech": speech, "voices": voices, "lines": lines, "clouds": clouds, "linear": linear,
    "noise": noise, "still": still, "moving": moving,
}  # fmt: skip


def audited(name: str, seed: int) -> dict[str, Any]:
    """Return the verdict on one set."""
    model, data = FAMILIES[name](np.random.default_rng([seed, len(name)]))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = model.fit(*data, out=Path(folder) / "run", verbose=False)
        return {"seed": seed, "outcome": run.scores["outcome"], "verdict": run.verdict}


def main() -> None:
    """Audit, print and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--draws", type=int, default=6)
    asked = parser.parse_args()
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in asked.rows:
        rows = [audited(name, seed) for seed in range(asked.draws)]
        wrong = sum(row["outcome"] == "better" for row in rows)
        print(f"{name}: earned its place in {wrong} of {len(rows)}", flush=True)
        for row in rows:
            print(f"    {row['verdict']}", flush=True)
        known[name] = {"wrong": wrong, "of": len(rows), "rows": rows}
        known["environment"] = environment()
        RESULTS.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
