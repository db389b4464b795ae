"""The task of speakers: embeddings of voices, by which speakers are verified and identified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from longshort.config.audio import AudioSettings
from longshort.data.findings import Finding
from longshort.data.formats import audio
from longshort.data.labelled import Examples
from longshort.data.sequences import Sequences
from longshort.data.splits import Splits, make_splits, unlearned
from longshort.errors import DataError, counted
from longshort.lazy import polars as pl
from longshort.metrics.verification import equal_error, errors_at
from longshort.runs.abilities import Stepper
from longshort.runs.task import (
    MODEL,
    Baseline,
    Encoded,
    Metric,
    Model,
    Say,
    Scored,
    Scores,
    Task,
    Track,
    Training,
    Words,
)
from longshort.tasks.speaker import enrolment, inference, scoring
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.doctor import findings, refuse_too_few
from longshort.tasks.speaker.encoder import SpeakerEncoder
from longshort.tasks.speaker.steps import voice_steps
from longshort.tasks.speaker.threshold import Threshold, validation_rate
from longshort.tasks.speaker.voices import Trials, Voices, trials_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from longshort.metrics.significance import Comparison
    from longshort.report.sections import Section
    from longshort.tasks.speaker.sections import SpeakerResult
    from longshort.tasks.speaker.subject import SpeakerSubject

SpeakerModel = Model[SpeakerConfig, SpeakerEncoder]
_USUAL = ("speaker", "speaker_id", "spk", "speakers", "voice", "person", "name", "label")


class SpeakerTask(Task[SpeakerConfig, Examples, SpeakerEncoder, Voices]):
    """The task of speakers; samples are recordings, labelled by who speaks."""

    name: ClassVar[str] = "speaker"
    run_class = "longshort.api.speaker_recogniser:SpeakerRun"
    Config = SpeakerConfig
    metrics = (
        Metric("eer", "EER", False, number="{:.1%}", spoken="EER {}", is_share=True),
        Metric("min_dcf", "minDCF", False),
        Metric("eer_short", "EER, short", False, is_share=True),
        Metric("identified", "identified", is_share=True),
    )
    words = Words(
        model="recogniser of speakers",
        title="Speakers",
        samples="recordings",
        unit="crops",
        usage="Use it with `longshort speaker enrol RUN DATA`, `longshort speaker verify RUN FILE "
        "--name NAME` and `longshort speaker identify RUN DATA`.",
        scores="EER is the share of misses and of false alarms where both are equal, over pairs of "
        "recordings; minDCF weighs them where one pair of a hundred is of one speaker; EER, short "
        "is of the first seconds of each recording; identified is the share of recordings whose "
        "speaker is named rightly among those of the test split.",
        gain="share of the speakers' errors saved",
    )

    # Data

    def read(self, data: object, config: SpeakerConfig) -> Examples:
        """Read recordings with their speakers, from a table, folders by speaker, or in memory."""
        found = data
        if not isinstance(data, Examples):
            found = audio.read(data, _columns(config), config.audio)
        assert isinstance(found, Examples)
        return _checked(found, is_labelled=True)

    def read_splits(
        self, given: Mapping[str, object], config: SpeakerConfig
    ) -> dict[str, Examples]:
        """Read the recordings of each source, all at the rate of the first."""
        found = {"train": self.read(given["train"], config)}
        config = _at_rate(config, found["train"])
        return found | {
            name: self.read(source, config) for name, source in given.items() if name != "train"
        }

    def read_new(self, data: object, model: SpeakerModel) -> Examples:
        """Read recordings; who speaks is not looked for."""
        if isinstance(data, Examples):
            return _checked(data, is_labelled=False)
        return audio.read(data, _columns(model.config), model.config.audio, with_labels=False)

    def split(self, given: Any, config: SpeakerConfig) -> Splits[Examples]:
        """Return the splits; those that are missing are drawn by speaker."""
        split = config.split
        refuse_too_few(given)
        return make_splits(
            given,
            val=split.val,
            test=split.test,
            stratify=False,
            seed=split.seed,
            groups=lambda samples: samples.labels or [],
        )

    def unlearned(
        self, samples: Examples, model: SpeakerModel, own: Splits[Examples] | None, say: Say
    ) -> Examples:
        """Return the recordings whose content is in neither training nor validation split."""
        del model
        found: Examples = unlearned(samples, own, self.words.samples, say)
        return found

    def describe(self, splits: Splits[Examples], config: SpeakerConfig) -> list[str]:
        """Describe recordings and speakers of each split."""
        del config
        return [
            f"{name}: {counted(len(each), 'recording')} of "
            f"{counted(len(set(each.labels or [])), 'speaker')}"
            for name, each in splits.by_name().items()
        ]

    def check(self, splits: Splits[Examples], config: SpeakerConfig) -> list[Finding]:
        """Return every finding about the recordings."""
        return findings(splits, config)

    def resolve(self, config: SpeakerConfig, splits: Splits[Examples]) -> SpeakerConfig:
        """Return the config with the rate of the recordings."""
        return _at_rate(config, splits.train)

    def longest(self, config: SpeakerConfig, splits: Splits[Examples]) -> int:
        """Return the steps of the longest crop."""
        del splits
        return max(1, round(1000 * config.train.longest / config.audio.hop / config.model.patch))

    def unused(self, config: SpeakerConfig, splits: Splits[Examples]) -> list[tuple[str, str]]:
        """Return the settings of recordings, where samples are arrays."""
        del config
        if splits.train.sounds is not None:
            return []
        keys = [
            f"audio.{name}" for name in AudioSettings.model_fields if name not in ("hop", "frame")
        ]
        keys.append("vary.speeds")
        return [(key, f"is of recordings, and {splits.train.name} holds none") for key in keys]

    # Encoder and network

    def fit_encoder(self, train: Examples, config: SpeakerConfig) -> SpeakerEncoder:
        """Fit the scales of the features on the training split."""
        del config
        return SpeakerEncoder.fit(train)

    def store_encoder(self, encoder: SpeakerEncoder) -> dict[str, Any]:
        """Return the encoder as plain values."""
        return encoder.to_dict()

    def restore_encoder(self, stored: dict[str, Any], config: SpeakerConfig) -> SpeakerEncoder:
        """Return the encoder that `store_encoder` wrote."""
        del config
        return SpeakerEncoder.from_dict(stored)

    def encode(self, encoder: SpeakerEncoder, samples: Examples) -> Sequences:
        """Return scaled features."""
        return encoder.encode(samples)

    def build(self, config: SpeakerConfig, encoder: SpeakerEncoder) -> nn.Module:
        """Build the untrained network."""
        from longshort.tasks.speaker.network import VoiceNetwork

        return VoiceNetwork(config.model, len(encoder.reader.mean))

    def training(
        self, model: SpeakerModel, train: Encoded[Examples], val: Encoded[Examples]
    ) -> Training:
        """Return how the network learns from crops of the training speakers."""
        from longshort.tasks.speaker.learning import SpeakerLearning

        learning = SpeakerLearning(model, train, lambda: validation_rate(model, val))
        return Training(learning, model.config.train, learning.plan())

    def predict(self, model: SpeakerModel, arrays: Sequences) -> Voices:
        """Return the embeddings of recordings, and of their first seconds."""
        return inference.voices(model, arrays)

    def fit_rest(
        self,
        model: SpeakerModel,
        train: Encoded[Examples],
        val: Encoded[Examples],
        say: Say,
        track: Track,
    ) -> dict[str, NDArray[np.float64]]:
        """Find the threshold of verification on the validation speakers."""
        del train, track
        found = Threshold.find(model, val)
        say(f"decided: the threshold {found.value:.3f}; it {found.condition}")
        return found.kept

    # Scores

    def baselines(
        self,
        model: SpeakerModel,
        splits: Mapping[str, Encoded[Examples]],
        networks: Mapping[str, SpeakerModel],
        track: Track,
    ) -> dict[str, Baseline[Voices]]:
        """Compare moments of MFCC by their angle, and mixtures of Gaussians."""
        from longshort.tasks.speaker.baselines import baselines

        del networks
        return baselines(splits["train"], splits["test"], model.config, track)

    def score(self, model: SpeakerModel, samples: Examples, prediction: Voices) -> Scores:
        """Return EER, detection cost and identification, and a loss for each speaker."""
        return scoring.scores(model.config, samples.labels or [], prediction)

    def facts(self, model: SpeakerModel, scored: Scored[Examples, Voices]) -> dict[str, Any]:
        """Return the numbers of recordings, speakers and pairs, and errors at the threshold."""
        trials, similarity = self._trials(model, scored)
        misses, alarms = errors_at(similarity, trials.is_target, Threshold.of(model).value)
        curve = scoring.curve_of(scored.predictions[MODEL].whole, trials)
        return {
            "recordings": len(scored.samples),
            "speakers": len(set(scored.samples.labels or [])),
            "trials": len(trials.one),
            "targets": int(trials.is_target.sum()),
            "eer_threshold": equal_error(curve)[1],
            "at_threshold": {
                "threshold": Threshold.of(model).value, "misses": misses, "false_alarms": alarms,
            },
        }  # fmt: skip

    def _trials(
        self, model: SpeakerModel, scored: Scored[Examples, Voices]
    ) -> tuple[Trials, NDArray[np.float64]]:
        config = model.config
        trials = trials_of(scored.samples.labels or [], config.evaluate.trials, config.split.seed)
        return trials, scored.predictions[MODEL].whole.similarity(trials.one, trials.other)

    def notes(self, model: SpeakerModel, scored: Scored[Examples, Voices]) -> dict[str, str]:
        """Return remarks on the baselines, and the condition of the threshold."""
        found = Threshold.of(model)
        own = f"has the threshold {found.value:.3f}, which {found.condition}"
        return super().notes(model, scored) | {MODEL: own}

    def basis(self, model: SpeakerModel, scored: Scored[Examples, Voices]) -> str:
        """Return what the verdict is based on."""
        trials, _ = self._trials(model, scored)
        speakers = len(set(scored.samples.labels or []))
        return (
            f"{len(trials.one):,} pairs of {len(scored.samples):,} recordings by {speakers:,} "
            "speakers who were not learned"
        )

    def remark(
        self, model: SpeakerModel, scored: Scored[Examples, Voices], result: Comparison
    ) -> str:
        """Return what the threshold does on the test split."""
        del result
        trials, similarity = self._trials(model, scored)
        misses, alarms = errors_at(similarity, trials.is_target, Threshold.of(model).value)
        return (
            f" At the threshold of the validation speakers {misses:.1%} of the pairs of one "
            f"speaker are missed, and {alarms:.1%} of the others are false alarms."
        )

    def subject(
        self, model: SpeakerModel, samples: Examples, train: Examples | None
    ) -> SpeakerSubject:
        """Return the samples as rows that can be explained."""
        from longshort.tasks.speaker.subject import SpeakerSubject

        return SpeakerSubject(model, samples, train)

    # Individuals

    def stepper(self, model: SpeakerModel) -> Stepper:
        """Return what hears a voice frame by frame."""
        return voice_steps(model)

    def individuals(
        self, model: SpeakerModel, samples: Examples, prediction: Voices, name: str | None
    ) -> tuple[dict[str, Any], dict[str, float]]:
        """Return the mean embedding of each speaker, and the seconds of sound of each."""
        return enrolment.individuals(model.config, samples, prediction, name)

    def verified(
        self,
        model: SpeakerModel,
        samples: Examples,
        prediction: Voices,
        vector: Any,
        threshold: float | None,
    ) -> pl.DataFrame:
        """Return for each recording whether it is of a speaker."""
        least = Threshold.of(model).value if threshold is None else threshold
        return enrolment.verified(samples, prediction, vector, least)

    def identified(
        self, model: SpeakerModel, samples: Examples, prediction: Voices, vectors: Mapping[str, Any]
    ) -> pl.DataFrame:
        """Return for each recording the speaker that it is most like."""
        return enrolment.identified(samples, prediction, vectors, Threshold.of(model).value)

    def condition(self, model: SpeakerModel) -> str:
        """Return for which recordings the threshold holds."""
        return Threshold.of(model).condition

    # Output

    def table(self, model: SpeakerModel, samples: Examples, prediction: Voices) -> pl.DataFrame:
        """Return a row for each pair of recordings: its similarity, and whether it is accepted.

        Raises `DataError` for a single recording.
        """
        if len(samples) == 1:
            raise DataError(
                f"{samples.places[0]}: a run of speakers compares recordings with each other, and "
                "one alone has no other; give two or more, or `longshort speaker enrol` speakers, "
                "and `verify` or `identify` it among them"
            )
        config, labels = model.config, samples.labels
        speakers = [str(i) for i in range(len(samples))] if labels is None else labels
        trials = trials_of(speakers, config.evaluate.trials, config.split.seed)
        similarity = prediction.whole.similarity(trials.one, trials.other)
        table: dict[str, Any] = {
            "place": [samples.places[i] for i in trials.one],
            "other": [samples.places[i] for i in trials.other],
        }
        if labels is not None:
            table["speaker"] = [labels[i] for i in trials.one]
            table["other_speaker"] = [labels[i] for i in trials.other]
        table["similarity"] = similarity
        table["accepted"] = similarity >= Threshold.of(model).value
        return pl.DataFrame(table)

    def json(self, table: pl.DataFrame) -> dict[str, Any]:
        """Return the pairs."""
        return {"pairs": table.to_dicts()}

    def about(self, model: SpeakerModel, splits: Splits[Examples]) -> list[str]:
        """Describe recordings, speakers and features."""
        speakers = {name for each in splits.by_name().values() for name in each.labels or []}
        features = f"{len(model.encoder.reader.mean)} features a frame"
        return [*super().about(model, splits), f"{len(speakers):,} speakers", features]

    def sections(self, result: SpeakerResult) -> Sequence[Section]:
        """Return the sections on errors, the threshold and single speakers."""
        from longshort.tasks.speaker.sections import sections

        return sections(result)


def _columns(config: SpeakerConfig) -> audio.Columns:
    data = config.data
    return audio.Columns(
        data.file, data.speaker, None, _USUAL, role="speaker", encoding=data.encoding
    )


def _at_rate(config: SpeakerConfig, samples: Examples) -> SpeakerConfig:
    if samples.sounds is None:
        return config
    audio_settings = config.audio.model_copy(update={"rate": samples.sounds.rate})
    return config.model_copy(update={"audio": audio_settings})


def _checked(samples: Examples, *, is_labelled: bool) -> Examples:
    if samples.is_text:
        raise DataError(f"{samples.name}: recordings are expected, got texts")
    if is_labelled and samples.labels is None:
        raise DataError(f"{samples.name}: does not say who speaks; give a column of speakers")
    return samples if is_labelled else replace(samples, labels=None)
