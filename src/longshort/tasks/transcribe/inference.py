"""The way from encoded utterances to texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from longshort.data.in_order import in_order_of_length
from longshort.decoding.ctc import Floats, Spelling, best_path
from longshort.decoding.ctc_alignment import Span, align
from longshort.decoding.label_scorer import LabelScorer
from longshort.decoding.prefix_beam import PrefixBeam, prefix_beam
from longshort.decoding.transducer import TransducerBeam, transducer_beam, transducer_greedy
from longshort.errors import ConfigError
from longshort.runs.task import Model
from longshort.runs.transcribing import Alternative, Heard, Listening, Timed, Transcript
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.encoder import SpeechArrays, SpeechEncoder, without_labels
from longshort.tasks.transcribe.joining import NetworkPredictor

ModelOf = Model[TranscribeConfig, SpeechEncoder]
TOGETHER = 32
"""Utterances that are read together."""
ALPHA, BETA = "alpha", "beta"
"""Names of the language model's weight and bonus among the arrays that a run keeps."""
_WIDE = {"ctc": 16, "transducer": 8}
"""Width of the search with a language model, where none is asked for."""


def hear(model: ModelOf, arrays: SpeechArrays, how: Listening | None = None) -> Heard:
    """Return what is said in encoded utterances; their own texts are never seen."""
    return hearing(model, arrays)(how or Listening())


def hearing(model: ModelOf, arrays: SpeechArrays) -> Callable[[Listening], Heard]:
    """Run the network over the sound once; returns what searches it for texts, in any way."""
    steps = listened(model, arrays)
    return lambda how: _searched(model, steps, how)


def listened(model: ModelOf, arrays: SpeechArrays) -> list[Floats]:
    """Return what the network makes of each step of each utterance, [T', ·].

    For CTC these are log probabilities of characters and the blank, for a transducer what it joins
    with the text.
    """
    found: list[Floats] = [np.empty((0, 0))] * len(arrays)
    patch, is_ctc = model.config.model.patch, model.config.model.head == "ctc"
    for numbers in in_order_of_length(arrays.lengths, TOGETHER):
        batch = arrays.batch(numbers)
        rows = model.call("forward", without_labels(batch))
        if is_ctc:
            rows = rows.astype(np.float64)
            rows -= np.logaddexp.reduce(rows, axis=2, keepdims=True)
        steps = -(-batch.lengths // patch)
        for row, number in enumerate(numbers.tolist()):
            found[number] = rows[: steps[row], row]
    return found


def spelling(model: ModelOf, arrays: SpeechArrays) -> list[list[Span]]:
    """Return the characters of encoded utterances, each with its steps of the network."""
    return [spans for _, spans in _found(model, listened(model, arrays), Listening())]


def _searched(model: ModelOf, steps: Sequence[Floats], how: Listening) -> Heard:
    """Return the texts of what the network made of each utterance."""
    return Heard([_transcript(model, *found) for found in _found(model, steps, how)])


def _found(
    model: ModelOf, steps: Sequence[Floats], how: Listening
) -> list[tuple[list[Spelling], list[Span]]]:
    """Return the best texts of each utterance, and the steps of the first one's characters."""
    width, scorer = search(model, how)
    if model.config.model.head == "ctc":
        return [_by_ctc(each, width, how.n_best, scorer) for each in steps]
    predictor = NetworkPredictor(model)
    return [_by_transducer(model, each, predictor, width, how.n_best, scorer) for each in steps]


def search(model: ModelOf, how: Listening) -> tuple[int, LabelScorer | None]:
    """Return the width of the search that a run's settings ask for, and its language model.

    What `how` says comes first. Raises `ConfigError` for weights of a language model that is not
    asked.
    """
    language = model.encoder.language
    usual = 1 if language is None else _WIDE[model.config.model.head]
    width = max(how.beam or model.config.write.beam or usual, how.n_best)
    if width == 1 or language is None:
        _refuse_weights(how, width)
        return width, None
    alpha, beta = weights(model, how)
    return width, language.scorer(model.encoder.alphabet, alpha, beta)


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


def _by_ctc(
    logs: Floats, width: int, n_best: int, scorer: LabelScorer | None
) -> tuple[list[Spelling], list[Span]]:
    if width == 1:
        best = [best_path(logs)]
    else:
        best = prefix_beam(logs, PrefixBeam(width=width, n_best=n_best), scorer)
    return best, align(logs, best[0].labels)


def _by_transducer(
    model: ModelOf,
    steps: Floats,
    predictor: NetworkPredictor,
    width: int,
    n_best: int,
    scorer: LabelScorer | None,
) -> tuple[list[Spelling], list[Span]]:
    """Return texts of a transducer; each character has the mean probability of all steps."""
    symbols = model.config.write.symbols
    if width == 1:
        found = [transducer_greedy(steps, predictor, symbols=symbols)]
    else:
        options = TransducerBeam(width=width, n_best=n_best, symbols=symbols)
        found = transducer_beam(steps, predictor, options, scorer)
    best = found[0]
    pairs = zip(best.spelling.labels, best.frames, strict=True)
    share = float(np.exp(best.spelling.log_prob / max(1, len(best.frames))))
    spans = [Span(label, frame, frame + 1, share) for label, frame in pairs]
    return [each.spelling for each in found], spans


def _transcript(model: ModelOf, best: Sequence[Spelling], spans: Sequence[Span]) -> Transcript:
    text = model.encoder.text
    found = tuple(Alternative(text(each.labels), each.log_prob, each.score) for each in best)
    return Transcript(found, tuple(words_of(model, spans)))


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
