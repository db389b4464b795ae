"""What the executors that run on torch tensors are given, and what they give back.

Letters: T time steps, B batch, W width, P output size.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from longshort.engine.executors.plan import Plan
from longshort.engine.graph import Graph

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Trajectory:
    """What a scan leaves."""

    output: Tensor
    """[T, B, P]; 0 past a sequence's end."""
    final: Tensors
    """States after each sequence's last step, [B, W]."""
    states: Tensors
    """States after every step, [T, B, W]; empty where they were not asked for."""


@dataclass(frozen=True)
class Job:
    """One scan: one layer in one direction, forward in time."""

    plans: dict[bool, Plan]
    """The equations in order, by whether they have the input "alive"."""
    parameters: Tensors
    """By the cell's names, without layer and direction."""
    inputs: Tensors
    """All that the graph declares: x, noise, reset [T, B, 1] and initial states [B, W]."""
    state: Tensors
    """[B, W]."""
    lengths: Tensor | None
    """[B], whole numbers from 1 to T."""
    want_states: bool

    @property
    def x(self) -> Tensor:
        """[T, B, I]."""
        return self.inputs["x"]

    @property
    def graph(self) -> Graph:
        """The equations, without the input "alive"."""
        return self.plans[False].graph
