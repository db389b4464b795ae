"""Utterances as what can be explained: on which frames and features their text rests.

Letters: T frames, F features, N copies, P places, K classes, J units of a joint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longshort.decoding.ctc_alignment import Span
from longshort.report.looks import Look
from longshort.runs.others import of_length, spread
from longshort.runs.sound_names import feature_names, frame_names
from longshort.runs.spelt_subject import Place, Row, SpeltSubject
from longshort.runs.task import Model
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.encoder import BLANK, Batch, SpeechEncoder, encode
from longshort.tasks.transcribe.inference import spelling
from longshort.tasks.transcribe.samples import Utterances

ModelOf = Model[TranscribeConfig, SpeechEncoder]


class SpeechSubject(SpeltSubject):
    """Utterances heard by CTC, frame by frame; a transducer is given the text before."""

    def __init__(self, model: ModelOf, samples: Utterances, train: Utterances | None) -> None:
        super().__init__(model, samples.files, samples.name)
        self.samples, self.arrays = samples, encode(model.encoder, samples)
        few = () if train is None else train.take(spread(len(train))).items
        self.others = [model.encoder.scaled(item) for item in few]
        self.stride = model.config.model.patch

    def described(self, row: int) -> Row:
        """Return an utterance's frames, scaled, and as they look."""
        encoder: SpeechEncoder = self.model.encoder
        values = self.arrays.items[row].astype(np.float64)
        steps, width = values.shape
        settings = self.model.config.audio
        return Row(
            inputs=values,
            exists=np.ones(values.shape, bool),
            mean=np.zeros(values.shape),
            others=of_length(self.others, steps, width),
            steps=frame_names(steps, settings, encoder.rate),
            features=feature_names(settings, encoder.rate, width),
            shown=encoder.prepared(self.samples.items[row]).astype(np.float64),
            look=Look("spectrum"),
        )

    def spelt(self, row: int, model: ModelOf) -> Sequence[Span]:
        """Return the characters that are heard, by the search of the settings."""
        return spelling(model, self.arrays.take([row]))[0]

    def scores(self, row: int, inputs: Tensor, places: Sequence[Place], text: Any) -> Tensor:
        """Return the scores at places, [P, N, K]."""
        del row
        network: Any = self.network
        steps = torch.tensor([place.step for place in places])
        found: Tensor = network(_batch(inputs.to(self.model.device)))[steps]
        if text is None:
            return found
        before = torch.tensor([place.before for place in places])
        joined: Tensor = network.join(found, text[before])
        return joined

    def prepared(self, labels: Sequence[int]) -> Tensor | None:
        """Return what a transducer's joint takes of the text before each label, [U + 1, 1, J]."""
        network: Any = self.network
        if self.model.config.model.head == "ctc":
            return None
        with torch.no_grad():
            begun = torch.tensor([BLANK, *labels], device=self.model.device)[:, None]
            texts, _ = network.predictor(network.embedding(begun))
            found: Tensor = network.text(texts)
        return found

    def nats(self, inputs: Tensor, labels: Sequence[int]) -> float:
        """Return the negative log probability of a text over all alignments."""
        network: Any = self.network
        counts = torch.tensor([len(labels)])
        numbers = torch.tensor([list(labels)], dtype=torch.int64, device=self.model.device)
        found = network.losses(_batch(inputs.to(self.model.device), numbers, counts))
        return float(found[0])

    def given(self, row: int) -> Sequence[int] | None:
        """Return the numbers of the text that was said."""
        return self.arrays.labels[row] if self.arrays.labels else None

    def shown(self, label: int) -> str:
        """Return a character."""
        encoder: SpeechEncoder = self.model.encoder
        return encoder.text([label])

    def steps(self, row: int) -> int:
        """Return the steps of the network."""
        return -(-len(self.arrays.items[row]) // self.stride)


def _batch(inputs: Tensor, labels: Any = None, counts: Any = None) -> Batch:
    """Return copies of an utterance [N, T, F] as the network reads them."""
    lengths = torch.full((len(inputs),), inputs.size(1), dtype=torch.int64)
    return Batch(inputs.transpose(0, 1), lengths, labels, counts)
