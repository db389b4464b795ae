"""Recordings as what can be explained: on which frames their similarity to a voice rests.

Letters: T frames, F features, N copies of a recording, E size of an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.data.labelled import Examples
from longshort.errors import ConfigError, DataError, nearest
from longshort.report.sections import Table
from longshort.report.table import shown
from longshort.runs.explaining import Floats, Question
from longshort.runs.sequence_subject import SequenceSubject, lengths_of
from longshort.runs.task import Model
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.encoder import SpeakerEncoder
from longshort.tasks.speaker.threshold import Threshold

_SHOWN = 8


class SpeakerSubject(SequenceSubject):
    """Recordings, each compared with others of the same data.

    An answer is the similarity, the cosine of the angle, to a speaker: to the mean embedding of his
    recordings, without the one that is explained; or to another recording. Where nobody says who
    speaks there are recordings alone. What is compared with stays as it is.
    """

    def __init__(
        self, model: Model[SpeakerConfig, SpeakerEncoder], samples: Examples, train: Examples | None
    ) -> None:
        super().__init__(model, model.encoder.reader, samples, model.encoder.encode(samples), train)
        if len(samples) < 2:
            raise DataError(
                f"{samples.name}: holds one recording, and a voice is explained by what it is "
                "like; give two or more"
            )
        self.voices = self._voices_of(range(len(samples)))

    def losses(self) -> Floats | None:
        """Return by how much another speaker is more similar to each recording than its own."""
        rows = np.arange(len(self.samples))
        return self.loss_of(rows, [self.values(row) for row in rows.tolist()])

    def loss_of(self, rows: NDArray[np.int64], inputs: Sequence[Floats]) -> Floats | None:
        """Return the losses of recordings with other inputs; 0 stands for a missing similarity."""
        labels = self.samples.labels
        if labels is None:
            return None
        found = []
        for row, voice in zip(rows.tolist(), self._voices_of(rows.tolist(), inputs), strict=True):
            similar = {name: float(voice @ mean) for name, mean in self._means(row).items()}
            own = similar.pop(labels[row], 0.0)
            found.append(max(similar.values(), default=0.0) - own)
        return np.array(found)

    def answers(self, row: int) -> Sequence[str]:
        """Return the speakers, the most similar one first, then the other recordings by number."""
        others = [f"recording {n + 1}" for n in range(len(self.samples)) if n != row]
        return [*self._similar(row), *others]

    def question(self, row: int, answer: str | None) -> Question:
        """Return the question why a recording is so similar to this speaker or recording.

        answer: by default its own speaker; the most similar recording where that is not known.
        """
        known = self.answers(row)
        chosen = self._usual(row) if answer is None else answer
        if chosen not in known:
            raise ConfigError(
                f"answer: {chosen!r} is neither a speaker nor another recording; "
                f"{nearest(chosen, known)}"
            )
        against = torch.from_numpy(self._target(row, chosen))

        def ask(inputs: Tensor) -> Tensor:
            return self._embedded(inputs) @ against.to(self.model.device)

        name = f"similarity of {self.places[row]} to {chosen}"
        found = self.asked(row, name, "cosine", ask)
        return replace(found, about=[self._table(row)])

    def _usual(self, row: int) -> str:
        labels = self.samples.labels
        if labels is not None and labels[row] in self._means(row):
            return labels[row]
        similarity = self.voices @ self.voices[row]
        similarity[row] = -np.inf
        return f"recording {int(similarity.argmax()) + 1}"

    def _target(self, row: int, chosen: str) -> Floats:
        """Return the embedding [E] of length 1 that a recording is compared with."""
        means = self._means(row)
        if chosen in means:
            return means[chosen]
        voice: Floats = self.voices[int(chosen.split()[-1]) - 1]
        return voice

    def _means(self, row: int) -> dict[str, Floats]:
        """Return the mean embedding of each speaker, of length 1, without this recording."""
        found, labels = {}, self.samples.labels
        own = None if labels is None else labels[row]
        for name, (total, count) in self._totals.items():
            others = count - (name == own)
            if others:
                rest = total - self.voices[row] if name == own else total
                found[name] = rest / np.linalg.norm(rest)
        return found

    @cached_property
    def _totals(self) -> dict[str, tuple[Floats, int]]:
        """The sum of the embeddings of each speaker, and how many they are."""
        labels = np.array(self.samples.labels or [], dtype=object)
        rows = {name: np.flatnonzero(labels == name) for name in dict.fromkeys(labels.tolist())}
        return {name: (self.voices[each].sum(0), len(each)) for name, each in rows.items()}

    def _similar(self, row: int) -> dict[str, float]:
        """Return the similarity to each speaker, the largest first."""
        found = {name: float(self.voices[row] @ mean) for name, mean in self._means(row).items()}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def _voices_of(self, rows: Sequence[int], inputs: Sequence[Floats] | None = None) -> Floats:
        """Return the embeddings [n, E] of recordings, with other inputs where given."""
        values = [self.values(row) for row in rows] if inputs is None else inputs
        with torch.no_grad():
            found = [self._embedded(torch.from_numpy(each)[None])[0] for each in values]
        return torch.stack(found).cpu().numpy()

    def _embedded(self, inputs: Tensor) -> Tensor:
        """Return the embeddings [N, E] of copies of a recording [N, T, F]."""
        network: Any = self.network
        x = inputs.to(self.model.device).transpose(0, 1)
        found: Tensor = network(x, lengths_of(x))
        return found

    def _table(self, row: int) -> Table:
        """Return the most similar speakers, or recordings, and the run's threshold."""
        found = self._similar(row)
        if not found:
            similarity = (self.voices @ self.voices[row]).tolist()
            pairs = [(f"recording {n + 1}", s) for n, s in enumerate(similarity) if n != row]
            found = dict(sorted(pairs, key=lambda pair: -pair[1]))
        own = "" if self.samples.labels is None else self.samples.labels[row]
        least = Threshold.of(self.model).value
        rows = [["compared with", "similarity", f"accepted (from {shown(least)})", ""]]
        for name, value in list(found.items())[:_SHOWN]:
            rows.append([name, shown(value), "yes" if value >= least else "no",
                         "true" if name == own else ""])  # fmt: skip
        return Table(rows)
