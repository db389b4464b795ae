"""Reading: from pictures of lines, or from pen strokes, to the signs that stand there."""

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
from longshort.metrics.significance import Comparison
from longshort.runs.decoded import chosen_penalty
from longshort.runs.sample_task import SampleTask
from longshort.runs.task import (
    MODEL,
    Baseline,
    Encoded,
    Loss,
    Metric,
    Model,
    Say,
    Scored,
    Scores,
    Track,
    Words,
)
from longshort.runs.writing import Writing
from longshort.tasks.read import baselines, scoring
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.defaults import decided, tokens_of, unused
from longshort.tasks.read.doctor import blank, examine, no_lines, too_narrow, unknown
from longshort.tasks.read.encoder import LineArrays, ReadEncoder, encode, signs_of
from longshort.tasks.read.inference import Readings, frames, read, readings_of
from longshort.tasks.read.language import BONUS, SEARCH, WEIGHT, chosen_search
from longshort.tasks.read.samples import Lines
from longshort.tasks.read.source import read_given, read_lines
from longshort.tasks.read.steps import ReadSteps

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.runs.result import Result
    from longshort.tasks.read.subject import LineSubject

ReadModelOf = Model[ReadConfig, ReadEncoder]
_LEAST = 0.05
"""Difference in CER, in points, below which nothing counts."""
_NOTHING = 90.0
"""CER from which nothing counts as read."""
_TIE = 1e-4
"""Weight of the loss where it decides between equal error rates."""
_JUDGED = 150
"""Validation lines, the first ones, on which the way of reading is chosen."""


class ReadTask(SampleTask[ReadConfig, Lines, ReadEncoder, Readings]):
    """Reading by recurrent layers in both directions, and CTC or a decoder that attends.

    Pictures go through convolutions whose columns are the steps of the sequence (Shi et al., 2015);
    strokes are sequences of points already (Graves et al., 2009).
    """

    name: ClassVar[str] = "read"
    Config = ReadConfig
    metrics = (
        Metric("cer", "CER %", higher_is_better=False, spoken="CER {}", number="{:.2f}"),
        Metric("wer", "WER %", higher_is_better=False, number="{:.2f}"),
        Metric("exact", "exact lines", number="{:.1%}", is_share=True),
        Metric("substituted", "substituted %", higher_is_better=False, number="{:.2f}"),
        Metric("deleted", "deleted %", higher_is_better=False, number="{:.2f}"),
        Metric("inserted", "inserted %", higher_is_better=False, number="{:.2f}"),
    )
    words = Words(
        model="reader",
        title="Reading",
        samples="lines",
        unit="columns or points",
        usage="Use it with `longshort predict RUN FILE…`, on pictures or a folder of them, or on a "
        "file of pen strokes.",
        scores="CER is the number of signs to substitute, delete or insert, per 100 signs that "
        "stand there; WER likewise of words, apart by spaces. Signs are characters in the Unicode "
        "normal form of `text.normalise`, or symbols; case and punctuation count. An empty line "
        "has a CER of 100.",
        gain="CER saved",
        gain_form="+.2f",
    )
    measure = "CER of the best path, in percent"
    run_class = "longshort.api.reader:ReaderRun"

    # Data

    def read(self, data: object, config: ReadConfig) -> Lines:
        """Read lines with their texts."""
        return read_lines(data, config)

    def read_splits(self, given: Mapping[str, object], config: ReadConfig) -> dict[str, Lines]:
        """Read the lines of each source."""
        return read_given(given, config, lambda source: self.read(source, config))

    def read_new(self, data: object, model: ReadModelOf) -> Lines:
        """Read lines alone, and compare their pictures with those of training."""
        found = read_lines(data, model.config, labelled=False)
        return replace(found, findings=(*found.findings, *self._strange(found, model)))

    def read_labelled(self, data: object, model: ReadModelOf, own: Splits[Lines] | None) -> Lines:
        """Read lines with their texts, and compare them with those of training."""
        del own
        found = self.read(data, model.config)
        signs = unknown(model.encoder.signs, found, model.config, "new")
        strange = self._strange(found, model)
        return replace(found, findings=(*found.findings, *signs, *strange))

    def _strange(self, lines: Lines, model: ReadModelOf) -> list[Finding]:
        """Return findings about pictures that are no lines, empty, or unlike those of training."""
        refuse_other_kind(lines, model.encoder)
        looks = model.encoder.looks
        if looks is None:
            return []
        return [
            *no_lines(lines),
            *blank(lines),
            *looks.compare(lines.looks, lines.places, lines.name),
        ]

    def split(self, given: Any, config: Any) -> Splits[Lines]:
        """Split as the source says, else at random; equal lines, and groups, stay together."""
        whole: Lines = given["train"]
        named = {} if whole.splits is None else whole.by_split()
        others = {name: lines for name, lines in given.items() if name != "train"}
        found, how = {"train": whole, **named, **others}, config.split
        groups = None if whole.groups is None else (lambda lines: lines.groups)
        splits = make_splits(
            found, val=how.val, test=how.test, stratify=False, seed=how.seed, groups=groups
        )
        if len(named) == 3:
            splits = replace(splits, how="as the table says")
        elif whole.groups is not None:
            splits = replace(splits, how=f"{splits.how}; groups stay together")
        return _without_narrow(splits, config) if config.data.drop_bad else splits

    def describe(self, splits: Splits[Lines], config: ReadConfig) -> list[str]:
        """Describe the lines of each split, and the texts."""
        tokens = tokens_of(config, splits.train)
        lines = []
        for name, each in splits.by_name().items():
            signs = sum(len(signs_of(text, tokens)) for text in each.texts or [])
            lines.append(f"{name}: {len(each):,} lines of {signs:,} {tokens}")
        form = config.text.normalise
        said = "as they are" if form == "none" else f"in Unicode's normal form {form}"
        return [*lines, f"texts: {said}, with single spaces"]

    def check(self, splits: Splits[Lines], config: ReadConfig) -> list[Finding]:
        """Report what reading and splitting found, then lines that cannot be learned or read."""
        return examine(splits, config)

    def resolve(self, config: ReadConfig, splits: Splits[Lines]) -> ReadConfig:
        """Decide the signs, sizes and the amount of training by the training lines."""
        return decided(config, splits.train)

    def unused(self, config: ReadConfig, splits: Splits[Lines]) -> list[tuple[str, str]]:
        """Name settings of pictures where strokes are read, and of the other head."""
        return unused(config, splits)

    # Encoder and network

    def fit_encoder(self, train: Lines, config: ReadConfig) -> ReadEncoder:
        """Collect the signs of the training lines, and what their pictures look like."""
        return ReadEncoder.fit(train, config)

    def store_encoder(self, encoder: ReadEncoder) -> dict[str, Any]:
        """Return signs and looks as plain values."""
        return encoder.to_dict()

    def restore_encoder(self, stored: dict[str, Any], config: ReadConfig) -> ReadEncoder:
        """Return the encoder that `store_encoder` wrote."""
        del config
        return ReadEncoder.from_dict(stored)

    def encode(self, encoder: ReadEncoder, samples: Lines) -> LineArrays:
        """Return lines as pixels or points, and their texts as numbers of signs."""
        refuse_other_kind(samples, encoder)
        return encode(encoder, samples)

    def describe_encoded(
        self, encoder: ReadEncoder, encoded: Mapping[str, Encoded[Lines]]
    ) -> list[str]:
        """Describe the signs, and the lengths of lines."""
        first = next(iter(encoded.values())).arrays
        shown = " ".join(encoder.signs[:100]) + (" …" if len(encoder.signs) > 100 else "")
        unit = "pixels wide" if encoder.kind == "pictures" else "points long"
        return [
            f"alphabet: {len(encoder.signs):,} {encoder.tokens}: {shown}",
            f"lines: {np.median(first.lengths):.0f} {unit} in the middle, the longest "
            f"{first.lengths.max():,}",
        ]

    def build(self, config: ReadConfig, encoder: ReadEncoder) -> nn.Module:
        """Build the untrained network."""
        from longshort.tasks.read.network import built

        return built(config.model, encoder)

    def loss(self, model: ReadModelOf, batch: Any) -> Loss:
        """Return nats per sign of lines that are changed at random."""
        power = model.config.train.augment
        nats = model.network.losses(batch, power).sum() / batch.label_lengths.sum().clamp_min(1)
        return Loss(nats, nats)

    def validate(self, model: ReadModelOf, val: Encoded[Lines]) -> float:
        """Return the CER of the best path; the loss decides between equal ones.

        At first CTC networks read nothing at all, while the loss shows that they learn.
        """
        from longshort.tasks.read.learning import mean_loss

        found = read(model, val.arrays, greedy=True)
        cer = scoring.error_rate(scoring.statistics(val.samples, found, model.encoder).sum(0))
        loss = mean_loss(model, val.arrays)
        return min(float(cer), _NOTHING) + _TIE * loss / (1.0 + loss)

    def fit_rest(
        self, model: ReadModelOf, train: Encoded[Lines], val: Encoded[Lines],
        say: Say, track: Track,
    ) -> dict[str, NDArray[np.float64]]:  # fmt: skip
        """Choose how to search, or the length penalty, on validation lines."""
        del train
        count, write = min(len(val.samples), _JUDGED), model.config.write
        if not count or write.beam == 1:
            return {}
        judged = val.samples.take(range(count))
        arrays = replace(val.arrays, inputs=val.arrays.inputs[:count], labels=None)
        samples = f"{count:,} validation lines"

        def rate(found: Readings) -> float:
            statistics = scoring.statistics(judged, found, model.encoder)
            return float(scoring.error_rate(statistics.sum(0)))

        if model.config.model.head == "attention":

            def quality(how: Writing) -> float:
                return 100.0 - rate(read(model, arrays, how=how))

            return chosen_penalty(model, quality, "100 - CER", samples, say, track)
        encoder = model.encoder

        def errors(labels: list[tuple[int, ...]]) -> float:
            return rate(readings_of(encoder, [encoder.text(each) for each in labels]))

        return chosen_search(encoder.grams, frames(model, arrays), write.beam, errors, say, track)

    def predict(self, model: ReadModelOf, arrays: LineArrays) -> Readings:
        """Read lines, by a search with an n-gram, or by the best path where the beam is 1."""
        return read(model, arrays)

    def stepper(self, model: ReadModelOf) -> ReadSteps:
        """Return what reads each line on its own."""
        return ReadSteps(model)

    def subject(self, model: ReadModelOf, samples: Lines, train: Lines | None) -> LineSubject:
        """Return the samples as rows that can be explained."""
        from longshort.tasks.read.subject import LineSubject

        return LineSubject(model, samples, train)

    # Scores

    def baselines(
        self,
        model: ReadModelOf,
        splits: Mapping[str, Encoded[Lines]],
        networks: Mapping[str, ReadModelOf],
        track: Track,
    ) -> dict[str, Baseline[Readings]]:
        """Return no text, the most frequent one, and that of the most similar training line."""
        del networks
        train, test = splits["train"], splits["test"]
        texts, count = train.samples.texts or [], len(test.samples)
        track("searching similar lines", 0, 0)
        near = baselines.nearest(train.arrays, test.arrays)
        found = {
            "empty": ([""] * count, "the empty line"),
            "frequent": ([baselines.most_frequent(texts)] * count, "the most frequent text"),
            "nearest": ([texts[i] for i in near.tolist()], "the text of the most similar line"),
        }
        return {
            name: Baseline(readings_of(model.encoder, each), title)
            for name, (each, title) in found.items()
        }

    def score(self, model: ReadModelOf, samples: Lines, prediction: Readings) -> Scores:
        """Score what was read."""
        sums = scoring.statistics(samples, prediction, model.encoder)
        return Scores(scoring.values(sums.sum(0), len(samples)), sums)

    def compare(self, scored: Scored[Lines, Readings], one: str, other: str) -> Comparison:
        """Compare by a paired bootstrap over the test lines."""
        first, second = (scored.scores[name].per_sample for name in (one, other))
        return compare_sums(first, second, lambda sums: -scoring.error_rate(sums), _LEAST)

    def details(self, model: ReadModelOf, scored: Scored[Lines, Readings]) -> dict[str, Any]:
        """Return the most frequent confusions, and what the n-gram was given."""
        pairs = scoring.confusions(scored.samples, scored.predictions[MODEL], model.encoder)
        listed = [[true, found, count] for (true, found), count in pairs.most_common(20)]
        gram = {
            name: float(model.kept[name]) for name in (SEARCH, WEIGHT, BONUS) if name in model.kept
        }
        return {"confusions": listed, **gram}

    # Output

    def table(self, model: ReadModelOf, samples: Lines, prediction: Readings) -> pl.DataFrame:
        """Return a row per line: its place, its text if known, what was read, and how surely."""
        del model
        columns: dict[str, Any] = {"line": samples.places}
        if samples.texts is not None:
            columns["text"] = samples.texts
        columns["read"] = prediction.texts
        if prediction.sureness:
            columns["confidence"] = [float(np.mean(each)) if each else None
                                     for each in prediction.sureness]  # fmt: skip
            columns["confidences"] = [" ".join(f"{p:.2f}" for p in each)
                                      for each in prediction.sureness]  # fmt: skip
        kinds = {name: pl.Float64 if name == "confidence" else pl.String for name in columns}
        return pl.DataFrame(columns, schema=kinds)

    def about(self, model: ReadModelOf, splits: Splits[Lines]) -> list[str]:
        """Return lines about the lines, and the signs that are read."""
        encoder = model.encoder
        kind = f"pictures, {encoder.height} pixels high" if encoder.looks else "pen strokes"
        return [*super().about(model, splits), f"{kind}; {len(encoder.signs):,} {encoder.tokens}"]

    def sections(
        self, result: Result[ReadConfig, Lines, ReadEncoder, Readings]
    ) -> Sequence[Section]:
        """Show confusions, how sure the model is, and the worst lines."""
        from longshort.tasks.read.sections import sections

        return sections(result)


def refuse_other_kind(lines: Lines, encoder: ReadEncoder) -> None:
    """Raise `DataError` if lines are strokes for a reader of pictures, or the reverse."""
    if lines.kind != encoder.kind:
        raise DataError(f"{lines.name}: holds {lines.kind}, and the run reads {encoder.kind}")


def _without_narrow(splits: Splits[Lines], config: ReadConfig) -> Splits[Lines]:
    """Return splits without training lines that are too narrow for their texts, and name them."""
    train = splits.train
    text = config.text.model_copy(update={"tokens": tokens_of(config, train)})
    odd = [i for i, _, _ in too_narrow(train, config.model_copy(update={"text": text}))]
    if not odd or config.model.head != "ctc":
        return splits
    places = tuple(train.places[i] for i in odd[:5])
    kept = train.take(np.setdiff1d(np.arange(len(train)), odd))
    note = Finding("left-out", "warning", f"{len(odd):,} training lines are too narrow for their "
                   "text and are left out", places)  # fmt: skip
    return replace(splits, train=kept, findings=(*splits.findings, note))
