"""What labels are to a classification: of each sample one is true, or any number of them.

A prediction is a probability for each of K labels; how it is learned, decided and scored hangs on
that. Numbers are NumPy's; only what a network or a regression learns by is torch's.
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

    counts: training samples that have each; total: training samples; kind, dtype: as what labels
    came, dtype where that was an array.
    """

    labels: tuple[str, ...]
    counts: tuple[int, ...]
    total: int
    kind: LabelKind

    metric: ClassVar[Metric]
    """The one that decides."""
    measure: ClassVar[str]
    """What `error` is, as people call it."""
    constant: ClassVar[str]
    """What the baseline that looks at no sample says."""
    weighing: ClassVar[str]
    """What balanced weights do, for people."""
    has_threshold: ClassVar[bool]
    """Whether a validation split is needed to decide from which probability on a label is said."""
    separator: str | None = None
    """What divides the labels of a sample in texts; None where each has exactly one."""
    dtype: LabelDtype | None = None

    @property
    def classes(self) -> int:
        """K."""
        return len(self.labels)

    # Numbers

    @abstractmethod
    def numbers(self, examples: Examples) -> NDArray[Any]:
        """The true labels as the network learns them, empty where there are none.

        Raises `DataError` for a label that training lacks.
        """

    def _indices(self, examples: Examples) -> list[list[int]]:
        """The numbers of the labels of each example."""
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
        """For each of n samples what folds shall have the same shares of, [n]."""

    def weights(self, chosen: ClassWeights) -> Floats | None:
        """By what each label's loss is multiplied, [K]; None where they all count alike."""
        if chosen is None:
            return None
        if chosen == "balanced":
            return self._balanced()
        return np.array([chosen.get(label, 1.0) for label in self.labels])

    @abstractmethod
    def _balanced(self) -> Floats:
        """The weights [K] with which rare labels count as much as frequent ones."""

    # Learning

    @abstractmethod
    def loss(
        self, logits: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float
    ) -> Tensor:
        """Mean loss of M networks' logits [M, B, K]; targets as `numbers` has them."""

    @abstractmethod
    def known(self, targets: Tensor) -> Tensor:
        """Which labels are true, [n, K]: 1 or 0 in float64; targets as `numbers` has them."""

    @abstractmethod
    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Logarithms of the labels' probabilities, from logits [..., K]."""

    @abstractmethod
    def losses(self, logits: Tensor, known: Tensor) -> Tensor:
        """Cross entropy [n] of logits [n, K], summed over labels; known: which are true, [n, K]."""

    @abstractmethod
    def error(self, p: Floats, targets: NDArray[Any], weights: Floats | None) -> float:
        """What an epoch is chosen by, from probabilities [n, K]: lower is better.

        Of equal errors the smaller cross entropy is better. Where labels are weighed in training
        they are here: else the epoch would be chosen that gives up the rare ones.
        """

    @abstractmethod
    def threshold(self, p: Floats, targets: NDArray[Any]) -> float | None:
        """The threshold for a `Prediction`, chosen on probabilities [n, K] and true labels."""

    # Scores

    @abstractmethod
    def chosen(self, prediction: Prediction) -> list[list[int]]:
        """The numbers of each sample's predicted labels."""

    @abstractmethod
    def written(self, prediction: Prediction) -> Any:
        """What is predicted of each sample, as labels came: an array [n], or lists of labels."""

    def as_given(self) -> list[Label]:
        """The labels, as numbers or truths where they came so."""
        return as_given(self.labels, self.kind)

    def as_array(self) -> NDArray[Any]:
        """The labels [K] in the dtype in which they came."""
        return as_array(self.labels, self.kind, self.dtype)

    @abstractmethod
    def scores(self, examples: Examples, prediction: Prediction) -> Scores:
        """Metrics, and for the paired test what it looks at."""

    @staticmethod
    @abstractmethod
    def compare(scored: ScoredLabels, one: str, other: str) -> Comparison:
        """Paired test of two predictions on the metric that decides."""

    @abstractmethod
    def facts(self, scored: ScoredLabels) -> dict[str, Any]:
        """What else `scores.json` says of the test split."""

    @abstractmethod
    def per_class(self, scored: ScoredLabels) -> dict[str, Floats]:
        """Precision, recall, f1 and support of the model by label, [K] each."""

    @abstractmethod
    def is_anything_learned(self, scored: ScoredLabels) -> bool:
        """Whether the model or a baseline says more of the labels than how frequent they are."""

    # Output

    @abstractmethod
    def spoken(self, numbers: Sequence[int]) -> str:
        """The labels of these numbers as one text."""

    @abstractmethod
    def sample_losses(self, examples: Examples, p: Floats) -> Floats:
        """Cross entropy of each sample, [n], in nats."""

    @abstractmethod
    def sureness(self, prediction: Prediction) -> Floats:
        """The probability of what is predicted of each sample, [n]."""

    def table(self, examples: Examples, prediction: Prediction) -> pl.DataFrame:
        """One row per sample, in order: place, label, and the probability of every label."""
        names, chosen = self.as_given(), self.chosen(prediction)
        found: list[Label] = [self.spoken(each) for each in chosen]
        if self.separator is None:
            found = [names[each[0]] for each in chosen]
        table: dict[str, Any] = {"place": examples.places, "label": found}
        columns = {f"p_{label}": prediction.p[:, i] for i, label in enumerate(self.labels)}
        return pl.DataFrame(table | columns)

    def ranked(self, prediction: Prediction, count: int) -> NDArray[np.int64]:
        """Numbers [n, count] of each sample's most probable labels, the most probable first.

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
        """One row per sample, in order: place, and the `count` most probable labels and their
        probabilities."""
        names, numbers = self.as_given(), self.ranked(prediction, count)
        table: dict[str, Any] = {"place": examples.places}
        for rank, column in enumerate(numbers.T, 1):
            table[f"label_{rank}"] = [names[i] for i in column.tolist()]
            table[f"probability_{rank}"] = prediction.p[np.arange(len(column)), column]
        return pl.DataFrame(table)

    def with_truth(self, examples: Examples, prediction: Prediction) -> pl.DataFrame:
        """One row per labelled sample: where it stands, truth, prediction, probability, loss; hard
        ones first. Texts are shortened to 200 characters.
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
        """Sections of the report on labels, calibration and errors."""
