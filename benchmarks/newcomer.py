"""A newcomer's path: a new environment, `pip install .`, the first run, its verdict.

    python benchmarks/newcomer.py [--torch torch==2.13.0]

Each step is a process of its own, timed by the clock and by the processor. `--torch` is installed
first, as the README advises for machines without a GPU; packages come from pip's cache or index,
so that the first step depends on the network. Results and the environment go to
benchmarks/results/newcomer.json; docs/write_book.py puts them on the first page.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from longshort.runs.job import environment

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "newcomer.json"
RUN = ["longshort", "run", "--example", "weather", "--quantiles", "0.1,0.5,0.9", "--out", "run"]


def timed(command: list[str], folder: Path, env: dict[str, str]) -> dict[str, Any]:
    """Run a command; returns its seconds by clock and processor, and the last lines it printed."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    clock, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(clock, 1), "processor": round(used, 1), "printed": done.stdout}


def main() -> None:
    """Walk the path and write what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", default="torch==2.13.0", help="requirement installed first")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="newcomer-"))
    scripts = folder / "env" / "bin"
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env["PATH"] = f"{scripts}:{env['PATH']}"
    try:
        steps = {
            "environment": timed([sys.executable, "-m", "venv", "env"], folder, env),
            "torch": timed([str(scripts / "pip"), "install", given.torch], folder, env),
            "install": timed([str(scripts / "pip"), "install", str(ROOT)], folder, env),
            "first run": timed([str(scripts / RUN[0]), *RUN[1:]], folder, env),
        }
        size = sum(path.lstat().st_size for path in (folder / "env").rglob("*"))
    finally:
        shutil.rmtree(folder)
    verdict = steps["first run"]["printed"].split("\n\n")[-1].splitlines()[0]
    for step in steps.values():
        del step["printed"]
    total = sum(step["seconds"] for step in steps.values())
    result = {
        "steps": steps,
        "total": round(total, 1),
        "installed_mb": size // 1_000_000,
        "verdict": verdict,
        "load": os.getloadavg()[0],
        "environment": environment(),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
