"""Optimisers, learning-rate schedules, clipping and weight penalties by name."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from longshort.config import TrainConfig
from longshort.train.learning import WeightGroup

_WARMUP = 0.1
_FLOOR = 0.01


def make_optimizer(groups: list[WeightGroup], config: TrainConfig) -> Optimizer:
    """Adam, AdamW or SGD; each group has its share of the learning rate and of the decay.

    The decay comes after clipping: AdamW shrinks the weights, SGD adds it to the gradient.

    Fused: one pass over the weights. The plain loop takes some thirty times as long on a large
    embedding, more than the rest of a step.
    """
    rate, decay = config.learning_rate, config.weight_decay
    tables = [
        {
            "params": group.weights,
            "lr": rate * group.rate,
            "share": group.rate,
            "weight_decay": decay if group.decay else 0.0,
        }
        for group in groups
    ]
    if config.optimizer == "adam":
        return torch.optim.Adam(tables, fused=True)
    if config.optimizer == "adamw":
        return torch.optim.AdamW(tables, fused=True)
    return torch.optim.SGD(tables, momentum=config.momentum, fused=True)


def rate_factor(schedule: str, step: int, total_steps: int) -> float:
    """Learning rate at a step, as a share of the configured one.

    cosine falls from 1 to 0.01; onecycle rises from 0.04 over the first 10 % and falls to 0.01
    (Smith, 2018), both by half cosines. plateau is driven by the validation score instead, decay
    by the epoch.
    """
    done = step / max(1, total_steps)
    if schedule == "cosine":
        return _half_cosine(1.0, _FLOOR, done)
    if schedule == "onecycle":
        if done < _WARMUP:
            return _half_cosine(0.04, 1.0, done / _WARMUP)
        return _half_cosine(1.0, _FLOOR, (done - _WARMUP) / (1 - _WARMUP))
    return 1.0


def decay_factor(config: TrainConfig, epoch: int) -> float:
    """Share of the learning rate that schedule = decay leaves in an epoch, the first being 0.

    1 for `decay_after` epochs, then `decay` times as much in each as in the one before (Zaremba et
    al., 2014); 1 for other schedules.
    """
    if config.decay is None or config.decay_after is None:
        return 1.0
    return config.decay ** max(0, epoch + 1 - config.decay_after)


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


def penalty(weights: Iterable[Tensor], config: TrainConfig) -> Tensor | None:
    """L1 and L2 penalties over all weights, or None when both are off."""
    if not config.l1 and not config.l2:
        return None
    terms = [
        config.l1 * weight.abs().sum() + config.l2 * weight.square().sum() for weight in weights
    ]
    return torch.stack(terms).sum()


def clip(weights: list[nn.Parameter], config: TrainConfig) -> float:
    """Clip gradients by global norm or by value; returns the norm before."""
    limit = config.clip_norm if config.clip_norm is not None else math.inf
    norm = float(nn.utils.clip_grad_norm_(weights, limit))
    if config.clip_value is not None:
        nn.utils.clip_grad_value_(weights, config.clip_value)
    return norm
