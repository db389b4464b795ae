"""Input and result of the executors that run on torch tensors.

Letters: T time steps, B batch, W width, P output size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from longshort.engine.executors.common.plan import Plan, plan
from longshort.engine.graph import Graph
from longshort.engine.text import to_text
from longshort.engine.trace import with_ends

Tensors = dict[str, Tensor]
Lists = tuple[list[Tensor], list[Tensor], list[Tensor]]
"""Inputs, states and parameters, each in the order of the graph."""


@dataclass(frozen=True)
class Trajectory:
    """The result of a scan."""

    output: Tensor
    """Output [T, B, P]; 0 past a sequence's end."""
    final: Tensors
    """States [B, W] after each sequence's last step, by name."""
    states: Tensors
    """States [T, B, W] after every step, by name; empty where they were not asked for."""


@dataclass(frozen=True)
class Job:
    """One scan: one layer in one direction, forward in time; tensors are named as in the graph.

    Opaque operators take the same tensors as lists: `lists` and `job_of` convert between the two.
    """

    plans: dict[bool, Plan]
    """The planned equations, without (False) and with (True) the input "alive"."""
    parameters: Tensors
    """Parameters by the cell's names, without layer and direction."""
    inputs: Tensors
    """All inputs that the graph declares: x, noise, reset [T, B, 1] and initial states [B, W]."""
    state: Tensors
    """States [B, W] before the first step."""
    lengths: Tensor | None = None
    """Lengths [B], whole numbers from 1 to T."""
    want_states: bool = False
    """Whether the states of every step are wanted."""
    wanted: tuple[str, ...] = ()
    """Inputs whose gradients a backward pass computes."""
    keep: bool = False
    """Whether a backward pass follows."""
    segment: int = 0
    """Steps of a segment whose values the backward pass computes anew; 0: all values are kept."""
    cut: bool = False
    """Whether gradients end at the borders of segments, as in truncated backpropagation."""

    @property
    def x(self) -> Tensor:
        """The input [T, B, I]."""
        return self.inputs["x"]

    @property
    def graph(self) -> Graph:
        """The equations, with the input "alive" only if the job has it."""
        return self.plans[False].graph

    def segments(self, multiple: int = 1) -> list[tuple[int, int]]:
        """Return first and last step (exclusive) of each segment; a shorter rest joins the last.

        multiple: segments have a multiple of so many steps, if gradients are not cut.
        """
        steps, length = self.x.size(0), self.segment
        if not length:
            return [(0, steps)]
        if not self.cut:
            length = -(-length // multiple) * multiple
        starts = [length * k for k in range(max(1, steps // length))]
        return list(zip(starts, [*starts[1:], steps], strict=True))

    @property
    def lists(self) -> Lists:
        """Return the tensors as lists, as an operator takes them."""
        graph = self.graph
        return (
            [self.inputs[spec.name] for spec in graph.inputs],
            [self.state[name] for name in graph.state_sizes],
            [self.parameters[name] for name in parameter_names(graph)],
        )

    @property
    def tensors(self) -> list[Tensor]:
        """Return all tensors in one list, in the order of `lists`."""
        inputs, state, parameters = self.lists
        return [*inputs, *state, *parameters]

    @property
    def marks(self) -> list[int]:
        """Return `wanted` as an operator takes it: 1 for each input in it, 0 for the others."""
        return [int(spec.name in self.wanted) for spec in self.graph.inputs]

    def for_autograd(self) -> Job:
        """Return the job with `wanted` and `keep` as autograd needs them."""
        keep = torch.is_grad_enabled() and any(value.requires_grad for value in self.tensors)
        free = [spec.name for spec in self.graph.inputs if keep and spec.differentiable]
        wanted = tuple([name for name in free if self.inputs[name].requires_grad])
        return replace(self, wanted=wanted, keep=keep, segment=self.segment if keep else 0)

    def with_tensors(self, tensors: Sequence[Tensor], lengths: Tensor | None) -> Job:
        """Return the job with other tensors, in the order of `tensors`."""
        parameters, inputs, state = _named(self.graph, tensors)
        return replace(self, parameters=parameters, inputs=inputs, state=state, lengths=lengths)

    def with_ends(self) -> Job:
        """Return the job with the input "alive" [T, B, 1] in place of the lengths."""
        if self.lengths is None:
            return self
        x = self.x
        inside = alive(x.size(0), self.lengths, x.device).to(x.dtype).unsqueeze(-1)
        plans, inputs = {False: self.plans[True]}, self.inputs | {"alive": inside}
        return replace(self, plans=plans, inputs=inputs, lengths=None)


def job_of(
    graph: Graph,
    tensors: Sequence[Tensor],
    marks: Sequence[int],
    *,
    lengths: Tensor | None = None,
    keep: bool = True,
    want_states: bool = False,
    segment: int = 0,
    cut: bool = False,
) -> Job:
    """Return the job of an operator's arguments; `tensors` and `marks` are as in `Job`."""
    wanted = tuple(spec.name for spec, mark in zip(graph.inputs, marks, strict=True) if mark)
    plans = {False: plan(graph)}
    if lengths is not None:
        plans[True] = plan(with_ends(graph))
    return Job(plans, *_named(graph, tensors), lengths, want_states, wanted, keep, segment, cut)


def _named(graph: Graph, tensors: Sequence[Tensor]) -> tuple[Tensors, Tensors, Tensors]:
    """Return parameters, inputs and states by name."""
    inputs = [spec.name for spec in graph.inputs]
    names = [*inputs, *graph.state_sizes, *parameter_names(graph)]
    found = list(zip(names, tensors, strict=True))
    first, second = len(inputs), len(inputs) + len(graph.state_sizes)
    return dict(found[second:]), dict(found[:first]), dict(found[first:second])


def parameter_names(graph: Graph) -> list[str]:
    """Return the names of the parameters in the order of the lists."""
    return [*graph.matrices, *graph.vectors]


def alive(steps: int, lengths: Tensor, device: torch.device) -> Tensor:
    """Return where sequences have not ended, bool [T, B]."""
    return torch.arange(steps, device=device).unsqueeze(1) < lengths.to(device)


def text_of(graph: Graph) -> str:
    """Return the equations as text for an operator; torch.compile gets the finished text."""
    return to_text(graph)


# As torch.compiler.assume_constant_result does, without its import of the whole compiler, which
# would take longer than all the rest of the package.
vars(text_of)["_dynamo_marked_constant"] = True
