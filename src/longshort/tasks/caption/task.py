"""Captioning: from images, as features of a frozen network, to sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.coding import TextCoder
from longshort.data.findings import Finding
from longshort.data.splits import Splits, make_splits
from longshort.lazy import polars as pl
from longshort.metrics.bootstrap import compare_sums
from longshort.metrics.significance import Comparison
from longshort.runs.decoded import chosen_penalty, length_penalty
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
    Training,
    Words,
)
from longshort.runs.writing import Attended, Writing, Written, written_by
from longshort.tasks.caption import baselines, scoring
from longshort.tasks.caption.config import CaptionConfig
from longshort.tasks.caption.defaults import decided, unused
from longshort.tasks.caption.doctor import examine
from longshort.tasks.caption.encoder import (
    CaptionArrays,
    CaptionEncoder,
    Scale,
    encode,
    fit_encoder,
)
from longshort.tasks.caption.images import image_files
from longshort.tasks.caption.inference import attended, write
from longshort.tasks.caption.samples import Captioned
from longshort.tasks.caption.seeing import seen
from longshort.tasks.caption.source import read_all, read_captions
from longshort.tasks.caption.steps import CaptionSteps

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.runs.portable import Portable
    from longshort.runs.result import Result
    from longshort.tasks.caption.subject import CaptionSubject

CaptionModelOf = Model[CaptionConfig, CaptionEncoder]
NO_ATTENTION = "no_attention"
_MOST = 10.0
"""The highest CIDEr."""
_JUDGED = 500
"""Validation images, the first ones, by which the length penalty is chosen."""
_LEAST = 0.1
"""Gain in BLEU-4 below which nothing counts."""


class CaptionTask(SampleTask[CaptionConfig, Captioned, CaptionEncoder, Written]):
    """Captioning by attention over an image's places and a recurrent decoder.

    BLEU-4 decides: it is published for every captioner, and its sums over images do not depend on
    which images are judged together, as those of CIDEr do. CIDEr chooses the weights.
    """

    name: ClassVar[str] = "caption"
    Config = CaptionConfig
    metrics = (
        Metric("bleu4", "BLEU-4", spoken="BLEU-4 {}", number="{:.1f}"),
        Metric("bleu1", "BLEU-1", number="{:.1f}"),
        Metric("cider", "CIDEr", number="{:.3f}"),
        Metric("rougel", "ROUGE-L", number="{:.1f}"),
        Metric("distinct", "different", number="{:.1%}"),
    )
    words = Words(
        model="captioner",
        title="Captions",
        samples="images",
        unit="caption tokens",
        usage="Use it with `longshort predict RUN --data TABLE`, a table with images' names, whose "
        "features are in the files of `--set data.features=FILE` and `--set data.global_features="
        "FILE`; or on an image or a folder of images with `--set data.encoder=FILE.tflite`.",
        scores="Captions are those that the model wrote by itself. BLEU, CIDEr-D and ROUGE-L are "
        "those of coco-caption: lower case, no punctuation, no smoothing, all given captions. "
        "METEOR needs Java and WordNet, and is left out. Different is the share of captions that "
        "differ.",
        gain="gain in BLEU-4",
        gain_form="+.1f",
    )
    measure = "10 - CIDEr of greedy captions"
    run_class = "longshort.api.captioner:CaptionerRun"

    # Data

    def read(self, data: object, config: CaptionConfig) -> Captioned:
        """Read captions from a table, with the features of their images."""
        return read_captions(data, config.data)

    def read_splits(
        self, given: Mapping[str, object], config: CaptionConfig
    ) -> dict[str, Captioned]:
        """Read the captions of each source, and the features once."""
        return read_all(given, config.data)

    def read_new(self, data: object, model: CaptionModelOf) -> Captioned:
        """Read images alone: a table with their names, a list of names, or files of images."""
        files = image_files(data)
        if files:
            return seen(files, model.config.data.encoder, model.encoder, model.kept)
        return read_captions(data, model.config.data, labelled=False)

    def split(self, given: Any, config: Any) -> Splits[Captioned]:
        """Split as the source says, else at random; equal features stay together."""
        whole: Captioned = given["train"]
        named = {} if whole.splits is None else whole.by_split()
        others = {name: samples for name, samples in given.items() if name != "train"}
        found = {"train": whole, **named, **others}
        how: Any = config.split
        splits = make_splits(found, val=how.val, test=how.test, stratify=False, seed=how.seed)
        return replace(splits, how="as the table says" if len(named) == 3 else splits.how)

    def check(self, splits: Splits[Captioned], config: CaptionConfig) -> list[Finding]:
        """Report what reading and splitting found, then odd captions and features."""
        return examine(splits, config)

    def record(self, splits: Splits[Captioned]) -> dict[str, Any]:
        """Return sources and splits, and where the features are from."""
        tables = splits.train.features.tables
        features = {key[1].lstrip("-"): table.record() for key, table in tables.items()}
        return {**super().record(splits), "features": features}

    def resolve(self, config: CaptionConfig, splits: Splits[Captioned]) -> CaptionConfig:
        """Decide sizes, tokens and the amount of training by the number of captions."""
        return decided(config, splits.train)

    def unused(self, config: CaptionConfig, splits: Splits[Captioned]) -> list[tuple[str, str]]:
        """Name settings of an attention or a beam that are not there."""
        del splits
        return unused(config)

    # Encoder and network

    def fit_encoder(self, train: Captioned, config: CaptionConfig) -> CaptionEncoder:
        """Fit the tokens, and the scales of features, on the training images."""
        return fit_encoder(train, config.text, config.train.agreement)

    def store_encoder(self, encoder: CaptionEncoder) -> dict[str, Any]:
        """Return tokens and scales as plain values."""
        scales = {"places": encoder.places, "whole": encoder.whole}
        return {
            "coder": encoder.coder.to_dict(),
            "max_length": encoder.max_length,
            "plain": encoder.plain,
            "agreement": encoder.agreement,
            **{name: None if each is None else each.to_dict() for name, each in scales.items()},
        }

    def restore_encoder(self, stored: dict[str, Any], config: CaptionConfig) -> CaptionEncoder:
        """Return the encoder that `store_encoder` wrote."""
        del config
        places, whole = (
            None if stored[name] is None else Scale.from_dict(stored[name])
            for name in ("places", "whole")
        )
        coder = TextCoder.from_dict(stored["coder"])
        most, plain, power = stored["max_length"], stored["plain"], stored["agreement"]
        return CaptionEncoder(coder, int(most), bool(plain), places, whole, float(power))

    def encode(self, encoder: CaptionEncoder, samples: Captioned) -> CaptionArrays:
        """Return a sample for each caption, with the features of its image."""
        return encode(encoder, samples)

    def describe_encoded(
        self, encoder: CaptionEncoder, encoded: Mapping[str, Encoded[Captioned]]
    ) -> list[str]:
        """Describe the tokens of captions, and the features."""
        found = []
        for each in list(encoded.values())[:1]:
            mean = float(each.arrays.lengths.mean()) - 1
            count = f"{len(encoder.coder):,} {encoder.coder.kind}"
            found.append(f"tokens: {count}; {mean:.1f} a caption")
        shapes = [s.shape for s in (encoder.places, encoder.whole) if s is not None]
        return [*found, f"features: {' and '.join(str(list(shape)) for shape in shapes)} an image"]

    def build(self, config: CaptionConfig, encoder: CaptionEncoder) -> nn.Module:
        """Build the decoder and its attention."""
        from longshort.tasks.caption.network import Captioner

        return Captioner(config.model, encoder)

    def start(
        self, model: CaptionModelOf, train: Encoded[Captioned], val: Encoded[Captioned]
    ) -> list[str]:
        """Say what scheduled sampling costs; the network starts as it was built."""
        from longshort.runs.gradual import stepwise_notes

        del val
        return stepwise_notes(self, model, train)

    def loss(self, model: CaptionModelOf, batch: Any) -> Loss:
        """Return nats per token; smoothing and the penalty are added to what is minimised."""
        return self.loss_at(model, batch, 0.0)

    def loss_at(self, model: CaptionModelOf, batch: Any, share: float) -> Loss:
        """Return the loss when this share of the training is done."""
        train = model.config.train
        found = model.network.losses(batch, train.own_share(share))
        smooth = train.label_smoothing
        minimised = (1 - smooth) * found.weighted + smooth * found.uniform
        if train.spread_weight:
            minimised = minimised + train.spread_weight * found.unspread
        return Loss(found.nats, minimised)

    def training(
        self, model: CaptionModelOf, train: Encoded[Captioned], val: Encoded[Captioned]
    ) -> Training:
        """Train in batches of similar length, with a loss that may change on the way."""
        from longshort.runs.gradual import GradualLearning

        learning = GradualLearning(self, model, train, val)
        return Training(learning, model.config.train, learning.plan())

    def validate(self, model: CaptionModelOf, val: Encoded[Captioned]) -> float:
        """Return 10 less the CIDEr of greedy captions of validation images, the first ones."""
        count = min(len(val.samples), model.config.evaluate.val_images)
        found = write(model, val.arrays, Writing(beam=1), rows=np.arange(count))
        return _MOST - scoring.mean_cider(val.samples.take(range(count)), found.texts)

    def fit_rest(
        self, model: CaptionModelOf, train: Encoded[Captioned], val: Encoded[Captioned],
        say: Say, track: Track,
    ) -> dict[str, NDArray[np.float64]]:  # fmt: skip
        """Choose the length penalty, and keep how features of places were projected."""
        count = min(len(val.samples), _JUDGED)
        judged = val.samples.take(range(count))

        def quality(how: Writing) -> float:
            texts = write(model, val.arrays, how, rows=np.arange(count)).texts
            return float(scoring.bleu_of(scoring.statistics(judged, texts).sum(0)))

        samples, title = f"{count:,} validation images", self.metric(model.config).title
        found = chosen_penalty(model, quality, title, samples, say, track)
        places = train.samples.features.places
        if places is None or places.projection is None:
            return found
        return {**found, "mean": places.projection.mean, "basis": places.projection.basis}

    def predict(self, model: CaptionModelOf, arrays: CaptionArrays) -> Written:
        """Write a caption for each image by beam search."""
        return write(model, arrays)

    def portable(self, model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
        """Return the network that reads features, and then writes a caption token by token."""
        from longshort.tasks.caption.code import portable

        return portable(model, golden, steps)

    def stepper(self, model: CaptionModelOf) -> CaptionSteps:
        """Return what captions each image on its own."""
        return CaptionSteps(self, model)

    def attended(
        self, model: CaptionModelOf, samples: Captioned, prediction: Written
    ) -> list[Attended]:
        """Return where the network looked for each token of the best caption of each image."""
        del samples
        return attended(model, prediction)

    def subject(
        self, model: CaptionModelOf, samples: Captioned, train: Captioned | None
    ) -> CaptionSubject:
        """Return the samples as rows that can be explained."""
        from longshort.tasks.caption.subject import CaptionSubject

        del train
        return CaptionSubject(model, samples)

    # Scores

    def baseline_models(self, model: CaptionModelOf) -> dict[str, CaptionModelOf]:
        """Return the same network without attention, where that is asked for."""
        config = model.config
        if config.model.attention == "none" or not config.evaluate.without_attention:
            return {}
        other = config.model.model_copy(update={"attention": "none", "placement": "after"})
        plain = config.model_copy(update={"model": other})
        return {NO_ATTENTION: Model(plain, model.encoder, self.build(plain, model.encoder))}

    def baselines(
        self,
        model: CaptionModelOf,
        splits: Mapping[str, Encoded[Captioned]],
        networks: Mapping[str, CaptionModelOf],
        track: Track,
    ) -> dict[str, Baseline[Written]]:
        """Return one caption for all images, and captions of similar training images."""
        train, test = splits["train"].samples, splits["test"].samples
        count = model.config.evaluate.neighbours
        track("searching similar images", 0, 0)
        texts = {
            "frequent": ([baselines.most_frequent(train)] * len(test), "the most frequent caption"),
            "constant": (
                [baselines.best_constant(train)] * len(test),
                "one caption for all images",
            ),
            "nearest": (baselines.of_the_nearest(train, test), "the most similar image's caption"),
            "consensus": (
                baselines.by_consensus(train, test, count),
                f"the consensus of the {min(count, len(train))} most similar images' captions",
            ),
        }
        found = {name: Baseline(written_by(each), title) for name, (each, title) in texts.items()}
        for name, other in networks.items():
            prediction = write(replace(other, kept=model.kept), splits["test"].arrays)
            found[name] = Baseline(prediction, "the network without attention", is_variant=True)
        return found

    def score(self, model: CaptionModelOf, samples: Captioned, prediction: Written) -> Scores:
        """Score written captions."""
        del model
        texts = prediction.texts
        return Scores(scoring.values(samples, texts), scoring.statistics(samples, texts))

    def compare(self, scored: Scored[Captioned, Written], one: str, other: str) -> Comparison:
        """Compare by a paired bootstrap over the test images."""
        first, second = (scored.scores[name].per_sample for name in (one, other))
        return compare_sums(first, second, scoring.bleu_of, _LEAST)

    def details(self, model: CaptionModelOf, scored: Scored[Captioned, Written]) -> dict[str, Any]:
        """Return vocabulary use, how many captions were cut at the greatest length, the penalty."""
        found = scored.predictions[MODEL]
        cut = sum(each[0].is_cut for each in found.targets)
        used = scoring.words_used(found.texts)
        words = {"words_used": used, "words_known": len(model.encoder.coder)}
        alpha = length_penalty(model) if model.config.write.beam > 1 else None
        return {**words, "cut": cut, "length_penalty": alpha}

    def remark(
        self, model: CaptionModelOf, scored: Scored[Captioned, Written], result: Comparison
    ) -> str:
        """Say what the attention gains, where the network without it was trained too."""
        del model, result
        if NO_ATTENTION not in scored.scores:
            return ""
        gain = self.compare(scored, MODEL, NO_ATTENTION)
        plain = scored.scores[NO_ATTENTION].values["bleu4"]
        verb = {"better": "helps", "worse": "harms"}.get(gain.outcome, "cannot be told to help")
        return f" Attention {verb}: BLEU-4 {plain:.1f} without it ({gain.span('+.1f')})."

    # Output

    def table(self, model: CaptionModelOf, samples: Captioned, prediction: Written) -> pl.DataFrame:
        """Return a row per image: its name, the captions if any, and what was written."""
        return pl.DataFrame(self.columns(model, samples, prediction))

    def columns(
        self, model: CaptionModelOf, samples: Captioned, prediction: Written
    ) -> dict[str, Any]:
        """Return the columns of the table."""
        del model
        columns: dict[str, Any] = {"image": samples.images}
        if samples.references is not None:
            columns["captions"] = [" ||| ".join(each) for each in samples.references]
        columns["predicted"] = prediction.texts
        columns["log_prob"] = [each[0].log_prob for each in prediction.targets]
        return columns

    def ranked(
        self, model: CaptionModelOf, samples: Captioned, prediction: Written, count: int
    ) -> pl.DataFrame:
        """Return the `count` best captions of each image with their log probabilities."""
        del prediction
        arrays = self.encode(model.encoder, samples)
        found = write(model, arrays, Writing(n_best=count))
        columns: dict[str, Any] = {"image": samples.images}
        for rank in range(count):
            best = [each[rank] if rank < len(each) else None for each in found.targets]
            columns[f"predicted_{rank + 1}"] = [None if b is None else b.text for b in best]
            columns[f"log_prob_{rank + 1}"] = [None if b is None else b.log_prob for b in best]
        return pl.DataFrame(columns)

    def about(self, model: CaptionModelOf, splits: Splits[Captioned]) -> list[str]:
        """Return lines about the images, and the features that stand for them."""
        tables = splits.train.features.tables.values()
        shown = [
            f"{Path(table.path).name if table.path else 'in memory'} {list(table.shape)}, "
            f"network {table.encoder}"
            for table in tables
        ]
        return [*super().about(model, splits), f"features: {'; '.join(shown)}"]

    def sections(
        self, result: Result[CaptionConfig, Captioned, CaptionEncoder, Written]
    ) -> Sequence[Section]:
        """Show how captions are written, where the network looks, and examples."""
        from longshort.tasks.caption.sections import sections

        return sections(result)
