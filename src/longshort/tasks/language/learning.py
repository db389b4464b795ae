"""Training by truncated backpropagation: streams side by side, whose states are carried on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from longshort.runs.task import Model
from longshort.tasks.language.config import LanguageConfig
from longshort.tasks.language.encoder import Ints, LanguageEncoder
from longshort.tasks.language.inference import nats_of, side_by_side
from longshort.tasks.language.network import LanguageModel, States, detached
from longshort.train.learning import Learning, TrainPlan

_CHECKED = 10
"""Number of streams side by side in validation."""
_SHORT, _SPREAD, _LEAST = 0.05, 5.0, 5
"""Random lengths (Merity et al., 2018).

Probability of half the length, standard deviation, least length.
"""


class LanguageLearning(Learning):
    """A language model in training; a batch is named by [begin, length] in the streams."""

    def __init__(
        self, model: Model[LanguageConfig, LanguageEncoder], train: Ints, val: Ints
    ) -> None:
        self.model, self.config = model, model.config
        self.network: LanguageModel = model.network
        self.val = val
        streams = side_by_side(train, self.config.train.batch_size, model.encoder.begin)
        self.streams = torch.from_numpy(streams)
        self._states: States | None = None
        self._place = 0

    def plan(self) -> TrainPlan:
        """Return the plan: every training token once per epoch, unless the steps are capped."""
        train = self.config.train
        batches = -(-self.num_samples // train.bptt)
        return TrainPlan(
            train.batch_size, min(batches, train.steps_per_epoch or batches), train.max_epochs
        )

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.network

    @property
    def num_samples(self) -> int:
        """Number of steps of each stream."""
        return self.streams.size(0) - 1

    @property
    def hands_on(self) -> bool:
        """Streams are read on from chunk to chunk."""
        return True

    def batches(self, plan: TrainPlan, draw: torch.Generator) -> Sequence[Tensor]:
        """Return the chunks of an epoch, one after another.

        Where a cap on the steps leaves some out, the first begins at a random place. With random
        lengths, the length of a chunk is drawn from a normal distribution around `bptt`, or around
        half of it in one of 20 cases.
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
        """Unit of throughput."""
        return "tokens"

    def size(self, samples: Tensor) -> int:
        """Return the number of tokens of the chunk."""
        return int(samples[1]) * self.streams.size(1)

    def rate(self, samples: Tensor) -> float:
        """Return a factor of the learning rate: with random lengths, the share of the usual one."""
        settings = self.config.train
        return int(samples[1]) / settings.bptt if settings.random_bptt else 1.0

    def loss(self, samples: Tensor) -> Tensor:
        """Return the mean nats of the chunk's tokens."""
        return self.objective(samples)[0]

    def objective(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean nats of the chunk's tokens, without and with penalties on activations."""
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
        """Return the streams' states, and how far the streams were read."""
        found = {"place": torch.tensor(self._place)}
        for layer, state in enumerate(self._states or []):
            found |= {f"state.{layer}.{i}": value for i, value in enumerate(state)}
        return found

    def carry(self, tensors: dict[str, Tensor]) -> None:
        """Restore the states that `carried` returned."""
        self._place = int(tensors["place"])
        device, states = self.config.train.device, []
        for layer in range(len(self.network.layers)):
            names = sorted(name for name in tensors if name.startswith(f"state.{layer}."))
            states.append(tuple(tensors[name].to(device) for name in names))
        self._states = states if all(states) else None

    @property
    def measure(self) -> str:
        """Name of what `validate` returns: its exponential is the perplexity."""
        return "nats per token"

    def validate(self) -> float:
        """Return the mean nats of the validation split's tokens."""
        nats = nats_of(self.model.call, self.val, self.model.encoder.begin, _CHECKED)
        return float(nats.mean())
