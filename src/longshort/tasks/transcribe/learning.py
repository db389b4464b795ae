"""Training on utterances that are varied anew each time they are read."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from longshort.data.in_order import in_order_of_length
from longshort.runs.batches import BatchLearning
from longshort.runs.task import Model
from longshort.runs.tensors import on_device
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.encoder import SpeechArrays, SpeechEncoder
from longshort.tasks.transcribe.inference import TOGETHER

_SEEDS = 2**31


class SpeechLearning(BatchLearning):
    """Draws speeds and masks by torch's generator, whose state a checkpoint keeps."""

    def objective(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of these utterances, varied, as it is reported and as it is minimised."""
        draw = np.random.default_rng(int(torch.randint(_SEEDS, ())))
        how = self.model.config.vary
        batch = self.train.arrays.varied(samples.numpy(), how, draw)
        return self.task.loss(self.model, on_device(batch, self.model.device))


def mean_nats(model: Model[TranscribeConfig, SpeechEncoder], arrays: SpeechArrays) -> float:
    """Return the mean nats a character of encoded utterances, as they are."""
    model.network.eval()
    total = 0.0
    with torch.no_grad():
        for numbers in in_order_of_length(arrays.lengths, TOGETHER):
            batch = on_device(arrays.batch(numbers), model.device)
            total += float(model.network.losses(batch).sum())
    return total / max(1, sum(map(len, arrays.labels)))
