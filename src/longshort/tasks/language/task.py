"""Language modelling by truncated backpropagation: streams side by side, states carried on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.config.language import LanguageConfig
from longshort.data.findings import refuse_errors
from longshort.data.running import RunningSplits
from longshort.tasks.language.doctor import too_short
from longshort.tasks.language.fitted import Fitted, Ints
from longshort.tasks.language.network import LanguageModel, States, detached
from longshort.train.learning import Learning, TrainPlan

_CHECKED = 10
"""Streams of the validation part side by side."""
_STEPS = 128
_ROWS = 1024
"""Outputs that go through the softmax at once, to bound memory."""
_SHORT, _SPREAD, _LEAST = 0.05, 5.0, 5
"""Random lengths: share that is halved, deviation, the shortest (Merity et al., 2018)."""


class LanguageTask(Learning):
    """A language model in training; a batch is named by [begin, length] in the streams."""

    def __init__(self, config: LanguageConfig, parts: RunningSplits) -> None:
        self.config, self.parts = config, parts
        self.fitted = Fitted.fit(parts.train.text, config.text)
        self.train, self.val = (self.fitted.encode(part.text) for part in (parts.train, parts.val))
        batch = config.train.batch_size
        refuse_errors(too_short(len(self.train), batch), parts.train.name)
        self.streams = side_by_side(self.train, batch, self.fitted.begin)
        torch.manual_seed(config.train.seed)
        self.network = build_network(config, self.fitted).to(config.train.device)
        self._states: States | None = None
        self._place = 0

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.network

    @property
    def num_samples(self) -> int:
        """Steps of each stream."""
        return self.streams.size(0) - 1

    def batches(self, plan: TrainPlan, draw: torch.Generator) -> Sequence[Tensor]:
        """Chunks one after another, from the beginning, or where a cap leaves some out, anywhere.

        With random lengths, a chunk's is normal around `bptt`, or half of it in one of 20 cases.
        """
        settings = self.config.train
        cap = plan.steps_per_epoch if settings.steps_per_epoch else self.num_samples
        place = 0
        if cap * settings.bptt < self.num_samples:
            last = self.num_samples - cap * settings.bptt
            place = int(torch.randint(last + 1, (), generator=draw))
        found: list[Tensor] = []
        while place < self.num_samples and len(found) < cap:
            length = min(self._length(draw), self.num_samples - place)
            found.append(torch.tensor([place, length]))
            place += length
        return found

    def _length(self, draw: torch.Generator) -> int:
        settings = self.config.train
        if not settings.random_bptt:
            return settings.bptt
        short = float(torch.rand((), generator=draw)) < _SHORT
        mean = settings.bptt / 2 if short else float(settings.bptt)
        return max(_LEAST, int(mean + _SPREAD * float(torch.randn((), generator=draw))))

    @property
    def unit(self) -> str:
        """Of speed."""
        return "tokens"

    def size(self, samples: Tensor) -> int:
        """Tokens."""
        return int(samples[1]) * self.streams.size(1)

    def rate(self, samples: Tensor) -> float:
        """With random lengths, a chunk's share of the usual length."""
        settings = self.config.train
        return int(samples[1]) / settings.bptt if settings.random_bptt else 1.0

    def loss(self, samples: Tensor) -> Tensor:
        """Mean nats of the chunk's tokens."""
        return self.objective(samples)[0]

    def objective(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Mean nats of the chunk's tokens; the same with penalties on what the layers put out."""
        place, length = samples.tolist()
        if place != self._place:
            self._states = None
        device, settings = self.config.train.device, self.config.train
        chunk = self.streams[place : place + length + 1].to(device)
        read = self.network(chunk[:-1], self._states)
        self._states, self._place = detached(read.states), place + length
        loss = self.network.losses(read.output, chunk[1:]).mean()
        minimised = loss
        if settings.activation_penalty:
            minimised = minimised + settings.activation_penalty * read.output.square().mean()
        if settings.slowness_penalty and length > 1:
            change = read.raw.diff(dim=0).square().mean()
            minimised = minimised + settings.slowness_penalty * change
        return loss, minimised

    def carried(self) -> dict[str, Tensor]:
        """The streams' states, and how far they were read."""
        found = {"place": torch.tensor(self._place)}
        for layer, state in enumerate(self._states or []):
            found |= {f"state.{layer}.{i}": value for i, value in enumerate(state)}
        return found

    def carry(self, tensors: dict[str, Tensor]) -> None:
        """Go on with these states."""
        self._place = int(tensors["place"])
        device, states = self.config.train.device, []
        for layer in range(len(self.network.layers)):
            names = sorted(name for name in tensors if name.startswith(f"state.{layer}."))
            states.append(tuple(tensors[name].to(device) for name in names))
        self._states = states if all(states) else None

    @property
    def measure(self) -> str:
        """What perplexity is the exponential of."""
        return "nats per token"

    def validate(self) -> float:
        """Mean nats of the validation part's tokens."""
        nats = losses_of(self.network, self.val, self.fitted.begin, streams=_CHECKED)
        return float(nats.mean())


def build_network(config: LanguageConfig, fitted: Fitted) -> LanguageModel:
    """The untrained network for what was fitted."""
    return LanguageModel(config.model, len(fitted.vocabulary))


def side_by_side(numbers: Ints, count: int, begin: int) -> Tensor:
    """Token numbers [n] as `count` streams [n // count + 1, count].

    A stream's first row is what stands before it, `begin` for the first; up to count - 1 last
    tokens are left out.
    """
    steps = len(numbers) // count
    led = np.concatenate([[begin], numbers])
    rows = np.arange(steps + 1)[:, None] + steps * np.arange(count)
    return torch.from_numpy(led[rows])


@torch.no_grad()
def losses_of(
    network: LanguageModel, numbers: Ints, begin: int, streams: int = 1
) -> NDArray[np.float64]:
    """Nats of every token [n], each after all that stands before it in its stream.

    With one stream that is the whole text. Several go faster; each starts without a past.
    """
    network.eval()
    streams = max(1, min(streams, len(numbers) // _STEPS))
    steps = -(-len(numbers) // streams)
    filled = np.concatenate([numbers, np.full(steps * streams - len(numbers), begin)])
    table = side_by_side(filled, streams, begin).to(network.embedding.weight.device)
    found, states = torch.empty(steps, streams, dtype=torch.float64), None
    for place in range(0, steps, _STEPS):
        chunk = table[place : place + _STEPS + 1]
        read = network(chunk[:-1], states)
        states = read.states
        rows, here = max(1, _ROWS // streams), found[place : place + _STEPS]
        for first in range(0, len(here), rows):
            part = slice(first, first + rows)
            here[part] = network.losses(read.output[part], chunk[1:][part])
    nats: NDArray[np.float64] = found.T.flatten().numpy()[: len(numbers)]
    return nats
