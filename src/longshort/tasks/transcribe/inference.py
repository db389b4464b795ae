"""The way from encoded utterances to texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from longshort.data.in_order import in_order_of_length
from longshort.decoding.ctc import Floats, Spelling, best_path
from longshort.decoding.ctc_alignment import Span, align
from longshort.decoding.label_scorer import LabelScorer
from longshort.decoding.prefix_beam import PrefixBeam, prefix_beam
from longshort.errors import ConfigError
from longshort.runs.task import Model
from longshort.runs.transcribing import Alternative, Heard, Listening, Timed, Transcript
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.encoder import SpeechArrays, SpeechEncoder, without_labels

ModelOf = Model[TranscribeConfig, SpeechEncoder]
TOGETHER = 32
"""Utterances that are read together."""
ALPHA, BETA = "alpha", "beta"
"""Names of the language model's weight and bonus among the arrays that a run keeps."""
_WIDE = 16
"""Width of the search with a language model, where none is asked for."""


def hear(model: ModelOf, arrays: SpeechArrays, how: Listening | None = None) -> Heard:
    """Return what is said in encoded utterances; their own texts are never seen."""
    frames = log_probabilities(model, arrays)
    return transcribed(model, frames, how or Listening())


def log_probabilities(model: ModelOf, arrays: SpeechArrays) -> list[Floats]:
    """Return the log probabilities [T', C] of characters and the blank in each utterance."""
    found: list[Floats] = [np.empty((0, 0))] * len(arrays)
    patch = model.config.model.patch
    for numbers in in_order_of_length(arrays.lengths, TOGETHER):
        batch = arrays.batch(numbers)
        scores = model.call("forward", without_labels(batch)).astype(np.float64)
        logs = scores - np.logaddexp.reduce(scores, axis=2, keepdims=True)
        steps = -(-batch.lengths // patch)
        for row, number in enumerate(numbers.tolist()):
            found[number] = logs[: steps[row], row]
    return found


def transcribed(model: ModelOf, frames: Sequence[Floats], how: Listening) -> Heard:
    """Return the texts of log probabilities [T', C]."""
    search = Search.of(model, how)
    return Heard([_transcript(model, logs, search.best(logs)) for logs in frames])


@dataclass(frozen=True)
class Search:
    """A search by given settings: greedy for a width of 1, with a language model where there is."""

    width: int
    n_best: int
    scorer: LabelScorer | None

    @staticmethod
    def of(model: ModelOf, how: Listening) -> Search:
        """Return the search that a run's settings ask for, and `how` instead of them.

        Raises `ConfigError` for several texts, or a language model, without a beam.
        """
        language = model.encoder.language
        usual = 1 if language is None else _WIDE
        width = max(how.beam or model.config.write.beam or usual, how.n_best)
        if width == 1 or language is None:
            _refuse_weights(how, width)
            return Search(width, how.n_best, None)
        alpha, beta = weights(model, how)
        return Search(width, how.n_best, language.scorer(model.encoder.alphabet, alpha, beta))

    def best(self, logs: Floats) -> list[Spelling]:
        """Return the best spellings of an utterance."""
        if self.width == 1:
            return [best_path(logs)]
        return prefix_beam(logs, PrefixBeam(width=self.width, n_best=self.n_best), self.scorer)


def weights(model: ModelOf, how: Listening) -> tuple[float, float]:
    """Return alpha and beta: those asked for, else of the settings, else those that were chosen."""
    asked = {ALPHA: how.alpha, BETA: how.beta}
    given = {ALPHA: model.config.write.alpha, BETA: model.config.write.beta}
    found = []
    for name, usual in ((ALPHA, 0.5), (BETA, 0.0)):
        value = asked[name] if asked[name] is not None else given[name]
        found.append(float(model.kept.get(name, usual)) if value is None else value)
    return found[0], found[1]


def _refuse_weights(how: Listening, width: int) -> None:
    for name, value in (("alpha", how.alpha), ("beta", how.beta)):
        if value is not None:
            why = "a beam of 1 is greedy" if width == 1 else "the run has no language model"
            raise ConfigError(f"{name}: has no effect, as {why}; leave it out")


def _transcript(model: ModelOf, logs: Floats, best: Sequence[Spelling]) -> Transcript:
    text = model.encoder.text
    found = tuple(Alternative(text(b.labels), b.log_prob, b.score) for b in best)
    return Transcript(found, tuple(words_of(model, align(logs, best[0].labels))))


def words_of(model: ModelOf, spans: Sequence[Span]) -> list[Timed]:
    """Return the words of aligned characters, with their times in seconds."""
    words: list[list[Span]] = [[]]
    for span in spans:
        if model.encoder.text([span.label]).isspace():
            words.append([])
        else:
            words[-1].append(span)
    step = step_seconds(model.config)
    return [_timed(model, each, step) for each in words if each]


def _timed(model: ModelOf, spans: Sequence[Span], step: float) -> Timed:
    word = model.encoder.text([span.label for span in spans])
    probability = float(np.exp(np.mean([np.log(max(s.probability, 1e-30)) for s in spans])))
    return Timed(word, step * spans[0].first, step * spans[-1].stop, probability)


def step_seconds(config: TranscribeConfig) -> float:
    """Return the seconds from step to step of the network."""
    return config.model.patch * config.audio.hop / 1000
