"""Equal parameters of alternatives, and what a training step of each costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from longshort.errors import ConfigError
from longshort.runs.job import threads
from longshort.runs.trial import Ground, Trial
from longshort.tuning.compare_memory import peak_memory
from longshort.tuning.compare_plan import Arm
from longshort.tuning.equal_size import nearest_size


@dataclass(frozen=True)
class Cost:
    """Parameters of a network, updates of its training, and the peak memory of a step in bytes.

    memory: beside the weights; None where it cannot be measured. measure: name of the validation
    score; empty where there is none.
    """

    parameters: int
    steps: int
    memory: int | None
    measure: str


def sized(
    ground: Ground[Any, Any, Any, Any], arms: Sequence[Arm], key: str | None
) -> tuple[Arm, ...]:
    """Return the alternatives with sizes at which all have as many parameters as the first one.

    key: the setting of the size; None leaves all as they are. Raises `ConfigError` where this is
    not possible.
    """
    if key is None:
        return tuple(arms)
    if any(key in arm.changes for arm in arms):
        raise ConfigError(
            f"compare: {key} is compared, so it cannot make sizes equal; leave --size"
        )
    start = _size_of(ground, arms[0], key)
    target = _parameters(ground, arms[0], key, start)
    found = [replace(arms[0], changes={**arms[0].changes, key: start})]
    for arm in arms[1:]:
        size = _solved(ground, arm, key, target, start)
        found.append(replace(arm, changes={**arm.changes, key: size}))
    return tuple(found)


def _solved(ground: Ground[Any, Any, Any, Any], arm: Arm, key: str, target: int, start: int) -> int:
    try:
        return nearest_size(lambda size: _parameters(ground, arm, key, size), target, start)
    except ConfigError as error:
        raise ConfigError(
            f"compare: {arm.name} cannot have the {target:,} parameters of the first alternative "
            f"by {key}: {error}; name another setting with --size, or leave sizes as they are with "
            "--size none"
        ) from None


def _size_of(ground: Ground[Any, Any, Any, Any], arm: Arm, key: str) -> int:
    value: Any = ground.prepared(arm.changes).config
    for part in key.split("."):
        value = getattr(value, part, None)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigError(
            f"compare: {key} is no size of this task's network; name the setting with --size, or "
            "leave sizes as they are with --size none"
        )
    return value


def _parameters(ground: Ground[Any, Any, Any, Any], arm: Arm, key: str, size: int) -> int:
    prepared = ground.prepared({**arm.changes, key: size})
    network = prepared.task.build(prepared.config, prepared.encoder)
    return sum(weight.numel() for weight in network.parameters())


def cost_of(trial: Trial[Any, Any, Any, Any]) -> Cost:
    """Measure what an untrained trial costs; the trial is used up."""
    training, config = trial.job.training, trial.job.config
    learning, network = training.learning, trial.job.model.network
    batch = learning.batches(training.plan, torch.Generator().manual_seed(0))[0]

    def step() -> None:
        network.train()
        torch.autograd.backward(learning.objective(batch)[1])
        network.zero_grad()

    with threads(config.train.threads):
        memory = peak_memory(step, config.train.device)
    parameters = sum(weight.numel() for weight in network.parameters())
    return Cost(parameters, training.plan.total_steps, memory, learning.measure)
