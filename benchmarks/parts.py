"""What benchmarks of several trainings share: their command line, and progress on stderr."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from longshort.runs.job import environment
from longshort.train.events import EpochEnded, Event

QUICK = {"max_epochs": 1, "steps_per_epoch": 5}
"""Training that only shows that a script works."""


class Measure(Protocol):
    """Measures parts by name on the folder of real data."""

    def __call__(self, data: Path, parts: Sequence[str], *, quick: bool) -> dict[str, Any]: ...


def said(line: str) -> None:
    """Print a line of progress."""
    print(line, file=sys.stderr, flush=True)


def listener(begun: float) -> Callable[[Event], None]:
    """Return what tells the epochs; begun: processor time at the start."""

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnded):
            record = event.record
            spent = time.process_time() - begun
            said(f"epoch {record['epoch']}: {record.get('val_score', 0):.2f}, {spent:.0f} s")

    return listen


def quick_of(settings: dict[str, Any], is_quick: bool) -> dict[str, Any]:
    """Return settings of a run, of a few steps where that is asked for."""
    return {**settings, "train": {**settings["train"], **QUICK}} if is_quick else settings


def main(
    about: str | None,
    parts: Sequence[str],
    measure: Measure,
    show: Callable[[dict[str, Any]], list[str]],
    results: Path,
) -> None:
    """Run the parts that are asked for, and write what they found beside what is known."""
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--quick", action="store_true", help="a few steps, to see that it runs")
    asked = parser.parse_args()
    found = measure(Path(os.environ["LONGSHORT_DATA"]), asked.parts, quick=asked.quick)
    print(*show(found), sep="\n")
    if not asked.quick:
        known = json.loads(results.read_text()) if results.is_file() else {}
        known |= {"environment": environment(), **found}
        results.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
