"""Classification: a label for each text, or for each sequence of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.labelled import Examples, examples_of
from longshort.data.labelled_doctor import Reading, examine_splits
from longshort.data.labelled_source import like, read_labelled_splits, read_unlabelled
from longshort.data.labels import label_text, refuse_values
from longshort.data.sequences import Sequences, vocabulary_of
from longshort.data.splits import Splits, make_splits
from longshort.data.tokens import content_of, find_tokeniser, in_full
from longshort.errors import ConfigError, DataError
from longshort.metrics.significance import Comparison
from longshort.runs.task import (
    MODEL,
    Baseline,
    Encoded,
    Loss,
    Metric,
    Model,
    SampleTask,
    Scored,
    Scores,
    Track,
    Training,
    Words,
)
from longshort.runs.vectors import sized_by_vectors
from longshort.tasks.classify import scoring
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.defaults import (
    Size,
    decided_model,
    decided_text,
    decided_training,
    suited_tokens,
    validation_share,
)
from longshort.tasks.classify.encoder import ClassifyEncoder
from longshort.tasks.classify.unused import unused_settings

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.tasks.classify.sections import ClassifyResult

ClassifyModel = Model[ClassifyConfig, ClassifyEncoder]
Floats = NDArray[np.float64]
GRAMS = "ngrams"


class ClassifyTask(SampleTask[ClassifyConfig, Examples, ClassifyEncoder, Floats]):
    """A label for each sample; a prediction is the probability of every label, [n, K]."""

    name: ClassVar[str] = "classify"
    run_class = "longshort.api.classifier:ClassifierRun"
    Config = ClassifyConfig
    metrics = (
        Metric("accuracy", "accuracy", number="{:.1%}", spoken="{} right"),
        Metric("macro_f1", "macro F1"),
        Metric("log_loss", "log loss", higher_is_better=False),
        Metric("calibration_error", "calibration error", higher_is_better=False),
    )
    words = Words(
        model="classifier",
        title="Classification",
        samples="examples",
        unit="time steps",
        usage="Use it with `longshort predict RUN --data FILE` or "
        '`longshort.load("RUN").predict([...])`.',
        scores="Macro F1 is the mean over labels; log loss is in nats; the calibration error is "
        "the mean distance between the probability given to the prediction and the share that is "
        "right.",
        gain="difference",
    )
    measure = "error (1 - accuracy)"

    # Data

    def read(self, data: object, config: ClassifyConfig) -> Examples:
        """Labelled texts or arrays, from any format that holds them."""
        return self.read_splits({"train": data}, config)["train"]

    def read_splits(
        self, given: Mapping[str, object], config: ClassifyConfig
    ) -> dict[str, Examples]:
        """All of one kind, texts or numbers; the others are read as the training file was."""
        found = read_labelled_splits(given, config.data)
        for examples in found.values():
            if examples.labels is None:
                raise DataError(f"{examples.name}: has no labels; classification learns from them")
            refuse_values(examples.labels, examples.label_kind, examples.places, examples.name)
        return found

    def read_labelled(
        self, data: object, model: ClassifyModel, own: Splits[Examples] | None
    ) -> Examples:
        """As the run's own were read."""
        del own
        found = read_unlabelled(data, model.config.data, model.encoder.labels, with_labels=True)
        if found.labels is None:
            raise DataError(f"{found.name}: has no labels to compare with")
        return found

    def read_new(self, data: object, model: ClassifyModel) -> Examples:
        """A file or frame as the run's own were read, of which labels are not needed; or a list of
        texts or arrays."""
        config, encoder = model.config, model.encoder
        if isinstance(data, Examples):
            found = data
        else:
            found = read_unlabelled(data, config.data, encoder.labels, with_labels=False)
        return self._with_unknown(replace(found, labels=None), encoder)

    def refuse_lines(self, model: ClassifyModel) -> None:
        """Raise `ConfigError` where the run has learned numbers."""
        if model.encoder.vocabulary is None:
            raise ConfigError("--data: the run classifies numbers over time; give a file of them")

    def read_lines(self, lines: Sequence[str], first: int, model: ClassifyModel) -> Examples:
        """Lines of text; the first has this number."""
        places = [f"line {number}" for number in range(first, first + len(lines))]
        return self._with_unknown(replace(examples_of(lines), places=places), model.encoder)

    def _with_unknown(self, samples: Examples, encoder: ClassifyEncoder) -> Examples:
        """With what is to be said of texts of which nothing is known."""
        found = encoder.reader.unknown(samples)
        return replace(samples, findings=(*samples.findings, *found))

    def line(self, samples: Examples, prediction: Floats, model: ClassifyModel) -> str:
        """The label of a single text, for the terminal."""
        return label_text(scoring.predictions(model.encoder, samples, prediction)["label"][0])

    def split(self, given: Any, config: ClassifyConfig) -> Splits[Examples]:
        """Drawn with the same shares of every label; no validation where it would be too small."""
        split, share = config.split, validation_share(config, len(given["train"]))
        return make_splits(
            given, val=share, test=split.test, stratify=split.stratify, seed=split.seed
        )

    def describe(self, splits: Splits[Examples], config: ClassifyConfig) -> list[str]:
        """Sizes, and numbers of labels."""
        del config
        return [
            f"{name}: {len(each):,} examples with {len(set(each.labels or []))} labels"
            for name, each in splits.by_name().items()
        ]

    def check(self, splits: Splits[Examples], config: ClassifyConfig) -> list[Finding]:
        """What would harm a classifier."""
        text, reading = config.text, None
        if splits.train.is_text:
            tokens = str(text.tokens)
            known = vocabulary_of(splits.train, text, content_of(tokens))
            reading = Reading(find_tokeniser(tokens, text.lowercase).cut, known, text.max_length)
        return examine_splits(splits, reading)

    def resolve(self, config: ClassifyConfig, splits: Splits[Examples]) -> ClassifyConfig:
        """By kind and amount of the training data."""
        train, data = splits.train, like(splits.train, config.data)
        changes: dict[str, Any] = {}
        if not len(splits.val):
            changes["split"] = config.split.model_copy(update={"val": 0.0})
        if train.is_text:
            tokens = config.text.tokens or suited_tokens([str(item) for item in train.items])
            changes["text"] = decided_text(config.text, in_full(tokens), len(train))
        else:
            scaling = data.scaling or ("all" if data.format == "idx" else "channel")
            data = data.model_copy(update={"scaling": scaling})
        size = Size.of(splits, changes.get("text"))
        sized = sized_by_vectors(config.model) if train.is_text else config.model
        model = decided_model(sized, size)
        training = decided_training(config.train, model, size)
        return config.model_copy(update=changes | {"data": data, "model": model, "train": training})

    def unused(self, config: ClassifyConfig, splits: Splits[Examples]) -> list[tuple[str, str]]:
        """Of the other kind of data, and of other formats."""
        return unused_settings(config, splits.train)

    # Encoder and network

    def fit_encoder(self, train: Examples, config: ClassifyConfig) -> ClassifyEncoder:
        """Labels, vocabulary or scales."""
        return ClassifyEncoder.fit(train, config)

    def store_encoder(self, encoder: ClassifyEncoder) -> dict[str, Any]:
        """As plain values."""
        return encoder.to_dict()

    def restore_encoder(self, stored: dict[str, Any], config: ClassifyConfig) -> ClassifyEncoder:
        """From plain values."""
        del config
        return ClassifyEncoder.from_dict(stored)

    def encode(self, encoder: ClassifyEncoder, samples: Examples) -> Sequences:
        """Token numbers, or scaled values."""
        return encoder.encode(samples)

    def build(self, config: ClassifyConfig, encoder: ClassifyEncoder) -> nn.Module:
        """Embedding or numbers, convolutions, recurrent layers, pooling, a linear head."""
        from longshort.tasks.classify.network import Classifier

        return Classifier(
            config.model,
            len(encoder.labels),
            tokens=None if encoder.vocabulary is None else len(encoder.vocabulary),
            features=len(encoder.reader.mean) or None,
            grams=None if encoder.grams is None else encoder.grams.width,
        )

    def start(
        self, model: ClassifyModel, train: Encoded[Examples], val: Encoded[Examples]
    ) -> list[str]:
        """Pretrained vectors, where there are some."""
        del train, val
        from longshort.runs.vectors import start_from_vectors

        file, known = model.config.model.vectors, model.encoder.vocabulary
        embeddings = getattr(model.network, "embeddings", [])
        if file is None or known is None or not embeddings:
            return []
        return [start_from_vectors([each.weight for each in embeddings], file, known)]

    def loss(self, model: ClassifyModel, batch: Any) -> Loss:
        """Mean cross entropy of every network of its own; the sum is minimised, so that each learns
        as it would alone."""
        from torch.nn.functional import cross_entropy

        from longshort.tasks.classify.inference import logits_of

        logits = logits_of(model.network, batch)
        loss = cross_entropy(
            logits.flatten(0, 1),
            batch.targets.repeat(len(logits)),
            weight=self._weights(model),
            label_smoothing=model.config.train.label_smoothing,
        )
        return Loss(loss, loss * len(logits))

    def _weights(self, model: ClassifyModel) -> Any:
        """Of the labels [K], by the inverse of their share; None where they are not weighed."""
        import torch

        if not model.config.train.class_weights:
            return None
        counts = torch.tensor(model.encoder.counts)
        return (counts.sum() / (len(counts) * counts)).to(model.device)

    def training(
        self, model: ClassifyModel, train: Encoded[Examples], val: Encoded[Examples]
    ) -> Training:
        """Networks side by side; the n-grams alone have a budget of their own."""
        from longshort.tasks.classify.gram_network import GramNetwork
        from longshort.tasks.classify.learning import ClassifyLearning, gram_training

        if isinstance(model.network, GramNetwork):
            return gram_training(model, train)
        learning = ClassifyLearning(self, model, train, val)
        return Training(learning, model.config.train, learning.plan())

    def validate(self, model: ClassifyModel, val: Encoded[Examples]) -> float:
        """Share of wrong labels; of equal shares the smaller cross entropy is better.

        Where labels are weighed in training they are here: else the epoch would be chosen that
        gives up the rare ones.
        """
        import torch
        from torch.nn.functional import nll_loss

        from longshort.tasks.classify.inference import log_probabilities

        found = log_probabilities(model.network, val.arrays, model.device)
        truth, weights = torch.from_numpy(val.arrays.targets), self._weights(model)
        each = (torch.ones(found.shape[1]) if weights is None else weights.cpu()).double()[truth]
        wrong = each[found.argmax(1) != truth].sum() / each.sum()
        entropy = (each * nll_loss(found, truth, reduction="none")).sum() / each.sum()
        return float(wrong + entropy / (1.0 + entropy) / len(truth))

    def predict(self, model: ClassifyModel, arrays: Sequences) -> Floats:
        """Probabilities of every label, [n, K]."""
        from longshort.tasks.classify.inference import probabilities

        return probabilities(model.network, arrays, model.device)

    # Scores

    def baseline_models(self, model: ClassifyModel) -> dict[str, ClassifyModel]:
        """The n-grams without the recurrent layers, where the network reads n-grams."""
        from longshort.tasks.classify.gram_network import GramNetwork

        encoder = model.encoder
        if encoder.grams is None:
            return {}
        network = GramNetwork(encoder.grams.width, len(encoder.labels))
        return {GRAMS: Model(model.config, encoder, network)}

    def baselines(
        self,
        model: ClassifyModel,
        splits: Mapping[str, Encoded[Examples]],
        networks: Mapping[str, ClassifyModel],
        track: Track,
    ) -> dict[str, Baseline[Floats]]:
        """The most frequent label, linear models of n-grams or statistics, neighbours, fixed
        convolutions, and n-grams without the recurrent layers."""
        from longshort.tasks.classify.baselines import Known, baselines
        from longshort.tasks.classify.gram_network import MEMBERS

        train, val, test = (
            Known(splits[name].samples, splits[name].arrays) for name in ("train", "val", "test")
        )
        found = baselines(train, val, test, len(model.encoder.labels), track)
        for name, each in networks.items():
            p = self.predict(each, splits["test"].arrays)
            title = "the same n-grams without the recurrent layers"
            found[name] = Baseline(p, title, f"is {MEMBERS} networks too")
        return found

    def score(self, model: ClassifyModel, samples: Examples, prediction: Floats) -> Scores:
        """Accuracy, macro F1, log loss and calibration."""
        return scoring.scores(model.encoder, samples, prediction)

    def compare(self, scored: Scored[Examples, Floats], one: str, other: str) -> Comparison:
        """Difference of accuracy."""
        return scoring.compare(scored, one, other)

    def facts(self, model: ClassifyModel, scored: Scored[Examples, Floats]) -> dict[str, Any]:
        """Size of the test split, labels, and confusions."""
        return {
            "examples": len(scored.samples),
            "labels": list(model.encoder.labels),
            "confusion": scoring.confusion(model.encoder, scored).tolist(),
        }

    def details(self, model: ClassifyModel, scored: Scored[Examples, Floats]) -> dict[str, Any]:
        """By label."""
        table = scoring.confusion(model.encoder, scored)
        return {"per_class": scoring.per_class(model.encoder, table)}

    def notes(self, model: ClassifyModel, scored: Scored[Examples, Floats]) -> dict[str, str]:
        """Of the baselines, and what a reader has to know about the model."""
        own, members = [], model.config.model.members or 1
        if members > 1:
            own.append(f"is {members} networks, whose probabilities are averaged")
        if model.config.train.class_weights:
            own.append("weighs labels by the inverse of their share: accuracy pays for macro F1")
        notes = super().notes(model, scored)
        return notes | ({MODEL: "; it ".join(own)} if own else {})

    def remark(
        self, model: ClassifyModel, scored: Scored[Examples, Floats], result: Comparison
    ) -> str:
        """Whether anything could be learned."""
        if result.outcome in ("better", "too few"):
            return ""
        if scoring.is_anything_learned(scored, model.encoder):
            return ""
        return (
            " Nothing could be learned here: no classifier says more of the labels than how "
            "frequent they are."
        )

    # Output

    def table(self, model: ClassifyModel, samples: Examples, prediction: Floats) -> pl.DataFrame:
        """Labels and probabilities in order; of labelled samples the hard ones first."""
        write = scoring.predictions if samples.labels is None else scoring.with_truth
        return write(model.encoder, samples, prediction)

    def json(self, table: pl.DataFrame) -> dict[str, Any]:
        """Labels, and whole rows."""
        return {"labels": table["label"].to_list(), "predictions": table.to_dicts()}

    def about(self, model: ClassifyModel, splits: Splits[Examples]) -> list[str]:
        """Labels, and what a step is."""
        encoder = model.encoder
        labels = f"{len(encoder.labels)} labels: {', '.join(encoder.labels[:20])}"
        known = encoder.vocabulary
        step = f"{len(encoder.reader.mean)} values a step"
        if known is not None:
            step = f"{encoder.reader.tokens}, {len(known):,} known tokens"
        return [*super().about(model, splits), labels, step]

    def sections(self, result: ClassifyResult) -> Sequence[Section]:
        """Confusions, calibration, and the worst examples."""
        from longshort.tasks.classify.sections import sections

        return sections(result)

    def split_table(self, result: ClassifyResult) -> list[list[str]]:
        """Examples, and shares of the labels."""
        from longshort.tasks.classify.sections import split_rows

        return split_rows(result)
