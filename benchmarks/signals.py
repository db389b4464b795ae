"""Speech, handwriting and video: parts of `signals_*.py`, each with baselines beside it.

    LONGSHORT_DATA=FOLDER python benchmarks/signals.py [--parts an4 …] [--show]

A part is a module `signals_NAME.py` here, with a docstring, `measure(data)`, which returns plain
values, and, if it likes, `show(results)`, which returns lines. Results and the environment go to
benchmarks/results/signals_NAME.json.
"""

from __future__ import annotations

import argparse
import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from longshort.runs.job import environment

HERE = Path(__file__).parent
PREFIX = "signals_"


class Part(Protocol):
    """A module of measurements."""

    def measure(self, data: Path) -> dict[str, Any]:
        """Measure on the folder of real data."""


def names() -> list[str]:
    """Names of all parts."""
    return sorted(path.stem.removeprefix(PREFIX) for path in HERE.glob(f"{PREFIX}*.py"))


def part(name: str) -> Part:
    """Import a part."""
    return cast(Part, import_module(f"{PREFIX}{name}"))


def results(name: str) -> Path:
    """File of a part's results."""
    return HERE / "results" / f"{PREFIX}{name}.json"


def main() -> None:
    """Measure the parts that are asked for, or show their last results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=names(), default=names())
    parser.add_argument("--show", action="store_true", help="show the results that there are")
    asked = parser.parse_args()
    for name in asked.parts:
        if not asked.show:
            found = part(name).measure(Path(os.environ["LONGSHORT_DATA"]))
            text = json.dumps({"environment": environment(), **found}, indent=1)
            results(name).write_text(text + "\n")
        if results(name).is_file():
            print(*shown(name, json.loads(results(name).read_text())), sep="\n")


def shown(name: str, found: dict[str, Any]) -> list[str]:
    """Return the results of a part as lines."""
    show = getattr(part(name), "show", None)
    return show(found) if show else [json.dumps(found, indent=1)]


if __name__ == "__main__":
    main()
