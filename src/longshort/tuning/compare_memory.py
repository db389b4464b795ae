"""Peak memory of a piece of work, as the operating system or the GPU counts it."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

import torch

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_memory(work: Callable[[], object], device: str) -> int | None:
    """Return the bytes by which memory grows at most while `work` runs; None where none counts.

    On a CPU this is the process's resident memory, which Linux counts in pages, so it is coarse
    below a megabyte. The work runs twice: what only its first run takes is left out.
    """
    work()
    gc.collect()
    if torch.device(device).type == "cuda":
        return _on_gpu(work, device)
    return _on_cpu(work)


def _on_gpu(work: Callable[[], object], device: str) -> int:
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _on_cpu(work: Callable[[], object]) -> int | None:
    try:
        ctypes.CDLL(None).malloc_trim(0)  # returns what is free, so that it is counted anew
        _RESET.write_text("5")  # the highest value is now the present one
        before = _kilobytes("VmRSS")
    except (OSError, AttributeError, TypeError, StopIteration):
        return None
    work()
    return max(0, _kilobytes("VmHWM") - before) * 1024


def _kilobytes(name: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
