"""Time of the CTC loss, forward and backward, beside torch's own on the CPU.

Both compute the gradient by the scores before the softmax. They take turns in one process, on one
thread; what counts is processor time, its median and, where others compute beside, its least.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from longshort.nn.blocks.ctc import ctc_loss

SIZES = {
    "speech (AN4), batch 8": (90, 8, 28, 24),
    "speech (AN4), batch 16": (90, 16, 28, 24),
    "speech, steps of 20 ms": (150, 16, 28, 24),
    "lines of text, batch 8": (250, 8, 100, 45),
    "lines of text, batch 16": (250, 16, 100, 45),
}
"""Steps, batch, classes and labels."""
ROUNDS = 60


def case(frames: int, batch: int, classes: int, labels: int) -> tuple[Tensor, ...]:
    """Return scores, labels and the lengths of both, of a batch of similar lengths."""
    draw = torch.Generator().manual_seed(0)
    scores = torch.randn(frames, batch, classes, generator=draw)
    targets = torch.randint(1, classes, (batch, labels), generator=draw)
    lengths = torch.randint(frames * 4 // 5, frames + 1, (batch,), generator=draw)
    counts = torch.randint(labels // 2, labels + 1, (batch,), generator=draw)
    lengths[0], counts[0] = frames, labels
    return scores.requires_grad_(), targets, lengths, counts


def ours(scores: Tensor, *rest: Tensor) -> Tensor:
    """Our loss of all samples together."""
    return ctc_loss(scores, *rest).sum()


def torchs(scores: Tensor, *rest: Tensor) -> Tensor:
    """The same loss by torch."""
    return F.ctc_loss(scores.log_softmax(2), *rest, reduction="sum")


def seconds(loss: Callable[..., Tensor], given: tuple[Tensor, ...]) -> float:
    """Processor time of one loss with its gradient."""
    begun = time.process_time()
    torch.autograd.grad(loss(*given), given[0])
    return time.process_time() - begun


def measure(data: Path) -> dict[str, Any]:
    """Return milliseconds of both, and torch's over ours."""
    del data
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for name, size in SIZES.items():
        given = case(*size)
        times: dict[str, list[float]] = {"ours": [], "torch": []}
        for _ in range(ROUNDS):
            times["ours"].append(seconds(ours, given))
            times["torch"].append(seconds(torchs, given))
        found[name] = {"median": _beside(times, statistics.median), "least": _beside(times, min)}
    return {"losses": found}


def _beside(times: dict[str, list[float]], of: Callable[[list[float]], float]) -> dict[str, float]:
    """Return a statistic of both times in milliseconds, and torch's over ours."""
    found = {key: 1000 * of(each) for key, each in times.items()}
    return {**found, "ratio": found["torch"] / found["ours"]}


def show(results: dict[str, Any]) -> list[str]:
    """Return a line for each size."""
    return [
        f"{name}, {how}: {each['ours']:.2f} ms, torch {each['torch']:.2f} ms, ratio "
        f"{each['ratio']:.2f}"
        for name, both in results["losses"].items()
        for how, each in both.items()
    ]
