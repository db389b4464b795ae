"""Explanations of sounds and pictures: sums, deletion against random order, random weights.

    python benchmarks/explain_signals.py [--rows 20]

The examples syllables (transcribe), lines (read) and voices (speaker) are trained as they are, and
test rows at even distances are explained: the whole text, or the similarity to the own speaker.
Deletion in random order, and in order of the distance from the mean, stand beside ours. Contextual
decomposition is left out: it takes long for rows of thousands of cells, and has no rule for lines.

Results go to benchmarks/results/explain_signals.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch
from explain import Found, of_run

from longshort.config import assign
from longshort.data.examples import example
from longshort.runs import story, trained
from longshort.runs.explaining import Subject
from longshort.runs.job import environment

RESULTS = Path(__file__).parent / "results" / "explain_signals.json"
EXAMPLES = ("syllables", "lines", "voices")


def learned(name: str, folder: Path) -> tuple[Subject, str]:
    """Train an example; returns its test rows, and the verdict."""
    path, given = example(name)
    settings: Found = {}
    for key, value in {**given, "data.path": str(path), "train.threads": 1}.items():
        assign(settings, key, value)
    scores = story.run(settings, folder)
    return trained.load(folder).subject(), scores["verdict"]


def main() -> None:
    """Explain rows of every example, print and keep what was measured."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=20)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    found: Found = {"environment": environment()}
    for name in EXAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            subject, verdict = learned(name, Path(folder) / "run")
            begun = time.process_time()
            methods = of_run(subject, given.rows, ("ig", "lrp"))
        seconds = round(time.process_time() - begun)
        found[name] = {"verdict": verdict, "methods": methods, "processor_seconds": seconds}
        print(name, json.dumps(found[name], indent=1), flush=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
