"""Training of the network of voices on crops of recordings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from longshort.data.audio.features import steps_of
from longshort.data.audio.vary import masked
from longshort.data.labelled import Examples
from longshort.data.padding import pad_arrays
from longshort.runs.task import Encoded, Model
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.encoder import SpeakerEncoder
from longshort.tasks.speaker.network import VoiceNetwork, speaker_loss
from longshort.train.learning import Learning, TrainPlan, WeightGroup

Floats = NDArray[np.float32]
SpeakerRun = Model[SpeakerConfig, SpeakerEncoder]


class SpeakerLearning(Learning):
    """A batch is the numbers of its speakers; crops of each are drawn anew every time."""

    def __init__(
        self, model: SpeakerRun, train: Encoded[Examples], score: Callable[[], float]
    ) -> None:
        self.model, self.score = model, score
        self.voices = voices_of(model, train)
        settings = model.config
        self.bounds = tuple(
            max(1, steps_of(seconds, settings.audio))
            for seconds in (settings.train.shortest, settings.train.longest)
        )

    @property
    def module(self) -> nn.Module:
        """The network."""
        network: VoiceNetwork = self.model.network
        return network

    def weight_groups(self) -> list[WeightGroup]:
        """Return the weights; scale and shift of the similarity do not decay."""
        network = self.model.network
        free = [network.scale, network.shift]
        rest = [w for w in network.parameters() if all(w is not each for each in free)]
        return [WeightGroup(rest), WeightGroup(free, decay=False)]

    @property
    def num_samples(self) -> int:
        """Number of training speakers, those at other speeds included."""
        return len(self.voices)

    def plan(self) -> TrainPlan:
        """Plan `train.max_epochs` times `train.steps_per_epoch` batches."""
        train = self.model.config.train
        size = min(train.batch_size, self.num_samples)
        return TrainPlan(size, train.steps_per_epoch, train.max_epochs)

    @property
    def unit(self) -> str:
        """The unit of throughput."""
        return "crops"

    def size(self, samples: Tensor) -> int:
        """Return the number of crops of a batch."""
        return len(samples) * self.model.config.train.crops

    def loss(self, samples: Tensor) -> Tensor:
        """Return the loss of crops of these speakers, all of one random length."""
        # Torch's random numbers are in the checkpoint: a resumed training draws the same crops.
        draw = np.random.default_rng(int(torch.randint(2**31, (1,))))
        steps = int(draw.integers(self.bounds[0], self.bounds[1] + 1))
        crops = [
            masked(self._crop(self.voices[voice], steps, draw), self.model.config.vary, draw)
            for voice in samples.tolist()
            for _ in range(self.model.config.train.crops)
        ]
        x, lengths = pad_arrays(crops)
        network, device = self.model.network, self.model.device
        found = network(torch.from_numpy(x).to(device), torch.from_numpy(lengths))
        return speaker_loss(found.view(len(samples), -1, found.shape[1]), network.scale,
                            network.shift)  # fmt: skip

    @staticmethod
    def _crop(recordings: Sequence[Floats], steps: int, draw: np.random.Generator) -> Floats:
        """Return a stretch of one of the recordings; all of it if it is shorter."""
        chosen = recordings[int(draw.integers(len(recordings)))]
        begin = int(draw.integers(max(1, len(chosen) - steps + 1)))
        return chosen[begin : begin + steps]

    @property
    def measure(self) -> str:
        """The score of `validate`."""
        return "EER of the validation speakers"

    def validate(self) -> float | None:
        """Return the equal error rate of the validation speakers."""
        return self.score()


def voices_of(model: SpeakerRun, train: Encoded[Examples]) -> list[list[Floats]]:
    """Return the scaled recordings of each training speaker; at another speed he is another one."""
    samples, found = train.samples, list[list[Floats]]()
    for speed in model.config.vary.speeds if samples.sounds is not None else (1.0,):
        items: Sequence[Floats] = train.arrays.items
        if speed != 1.0 and samples.sounds is not None:
            played = samples.sounds.features(model.config.audio, speed)
            items = model.encoder.scaled(replace(samples, items=list(played)))
        by_speaker: dict[str, list[Floats]] = defaultdict(list)
        for item, speaker in zip(items, samples.labels or [], strict=True):
            by_speaker[speaker].append(item)
        found += [by_speaker[speaker] for speaker in sorted(by_speaker)]
    return found
