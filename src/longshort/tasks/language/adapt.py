"""Adaptation of a language model to the text that it is scored on.

Both methods learn from a token only after it was scored.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.tasks.language.encoder import Ints
from longshort.tasks.language.inference import side_by_side
from longshort.tasks.language.network import LanguageModel, States, detached

Floats = NDArray[np.float64]

_CHUNK = 128
_LEARNED = 20
"""Steps between two updates of dynamic evaluation."""
_CLIP = 1.0
_TRIED = 10_000
"""Number of validation tokens on which settings are chosen."""
_THETAS, _LAMBDAS = (0.0, 0.1, 0.3, 0.6, 1.0, 2.0, 4.0), (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
_RATES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Learning rates that are tried; at 0 the weights stay as they are."""
_OFF = "stays off: it does not help on the validation split"
_DECAY = 0.001


@dataclass(frozen=True)
class Adapted:
    """Nats of the test tokens, and the settings that were chosen on the validation split."""

    nats: Floats
    note: str


def cached(network: LanguageModel, val: Ints, test: Ints, begin: int, size: int) -> Adapted:
    """Score with a cache of the last `size` outputs and the tokens after them (Grave et al., 2017).

    A remembered token counts by exp(theta * product of its output with the present one); the
    cache's probability has the weight lambda. theta and lambda are chosen on
    the validation split.
    """
    seen = val[:_TRIED]
    plain, outputs = _read(network, seen, begin)
    best, chosen = float(plain.mean()), (0.0, 0.0)
    for theta in _THETAS:
        remembered = remember(outputs, seen, size, theta)
        for weight in _LAMBDAS:
            loss = float(_mixed(plain, remembered, weight).mean())
            if loss < best:
                best, chosen = loss, (theta, weight)
    theta, weight = chosen
    plain, outputs = _read(network, test, begin)
    if not weight:
        return Adapted(plain, _OFF)
    nats = _mixed(plain, remember(outputs, test, size, theta), weight)
    return Adapted(nats, f"remembers {size:,} tokens, theta {theta:g}, lambda {weight:g}")


def remember(outputs: Tensor, tokens: Ints, size: int, theta: float) -> Floats:
    """Return the probability that the cache alone gives each token, [n]; 0 for the first.

    outputs [n, E]: the network's output before each token.
    """
    numbers = torch.from_numpy(tokens)
    found = torch.zeros(len(tokens), dtype=torch.float64)
    for place in range(0, len(tokens), _CHUNK):
        rows = torch.arange(place, min(place + _CHUNK, len(tokens)))
        columns = torch.arange(max(0, place - size), int(rows[-1]))
        if not len(columns):
            continue
        scores = theta * outputs[rows] @ outputs[columns].T
        age = rows[:, None] - columns
        scores = scores.masked_fill((age < 1) | (age > size), -torch.inf)
        weights = scores.softmax(1).nan_to_num()
        same = numbers[rows][:, None] == numbers[columns]
        found[rows] = (weights * same).sum(1).double()
    return found.numpy()


def _mixed(nats: Floats, remembered: Floats, weight: float) -> Floats:
    mixed: Floats = -np.log((1 - weight) * np.exp(-nats) + weight * remembered)
    mixed[0] = nats[0]  # nothing is remembered yet
    return mixed


@torch.no_grad()
def _read(network: LanguageModel, numbers: Ints, begin: int) -> tuple[Floats, Tensor]:
    """Return the nats of every token [n], and the output before each [n, E]."""
    network.eval()
    states: States | None = None
    nats, outputs = [], []
    table = torch.from_numpy(side_by_side(numbers, 1, begin))
    table = table.to(network.embedding.weight.device)
    for place in range(0, len(numbers), _CHUNK):
        chunk = table[place : place + _CHUNK + 1]
        read = network(chunk[:-1], states)
        states = read.states
        nats.append(network.losses(read.output, chunk[1:])[:, 0].cpu())
        outputs.append(read.output[:, 0].cpu())
    return torch.cat(nats).double().numpy(), torch.cat(outputs)


def dynamic(network: LanguageModel, val: Ints, test: Ints, begin: int) -> Adapted:
    """Score with weights that go on learning along the text (Krause et al., 2018).

    After every 20 tokens the weights take a step down their loss, with clipped gradients, and one
    back towards the trained weights. The network itself is not changed.
    """
    losses = {rate: _learn_along(network, val[:_TRIED], begin, rate).mean() for rate in _RATES}
    rate = min(losses, key=lambda each: losses[each])
    nats = _learn_along(network, test, begin, rate)
    note = f"learns on at the rate {rate:g}, decay {_DECAY:g}" if rate else _OFF
    return Adapted(nats, note)


def _learn_along(network: LanguageModel, numbers: Ints, begin: int, rate: float) -> Floats:
    moving = copy.deepcopy(network).eval()
    weights = [weight for weight in moving.parameters() if weight.requires_grad]
    start = [weight.detach().clone() for weight in weights]
    table = torch.from_numpy(side_by_side(numbers, 1, begin))
    table = table.to(network.embedding.weight.device)
    states: States | None = None
    found = []
    for place in range(0, len(numbers), _LEARNED):
        chunk = table[place : place + _LEARNED + 1]
        read = moving(chunk[:-1], states)
        states = detached(read.states)
        nats = moving.losses(read.output, chunk[1:])[:, 0]
        found.append(nats.detach().cpu())
        # Of an adaptive softmax, clusters without a token in the chunk have no gradient.
        gradients = torch.autograd.grad(nats.mean(), weights, materialize_grads=True)
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        scale = rate * min(1.0, _CLIP / max(float(norm), 1e-12))
        with torch.no_grad():
            for weight, gradient, first in zip(weights, gradients, start, strict=True):
                weight.sub_(gradient, alpha=scale).lerp_(first, _DECAY)
    return torch.cat(found).double().numpy()
