"""Labels as targets of a classification: each sample has one of K labels, or any number of them.

A prediction is a probability for each label; which of the two it is decides how labels are learned,
predicted and scored. Arrays are NumPy's; only losses of networks and regressions are torch's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.data.labels import Label, LabelDtype, LabelKind, as_array, as_given
from longshort.errors import ConfigError, DataError
from longshort.metrics.significance import Comparison
from longshort.runs.task import Metric, Scored, Scores
from longshort.tasks.classify.config import ClassWeights

if TYPE_CHECKING:
    from torch import Tensor

    from longshort.report.sections import Section
    from longshort.tasks.classify.sections import ClassifyResult

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """Probabilities p [n, K] of the labels.

    threshold: the probability above which a label is predicted, where a sample may have several;
    None where the most probable label is the prediction.
    """

    p: Floats
    threshold: float | None = None


ScoredLabels = Scored[Examples, Prediction]


@dataclass(frozen=True)
class Targets(ABC):
    """The K labels of the training split in order, numbers by their value.

    counts: training samples that have each label; total: training samples; kind: type in which
    labels were given; dtype: dtype of labels that were given as an array.
    """

    labels: tuple[str, ...]
    counts: tuple[int, ...]
    total: int
    kind: LabelKind

    metric: ClassVar[Metric]
    """The metric that decides."""
    measure: ClassVar[str]
    """Name of what `error` returns, for people."""
    constant: ClassVar[str]
    """Name of the baseline that predicts the same for every sample, for people."""
    weighing: ClassVar[str]
    """Remark on the effect of balanced weights, for people."""
    has_threshold: ClassVar[bool]
    """Whether a label is predicted above a threshold, which is chosen on the validation split."""
    separator: str | None = None
    """Text between the labels of a sample; None where each sample has exactly one."""
    dtype: LabelDtype | None = None

    @property
    def classes(self) -> int:
        """Number of labels, K."""
        return len(self.labels)

    # Numbers

    @abstractmethod
    def numbers(self, examples: Examples) -> NDArray[Any]:
        """Return the true labels as the network learns them; empty if examples have none.

        Raises `DataError` for a label that the training split lacks.
        """

    def _indices(self, examples: Examples) -> list[list[int]]:
        """Return the numbers of the labels of each example."""
        numbers = {label: i for i, label in enumerate(self.labels)}
        found = []
        for labels, place in zip(examples.label_sets, examples.places, strict=False):
            for label in labels:
                if label not in numbers:
                    raise DataError(
                        f"{examples.name}: {place}: the label {label!r} does not occur in the "
                        f"training split; it has {', '.join(self.labels[:10])}"
                    )
            found.append([numbers[label] for label in labels])
        return found

    @abstractmethod
    def strata(self, targets: NDArray[Any]) -> NDArray[np.int64]:
        """Return for each sample the group by which folds are stratified, [n]."""

    def weights(self, chosen: ClassWeights) -> Floats | None:
        """Return the factor of each label's loss, [K]; None if all count alike."""
        if chosen is None:
            return None
        if chosen == "balanced":
            return self._balanced()
        return np.array([chosen.get(label, 1.0) for label in self.labels])

    @abstractmethod
    def _balanced(self) -> Floats:
        """Return the weights [K] with which rare labels count as much as frequent ones."""

    # Learning

    @abstractmethod
    def loss(
        self, logits: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float
    ) -> Tensor:
        """Return the mean loss of M networks' logits [M, B, K]; targets: those of `numbers`."""

    @abstractmethod
    def known(self, targets: Tensor) -> Tensor:
        """Return 1 for true labels and 0 for others, [n, K] in float64; targets: `numbers`."""

    @abstractmethod
    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Return the logarithms of the labels' probabilities, from logits [..., K]."""

    @abstractmethod
    def shares(self, logits: Floats) -> Floats:
        """Return the labels' probabilities, from logits [..., K]."""

    @abstractmethod
    def losses(self, logits: Tensor, known: Tensor) -> Tensor:
        """Return the cross entropy [n] of logits [n, K], over all labels; known: of `known`."""

    @abstractmethod
    def error(self, p: Floats, targets: NDArray[Any], weights: Floats | None) -> float:
        """Return the score by which an epoch is chosen, from probabilities [n, K]; lower is better.

        Of equal errors the smaller cross entropy is better. weights: those of training, or else an
        epoch would be chosen that gives up rare labels.
        """

    @abstractmethod
    def threshold(self, p: Floats, targets: NDArray[Any]) -> float | None:
        """Return the best threshold of a `Prediction` for probabilities [n, K] and true labels."""

    # Scores

    @abstractmethod
    def chosen(self, prediction: Prediction) -> list[list[int]]:
        """Return the numbers of each sample's predicted labels."""

    @abstractmethod
    def written(self, prediction: Prediction) -> Any:
        """Return the predicted labels in the type of the given ones: an array [n], or lists."""

    def as_given(self) -> list[Label]:
        """Return the labels in the type in which they were given: texts, numbers or booleans."""
        return as_given(self.labels, self.kind)

    def as_array(self) -> NDArray[Any]:
        """Return the labels [K] in the dtype in which they were given."""
        return as_array(self.labels, self.kind, self.dtype)

    @abstractmethod
    def scores(self, examples: Examples, prediction: Prediction) -> Scores:
        """Return the metrics, and what the paired test compares."""

    @staticmethod
    @abstractmethod
    def compare(scored: ScoredLabels, one: str, other: str) -> Comparison:
        """Compare two named predictions by a paired test of the metric that decides."""

    @abstractmethod
    def facts(self, scored: ScoredLabels) -> dict[str, Any]:
        """Return further facts about the test split for `scores.json`."""

    @abstractmethod
    def per_class(self, scored: ScoredLabels) -> dict[str, Floats]:
        """Return precision, recall, f1 and support of the model by label, [K] each."""

    @abstractmethod
    def is_anything_learned(self, scored: ScoredLabels) -> bool:
        """Whether the model or a baseline knows more than the frequencies of the labels."""

    # Output

    @abstractmethod
    def spoken(self, numbers: Sequence[int]) -> str:
        """Return the labels with these numbers as one text."""

    @abstractmethod
    def sample_losses(self, examples: Examples, p: Floats) -> Floats:
        """Return the cross entropy of each sample, [n], in nats."""

    @abstractmethod
    def sureness(self, prediction: Prediction) -> Floats:
        """Return the probability of each sample's prediction, [n]."""

    def table(self, examples: Examples, prediction: Prediction) -> pl.DataFrame:
        """Return a row per sample, in order: place, label, and the probability of every label."""
        found = self.spoken_as_given(prediction)
        table: dict[str, Any] = {"place": examples.places, "label": found}
        columns = {f"p_{label}": prediction.p[:, i] for i, label in enumerate(self.labels)}
        return pl.DataFrame(table | columns)

    def spoken_as_given(self, prediction: Prediction) -> list[Label]:
        """Return the label of each sample as it was given; of several their text."""
        chosen = self.chosen(prediction)
        if self.separator is not None:
            return [self.spoken(each) for each in chosen]
        names = self.as_given()
        return [names[each[0]] for each in chosen]

    def answer(self, prediction: Prediction) -> dict[str, Any]:
        """Return the row of a single sample in `table`, without its place."""
        (label,), (shares,) = self.spoken_as_given(prediction), prediction.p.tolist()
        named = {f"p_{name}": share for name, share in zip(self.labels, shares, strict=True)}
        return {"label": label, **named}

    def ranked(self, prediction: Prediction, count: int) -> NDArray[np.int64]:
        """Return the numbers [n, count] of each sample's most probable labels, the best first.

        Raises `ConfigError` for a count that is not between 1 and K.
        """
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= self.classes:
            raise ConfigError(
                f"top_k: a whole number from 1 to {self.classes} is expected, as the run has "
                f"{self.classes} labels, got {count!r}"
            )
        found: NDArray[np.int64] = np.argsort(-prediction.p, axis=1, kind="stable")[:, :count]
        return found

    def ranked_table(self, examples: Examples, prediction: Prediction, count: int) -> pl.DataFrame:
        """Return a row per sample: place, and the `count` most probable labels with probabilities.

        Columns are place, label_1, probability_1, label_2 and so on.
        """
        names, numbers = self.as_given(), self.ranked(prediction, count)
        table: dict[str, Any] = {"place": examples.places}
        for rank, column in enumerate(numbers.T, 1):
            table[f"label_{rank}"] = [names[i] for i in column.tolist()]
            table[f"probability_{rank}"] = prediction.p[np.arange(len(column)), column]
        return pl.DataFrame(table)

    def with_truth(self, examples: Examples, prediction: Prediction) -> pl.DataFrame:
        """Return a row per labelled sample, those with the highest loss first.

        Columns are place, label, predicted, probability, loss and text, cut to 200 characters.
        """
        loss, sure = self.sample_losses(examples, prediction.p), self.sureness(prediction)
        truth = [self.spoken(each) for each in self._indices(examples)]
        found = [self.spoken(each) for each in self.chosen(prediction)]
        order = np.argsort(-loss, kind="stable")
        table: dict[str, Any] = {
            "place": [examples.places[i] for i in order],
            "label": [truth[i] for i in order],
            "predicted": [found[i] for i in order],
            "probability": sure[order],
            "loss": loss[order],
        }
        if examples.is_text:
            table["text"] = [str(examples.items[i])[:200] for i in order]
        return pl.DataFrame(table)

    @abstractmethod
    def sections(self, result: ClassifyResult) -> list[Section]:
        """Return the sections of the report on labels, calibration and errors."""
