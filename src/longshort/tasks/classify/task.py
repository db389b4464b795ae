"""The task of classification: one label or several for each text or sequence of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from longshort.data.findings import Finding
from longshort.data.groups import split_examples
from longshort.data.labelled import Examples, examples_of
from longshort.data.labelled_doctor import Reading, examine_splits
from longshort.data.sequences import Sequences, longest_of, vocabulary_of
from longshort.data.splits import Splits
from longshort.data.tokens import content_of, find_tokeniser
from longshort.errors import ConfigError
from longshort.lazy import polars as pl
from longshort.metrics.significance import Comparison
from longshort.runs.abilities import Stepper
from longshort.runs.sample_task import SampleTask
from longshort.runs.state_steps import example_steps, rehearse_steps
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
from longshort.tasks.classify import reading
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.defaults import decided, validation_share
from longshort.tasks.classify.encoder import ClassifyEncoder
from longshort.tasks.classify.exclusive import Exclusive
from longshort.tasks.classify.inference import Floats, probabilities
from longshort.tasks.classify.several import UNDECIDED, Several
from longshort.tasks.classify.targets import Prediction
from longshort.tasks.classify.unused import unused_settings

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from longshort.report.sections import Section
    from longshort.runs.portable import Portable
    from longshort.tasks.classify.sections import ClassifyResult
    from longshort.tasks.classify.subject import ClassifySubject

ClassifyModel = Model[ClassifyConfig, ClassifyEncoder]
GRAMS, THRESHOLD = "ngrams", "threshold"


class ClassifyTask(SampleTask[ClassifyConfig, Examples, ClassifyEncoder, Prediction]):
    """The task of classification; `Targets` has what differs between one label and several."""

    name: ClassVar[str] = "classify"
    run_class = "longshort.api.classifier:ClassifierRun"
    Config = ClassifyConfig
    metrics = (
        Exclusive.metric,
        Several.metric,
        Metric("macro_f1", "macro F1"),
        Metric("subset_accuracy", "subset accuracy"),
        Metric("hamming_loss", "Hamming loss", higher_is_better=False),
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
    measure = Exclusive.measure

    # Data

    def read(self, data: object, config: ClassifyConfig) -> Examples:
        """Read labelled texts or arrays from any format."""
        return self.read_splits({"train": data}, config)["train"]

    def read_splits(
        self, given: Mapping[str, object], config: ClassifyConfig
    ) -> dict[str, Examples]:
        """Read the examples of each source; all are read in the way of the training data."""
        return reading.read_splits(given, config)

    def read_labelled(
        self, data: object, model: ClassifyModel, own: Splits[Examples] | None
    ) -> Examples:
        """Read a file, frame or examples in the way of the run's own data.

        Raises `DataError` if there are no labels.
        """
        del own
        found = reading.read_like(data, model.config, model.encoder.labels, with_labels=True)
        mark = model.encoder.targets.separator
        return reading.of_kind(found, mark is not None, mark)

    def read_new(self, data: object, model: ClassifyModel) -> Examples:
        """Read a file or frame in the way of the run's own data, or a list of texts or arrays.

        Labels are not needed, and dropped if there are any.
        """
        config, encoder = model.config, model.encoder
        if isinstance(data, Examples):
            found = data
        else:
            found = reading.read_like(data, config, encoder.labels, with_labels=False)
        return self._with_unknown(replace(found, labels=None), encoder)

    def refuse_lines(self, model: ClassifyModel) -> None:
        """Raise `ConfigError` if the run classifies arrays."""
        if model.encoder.vocabulary is None:
            raise ConfigError("--data: the run classifies numbers over time; give a file of them")

    def read_lines(self, lines: Sequence[str], first: int, model: ClassifyModel) -> Examples:
        """Return lines of text as examples; first: number of the first line, for messages."""
        places = [f"line {number}" for number in range(first, first + len(lines))]
        return self._with_unknown(replace(examples_of(lines), places=places), model.encoder)

    def _with_unknown(self, samples: Examples, encoder: ClassifyEncoder) -> Examples:
        """Return the samples with a finding on texts without a token of the vocabulary."""
        found = encoder.reader.unknown(samples)
        return replace(samples, findings=(*samples.findings, *found))

    def line(self, samples: Examples, prediction: Prediction, model: ClassifyModel) -> str:
        """Return the label or labels of a single text as one line for a terminal."""
        del samples
        targets = model.encoder.targets
        return targets.spoken(targets.chosen(prediction)[0])

    def split(self, given: Any, config: ClassifyConfig) -> Splits[Examples]:
        """Return the splits; those that are not given are drawn with the same shares of labels.

        Groups stay together, where the source has them.

        The validation split is empty if it would be too small to choose by.
        """
        train = given["train"]
        share = validation_share(config, len(train), is_needed=train.separator is not None)
        return split_examples(given, config.split, share)

    def describe(self, splits: Splits[Examples], config: ClassifyConfig) -> list[str]:
        """Describe the examples and labels of each split, in lines for people."""
        del config
        return [
            f"{name}: {len(each):,} examples with "
            f"{len({label for labels in each.label_sets for label in labels})} labels"
            for name, each in splits.by_name().items()
        ]

    def check(self, splits: Splits[Examples], config: ClassifyConfig) -> list[Finding]:
        """Return every finding about the data that would harm a classifier."""
        text, reader = config.text, None
        if splits.train.is_text:
            tokens = str(text.tokens)
            known = vocabulary_of(splits.train, text, content_of(tokens))
            reader = Reading(find_tokeniser(tokens, text.lowercase).cut, known, text.max_length)
        return examine_splits(splits, reader)

    def resolve(self, config: ClassifyConfig, splits: Splits[Examples]) -> ClassifyConfig:
        """Decide open settings from the kind and the amount of the data."""
        return decided(config, splits)

    def longest(self, config: ClassifyConfig, splits: Splits[Examples]) -> int:
        """Return the steps that the recurrent layers read of the longest training sequence."""
        model = config.model
        steps = -(-longest_of(splits.train, config.text) // model.patch)
        if model.convolution:
            steps = -(-steps // (model.stride or 1))
        return min(steps, model.stretches or steps)

    def unused(self, config: ClassifyConfig, splits: Splits[Examples]) -> list[tuple[str, str]]:
        """Return settings of other kinds or formats of data, each with the reason."""
        return unused_settings(config, splits.train)

    # Encoder and network

    def fit_encoder(self, train: Examples, config: ClassifyConfig) -> ClassifyEncoder:
        """Fit labels, vocabulary or scales, and n-grams on the training split."""
        return ClassifyEncoder.fit(train, config)

    def store_encoder(self, encoder: ClassifyEncoder) -> dict[str, Any]:
        """Return the encoder as plain values for JSON."""
        return encoder.to_dict()

    def restore_encoder(self, stored: dict[str, Any], config: ClassifyConfig) -> ClassifyEncoder:
        """Return the encoder that `store_encoder` wrote."""
        del config
        return ClassifyEncoder.from_dict(stored)

    def encode(self, encoder: ClassifyEncoder, samples: Examples) -> Sequences:
        """Encode samples as token numbers or scaled values, and labels as numbers."""
        return encoder.encode(samples)

    def build(self, config: ClassifyConfig, encoder: ClassifyEncoder) -> nn.Module:
        """Build the untrained ensemble of networks."""
        from longshort.tasks.classify.network import Classifier

        return Classifier(
            config.model,
            len(encoder.labels),
            tokens=None if encoder.vocabulary is None else len(encoder.vocabulary),
            features=len(encoder.reader.mean) or None,
            grams=None if encoder.grams is None else encoder.grams.width,
            picture=config.data.picture,
        )

    def start(
        self, model: ClassifyModel, train: Encoded[Examples], val: Encoded[Examples]
    ) -> list[str]:
        """Fill the embeddings with pretrained vectors, if a file of them is named.

        Returns a line for people on how many tokens have one.
        """
        del train, val
        from longshort.runs.vectors import start_from_vectors

        file, known = model.config.model.vectors, model.encoder.vocabulary
        embeddings = getattr(model.network, "embeddings", [])
        if file is None or known is None or not embeddings:
            return []
        return [start_from_vectors([each.weight for each in embeddings], file, known)]

    def loss(self, model: ClassifyModel, batch: Any) -> Loss:
        """Return the mean cross entropy of a batch over samples and networks.

        The sum over networks is minimised, so that each learns as it would alone.
        """
        import torch

        from longshort.tasks.classify.logits import logits_of

        train, targets = model.config.train, model.encoder.targets
        factors = targets.weights(train.class_weights)
        weights = None
        if factors is not None:
            weights = torch.tensor(factors, dtype=torch.float32, device=model.device)
        logits = logits_of(model.network, batch)
        loss = targets.loss(logits, batch.targets, weights, train.label_smoothing)
        return Loss(loss, loss * len(logits))

    def training(
        self, model: ClassifyModel, train: Encoded[Examples], val: Encoded[Examples]
    ) -> Training:
        """Return how the networks are trained together; n-grams alone have their own settings."""
        from longshort.tasks.classify.gram_network import GramNetwork
        from longshort.tasks.classify.learning import ClassifyLearning, gram_training

        if isinstance(model.network, GramNetwork):
            return gram_training(model, train)
        learning = ClassifyLearning(self, model, train, val)
        return Training(learning, model.config.train, learning.plan())

    def validate(self, model: ClassifyModel, val: Encoded[Examples]) -> float:
        """Return `Targets.error` on the validation split, with labels weighed as in training."""
        targets = model.encoder.targets
        weights = targets.weights(model.config.train.class_weights)
        return targets.error(self._probabilities(model, val.arrays), val.arrays.targets, weights)

    def fit_rest(
        self,
        model: ClassifyModel,
        train: Encoded[Examples],
        val: Encoded[Examples],
        say: Say,
        track: Track,
    ) -> dict[str, NDArray[np.float64]]:
        """Choose the threshold above which a label is predicted, if there may be several."""
        del train, track
        if not model.encoder.targets.has_threshold:
            return {}
        threshold = self._threshold(model, val)
        how = "for the highest micro F1 on the validation split"
        if not len(val.samples):
            how = "since there is no validation split to choose it on"
        say(f"decided: a label is predicted where its probability is above {threshold:.3g}, {how}")
        return {THRESHOLD: np.array([threshold])}

    def _threshold(self, model: ClassifyModel, val: Encoded[Examples]) -> float | None:
        """Return the threshold with the highest micro F1 on the validation split.

        It is 0.5 without a validation split, and None if each sample has one label.
        """
        targets = model.encoder.targets
        if not targets.has_threshold or not len(val.samples):
            return UNDECIDED if targets.has_threshold else None
        return targets.threshold(self._probabilities(model, val.arrays), val.arrays.targets)

    def _probabilities(self, model: ClassifyModel, arrays: Sequences) -> NDArray[np.float64]:
        return probabilities(model.call, model.encoder.targets, arrays)

    def predict(self, model: ClassifyModel, arrays: Sequences) -> Prediction:
        """Return probabilities of every label, [n, K], with the threshold if the run has one."""
        kept = model.kept.get(THRESHOLD)
        threshold = None if kept is None else float(kept[0])
        return Prediction(self._probabilities(model, arrays), threshold)

    def rehearse(self, model: ClassifyModel, arrays: Sequences) -> None:
        """Predict whole samples, and the first rows of one step by step."""
        self.predict(model, arrays)
        rehearse_steps(model, arrays)

    def stepper(self, model: ClassifyModel) -> Stepper:
        """Return what classifies the rows or the text so far."""
        says = {"label": "the label"} | {
            f"p_{label}": f"probability of {label}" for label in model.encoder.labels
        }
        targets, kept = model.encoder.targets, model.kept.get(THRESHOLD)
        threshold = None if kept is None else float(kept[0])

        def answer(logits: Floats) -> dict[str, Any]:
            shares = targets.shares(logits.astype(np.float64)).mean(0)
            return targets.answer(Prediction(shares, threshold))

        return example_steps(self, model, model.encoder.reader, answer, says, axis=1)

    # Scores

    def metric(self, config: ClassifyConfig) -> Metric:
        """Return the metric that decides: accuracy, or micro F1 if there may be several labels."""
        return Several.metric if config.data.multi_label else Exclusive.metric

    def baseline_models(self, model: ClassifyModel) -> dict[str, ClassifyModel]:
        """Return the network of the n-grams alone, if the model reads n-grams."""
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
    ) -> dict[str, Baseline[Prediction]]:
        """Return the predictions of all baselines.

        The most frequent label, linear models of n-grams or of statistics, the nearest neighbour,
        fixed convolutions, and the n-grams without the recurrent layers.
        """
        from longshort.tasks.classify.baselines import Known, baselines
        from longshort.tasks.classify.gram_network import MEMBERS

        train, val, test = (
            Known(splits[name].samples, splits[name].arrays) for name in ("train", "val", "test")
        )
        found = baselines(train, val, test, model.encoder.targets, track)
        for name, each in networks.items():
            threshold = self._threshold(each, splits["val"])
            own = replace(self.predict(each, splits["test"].arrays), threshold=threshold)
            title = "the same n-grams without the recurrent layers"
            found[name] = Baseline(own, title, f"is {MEMBERS} networks too")
        return found

    def score(self, model: ClassifyModel, samples: Examples, prediction: Prediction) -> Scores:
        """Return accuracy, macro F1, log loss and calibration, or micro F1 and others."""
        return model.encoder.targets.scores(samples, prediction)

    def compare(self, scored: Scored[Examples, Prediction], one: str, other: str) -> Comparison:
        """Return the difference of accuracy, or of micro F1, by a paired test."""
        is_right = scored.scores[one].per_sample.ndim == 1  # else counts of labels
        return (Exclusive if is_right else Several).compare(scored, one, other)

    def facts(self, model: ClassifyModel, scored: Scored[Examples, Prediction]) -> dict[str, Any]:
        """Return the size of the test split, labels, and confusions or the threshold."""
        sizes = {"examples": len(scored.samples), "labels": list(model.encoder.labels)}
        return sizes | model.encoder.targets.facts(scored)

    def details(self, model: ClassifyModel, scored: Scored[Examples, Prediction]) -> dict[str, Any]:
        """Return precision, recall, F1 and support of each label."""
        each = model.encoder.targets.per_class(scored)
        labels = enumerate(model.encoder.labels)
        return {
            "per_class": {
                label: {name: float(values[i]) for name, values in each.items()}
                for i, label in labels
            }
        }

    def notes(self, model: ClassifyModel, scored: Scored[Examples, Prediction]) -> dict[str, str]:
        """Return remarks on the baselines, and on the model's members, weights and threshold."""
        own, members = [], model.config.model.members or 1
        if members > 1:
            own.append(f"is {members} networks, whose probabilities are averaged")
        weights = model.config.train.class_weights
        if weights == "balanced":
            own.append(model.encoder.targets.weighing)
        elif weights is not None:
            named = ", ".join(f"{label} by {weight:g}" for label, weight in weights.items())
            own.append(f"weighs labels: {named}")
        threshold = scored.predictions[MODEL].threshold
        if threshold is not None:
            own.append(f"predicts a label from {threshold:.2g} on")
        notes = super().notes(model, scored)
        return notes | ({MODEL: "; it ".join(own)} if own else {})

    def remark(
        self, model: ClassifyModel, scored: Scored[Examples, Prediction], result: Comparison
    ) -> str:
        """Return a sentence if no classifier knows more than the frequencies of the labels."""
        if result.outcome in ("better", "too few"):
            return ""
        if model.encoder.targets.is_anything_learned(scored):
            return ""
        return (
            " Nothing could be learned here: no classifier says more of the labels than how "
            "frequent they are."
        )

    def subject(
        self, model: ClassifyModel, samples: Examples, train: Examples | None
    ) -> ClassifySubject:
        """Return the samples as rows that can be explained."""
        from longshort.tasks.classify.subject import ClassifySubject

        return ClassifySubject(model, samples, train)

    def portable(self, model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
        """Return the network from a sequence to the labels' probabilities."""
        from longshort.tasks.classify.code import portable

        return portable(model, golden, steps)

    # Output

    def table(
        self, model: ClassifyModel, samples: Examples, prediction: Prediction
    ) -> pl.DataFrame:
        """Return labels and probabilities in order; labelled samples by loss, the highest first."""
        return pl.DataFrame(self.columns(model, samples, prediction))

    def columns(
        self, model: ClassifyModel, samples: Examples, prediction: Prediction
    ) -> dict[str, Any]:
        """Return the columns of the table."""
        targets = model.encoder.targets
        write = targets.columns if samples.labels is None else targets.with_truth
        return write(samples, prediction)

    def ranked(
        self, model: ClassifyModel, samples: Examples, prediction: Prediction, count: int
    ) -> pl.DataFrame:
        """Return the columns label_1, probability_1, label_2 and so on, by probability."""
        return model.encoder.targets.ranked_table(samples, prediction, count)

    def json(self, table: pl.DataFrame) -> dict[str, Any]:
        """Return the predicted labels, and the table row by row."""
        return {"labels": table["label"].to_list(), "predictions": table.to_dicts()}

    def about(self, model: ClassifyModel, splits: Splits[Examples]) -> list[str]:
        """Describe examples, labels, and the network's input at a step, in lines for people."""
        encoder = model.encoder
        labels = f"{len(encoder.labels)} labels: {', '.join(encoder.labels[:20])}"
        known = encoder.vocabulary
        step = f"{len(encoder.reader.mean)} values a step"
        if known is not None:
            step = f"{encoder.reader.tokens}, {len(known):,} known tokens"
        return [*super().about(model, splits), labels, step]

    def sections(self, result: ClassifyResult) -> Sequence[Section]:
        """Return the report's sections: labels, calibration, the worst examples, recordings."""
        from longshort.tasks.classify.sound_sections import heard

        return [*result.model.encoder.targets.sections(result), *heard(result)]

    def split_table(self, result: ClassifyResult) -> list[list[str]]:
        """Return the report's table of splits: their examples, and the shares of the labels."""
        from longshort.tasks.classify.sections import split_rows

        return split_rows(result)
