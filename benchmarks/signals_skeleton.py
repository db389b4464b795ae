"""Actions of people from their joints, on people who were never seen.

    LONGSHORT_DATA=FOLDER python benchmarks/signals_skeleton.py [--quick]

MSR Action3D, 567 sequences of 20 joints, 20 actions, 10 people; learned from the people 1, 3, 5, 7
and 9, scored on the others. Each step has the joints' places beside that of the hip, in units of
the joints' mean distance from it, and their changes since the step before. Settings are the
defaults, but the statistics of channels go to the head too; with places in metres and without
statistics 82.9 % were right. The baseline 1-NN compares sequences of 32 evenly drawn steps, in
metres. Results go to benchmarks/results/signals_skeleton.json.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.labelled import Examples, examples_of
from longshort.data.splits import Given
from longshort.runs import story
from longshort.runs.job import environment
from longshort.runs.task import quiet
from longshort.train.events import silent

RESULTS = Path(__file__).parent / "results" / "signals_skeleton.json"
SUBJECTS, HIP, DRAWN = (1, 3, 5, 7, 9), 6, 32
SETTINGS: dict[str, Any] = {"model": {"summary": True}}
GOAL = 0.88
Floats = NDArray[np.float64]


def sequences(data: Path) -> tuple[list[Floats], list[str], NDArray[np.int64]]:
    """Joints beside the hip [T, 20, 3] in metres, actions, and subjects."""
    with np.load(data / "skeleton" / "msr_action3d.npz") as file:
        joints, lengths = file["xyz"] / 1000.0, file["length"]
        actions, subjects = file["action"], file["subject"]
    parts = np.split(joints, np.cumsum(lengths)[:-1])
    found = [part - part[:, HIP : HIP + 1] for part in parts]
    return found, [f"action {action}" for action in actions], subjects


def features(joints: Floats) -> Floats:
    """Places and changes side by side, [T, 120]."""
    size = np.linalg.norm(joints, axis=-1).mean()  # 0 where nobody was found
    flat = (joints / max(float(size), 1e-3)).reshape(len(joints), -1)
    return np.concatenate([flat, np.diff(flat, axis=0, prepend=flat[:1])], 1)


def parts_of(data: Path) -> tuple[Examples, Examples, list[Floats], NDArray[np.bool_]]:
    """Training and test examples, all joints, and which are of training."""
    joints, actions, subjects = sequences(data)
    is_train = np.isin(subjects, SUBJECTS)
    sides = []
    for mask in (is_train, ~is_train):
        rows = np.flatnonzero(mask)
        sides.append(examples_of([features(joints[i]) for i in rows], [actions[i] for i in rows]))
    return sides[0], sides[1], joints, is_train


def nearest(joints: list[Floats], actions: list[str], is_train: NDArray[np.bool_]) -> float:
    """Accuracy of the nearest training sequence by evenly drawn steps."""
    drawn = np.stack(
        [each[np.linspace(0, len(each) - 1, DRAWN).round().astype(int)].ravel() for each in joints]
    )
    names, train = np.array(actions), drawn[is_train]
    distances = ((drawn[~is_train][:, None] - train[None]) ** 2).sum(-1)
    return float((names[is_train][distances.argmin(1)] == names[~is_train]).mean())


def part(data: Path, quick: bool, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Accuracy on the other people, beside the baselines."""
    train, test, joints, is_train = parts_of(data)
    actions = sequences(data)[1]
    settings: dict[str, Any] = {"task": "classify", **SETTINGS, **(changes or {})}
    settings["train"] = {"threads": 1, **settings.get("train", {})}
    if quick:
        settings["train"]["max_epochs"] = 1
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        given = Given(train, None, test)
        scores = story.run(settings, Path(folder) / "run", data=given, say=quiet, listen=silent)
    return {
        "goal": GOAL,
        "settings": settings,
        "accuracy": scores["test"]["model"]["accuracy"],
        "nearest_of_32_steps": nearest(joints, actions, is_train),
        "processor_seconds": time.process_time() - begin,
        "scores": scores,
    }


def measure(data: Path) -> dict[str, Any]:
    """Measure in full, for `signals.py`."""
    return part(data, quick=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--changes", type=json.loads, default=None, help="settings, for trials")
    given = parser.parse_args()
    found = part(Path(os.environ["LONGSHORT_DATA"]), given.quick, given.changes)
    print({key: found[key] for key in ("accuracy", "nearest_of_32_steps", "processor_seconds")})
    print({name: each["accuracy"] for name, each in found["scores"]["test"]["baselines"].items()})
    print(found["scores"]["verdict"])
    if not given.quick and given.changes is None:
        RESULTS.write_text(json.dumps({**found, "environment": environment()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
