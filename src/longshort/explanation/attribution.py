"""An attribution: how much of an answer each cell of the inputs accounts for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from longshort.runs.explaining import Floats, Question

_FLOOR = 0.01


@dataclass(frozen=True)
class Attribution:
    """Values [T, F] in the answer's unit, 0 where the network reads nothing.

    score, reference: the answer for the row, and for the baseline input. constant: share of the
    answer that belongs to no cell, such as that of biases. seed: None where nothing was drawn.
    note: how it was computed, for people.
    """

    method: str
    baseline: str
    values: Floats
    score: float
    reference: float
    constant: float = 0.0
    seed: int | None = None
    note: str = ""
    error: float | None = None
    """Error of the sum, where it is not that of all cells."""

    @property
    def explained(self) -> float:
        """What the cells have to account for: the answer without reference and constant."""
        return self.score - self.reference - self.constant

    @property
    def completeness(self) -> float:
        """Error of the sum of all cells, as a share of what it should be.

        That is at least a hundredth of the sum of the absolute values: where large values cancel
        each other, their rounding is no error.
        """
        if self.error is not None:
            return self.error
        error = abs(float(self.values.sum()) - self.explained)
        least = _FLOOR * float(np.abs(self.values).sum())
        whole = max(abs(self.explained), least)
        return error / whole if whole > 0 else 0.0


def spread(question: Question, blocks: list[np.ndarray], effects: Floats) -> Floats:
    """Return values [T, F] of effects of blocks (flat numbers of cells), in equal parts."""
    values = np.zeros(question.inputs.size)
    for cells, effect in zip(blocks, effects, strict=True):
        values[cells] += effect / len(cells)
    return values.reshape(question.inputs.shape)
