"""What the executors that run on torch tensors are given, and what they give back.

Letters: T time steps, B batch, W width, P output size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from longshort.engine.executors.plan import Plan
from longshort.engine.graph import Graph
from longshort.engine.text import to_text

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


class Ordered(NamedTuple):
    """A job's tensors in the order in which its graph names them, as operators take them."""

    inputs: list[Tensor]
    state: list[Tensor]
    parameters: list[Tensor]
    wanted: list[int]
    """Of each input, whether its gradient will be asked for."""
    keep: bool
    """Whether a backward pass will follow."""

    @property
    def tensors(self) -> list[Tensor]:
        """All of them."""
        return [*self.inputs, *self.state, *self.parameters]


def ordered(job: Job, graph: Graph, inputs: Tensors) -> Ordered:
    """The tensors of `job`, with `inputs` for its own, in the order of `graph`."""
    given = [inputs[spec.name] for spec in graph.inputs]
    state = [job.state[name] for name in graph.state_sizes]
    parameters = [job.parameters[name] for name in parameter_names(graph)]
    keep = torch.is_grad_enabled() and any(
        tensor.requires_grad for tensor in (*given, *state, *parameters)
    )
    wanted = [
        int(keep and spec.differentiable and value.requires_grad)
        for spec, value in zip(graph.inputs, given, strict=True)
    ]
    return Ordered(given, state, parameters, wanted, keep)


def parameter_names(graph: Graph) -> list[str]:
    """The order in which parameters are given."""
    return [*graph.matrices, *graph.vectors]


def alive(steps: int, lengths: Tensor, device: torch.device) -> Tensor:
    """Where sequences have not ended: booleans [T, B]."""
    return torch.arange(steps, device=device).unsqueeze(1) < lengths.to(device)


def text_of(graph: Graph) -> str:
    """The equations as an operator takes them; torch.compile is handed the finished text."""
    return to_text(graph)


# What torch.compiler.assume_constant_result does, without its import of the whole compiler, which
# would take longer than all the rest of the package.
vars(text_of)["_dynamo_marked_constant"] = True
