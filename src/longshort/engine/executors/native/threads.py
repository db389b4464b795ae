"""Threads of the native scan: those of torch's OpenMP runtime, where possible."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from longshort import _native


def share_with_torch() -> bool:
    """Use threads of torch's OpenMP runtime; returns False where that fails, as outside Linux."""
    return any(_native.share_openmp(path) for path in _runtimes())


def _runtimes() -> list[str]:
    """Return the OpenMP runtimes in this process, those that came with torch first."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return []
    lines = maps.read_text().splitlines()
    paths = {line.split(maxsplit=5)[-1] for line in lines if "omp" in line}
    named = [path for path in paths if re.match(r"lib(g|i)?omp", Path(path).name)]
    home = str(Path(torch.__file__).parent)
    return sorted(named, key=lambda path: (not path.startswith(home), path))
