"""Scans by segments of steps, for executors that do not compute segments anew themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from longshort.engine.executors.common.contract import Job, Tensors, Trajectory
from longshort.engine.executors.common.observed import transformed

Execute = Callable[[Job], Trajectory]


def by_segments(job: Job, execute: Execute) -> Trajectory:
    """Run a job segment by segment, each from the states after the one before.

    Where gradients are recorded, a segment keeps its inputs only, and its values are computed anew
    in the backward pass. If the job cuts gradients, none passes from a segment to the one before.
    Gradients equal those of a whole scan up to rounding. Under torch.compile and transforms of
    torch.func all values are kept.
    """
    parts = [_Part(begin, end) for begin, end in job.segments()]
    keeps = torch.compiler.is_compiling() or transformed() or not torch.is_grad_enabled()
    run = execute if keeps else _recomputed(execute)
    found: list[Trajectory] = []
    state = final = job.state
    for part in parts:
        one = part.finished(job, run(part.of(job, state)), final)
        found.append(one)
        state = final = one.final
        if job.cut:
            state = {name: value.detach() for name, value in final.items()}
    return Trajectory(
        torch.cat([one.output for one in found]),
        final,
        {n: torch.cat([one.states[n] for one in found]) for n in found[0].states},
    )


def _recomputed(execute: Execute) -> Execute:
    def run(job: Job) -> Trajectory:
        found = checkpoint(execute, job, use_reentrant=False, preserve_rng_state=False)
        return cast(Trajectory, found)

    return run


class _Part:
    """A segment: the steps from `begin` up to `end`."""

    def __init__(self, begin: int, end: int) -> None:
        self.begin, self.end = begin, end

    def alive(self, job: Job) -> Tensor | None:
        """Return which sequences have a step in the segment [B, 1]; None: all."""
        if job.lengths is None:
            return None
        return (job.lengths.to(job.x.device) > self.begin).unsqueeze(-1)

    def of(self, job: Job, state: Tensors) -> Job:
        """Return the job of the segment; sequences that have ended run one step for nothing."""
        inputs = {
            spec.name: value if spec.per_sequence else value[self.begin : self.end]
            for spec in job.graph.inputs
            for value in (job.inputs[spec.name],)
        }
        lengths = job.lengths
        if lengths is not None:
            lengths = (lengths - self.begin).clamp(1, self.end - self.begin)
        return replace(job, inputs=inputs, state=state, lengths=lengths, segment=0)

    def finished(self, job: Job, found: Trajectory, before: Tensors) -> Trajectory:
        """Return the result with output 0 and the states `before` where a sequence has ended."""
        inside = self.alive(job)
        if inside is None:
            return found
        return Trajectory(
            torch.where(inside, found.output, 0.0),
            {n: torch.where(inside, value, before[n]) for n, value in found.final.items()},
            {n: torch.where(inside, value, before[n]) for n, value in found.states.items()},
        )
