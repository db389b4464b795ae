"""How far back a trained network looks, and what a longer window costs.

Both are measured between the input of the first recurrent layer and the last state of the last one,
so they need to know nothing of a task. Where several steps enter a layer together (patches), a lag
is that many steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.nn.recurrent import Recurrent
from longshort.runs.trial import Trial
from longshort.tuning.plan import Attempt
from longshort.tuning.study import Study
from longshort.tuning.worker import AnyGround, changes_of

Floats = NDArray[np.float64]
AnyTrial = Trial[Any, Any, Any, Any]

_DIRECTIONS = 4
"""Random directions of the last state whose gradients are averaged."""
_MOST_LAGS = 48
_TINY = 1e-30


def window_facts(study: Study, ground: AnyGround, winner: Attempt) -> dict[str, Any]:
    """Return what stands beside the answer about a window: its reach, and what each one costs.

    steps_each: steps of a window that enter the layers as one input.
    """
    best = ground.trial(changes_of(winner), study.trial_folder(winner))
    best.advance()
    found = reach(best)
    inputs = found.pop("inputs")
    costs = [
        {"level": each.level, "saved_bytes": saved_bytes(ground.trial(each.changes))}
        for each in study.plan.candidates
    ]
    level = winner.candidate.level or inputs
    return {"reach": found | {"steps_each": level / inputs}, "costs": costs}


def reach(trial: AnyTrial) -> dict[str, Any]:
    """Return how the last state of a trained trial depends on each input, by lag.

    lags: inputs of the layers before the last one. inputs: their number. gradient: norm of the
    derivative of the state, as a share of the largest one. occlusion: how far the state moves where
    that input is replaced by the mean input, as a share of how far states of samples lie apart.
    """
    trial.job.model.network.eval()
    watch = _Watch(trial)
    states = watch.run()
    lags = _lags(watch.steps)
    gradient = _gradient(watch, states)[::-1][lags]
    plain = states.detach()
    apart = float((plain - plain.mean(0)).norm(dim=-1).mean())
    moved = [float((watch.run(lag).detach() - plain).norm(dim=-1).mean()) for lag in lags]
    return {
        "inputs": watch.steps,
        "lags": lags,
        "gradient": (gradient / max(float(gradient.max()), _TINY)).tolist(),
        "occlusion": [each / max(apart, _TINY) for each in moved],
    }


class _Watch:
    """Runs a network over a batch, and reads what enters and leaves its recurrent layers."""

    def __init__(self, trial: AnyTrial) -> None:
        network = trial.job.model.network
        layers = [each for each in network.modules() if isinstance(each, Recurrent)]
        self.first, self.last = layers[0], layers[-1]
        self._run = _batch_of(trial)
        self.inputs = torch.empty(0)
        self._states = torch.empty(0)
        self._hidden: int | None = None

    @property
    def steps(self) -> int:
        """Number of inputs in time."""
        return self.inputs.shape[self._axis]

    @property
    def _axis(self) -> int:
        return 1 if self.first.batch_first else 0

    def run(self, hidden: int | None = None) -> Tensor:
        """Return the last states [B, H]; the input of that many steps before the end is hidden."""
        self._hidden = hidden
        hooks = (
            self.first.register_forward_pre_hook(self._before),
            self.last.register_forward_hook(self._after),
        )
        try:
            self._run()
        finally:
            for hook in hooks:
                hook.remove()
        return self._states

    def _before(self, _layer: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        x = given[0].detach().clone()
        if self._hidden is not None:
            place = x.shape[self._axis] - 1 - self._hidden
            x.select(self._axis, place).copy_(x.mean(dim=(0, 1)))
        self.inputs = x.requires_grad_()
        return (x, *given[1:])

    def _after(self, _layer: nn.Module, _given: tuple[Any, ...], output: Any) -> None:
        outputs = output[0] if isinstance(output, tuple) else output
        self._states = outputs.select(1 if self.last.batch_first else 0, -1)

    def norms(self, gradient: Tensor) -> Floats:
        """Return the mean norm of a gradient of the inputs at each step [T]."""
        of_steps = gradient.transpose(0, self._axis).norm(dim=-1).mean(dim=1)
        found: Floats = of_steps.double().cpu().numpy()
        return found


def _gradient(watch: _Watch, states: Tensor) -> Floats:
    """Return the norm of the derivative of the states by each input, over random directions."""
    draw = torch.Generator().manual_seed(0)
    total = np.zeros(watch.steps)
    for _ in range(_DIRECTIONS):
        direction = torch.randn(states.shape[-1], generator=draw).to(states)
        (found,) = torch.autograd.grad((states @ direction).sum(), watch.inputs, retain_graph=True)
        total += watch.norms(found)
    return total / _DIRECTIONS


def _lags(steps: int) -> list[int]:
    """Return all lags, or some that are spread evenly on a logarithmic scale."""
    if steps <= _MOST_LAGS:
        return list(range(steps))
    return sorted({int(each) - 1 for each in np.geomspace(1, steps, _MOST_LAGS)})


def saved_bytes(trial: AnyTrial) -> int:
    """Return the memory that a training step of one batch keeps for its backward pass."""
    weights = {each.untyped_storage().data_ptr() for each in trial.job.model.network.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    trial.job.model.network.train()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        alive = _batch_of(trial)()  # what is kept has addresses of its own while this lives
        del alive
    return sum(kept.values())


def _batch_of(trial: AnyTrial) -> Callable[[], Tensor]:
    """Return a function that runs the network over the first training batch."""
    learning, _, plan = trial.job.training[:3]
    batch = learning.batches(plan, torch.Generator().manual_seed(0))[0]
    return lambda: learning.loss(batch)
