"""What translation and summarisation share: pairs of texts, the network, and how it is used."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.pair_coding import PairCoder, decided_coding
from longshort.data.parallel import Pairs, pairs_of
from longshort.data.parallel_doctor import examine_pairs, long_sources, unknown_sources
from longshort.data.parallel_source import like, read_more_pairs, read_pairs, read_parallel_splits
from longshort.data.parallel_splits import split_pairs
from longshort.data.splits import Splits
from longshort.errors import ConfigError, DataError
from longshort.lazy import polars as pl
from longshort.metrics.bootstrap import compare_sums
from longshort.metrics.significance import Comparison
from longshort.runs.abilities import Stepper
from longshort.runs.decoded import chosen_penalty, length_penalty
from longshort.runs.example_steps import WholeText, first_row
from longshort.runs.sample_task import SampleTask
from longshort.runs.task import (
    MODEL,
    Encoded,
    Loss,
    Metric,
    Model,
    Say,
    Scored,
    Scores,
    Track,
    Training,
)
from longshort.runs.writing import Attended, Likelihood, Target, Writing, Written
from longshort.tasks.seq2seq.config import PairConfig
from longshort.tasks.seq2seq.encoder import (
    PairArrays,
    PairEncoder,
    encode,
    fit_encoder,
    without_long,
)
from longshort.tasks.seq2seq.habits import HABITS, habits
from longshort.tasks.seq2seq.misfits import refuse_misfits, unused
from longshort.tasks.seq2seq.sizes import decided_sizes
from longshort.tasks.seq2seq.written import likelihoods, write

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.runs.portable import Portable
    from longshort.runs.result import Result
    from longshort.tasks.seq2seq.subject import PairSubject

C = TypeVar("C", bound=PairConfig)

PERPLEXITY = Metric("perplexity", "perplexity", False, number="{:.2f}")
"""Perplexity of the given targets, by forced decoding; it takes no part in the verdict."""
_TIE = 0.01
"""Points of quality that a nat per token is worth, which decides between equal qualities."""


class PairTask(SampleTask[C, Pairs, PairEncoder, Written]):
    """Base of tasks that write a text for a text. Quality is that of free-running decoding."""

    run_class: ClassVar[str] = "longshort.api.translator:WriterRun"
    least: ClassVar[float] = 0.1
    """Gain in the deciding metric below which nothing counts."""

    @abstractmethod
    def from_sums(self, sums: Any) -> Any:
        """Return the deciding metric of sums [..., k] of the statistics of single pairs."""

    @abstractmethod
    def quality(self, config: C, samples: Pairs, texts: Sequence[str]) -> float:
        """Return the metric that chooses the weights, 0 to 100, higher is better."""

    # Data

    def read(self, data: object, config: C) -> Pairs:
        """Read pairs from a file, two files, a frame, or lists of sources and targets."""
        return read_pairs(data, config.data)

    def read_splits(self, given: Mapping[str, object], config: C) -> dict[str, Pairs]:
        """Read the validation and test pairs as the training pairs are read."""
        return read_parallel_splits(given, config.data)

    def read_new(self, data: object, model: Model[C, PairEncoder]) -> Pairs:
        """Read sources alone."""
        found = read_more_pairs(data, model.config.data, with_targets=False)
        return _examined(found, model)

    def read_labelled(
        self, data: object, model: Model[C, PairEncoder], own: Splits[Pairs] | None
    ) -> Pairs:
        """Read pairs as the run's own were; of files of lines the settings name the targets'."""
        del own
        settings = model.config.data
        return read_more_pairs(data, settings, settings.target_path).merged()

    def read_lines(self, lines: Sequence[str], first: int, model: Model[C, PairEncoder]) -> Pairs:
        """Take each line as a source; `first` is the number of the first line."""
        places = [f"line {number}" for number in range(first, first + len(lines))]
        return _examined(replace(pairs_of(lines), name="stdin", places=places), model)

    def line(self, samples: Pairs, prediction: Written, model: Model[C, PairEncoder]) -> str:
        """Return what was written for a single source."""
        del samples, model
        return prediction.texts[0]

    def refuse_lines(self, model: Model[C, PairEncoder]) -> None:
        """Refuse nothing: every source is a line of text."""
        del model

    def split(self, given: Any, config: Any) -> Splits[Pairs]:
        """Split so that no source and no target lies in two splits; train on every target."""
        found = split_pairs(given, config.split)
        return replace(
            found, train=found.train.expanded(), val=found.val.merged(), test=found.test.merged()
        )

    def check(self, splits: Splits[Pairs], config: C) -> list[Finding]:
        """Report what reading found, then pairs that are misaligned, copied, repeated or long."""
        coder = PairCoder.fit(splits.train, config.text)
        return examine_pairs(splits, coder, drop_long=config.text.drop_long)

    def resolve(self, config: C, splits: Splits[Pairs]) -> C:
        """Decide tokens by the scripts, sizes and the amount of training by the number of pairs."""
        train = splits.train
        data = like(train, config.data)
        text = decided_coding(train, config.text)
        refuse_misfits(config.model, text)
        sized = decided_sizes(config, text, train)
        score = config.evaluate.bleu or ("zh" if text.target_tokens == "characters" else "13a")
        evaluate = config.evaluate.model_copy(update={"bleu": score})
        return sized.model_copy(update={"data": data, "text": text, "evaluate": evaluate})

    def unused(self, config: C, splits: Splits[Pairs]) -> list[tuple[str, str]]:
        """Name settings of an attention, a beam or a coverage that are not there."""
        del splits
        return unused(config)

    def record(self, splits: Splits[Pairs]) -> dict[str, Any]:
        """Return the entries of `data.json`, with whole paths, and the files of targets."""
        found = super().record(splits)
        for name, pairs in splits.by_name().items():
            found["files"][name] |= _files(pairs)
        return found

    # Encoder and network

    def fit_encoder(self, train: Pairs, config: C) -> PairEncoder:
        """Fit the tokens of both sides on the training pairs."""
        return fit_encoder(train, config)

    def store_encoder(self, encoder: PairEncoder) -> dict[str, Any]:
        """Return both coders as plain values."""
        return {"coder": encoder.coder.to_dict(), "longest": encoder.longest}

    def restore_encoder(self, stored: dict[str, Any], config: C) -> PairEncoder:
        """Return the encoder that `store_encoder` wrote."""
        del config
        return PairEncoder(PairCoder.from_dict(stored["coder"]), int(stored["longest"]))

    def encode(self, encoder: PairEncoder, samples: Pairs) -> PairArrays:
        """Return token numbers of both sides."""
        return encode(encoder, samples)

    def describe_encoded(
        self, encoder: PairEncoder, encoded: Mapping[str, Encoded[Pairs]]
    ) -> list[str]:
        """Describe the tokens: how many are known, and how many a text has."""
        coder, first = encoder.coder, next(iter(encoded.values())).arrays
        sides = (
            f"{len(coder.source):,} {coder.source.kind} of both sides"
            if coder.is_joint
            else f"{len(coder.source):,} {coder.source.kind} of the sources, {len(coder.target):,} "
            f"{coder.target.kind} of the targets"
        )
        means = [np.mean([len(t) for t in side]) for side in (first.sources, first.targets)]
        return [f"tokens: {sides}; {means[0]:.1f} a source, {means[1]:.1f} a target"]

    def build(self, config: C, encoder: PairEncoder) -> nn.Module:
        """Build encoder, attention and decoder."""
        from longshort.tasks.seq2seq.network import EncoderDecoder

        coder = encoder.coder
        if config.model.tied and not coder.is_joint:
            raise ConfigError(
                "model.tied: both sides can share their vectors only with one set of tokens; set "
                "text.joint = true, or model.tied = false"
            )
        return EncoderDecoder(config.model, len(coder.source), len(coder.target))

    def start(
        self, model: Model[C, PairEncoder], train: Encoded[Pairs], val: Encoded[Pairs]
    ) -> list[str]:
        """Say how many pairs are left out of training, and what scheduled sampling costs."""
        from longshort.runs.gradual import stepwise_notes

        del val
        said = stepwise_notes(self, model, train)
        if not model.config.text.drop_long:
            return said
        count = len(train.samples) - len(without_long(model.encoder, train.samples))
        most = model.config.text.max_length
        return [
            *said,
            f"note: {count:,} of {len(train.samples):,} training pairs have a text of more than "
            f"{most:,} tokens and are left out of training (text.drop_long)",
        ]

    def loss(self, model: Model[C, PairEncoder], batch: Any) -> Loss:
        """Return nats per token; label smoothing and coverage are added to what is minimised."""
        return self.loss_at(model, batch, 0.0)

    def loss_at(self, model: Model[C, PairEncoder], batch: Any, share: float) -> Loss:
        """Return the loss when this share of the training is done."""
        train = model.config.train
        found = model.network.losses(batch, train.own_share(share))
        smooth = train.label_smoothing
        minimised = (1 - smooth) * found.nats + smooth * found.uniform
        if model.config.model.coverage and share >= train.coverage_from:
            minimised = minimised + train.coverage_weight * found.unspread
        return Loss(found.nats, minimised)

    def training(
        self, model: Model[C, PairEncoder], train: Encoded[Pairs], val: Encoded[Pairs]
    ) -> Training:
        """Train in batches of similar length, with a loss that may change on the way."""
        from longshort.runs.gradual import GradualLearning

        if model.config.text.drop_long:
            kept = without_long(model.encoder, train.samples)
            train = Encoded(kept, self.encode(model.encoder, kept))
        learning = GradualLearning(self, model, train, val)
        return Training(learning, model.config.train, learning.plan())

    def validate(self, model: Model[C, PairEncoder], val: Encoded[Pairs]) -> float:
        """Return 100 less the quality of greedily written validation pairs, the first ones."""
        first = _first(model, val)
        found = write(model, first.arrays, how=Writing(beam=1))
        quality = self.quality(model.config, first.samples, found.texts)
        return 100.0 - quality + _TIE * float(found.nats.sum() / max(found.tokens.sum(), 1.0))

    def fit_rest(
        self, model: Model[C, PairEncoder], train: Encoded[Pairs], val: Encoded[Pairs],
        say: Say, track: Track,
    ) -> dict[str, NDArray[np.float64]]:  # fmt: skip
        """Choose the length penalty by the quality of validation texts, the first ones."""
        del train
        first = _first(model, val)

        def quality(how: Writing) -> float:
            texts = write(model, first.arrays, how=how, with_scores=False).texts
            return self.quality(model.config, first.samples, texts)

        samples = f"{len(first.samples):,} validation {self.words.samples}"
        title = self.metric(model.config).title
        return chosen_penalty(model, quality, title, samples, say, track)

    def predict(self, model: Model[C, PairEncoder], arrays: PairArrays) -> Written:
        """Write a text for each source by beam search."""
        return write(model, arrays)

    # Use

    def portable(self, model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
        """Return the network that reads a text, and then writes another token by token."""
        from longshort.tasks.seq2seq.code import portable

        return portable(model, golden, steps)

    def stepper(self, model: Model[C, PairEncoder]) -> Stepper:
        """Return what writes a text for each text on its own."""
        says = {"predicted": "the text that was written", "log_prob": "its log probability"}

        def answer(text: str) -> dict[str, Any]:
            row = first_row(self, model, self.read_lines([text], 1, model))
            return {name: row[name] for name in says}

        return WholeText(answer, says)

    def write(self, model: Model[C, PairEncoder], samples: Pairs, how: Writing) -> Written:
        """Write texts for sources, in this way."""
        arrays = self.encode(model.encoder, samples)
        return write(model, arrays, how=how, with_scores=False)

    def with_targets(self, samples: Pairs, targets: Sequence[str], name: str) -> Pairs:
        """Return the sources with these targets, one for each; `name` is theirs in messages."""
        if len(samples) != len(targets):
            raise DataError(
                f"{samples.name}: has {len(samples):,} sources, and {name} has {len(targets):,} "
                "targets; give a target for every source"
            )
        return replace(samples, references=[(target,) for target in targets])

    def likelihoods(self, model: Model[C, PairEncoder], samples: Pairs) -> list[Likelihood]:
        """Return how probable the first target of each source is."""
        return likelihoods(model, self.encode(model.encoder, samples))

    def attended(
        self, model: Model[C, PairEncoder], samples: Pairs, prediction: Written
    ) -> list[Attended]:
        """Return where the network looked for each token of the best text of each source."""
        del samples
        if model.config.model.attention == "none":
            raise ConfigError(
                "attention: the run has none (model.attention is none); train one with "
                "model.attention = general"
            )
        sides = zip(prediction.sources, prediction.targets, strict=True)
        return [_attended(source, found[0]) for source, found in sides]

    def subject(
        self, model: Model[C, PairEncoder], samples: Pairs, train: Pairs | None
    ) -> PairSubject:
        """Return the samples as rows that can be explained."""
        from longshort.tasks.seq2seq.subject import PairSubject

        return PairSubject(model, samples, train)

    # Scores

    @abstractmethod
    def statistics(self, config: C, samples: Pairs, texts: Sequence[str]) -> Any:
        """Return statistics [n, k] of each pair, whose sums give the deciding metric."""

    @abstractmethod
    def values(self, config: C, samples: Pairs, texts: Sequence[str]) -> dict[str, Any]:
        """Return the quality metrics by key."""

    def score(self, model: Model[C, PairEncoder], samples: Pairs, prediction: Written) -> Scores:
        """Score written texts, and how they are written; a model's own targets by perplexity."""
        texts, config = prediction.texts, model.config
        values = self.values(config, samples, texts) | habits(samples, prediction)
        values["perplexity"] = None
        if prediction.nats.size:
            values["perplexity"] = float(np.exp(prediction.nats.sum() / prediction.tokens.sum()))
        return Scores(values, self.statistics(config, samples, texts))

    def compare(self, scored: Scored[Pairs, Written], one: str, other: str) -> Comparison:
        """Compare by a paired bootstrap over the test pairs."""
        first, second = (scored.scores[name].per_sample for name in (one, other))
        return compare_sums(first, second, self.from_sums, self.least)

    # Output

    def table(
        self, model: Model[C, PairEncoder], samples: Pairs, prediction: Written
    ) -> pl.DataFrame:
        """Return a row per source: its place, the source, the targets if any, and the text."""
        return pl.DataFrame(self.columns(model, samples, prediction))

    def columns(
        self, model: Model[C, PairEncoder], samples: Pairs, prediction: Written
    ) -> dict[str, Any]:
        """Return the columns of the table."""
        del model
        columns: dict[str, Any] = {"place": samples.places, "source": samples.sources}
        if samples.references is not None:
            columns["target"] = [" ||| ".join(each) for each in samples.references]
        columns["predicted"] = prediction.texts
        columns["log_prob"] = [each[0].log_prob for each in prediction.targets]
        return columns

    def ranked(
        self, model: Model[C, PairEncoder], samples: Pairs, prediction: Written, count: int
    ) -> pl.DataFrame:
        """Return the `count` best texts of each source with their log probabilities."""
        del prediction
        arrays = self.encode(model.encoder, samples)
        found = write(model, arrays, how=Writing(n_best=count), with_scores=False)
        columns: dict[str, Any] = {"place": samples.places, "source": samples.sources}
        for rank in range(count):
            best = [each[rank] if rank < len(each) else None for each in found.targets]
            columns[f"predicted_{rank + 1}"] = [None if b is None else b.text for b in best]
            columns[f"log_prob_{rank + 1}"] = [None if b is None else b.log_prob for b in best]
        return pl.DataFrame(columns)

    def details(
        self, model: Model[C, PairEncoder], scored: Scored[Pairs, Written]
    ) -> dict[str, Any]:
        """Return how many texts were cut at the greatest length, and the length penalty."""
        cut = sum(each[0].is_cut for each in scored.predictions[MODEL].targets)
        searches = model.config.write.beam > 1
        return {"cut": cut, "length_penalty": length_penalty(model) if searches else None}

    def sections(self, result: Result[C, Pairs, PairEncoder, Written]) -> Sequence[Section]:
        """Show how the texts are written, the attention, and typical and worst pairs."""
        from longshort.tasks.seq2seq.sections import sections

        return sections(self, result)


def _first(model: Model[Any, PairEncoder], val: Encoded[Pairs]) -> Encoded[Pairs]:
    """Return the validation pairs that are written to judge the model."""
    rows = np.arange(min(len(val.samples), model.config.evaluate.val_samples))
    return Encoded(val.samples.take(rows), val.arrays.take(rows))


def _files(pairs: Pairs) -> dict[str, Any]:
    """Return the whole paths of files, and the digest of that of the targets."""
    found: dict[str, Any] = {}
    if pairs.path is not None:
        found["path"] = str(Path(pairs.path).absolute())
    if pairs.target_path is not None:
        path = str(Path(pairs.target_path).absolute())
        found |= {"target_path": path, "target_sha256": pairs.target_sha256}
    return found


def _examined(samples: Pairs, model: Model[Any, PairEncoder]) -> Pairs:
    """Add the findings on sources to predict: those of another language, and those that are cut."""
    coder = model.encoder.coder
    found = (*unknown_sources(samples, coder.source), *long_sources(samples, coder))
    return replace(samples, findings=(*samples.findings, *found))


def _attended(source: list[str], best: Target) -> Attended:
    weights = np.zeros((0, len(source))) if best.attention is None else best.attention
    return Attended(source, list(best.tokens), weights)


HABIT_METRICS = tuple(Metric(key, title, higher, number="{:.1%}") for key, title, higher in HABITS)
"""Columns of how texts are written, after those of their quality."""
