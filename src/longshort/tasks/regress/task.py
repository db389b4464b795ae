"""Regression: one number or several for each text, or for each sequence of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.findings import Finding
from longshort.data.grams import Grams, kinds_for
from longshort.data.groups import split_examples
from longshort.data.labelled import Examples, examples_of
from longshort.data.labelled_source import like, read_labelled_splits, read_unlabelled
from longshort.data.sequences import SequenceReader, Sequences, longest_of
from longshort.data.splits import Splits
from longshort.data.tokens import in_full, suited
from longshort.errors import DataError
from longshort.lazy import polars as pl
from longshort.metrics.ridge import ridge_forecast
from longshort.metrics.statistics import statistics_of
from longshort.runs.abilities import Stepper
from longshort.runs.inference import in_batches
from longshort.runs.sample_task import SampleTask
from longshort.runs.state_steps import example_steps, rehearse_steps
from longshort.runs.task import Baseline, Encoded, Loss, Metric, Model, Scored, Scores, Track, Words
from longshort.runs.unused import unused_groups, unused_patch, unused_strokes
from longshort.tasks.regress.config import RegressConfig

if TYPE_CHECKING:
    from torch import nn

    from longshort.report.sections import Section
    from longshort.runs.portable import Portable
    from longshort.runs.result import Result
    from longshort.tasks.regress.subject import RegressSubject

Floats = NDArray[np.float64]
_BATCHES, _FEWEST, _MOST = 2_000, 10, 60
_MOST_GRAMS = 2_000


@dataclass(frozen=True)
class RegressEncoder:
    """A reader of texts or arrays, and the mean and deviation of the values, [K] each."""

    reader: SequenceReader
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


RegressModel = Model[RegressConfig, RegressEncoder]


class RegressTask(SampleTask[RegressConfig, Examples, RegressEncoder, Floats]):
    """Regression with recurrent layers below a linear head.

    A prediction is an array of values [n, K] in the data's units.
    """

    name: ClassVar[str] = "regress"
    run_class = "longshort.api.regressor:RegressorRun"
    Config = RegressConfig
    metrics = (
        Metric("rmse", "RMSE", False, spoken="RMSE {}"),
        Metric("mae", "MAE", False),
        Metric("r2", "R²"),
    )
    words = Words(
        model="regressor",
        title="Regression",
        samples="examples",
        unit="time steps",
        usage="Use it with `longshort predict RUN --data FILE` or "
        '`longshort.load("RUN").predict([...])`.',
        scores="In the data's own units; of several values the mean over them.",
        gain="share of the squared error saved",
    )
    measure = "mean squared error (in deviations)"

    # Data

    def read(self, data: object, config: RegressConfig) -> Examples:
        """Read texts or arrays with their values."""
        return self.read_splits({"train": data}, config)["train"]

    def read_splits(
        self, given: Mapping[str, object], config: RegressConfig
    ) -> dict[str, Examples]:
        """Read each source in the way of the training file."""
        found = read_labelled_splits(given, config.data)
        for examples in found.values():
            values_of(examples)
        return found

    def read_new(self, data: object, model: RegressModel) -> Examples:
        """Read a file or frame in the way of the run's own, or a list; values are optional."""
        found = data
        if not isinstance(data, Examples):
            found = read_unlabelled(data, model.config.data, (), with_labels=False)
        assert isinstance(found, Examples)
        unknown = model.encoder.reader.unknown(found)
        return replace(found, labels=None, findings=(*found.findings, *unknown))

    def read_lines(self, lines: Sequence[str], first: int, model: RegressModel) -> Examples:
        """Make examples from lines of text; `first` is the number of the first line."""
        self.refuse_lines(model)
        places = [f"line {number}" for number in range(first, first + len(lines))]
        return replace(examples_of(lines), places=places)

    def line(self, samples: Examples, prediction: Floats, model: RegressModel) -> str:
        """Return the values of a single text as a line for the terminal."""
        del samples, model
        return " ".join(f"{value:.6g}" for value in prediction[0])

    def refuse_lines(self, model: RegressModel) -> None:
        """Raise `DataError` if the run reads arrays."""
        if model.encoder.reader.vocabulary is None:
            raise DataError("--data: the run reads numbers over time; give a file of them")

    def split(self, given: Any, config: RegressConfig) -> Splits[Examples]:
        """Return the splits; those that are not given are drawn, by group where there are any."""
        return split_examples(given, config.split, config.split.val)

    def check(self, splits: Splits[Examples], config: RegressConfig) -> list[Finding]:
        """Return the findings of reading, and one on values that never change."""
        del config
        found, values = list(splits.findings), values_of(splits.train)
        if bool((values.std(axis=0) == 0).any()):
            text = "the values of the training split are all the same; there is nothing to learn"
            found.append(Finding("constant", "error", text, (), "give others"))
        return found

    def resolve(self, config: RegressConfig, splits: Splits[Examples]) -> RegressConfig:
        """Decide open settings from the kind and amount of the training data."""
        train, text = splits.train, config.text
        if train.is_text:
            tokens = in_full(text.tokens or suited([str(item) for item in train.items]))
            least = text.min_count or (2 if len(train) >= 500 else 1)
            text = text.model_copy(update={"tokens": tokens, "min_count": least})
        summary = config.model.summary
        model = {"summary": not train.is_text if summary is None else summary}
        batches = max(1, len(train) // config.train.batch_size)
        epochs = config.train.max_epochs or min(_MOST, max(_FEWEST, round(_BATCHES / batches)))
        return config.model_copy(
            update={
                "data": like(train, config.data),
                "text": text,
                "model": config.model.model_copy(update=model),
                "train": config.train.model_copy(update={"max_epochs": epochs}),
            }
        )

    def longest(self, config: RegressConfig, splits: Splits[Examples]) -> int:
        """Return the steps of the longest training sequence, in patches."""
        return -(-longest_of(splits.train, config.text) // config.model.patch)

    def unused(self, config: RegressConfig, splits: Splits[Examples]) -> list[tuple[str, str]]:
        """Return the settings that only labels have, and those of numbers where texts are read."""
        del config
        found = [(f"data.{name}", "is of labels") for name in ("multi_label", "label_separator")]
        found.append(("data.file", f"is of recordings, and {splits.train.name} holds none"))
        found += [*unused_groups(splits.train), *unused_patch(splits.train)]
        return [*found, *unused_strokes(splits.train)]

    # Encoder and network

    def fit_encoder(self, train: Examples, config: RegressConfig) -> RegressEncoder:
        """Fit the vocabulary or the scales of the inputs, and the scales of the values."""
        by_channel = config.data.scaling != "all"
        reader = SequenceReader.fit(train, config.text, by_channel=by_channel)
        values = values_of(train)
        return RegressEncoder(reader, tuple(values.mean(0).tolist()), tuple(values.std(0).tolist()))

    def store_encoder(self, encoder: RegressEncoder) -> dict[str, Any]:
        """Return the encoder as plain values."""
        scales = {"value_mean": list(encoder.mean), "value_deviation": list(encoder.deviation)}
        return encoder.reader.to_dict() | scales

    def restore_encoder(self, stored: dict[str, Any], config: RegressConfig) -> RegressEncoder:
        """Restore the encoder from plain values."""
        del config
        scales = (tuple(map(float, stored[f"value_{key}"])) for key in ("mean", "deviation"))
        return RegressEncoder(SequenceReader.from_dict(stored), *scales)

    def encode(self, encoder: RegressEncoder, samples: Examples) -> Sequences:
        """Return token numbers or scaled arrays, with scaled values [n, K]."""
        items, targets = encoder.reader.read(samples), np.zeros((0, len(encoder.mean)))
        if samples.labels is not None:
            targets = (values_of(samples) - encoder.mean) / encoder.deviation
        return Sequences(items, targets.astype(np.float32))

    def build(self, config: RegressConfig, encoder: RegressEncoder) -> nn.Module:
        """Build recurrent layers below a linear head."""
        from longshort.tasks.regress.network import Regressor

        reader = encoder.reader
        tokens = 0 if reader.vocabulary is None else len(reader.vocabulary)
        return Regressor(config.model, tokens, len(reader.mean), len(encoder.mean))

    def loss(self, model: RegressModel, batch: Any) -> Loss:
        """Return the mean loss of scaled values."""
        from torch.nn import functional as F

        losses = {"mse": F.mse_loss, "mae": F.l1_loss, "huber": F.huber_loss}
        loss: Any = losses[model.config.train.loss]
        found = loss(model.network(batch.x, batch.lengths), batch.targets)
        return Loss(found, found)

    def validate(self, model: RegressModel, val: Encoded[Examples]) -> float:
        """Return the mean squared error in deviations of the training values."""
        error = self.predict(model, val.arrays) - values_of(val.samples)
        return float(np.mean((error / model.encoder.deviation) ** 2))

    def predict(self, model: RegressModel, arrays: Sequences) -> Floats:
        """Return values [n, K] in the data's units."""
        scaled = in_batches(arrays, lambda b: model.call("forward", b.x, b.lengths))
        return scaled * model.encoder.deviation + model.encoder.mean

    def rehearse(self, model: RegressModel, arrays: Sequences) -> None:
        """Predict whole samples, and the first rows of one step by step."""
        self.predict(model, arrays)
        rehearse_steps(model, arrays)

    def stepper(self, model: RegressModel) -> Stepper:
        """Return what predicts the values of the rows or the text so far."""
        names, encoder = predicted_names(model), model.encoder

        def answer(scaled: Floats) -> dict[str, Any]:
            units = zip(scaled[0].tolist(), encoder.deviation, encoder.mean, strict=True)
            return dict(zip(names, [v * scale + mean for v, scale, mean in units], strict=True))

        says = dict.fromkeys(names, "a value, in the data's units")
        return example_steps(self, model, encoder.reader, answer, says)

    # Scores

    def baselines(
        self,
        model: RegressModel,
        splits: Mapping[str, Encoded[Examples]],
        networks: Mapping[str, RegressModel],
        track: Track,
    ) -> dict[str, Baseline[Floats]]:
        """Predict by the training mean, and by ridge regression on statistics or on n-grams."""
        del model, networks
        train, val, test = (splits[name] for name in ("train", "val", "test"))
        track("fitting the linear baseline", 0, 0)
        if train.samples.is_text:
            name, title, inputs = "bag_of_words", "ridge regression on", _bags(train, val, test)
            title = f"{title} {kinds_for(_texts(train))[0].name}"
        else:
            name, title = "statistics", "ridge regression on simple statistics"
            inputs = [statistics_of(each.arrays.items) for each in (train, val, test)]
        y, held = values_of(train.samples), values_of(val.samples)
        found, penalty = ridge_forecast(inputs[0], y, inputs[1], held, inputs[2])
        mean = np.repeat(y.mean(0)[None], len(test.samples), 0)
        note = f"has the penalty {penalty:g}, chosen on the validation split"
        return {"mean": Baseline(mean, "the mean"), name: Baseline(found, title, note)}

    def score(self, model: RegressModel, samples: Examples, prediction: Floats) -> Scores:
        """Return errors in the data's units, and a loss per sample.

        RMSE, MAE and R² are means over the K values. The loss is the mean squared error in
        deviations of the training values.
        """
        truth, deviation = values_of(samples), np.array(model.encoder.deviation)
        error = prediction - truth
        spread = np.square(truth - truth.mean(0)).sum(0)
        left = np.square(error).sum(0) / np.where(spread > 0, spread, np.nan)
        values = {
            "rmse": float(np.sqrt(np.square(error).mean(0)).mean()),
            "mae": float(np.abs(error).mean()),
            "r2": float(1 - left.mean()) if np.isfinite(left).all() else None,
        }
        each = np.square(error / deviation).mean(1)
        return Scores(values, each, float(each.mean()))

    def facts(self, model: RegressModel, scored: Scored[Examples, Floats]) -> dict[str, Any]:
        """Return the numbers of examples and values."""
        return {"examples": len(scored.samples), "values": len(model.encoder.mean)}

    def subject(
        self, model: RegressModel, samples: Examples, train: Examples | None
    ) -> RegressSubject:
        """Return the samples as rows that can be explained."""
        from longshort.tasks.regress.subject import RegressSubject

        truth = None if samples.labels is None else values_of(samples)
        return RegressSubject(model, samples, self.encode(model.encoder, samples), train, truth)

    def portable(self, model: RegressModel, golden: Sequence[Any], steps: int | None) -> Portable:
        """Return the network from a sequence to the values, in the data's units."""
        from longshort.tasks.regress.code import portable

        return portable(model, golden, steps)

    # Output

    def table(self, model: RegressModel, samples: Examples, prediction: Floats) -> pl.DataFrame:
        """Return a table with a row per example."""
        return pl.DataFrame(self.columns(model, samples, prediction))

    def columns(self, model: RegressModel, samples: Examples, prediction: Floats) -> dict[str, Any]:
        """Return a row per sample: its place, the truth where there is one, and the prediction."""
        names = [name.removeprefix("predicted") for name in predicted_names(model)]
        columns: dict[str, Any] = {"place": samples.places}
        if samples.labels is not None:
            truth = values_of(samples)
            columns |= {f"value{name}": truth[:, k] for k, name in enumerate(names)}
        columns |= {f"predicted{name}": prediction[:, k] for k, name in enumerate(names)}
        return columns

    def sections(
        self, result: Result[RegressConfig, Examples, RegressEncoder, Floats]
    ) -> Sequence[Section]:
        """Return a section with predictions against the truth."""
        from longshort.report.plots import scatter
        from longshort.report.sections import Note, Picture, Section

        truth, own = values_of(result.scored.samples), result.scored.predictions["model"]
        note = Note("Every test example; on the diagonal the prediction is right.")
        picture = Picture("scatter", scatter(truth, own), 520)
        return [Section("Prediction against truth", [picture, note])]


def predicted_names(model: RegressModel) -> list[str]:
    """Return the names of the predicted values in tables and answers."""
    count = len(model.encoder.mean)
    return ["predicted"] if count == 1 else [f"predicted_{k}" for k in range(count)]


def values_of(examples: Examples) -> Floats:
    """Return the labels as numbers [n, K]; raises `DataError` if one is not a number."""
    if examples.labels is None:
        raise DataError(f"{examples.name}: has no values to learn or to compare with")
    rows = []
    for label, place in zip(examples.labels, examples.places, strict=True):
        try:
            rows.append([float(part) for part in label.replace(",", " ").split()])
        except ValueError:
            rows.append([])
        if not rows[-1] or len(rows[-1]) != len(rows[0]) or not np.isfinite(rows[-1]).all():
            raise DataError(
                f"{examples.name}: {place}: {label[:40]!r} is not {len(rows[0]) or 1} number"
                f"{'s' if len(rows[0]) > 1 else ''}; regression learns numbers, one or as many for "
                "every example"
            )
    return np.array(rows, dtype=np.float64)


def _texts(split: Encoded[Examples]) -> list[str]:
    return [str(item) for item in split.samples.items]


def _bags(*splits: Encoded[Examples]) -> list[Floats]:
    """Return the weights of the training split's most frequent n-grams, [n, G] for each split."""
    texts = [_texts(split) for split in splits]
    grams = Grams.fit(texts[0], kinds_for(texts[0])[0], _MOST_GRAMS)
    return [grams.bags(each).dense() for each in texts]
