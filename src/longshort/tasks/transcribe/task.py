"""Speech recognition: from recordings, or features of them, to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.splits import Splits, make_splits
from longshort.errors import DataError
from longshort.lazy import polars as pl
from longshort.metrics.bootstrap import compare_sums
from longshort.metrics.edits import word_edits
from longshort.metrics.significance import Comparison
from longshort.runs.abilities import Stepper
from longshort.runs.sample_task import SampleTask
from longshort.runs.task import (
    Baseline,
    Encoded,
    Loss,
    Metric,
    Model,
    Say,
    Scored,
    Scores,
    Track,
    Training,
    Words,
)
from longshort.runs.transcribing import Heard, Listening, heard_of
from longshort.tasks.transcribe import baselines, scoring
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.defaults import decided, unused
from longshort.tasks.transcribe.doctor import examine
from longshort.tasks.transcribe.encoder import (
    SpeechArrays,
    SpeechEncoder,
    encode,
    fit_encoder,
    restore,
    store,
)
from longshort.tasks.transcribe.inference import hear, step_seconds
from longshort.tasks.transcribe.joining import rehearse
from longshort.tasks.transcribe.samples import Utterances
from longshort.tasks.transcribe.source import normalised_text, read_utterances
from longshort.tasks.transcribe.steps import rehearse_frames, speech_steps
from longshort.tasks.transcribe.weighing import chosen_weights

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.runs.result import Result
    from longshort.tasks.transcribe.subject import SpeechSubject

TranscribeModelOf = Model[TranscribeConfig, SpeechEncoder]
_LEAST = 0.1
"""Difference in WER, in percent, below which nothing counts."""


_NOISE = 50.0
"""Character error rate, in percent, from which texts are no better than noise."""


class TranscribeTask(SampleTask[TranscribeConfig, Utterances, SpeechEncoder, Heard]):
    """Speech recognition by recurrent layers, and characters that need no times to be learned."""

    name: ClassVar[str] = "transcribe"
    Config = TranscribeConfig
    metrics = (
        Metric("wer", "WER %", False, spoken="a word error rate of {} %", number="{:.1f}"),
        Metric("cer", "CER %", False, number="{:.1f}"),
        Metric("wrong", "texts with an error %", False, number="{:.1f}"),
        Metric("substitutions", "words substituted", False, number="{:,.0f}"),
        Metric("deletions", "deleted", False, number="{:,.0f}"),
        Metric("insertions", "inserted", False, number="{:,.0f}"),
    )
    words = Words(
        model="recogniser",
        title="Speech recognition",
        samples="utterances",
        unit="frames",
        usage="Use it with `longshort transcribe RUN FILE …`, or "
        '`longshort.load("RUN").transcribe(["recording.wav"])`.',
        scores="Word and character error rates are the fewest substitutions, deletions and "
        "insertions over all test utterances, in percent of the words or characters that were "
        "said; case counts.",
        gain="gain in WER",
        gain_form="+.1f",
    )
    run_class = "longshort.api.transcriber:TranscriberRun"
    measure = "greedy CER up to 50 % + nats a character"

    # Data

    def read(self, data: object, config: TranscribeConfig) -> Utterances:
        """Read utterances with their texts."""
        return normalised_text(read_utterances(data, config), config.text.lowercase)

    def read_new(self, data: object, model: TranscribeModelOf) -> Utterances:
        """Read recordings or features; texts are optional."""
        rate = model.encoder.rate
        found = read_utterances(data, model.config, labelled=False, rate=rate)
        return normalised_text(found, model.config.text.lowercase)

    def split(self, given: Any, config: Any) -> Splits[Utterances]:
        """Split as the source says, else at random, by speaker where these are known."""
        whole: Utterances = given["train"]
        others = {name: samples for name, samples in given.items() if name != "train"}
        found = {"train": whole, **whole.by_split(), **others}
        how, train = config.split, found["train"]
        speakers = None if not how.by_speaker else train.speakers
        splits = make_splits(
            found, val=how.val, test=how.test, stratify=False, seed=how.seed,
            groups=None if speakers is None else _speakers,
        )  # fmt: skip
        said = "as the source says" if len(whole.by_split()) == 3 else splits.how
        if speakers is not None and "drawn" in said:
            said += ", speakers are in one split each"
        return replace(splits, how=said)

    def check(self, splits: Splits[Utterances], config: TranscribeConfig) -> list[Finding]:
        """Report what reading and splitting found, then odd sounds and texts."""
        return examine(splits, config)

    def resolve(self, config: TranscribeConfig, splits: Splits[Utterances]) -> TranscribeConfig:
        """Decide sizes and the amount of training by the number of utterances."""
        return decided(config, splits.train)

    def longest(self, config: TranscribeConfig, splits: Splits[Utterances]) -> int:
        """Return the steps of the longest training utterance."""
        return -(-max(map(len, splits.train.items)) // config.model.patch)

    def unused(self, config: TranscribeConfig, splits: Splits[Utterances]) -> list[tuple[str, str]]:
        """Name settings of what is not there: recordings, speakers, a language model."""
        return unused(config, splits.train)

    def record(self, splits: Splits[Utterances]) -> dict[str, Any]:
        """Return sources and splits, and the seconds or frames of each."""
        frames = {name: sum(map(len, each.items)) for name, each in splits.by_name().items()}
        return {**super().record(splits), "frames": frames}

    # Encoder and network

    def fit_encoder(self, train: Utterances, config: TranscribeConfig) -> SpeechEncoder:
        """Fit alphabet, scales and language model on the training utterances."""
        return fit_encoder(train, config)

    def store_encoder(self, encoder: SpeechEncoder) -> dict[str, Any]:
        """Return the encoder as plain values."""
        return store(encoder)

    def restore_encoder(self, stored: dict[str, Any], config: TranscribeConfig) -> SpeechEncoder:
        """Return the encoder that `store_encoder` wrote."""
        del config
        return restore(stored)

    def encode(self, encoder: SpeechEncoder, samples: Utterances) -> SpeechArrays:
        """Return scaled features, and the numbers of characters."""
        return encode(encoder, samples)

    def describe_encoded(
        self, encoder: SpeechEncoder, encoded: Mapping[str, Encoded[Utterances]]
    ) -> list[str]:
        """Describe the alphabet, and the language model."""
        del encoded
        found = [f"alphabet: {len(encoder.alphabet)} characters, {encoder.alphabet[:80]!r}"]
        language = encoder.language
        if language is not None:
            known = f", {len(language.words):,} words" if language.words else ""
            found.append(f"language model: {language.grams.order}-grams of {language.kind}{known}")
        return found

    def build(self, config: TranscribeConfig, encoder: SpeechEncoder) -> nn.Module:
        """Build the recurrent layers and the head."""
        if config.model.head == "transducer":
            from longshort.tasks.transcribe.transducer import Transducer

            return Transducer(config.model, encoder.inputs, encoder.classes)
        from longshort.tasks.transcribe.network import Recogniser

        return Recogniser(config.model, encoder.inputs, encoder.classes)

    def loss(self, model: TranscribeModelOf, batch: Any) -> Loss:
        """Return nats per character; with the CTC loss beside a transducer's, both together."""
        each = model.network.losses(batch, model.config.train.alone)
        found = each.sum() / batch.label_lengths.sum().clamp_min(1)
        return Loss(found, found)

    def training(
        self, model: TranscribeModelOf, train: Encoded[Utterances], val: Encoded[Utterances]
    ) -> Training:
        """Train in batches of similar length, whose utterances are varied each time."""
        from longshort.tasks.transcribe.learning import SpeechLearning

        learning = SpeechLearning(self, model, train, val)
        return Training(learning, model.config.train, learning.plan())

    def validate(self, model: TranscribeModelOf, val: Encoded[Utterances]) -> float:
        """Return the errors of greedy texts, and the loss, which falls before they do.

        Of a network that writes blanks or noise the errors stand still at `_NOISE`, and the loss
        alone says whether it learns.
        """
        from longshort.tasks.transcribe.learning import mean_nats

        texts = hear(model, val.arrays, Listening(beam=1)).texts
        cer: float = scoring.values(_texts(val.samples), texts)["cer"]
        return min(cer, _NOISE) + mean_nats(model, val.arrays)

    def fit_rest(
        self, model: TranscribeModelOf, train: Encoded[Utterances], val: Encoded[Utterances],
        say: Say, track: Track,
    ) -> dict[str, NDArray[np.float64]]:  # fmt: skip
        """Choose weight and bonus of the language model on the validation utterances."""
        del train
        if not len(val.samples):
            return {}
        return chosen_weights(model, val.arrays, _texts(val.samples), say, track)

    def predict(self, model: TranscribeModelOf, arrays: SpeechArrays) -> Heard:
        """Transcribe each utterance as the settings say."""
        return hear(model, arrays)

    def rehearse(self, model: TranscribeModelOf, arrays: SpeechArrays) -> None:
        """Transcribe, go on from states, and ask a transducer for several texts at once."""
        self.predict(model, arrays)
        rehearse_frames(model, arrays)
        if model.config.model.head == "transducer":
            rehearse(model)

    def stepper(self, model: TranscribeModelOf) -> Stepper:
        """Return what hears an utterance frame by frame."""
        return speech_steps(model)

    def subject(
        self, model: TranscribeModelOf, samples: Utterances, train: Utterances | None
    ) -> SpeechSubject:
        """Return the samples as rows that can be explained."""
        from longshort.tasks.transcribe.subject import SpeechSubject

        return SpeechSubject(model, samples, train)

    def transcribe(self, model: TranscribeModelOf, samples: Utterances, how: Listening) -> Heard:
        """Transcribe utterances in this way."""
        return hear(model, self.encode(model.encoder, samples), how)

    # Scores

    def baselines(
        self,
        model: TranscribeModelOf,
        splits: Mapping[str, Encoded[Utterances]],
        networks: Mapping[str, TranscribeModelOf],
        track: Track,
    ) -> dict[str, Baseline[Heard]]:
        """Return no text, the most frequent training text, and the text of the nearest one."""
        del networks
        train, test = splits["train"], splits["test"]
        texts, count = _texts(train.samples), len(test.samples)
        found = {
            "nothing": Baseline(heard_of([""] * count), "no text at all"),
            "frequent": Baseline(
                heard_of([baselines.most_frequent(texts)] * count),
                "the most frequent training text",
            ),
        }
        if model.config.evaluate.neighbours:
            patch = model.config.model.patch
            near = baselines.of_the_nearest(train.arrays, texts, test.arrays, patch, track)
            if near is not None:
                title = "the text of the nearest training utterance by time warping"
                found["nearest"] = Baseline(heard_of(near), title)
        return found

    def score(self, model: TranscribeModelOf, samples: Utterances, prediction: Heard) -> Scores:
        """Return error rates, and each utterance's errors."""
        del model
        wanted, texts = _texts(samples), prediction.texts
        return Scores(scoring.values(wanted, texts), scoring.statistics(wanted, texts))

    def compare(self, scored: Scored[Utterances, Heard], one: str, other: str) -> Comparison:
        """Compare by a paired bootstrap over the test utterances."""
        first, second = (scored.scores[name].per_sample for name in (one, other))
        return compare_sums(first, second, scoring.negated_wer, _LEAST)

    def facts(self, model: TranscribeModelOf, scored: Scored[Utterances, Heard]) -> dict[str, Any]:
        """Return the numbers of utterances, of words in them, and their seconds."""
        samples = scored.samples
        words = sum(len(text.split()) for text in _texts(samples))
        seconds = sum(map(len, samples.items)) * model.config.audio.hop / 1000
        return {"examples": len(samples), "words": words, "seconds": round(seconds, 1)}

    # Output

    def table(
        self, model: TranscribeModelOf, samples: Utterances, prediction: Heard
    ) -> pl.DataFrame:
        """Return a row per utterance: its file, the text if any, and what was heard."""
        del model
        columns: dict[str, Any] = {"file": samples.files}
        if samples.texts is not None:
            columns["text"] = samples.texts
            errors = [each.errors for each in word_edits(samples.texts, prediction.texts)]
            columns["word_errors"] = errors
        columns["predicted"] = prediction.texts
        columns["log_prob"] = [each.found[0].log_prob for each in prediction.transcripts]
        return pl.DataFrame(columns)

    def about(self, model: TranscribeModelOf, splits: Splits[Utterances]) -> list[str]:
        """Return lines about the utterances and their features."""
        encoder = model.encoder
        kind = "given features" if encoder.rate is None else f"recordings of {encoder.rate:,} Hz"
        minutes = sum(sum(map(len, s.items)) for s in splits.by_name().values())
        spoken = minutes * model.config.audio.hop / 60_000
        step = 1000 * step_seconds(model.config)
        return [
            *super().about(model, splits),
            f"{kind}, {encoder.inputs} numbers a frame, {spoken:.0f} minutes; a step of the "
            f"network is {step:g} ms",
        ]

    def sections(
        self, result: Result[TranscribeConfig, Utterances, SpeechEncoder, Heard]
    ) -> Sequence[Section]:
        """Show the errors, the worst utterances, and what was heard when."""
        from longshort.tasks.transcribe.sections import sections

        return sections(result)


def _texts(samples: Utterances) -> list[str]:
    if samples.texts is None:
        raise DataError(f"{samples.name}: has no texts to learn or to compare with")
    return samples.texts


def _speakers(samples: Utterances) -> list[str]:
    return samples.speakers or []
