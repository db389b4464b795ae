"""Runs the steps of `gpu.sh` one after the other, each in its own process with a time limit.

A step that fails or exceeds its limit is recorded, and the next one starts. JSON lines that a step
prints are saved immediately.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Timer
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "gpu.json"
STEPS = HERE / "gpu_steps.py"
TESTS = ("tests/triton_scans.py", "tests/engine/test_triton.py")
TOY_TESTS = "test_some_cells_the_other_way and LSTM-FGR or recorded or refusals"
SHARES = {"tests": 0.35, "warm": 0.2, "cells": 0.3, "tasks": 0.15}
"""Largest share of the total time for each step."""
WORKERS = 8
"""Number of processes that run tests or compile kernels in parallel."""

RESULT = re.compile(r"^(?:\[gw\d+\] \[ *\d+%\] )?([A-Z]+) (\S+\.py::.+)$")
"""A result in pytest's output, with several workers or in the summary."""

Entry = dict[str, Any]


class Step:
    """A process with a deadline."""

    def __init__(self, command: Sequence[str], seconds: float) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115, read once the process has ended
        self.process = subprocess.Popen(
            command,
            cwd=HERE.parent,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            start_new_session=True,
        )
        self.late = False
        self._timer = Timer(max(1.0, seconds), self._end)
        self._timer.start()

    def _end(self) -> None:
        if self.process.poll() is None:
            self.late = True
            os.killpg(self.process.pid, signal.SIGKILL)

    def lines(self) -> Iterator[str]:
        """Yield the lines of its output as they arrive."""
        assert self.process.stdout is not None
        yield from self.process.stdout
        self.process.wait()
        self._timer.cancel()

    def error(self) -> str | None:
        """Why it failed; None if it did not."""
        if self.late:
            return "its time was over"
        if self.process.returncode == 0:
            return None
        self.errors.seek(0)
        return self.errors.read()[-2000:] or f"it ended with {self.process.returncode}"


class Report:
    """Results so far, saved in a file."""

    def __init__(self, out: Path | None) -> None:
        self.found: dict[str, Any] = {}
        self.out = out
        self.failed = False

    def add(self, part: str, entry: Entry) -> None:
        """Add an entry to a section of the results, and print it."""
        self.failed |= "error" in entry
        self.found.setdefault(part, []).append(entry)
        print(f"{part}: {json.dumps(entry, ensure_ascii=False)}", flush=True)
        if self.out is not None:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self.out.write_text(json.dumps(self.found, indent=1, ensure_ascii=False) + "\n")


def steps_command(*arguments: str, toy: bool) -> list[str]:
    return [sys.executable, str(STEPS), *arguments, *(["--toy"] if toy else [])]


def run_tests(report: Report, seconds: float, toy: bool) -> None:
    """Run the tests of the Triton scan; records how many passed, and which failed."""
    options = ["-o", "addopts=", "-v", "--tb=short", "-p", "no:cacheprovider"]
    options += ["-n", "1" if toy else str(WORKERS), "-k", TOY_TESTS if toy else "not interpreter"]
    step = Step([sys.executable, "-m", "pytest", *TESTS, *options], seconds)
    lines = list(step.lines())
    found = [match.groups() for line in lines if (match := RESULT.search(line))]
    results = {name.partition(" - ")[0].strip(): result for result, name in found}
    count = Counter(results.values())
    entry: Entry = {"passed": count["PASSED"], "skipped": count["SKIPPED"]}
    entry["failed"] = [name for name, result in results.items() if result in ("FAILED", "ERROR")]
    if error := step.error():
        entry["error"] = error + "".join(lines)[-3000:]
    report.add("tests", entry)


def warm_up(report: Report, names: Sequence[str], seconds: float, toy: bool) -> None:
    """Compile the kernels of all cells in several processes, so that timings exclude it."""
    count = 1 if toy else WORKERS
    begin = time.monotonic()
    slices = [names[k::count] for k in range(count)]
    steps = [Step(steps_command("warm", *some, toy=toy), seconds) for some in slices if some]
    for step in steps:
        for _ in step.lines():
            pass
    found: Entry = {"seconds": round(time.monotonic() - begin, 1)}
    errors = [error for step in steps if (error := step.error())]
    report.add("warm", found | ({"error": "\n".join(errors)} if errors else {}))


def run_entries(report: Report, part: str, names: Sequence[str], seconds: float, toy: bool) -> None:
    """Run a step for some names, each of which prints its entries; continues after a crash."""
    begin, left = time.monotonic(), list(names)
    while left:
        rest = seconds - (time.monotonic() - begin)
        if rest <= 0:
            report.add(part, {"names": left, "error": "no time was left"})
            return
        step = Step(steps_command(part, *left, toy=toy), rest)
        for line in step.lines():
            entry = json.loads(line)
            if "done" in entry:
                left.remove(entry["done"])
            else:
                report.add(part, entry)
        error = step.error()
        if left and error:
            report.add(part, {"name": left.pop(0), "error": error})
        elif left:
            raise AssertionError(f"the step said nothing of {left}")


def listed(what: str, toy: bool) -> list[str]:
    """Return the names that a step knows."""
    done = subprocess.run(
        steps_command(f"list-{what}", toy=toy), capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--seconds", type=float, default=450.0, help="of all steps together")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    toy = chosen.toy
    report = Report(chosen.out or (None if toy else RESULTS))
    begin = time.monotonic()

    def until(*parts: str) -> float:
        """Return the seconds that remain for a step after the ones before it."""
        end: float = chosen.seconds * sum(SHARES[part] for part in parts)
        return end - (time.monotonic() - begin)

    names = listed("cells", toy)
    run_entries(report, "environment", ["here"], 60.0, toy)
    run_tests(report, until("tests"), toy)
    warm_up(report, names, until("tests", "warm"), toy)
    run_entries(report, "cells", names, until("tests", "warm", "cells"), toy)
    run_entries(report, "tasks", listed("tasks", toy), until(*SHARES), toy)
    report.add("whole", {"seconds": round(time.monotonic() - begin, 1), "toy": toy})
    sys.exit(report.failed)


if __name__ == "__main__":
    main()
