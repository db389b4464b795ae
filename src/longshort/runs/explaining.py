"""What a task must say so that its answers can be explained; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

    from longshort.report.looks import Look
    from longshort.report.plots import Window
    from longshort.report.sections import Block

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Question:
    """A number that a model answers for one row, as a function of the row's inputs.

    Letters: T steps, F features, M other rows, N copies of the row.

    answer: returns the number [N] of inputs [N, T, F], float64 tensors; copies do not influence
    each other. inputs [T, F]: the row's values as the network takes them, or 1 for every token that
    is there. exists [T, F]: False for cells that the network does not read. mean [T, F]: the mean
    of the training rows. others [M, T, F]: training rows in the same form; empty if they are gone.
    unit: of the answer.
    """

    name: str
    unit: str
    answer: Callable[[Tensor], Tensor]
    inputs: Floats
    exists: Bools
    mean: Floats
    others: Floats
    steps: Sequence[str]
    features: Sequence[str]
    is_text: bool = False
    """Whether steps are tokens; a cell is then a token's presence, from 0 to 1."""
    tokens: int | None = None
    """Number of steps that are tokens, where others follow them, such as n-grams."""
    shown: Floats | None = None
    """The inputs in the data's own units, [T, F]."""
    window: Window | None = None
    """History, forecast and truth, where the answer is a forecast."""
    look: Look | None = None
    """How the row is drawn, where lines over time do not show it."""
    about: Sequence[Block] = ()
    """What the page shows above the attributions, such as the probabilities of all answers."""


class Subject(Protocol):
    """Rows of data that can be explained, with the network in double precision."""

    @property
    def network(self) -> nn.Module:
        """A private copy of the network, in evaluation mode and double precision."""

    @property
    def places(self) -> Sequence[str]:
        """Place of every row in the data, for people."""

    def losses(self) -> Floats | None:
        """Return the loss of every row, [n]; None if the data have no truth."""

    def answers(self, row: int) -> Sequence[str]:
        """Return the names of what can be asked about a row, such as its classes."""

    def question(self, row: int, answer: str | None) -> Question:
        """Return a question about a row; None asks about what the model said."""

    def loss_of(self, rows: NDArray[np.int64], inputs: Sequence[Floats]) -> Floats | None:
        """Return the losses [n] of rows with other inputs [T, F] each; None without truth."""
