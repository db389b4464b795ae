"""Check that an exported file computes the same as its layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longshort.errors import BackendError
from longshort.interchange.described import Arrays
from longshort.interchange.stack import Stack
from longshort.nn import Recurrent

TOLERANCES = {"float32": 1e-5, "float64": 1e-10}
TRIALS = ((7, 3), (1, 1), (12, 2))
"""Time steps and batch sizes of the trials: both axes are dynamic, so there are several."""


@dataclass(frozen=True)
class Check:
    """Runs layer and file on the same random numbers, and compares the results."""

    layer: Recurrent
    stack: Stack
    ragged: bool
    states_in: bool
    tolerance: float | None = None

    def difference(self, path: Path, run: Callable[[Path, Arrays], Arrays]) -> float:
        """Return the largest difference, relative to the largest value above 1.

        Raises `BackendError` if it exceeds the tolerance.
        """
        allowed = self.tolerance or TOLERANCES[self.stack.dtype.name]
        training = self.layer.training
        self.layer.eval()
        try:
            with torch.no_grad():
                found = [self._trial(*trial, path, run, seed) for seed, trial in enumerate(TRIALS)]
        finally:
            self.layer.train(training)
        worst, where = max(found, key=lambda one: one[0])
        if not worst <= allowed:
            raise BackendError(
                f"export: ONNX Runtime differs from the layer by {worst:.2g} in {where!r}, allowed "
                f"is {allowed:g}; the file was not kept. A larger `tolerance` allows it"
            )
        return worst

    def _trial(
        self, steps: int, batch: int, path: Path, run: Callable[[Path, Arrays], Arrays], seed: int
    ) -> tuple[float, str]:
        generator = torch.Generator().manual_seed(seed)
        x = self._x(steps, batch, generator)
        lengths = torch.randint(1, steps + 1, (batch,), generator=generator)
        state = self.layer(self._x(3, batch, generator))[1] if self.states_in else None
        output, final = self.layer(x, state, lengths=lengths if self.ragged else None)
        feeds = {"x": _array(x)} | (self._named(state, 0) if self.states_in else {})
        if self.ragged:
            feeds["lengths"] = lengths.numpy()
        wanted = {"output": _array(output)} | self._named(final, "n")
        got = run(path, feeds)
        return max((_difference(got[name], value), name) for name, value in wanted.items())

    def _x(self, steps: int, batch: int, generator: torch.Generator) -> Tensor:
        shape = (batch, steps) if self.stack.batch_first else (steps, batch)
        like = next(self.layer.parameters())
        x = torch.randn(*shape, self.stack.input_size, generator=generator, dtype=like.dtype)
        return x.to(like.device)

    def _named(self, state: Any, end: int | str) -> Arrays:
        parts = state if isinstance(state, tuple) else (state,)
        names = self.stack.state_sizes
        return {f"{key}_{end}": _array(part) for key, part in zip(names, parts, strict=True)}


def _array(value: Tensor) -> np.ndarray[Any, Any]:
    return value.detach().cpu().numpy()


def _difference(got: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> float:
    """Return the difference; infinite for NaN, which no tolerance allows."""
    scale = max(1.0, float(np.abs(wanted).max(initial=0.0)))
    apart = np.nan_to_num(np.abs(got - wanted), nan=np.inf)
    return float(apart.max(initial=0.0)) / scale
