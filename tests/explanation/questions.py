"""Questions about small functions and networks, whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.nn import LSTM
from longshort.runs.explaining import Question


def question(answer: Callable[[Tensor], Tensor], inputs: NDArray[Any], **how: Any) -> Question:
    """A question about a function of inputs [T, F]; further training rows are random."""
    steps, features = inputs.shape
    others = np.random.default_rng(7).normal(size=(40, steps, features))
    given: dict[str, Any] = {
        "name": "answer",
        "unit": "units",
        "answer": answer,
        "inputs": inputs,
        "exists": np.ones(inputs.shape, bool),
        "mean": np.zeros(inputs.shape),
        "others": others,
        "steps": [str(n + 1) for n in range(steps)],
        "features": [f"x{k + 1}" for k in range(features)],
    }
    return Question(**(given | how))


class Reader(nn.Module):
    """An LSTM below a linear head that reads its last step."""

    def __init__(self, features: int = 2, hidden: int = 6, layers: int = 1) -> None:
        super().__init__()
        self.layers = LSTM(features, hidden, num_layers=layers)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.layers(x.transpose(0, 1))[0][-1])[:, 0]
        return found


def reader(seed: int = 0, **how: int) -> Reader:
    """An untrained reader in double precision."""
    torch.manual_seed(seed)
    return Reader(**how).double().eval().requires_grad_(False)


@dataclass
class OneRow:
    """A subject with a single question."""

    network: nn.Module
    asked: Question
    places: list[str] = field(default_factory=lambda: ["row 1"])

    def losses(self) -> None:
        """No truth."""

    def answers(self, row: int) -> list[str]:
        """The only answer."""
        return ["answer"]

    def question(self, row: int, answer: str | None) -> Question:
        """The only question."""
        return self.asked

    def loss_of(self, rows: Any, inputs: Any) -> None:
        """No truth."""


def one_row(seed: int = 0, steps: int = 9, **how: int) -> OneRow:
    """A row of random numbers, read by an untrained reader."""
    network = reader(seed, **how)
    inputs = np.random.default_rng(seed).normal(size=(steps, how.get("features", 2)))
    return OneRow(network, question(network, inputs))
