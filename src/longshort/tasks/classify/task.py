"""Classification: a label, or several, for each text or each sequence of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from longshort.data.findings import Finding
from longshort.data.label_sets import label_sets
from longshort.data.labelled import Examples, examples_of
from longshort.data.labelled_doctor import Reading, examine_splits
from longshort.data.labelled_source import like, read_labelled_splits, read_unlabelled
from longshort.data.labels import refuse_values
from longshort.data.sequences import Sequences, vocabulary_of
from longshort.data.splits import Splits, make_splits
from longshort.data.tokens import content_of, find_tokeniser, in_full
from longshort.errors import ConfigError, DataError, nearest
from longshort.metrics.significance import Comparison
from longshort.runs.task import (
    MODEL,
    Baseline,
    Encoded,
    Loss,
    Metric,
    Model,
    SampleTask,
    Say,
    Scored,
    Scores,
    Track,
    Training,
    Words,
)
from longshort.runs.vectors import sized_by_vectors
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
from longshort.tasks.classify.exclusive import Exclusive
from longshort.tasks.classify.several import UNDECIDED, Several
from longshort.tasks.classify.targets import Prediction
from longshort.tasks.classify.unused import unused_settings

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from longshort.report.sections import Section
    from longshort.tasks.classify.sections import ClassifyResult

ClassifyModel = Model[ClassifyConfig, ClassifyEncoder]
GRAMS, THRESHOLD = "ngrams", "threshold"


class ClassifyTask(SampleTask[ClassifyConfig, Examples, ClassifyEncoder, Prediction]):
    """A label for each sample, or several; `Targets` says what hangs on that."""

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
        """Labelled texts or arrays, from any format that holds them."""
        return self.read_splits({"train": data}, config)["train"]

    def read_splits(
        self, given: Mapping[str, object], config: ClassifyConfig
    ) -> dict[str, Examples]:
        """The examples of each source; sources for validation and test are read as training was.

        Raises `DataError` where labels are missing or fractions, and where one source holds texts,
        or several labels an example, and another does not.
        """
        found = read_labelled_splits(given, config.data)
        train = found["train"]
        several, mark = config.data.multi_label, config.data.label_separator
        if train.separator is not None:
            several, mark = True, train.separator
        return {name: _of_kind(each, several, mark) for name, each in found.items()}

    def read_labelled(
        self, data: object, model: ClassifyModel, own: Splits[Examples] | None
    ) -> Examples:
        """A file, frame or examples, read with the settings of the run's own data.

        Raises `DataError` where there are no labels.
        """
        del own
        found = read_unlabelled(data, model.config.data, model.encoder.labels, with_labels=True)
        mark = model.encoder.targets.separator
        return _of_kind(found, mark is not None, mark)

    def read_new(self, data: object, model: ClassifyModel) -> Examples:
        """A file or frame, read with the settings of the run's own data, or a list of texts or
        arrays. Labels are not needed, and dropped where there are some."""
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
        """Lines of text to classify; first: the number of the first line, for messages."""
        places = [f"line {number}" for number in range(first, first + len(lines))]
        return self._with_unknown(replace(examples_of(lines), places=places), model.encoder)

    def _with_unknown(self, samples: Examples, encoder: ClassifyEncoder) -> Examples:
        """The samples with a note that names texts without a token of the vocabulary."""
        found = encoder.reader.unknown(samples)
        return replace(samples, findings=(*samples.findings, *found))

    def line(self, samples: Examples, prediction: Prediction, model: ClassifyModel) -> str:
        """The label of a single text, or its labels, for the terminal."""
        del samples
        targets = model.encoder.targets
        return targets.spoken(targets.chosen(prediction)[0])

    def split(self, given: Any, config: ClassifyConfig) -> Splits[Examples]:
        """Splits drawn with the same shares of every label, as far as they are not given; without a
        validation split where it would be too small to choose by."""
        split, train = config.split, given["train"]
        share = validation_share(config, len(train), is_needed=train.separator is not None)
        return make_splits(
            given, val=share, test=split.test, stratify=split.stratify, seed=split.seed
        )

    def describe(self, splits: Splits[Examples], config: ClassifyConfig) -> list[str]:
        """For each split how many examples and different labels it has."""
        del config
        return [
            f"{name}: {len(each):,} examples with "
            f"{len({label for labels in each.label_sets for label in labels})} labels"
            for name, each in splits.by_name().items()
        ]

    def check(self, splits: Splits[Examples], config: ClassifyConfig) -> list[Finding]:
        """What in the data would harm a classifier: see `examine_splits`."""
        text, reading = config.text, None
        if splits.train.is_text:
            tokens = str(text.tokens)
            known = vocabulary_of(splits.train, text, content_of(tokens))
            reading = Reading(find_tokeniser(tokens, text.lowercase).cut, known, text.max_length)
        return examine_splits(splits, reading)

    def resolve(self, config: ClassifyConfig, splits: Splits[Examples]) -> ClassifyConfig:
        """The settings with everything open decided by kind and amount of the training data.

        Raises `ConfigError` for the weight of a label that training lacks.
        """
        train, data = splits.train, like(splits.train, config.data)
        _refuse_unknown_weights(config, train)
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
        """Settings for texts where there are numbers, or for another format, and why."""
        return unused_settings(config, splits.train)

    # Encoder and network

    def fit_encoder(self, train: Examples, config: ClassifyConfig) -> ClassifyEncoder:
        """Labels, vocabulary or scales, and n-grams of the training split."""
        return ClassifyEncoder.fit(train, config)

    def store_encoder(self, encoder: ClassifyEncoder) -> dict[str, Any]:
        """The encoder as plain values for JSON."""
        return encoder.to_dict()

    def restore_encoder(self, stored: dict[str, Any], config: ClassifyConfig) -> ClassifyEncoder:
        """The encoder that `store_encoder` wrote."""
        del config
        return ClassifyEncoder.from_dict(stored)

    def encode(self, encoder: ClassifyEncoder, samples: Examples) -> Sequences:
        """Token numbers or scaled values, and the labels as numbers."""
        return encoder.encode(samples)

    def build(self, config: ClassifyConfig, encoder: ClassifyEncoder) -> nn.Module:
        """The untrained networks that stand together, see `Classifier`."""
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
        """Fill the embeddings with pretrained vectors, where a file of them is named.

        Returns how many tokens have one.
        """
        del train, val
        from longshort.runs.vectors import start_from_vectors

        file, known = model.config.model.vectors, model.encoder.vocabulary
        embeddings = getattr(model.network, "embeddings", [])
        if file is None or known is None or not embeddings:
            return []
        return [start_from_vectors([each.weight for each in embeddings], file, known)]

    def loss(self, model: ClassifyModel, batch: Any) -> Loss:
        """The mean cross entropy of a batch over samples and networks.

        Its sum over networks is minimised, so that each learns as it would alone.
        """
        import torch

        from longshort.tasks.classify.inference import logits_of

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
        """How all networks are trained at once; n-grams alone have a budget of their own."""
        from longshort.tasks.classify.gram_network import GramNetwork
        from longshort.tasks.classify.learning import ClassifyLearning, gram_training

        if isinstance(model.network, GramNetwork):
            return gram_training(model, train)
        learning = ClassifyLearning(self, model, train, val)
        return Training(learning, model.config.train, learning.plan())

    def validate(self, model: ClassifyModel, val: Encoded[Examples]) -> float:
        """`Targets.error` on the validation split, with labels weighed as in training."""
        from longshort.tasks.classify.inference import probabilities

        targets = model.encoder.targets
        weights = targets.weights(model.config.train.class_weights)
        return targets.error(probabilities(model, val.arrays), val.arrays.targets, weights)

    def fit_rest(
        self,
        model: ClassifyModel,
        train: Encoded[Examples],
        val: Encoded[Examples],
        say: Say,
        track: Track,
    ) -> dict[str, NDArray[np.float64]]:
        """Choose the probability above which a label is predicted, where there may be several."""
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
        """The threshold of highest micro F1 on the validation split, 0.5 without one, None where
        each sample has one label."""
        from longshort.tasks.classify.inference import probabilities

        targets = model.encoder.targets
        if not targets.has_threshold or not len(val.samples):
            return UNDECIDED if targets.has_threshold else None
        return targets.threshold(probabilities(model, val.arrays), val.arrays.targets)

    def predict(self, model: ClassifyModel, arrays: Sequences) -> Prediction:
        """Probabilities of every label, [n, K], and the run's threshold where it has one."""
        from longshort.tasks.classify.inference import probabilities

        kept = model.kept.get(THRESHOLD)
        threshold = None if kept is None else float(kept[0])
        return Prediction(probabilities(model, arrays), threshold)

    # Scores

    def metric(self, config: ClassifyConfig) -> Metric:
        """The metric that decides: accuracy, or micro F1 where there may be several labels."""
        return Several.metric if config.data.multi_label else Exclusive.metric

    def baseline_models(self, model: ClassifyModel) -> dict[str, ClassifyModel]:
        """Networks of the n-grams alone, where the model reads n-grams beside its tokens."""
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
        """The most frequent label, linear models of n-grams or of statistics, the nearest
        neighbour, fixed convolutions, and the n-grams without the recurrent layers."""
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
        """Accuracy, macro F1, log loss and calibration; of several labels micro F1 and others."""
        return model.encoder.targets.scores(samples, prediction)

    def compare(self, scored: Scored[Examples, Prediction], one: str, other: str) -> Comparison:
        """Difference of accuracy, or of micro F1."""
        is_right = scored.scores[one].per_sample.ndim == 1  # else counts of labels
        return (Exclusive if is_right else Several).compare(scored, one, other)

    def facts(self, model: ClassifyModel, scored: Scored[Examples, Prediction]) -> dict[str, Any]:
        """Size of the test split, labels, and confusions or the threshold."""
        sizes = {"examples": len(scored.samples), "labels": list(model.encoder.labels)}
        return sizes | model.encoder.targets.facts(scored)

    def details(self, model: ClassifyModel, scored: Scored[Examples, Prediction]) -> dict[str, Any]:
        """Precision, recall, F1 and support of each label."""
        each = model.encoder.targets.per_class(scored)
        labels = enumerate(model.encoder.labels)
        return {
            "per_class": {
                label: {name: float(values[i]) for name, values in each.items()}
                for i, label in labels
            }
        }

    def notes(self, model: ClassifyModel, scored: Scored[Examples, Prediction]) -> dict[str, str]:
        """Remarks on the baselines, and on the model's members, weights of labels and threshold."""
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
            own.append(f"says a label from {threshold:.2g} on")
        notes = super().notes(model, scored)
        return notes | ({MODEL: "; it ".join(own)} if own else {})

    def remark(
        self, model: ClassifyModel, scored: Scored[Examples, Prediction], result: Comparison
    ) -> str:
        """Says so where no classifier knows more of the labels than how frequent they are."""
        if result.outcome in ("better", "too few"):
            return ""
        if model.encoder.targets.is_anything_learned(scored):
            return ""
        return (
            " Nothing could be learned here: no classifier says more of the labels than how "
            "frequent they are."
        )

    # Output

    def table(
        self, model: ClassifyModel, samples: Examples, prediction: Prediction
    ) -> pl.DataFrame:
        """Labels and probabilities in order; of labelled samples the hard ones first."""
        targets = model.encoder.targets
        write = targets.table if samples.labels is None else targets.with_truth
        return write(samples, prediction)

    def ranked(
        self, model: ClassifyModel, samples: Examples, prediction: Prediction, count: int
    ) -> pl.DataFrame:
        """Columns label_1, probability_1, label_2 and so on, the most probable label first."""
        return model.encoder.targets.ranked_table(samples, prediction, count)

    def json(self, table: pl.DataFrame) -> dict[str, Any]:
        """The predicted labels, and the table row by row."""
        return {"labels": table["label"].to_list(), "predictions": table.to_dicts()}

    def about(self, model: ClassifyModel, splits: Splits[Examples]) -> list[str]:
        """How many examples and which labels there are, and what the network reads at a step."""
        encoder = model.encoder
        labels = f"{len(encoder.labels)} labels: {', '.join(encoder.labels[:20])}"
        known = encoder.vocabulary
        step = f"{len(encoder.reader.mean)} values a step"
        if known is not None:
            step = f"{encoder.reader.tokens}, {len(known):,} known tokens"
        return [*super().about(model, splits), labels, step]

    def sections(self, result: ClassifyResult) -> Sequence[Section]:
        """The report's sections: scores by label, calibration, and the worst examples."""
        return result.model.encoder.targets.sections(result)

    def split_table(self, result: ClassifyResult) -> list[list[str]]:
        """The report's table of splits: their examples, and the shares of the labels."""
        from longshort.tasks.classify.sections import split_rows

        return split_rows(result)


def _of_kind(examples: Examples, several: bool, separator: str | None) -> Examples:
    """Labelled examples with several labels each, or with one.

    separator: what divides several in a text. Raises `DataError` for examples without labels, for
    fractions, and for several labels where there shall be one.
    """
    if examples.labels is None:
        raise DataError(f"{examples.name}: has no labels; classification learns from them")
    refuse_values(examples.labels, examples.label_kind, examples.places, examples.name)
    if several and examples.separator is None:
        cells, places = examples.labels, examples.places
        return examples.with_sets(label_sets(cells, places, examples.name, separator))
    if examples.separator is not None and not several:
        raise DataError(
            f"{examples.name}: examples have several labels, and those of training one each; say "
            "--multi-label, or keep one of each"
        )
    return examples


def _refuse_unknown_weights(config: ClassifyConfig, train: Examples) -> None:
    """Raise `ConfigError` for the weight of a label that training lacks."""
    weights = config.train.class_weights
    labels = sorted({label for each in train.label_sets for label in each})
    for name in weights if isinstance(weights, dict) else ():
        if name not in labels:
            raise ConfigError(
                f"train.class_weights: {name!r} is no label of the training split; "
                f"{nearest(name, labels)}"
            )
