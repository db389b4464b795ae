"""Targets with exactly one label per sample: a softmax, and accuracy as the metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.metrics import classification as metrics
from longshort.metrics.significance import Comparison
from longshort.runs.task import MODEL, Metric, Scores
from longshort.tasks.classify.targets import Prediction, ScoredLabels, Targets

if TYPE_CHECKING:
    from torch import Tensor

    from longshort.report.sections import Section
    from longshort.tasks.classify.sections import ClassifyResult

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Exclusive(Targets):
    """Labels of which each sample has one; targets are their numbers, [n]."""

    metric: ClassVar[Metric] = Metric("accuracy", "accuracy", number="{:.1%}", spoken="{} right")
    measure: ClassVar[str] = "error (1 - accuracy)"
    constant: ClassVar[str] = "always the most frequent label"
    weighing: ClassVar[str] = (
        "weighs labels by the inverse of their share: accuracy pays for macro F1"
    )
    has_threshold: ClassVar[bool] = False

    def numbers(self, examples: Examples) -> Ints:
        """Return the number of each sample's label, [n]."""
        return np.array([each for (each,) in self._indices(examples)], dtype=np.int64)

    def strata(self, targets: NDArray[Any]) -> Ints:
        """Return the numbers of the labels themselves."""
        return targets

    def _balanced(self) -> Floats:
        """Return the inverse of the labels' shares, scaled to the mean 1 over samples."""
        return self.total / (self.classes * np.array(self.counts, dtype=np.float64))

    def loss(
        self, logits: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float
    ) -> Tensor:
        """Return the mean cross entropy; each sample has the weight of its label."""
        from torch.nn.functional import cross_entropy

        repeated = targets.repeat(len(logits))
        return cross_entropy(
            logits.flatten(0, 1), repeated, weight=weights, label_smoothing=smoothing
        )

    def known(self, targets: Tensor) -> Tensor:
        """Return 1 for the label of each sample and 0 for others, [n, K]."""
        from torch.nn.functional import one_hot

        return one_hot(targets, self.classes).double()

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Return the logarithms of probabilities that sum to 1 over the labels."""
        return logits.log_softmax(-1)

    def shares(self, logits: Floats) -> Floats:
        """Return probabilities that sum to 1 over the labels."""
        raised = np.exp(logits - logits.max(-1, keepdims=True))
        found: Floats = raised / raised.sum(-1, keepdims=True)
        return found

    def losses(self, logits: Tensor, known: Tensor) -> Tensor:
        """Return the negative logarithm of the true label's probability, [n]."""
        return -(logits.log_softmax(1) * known).sum(1)

    def error(self, p: Floats, targets: NDArray[Any], weights: Floats | None) -> float:
        """Return the share of wrong labels, plus less than one sample's worth of cross entropy."""
        each = (np.ones(self.classes) if weights is None else weights)[targets]
        wrong = each[p.argmax(1) != targets].sum() / each.sum()
        entropy = (each * self._losses(targets, p)).sum() / each.sum()
        return float(wrong + entropy / (1.0 + entropy) / len(targets))

    def threshold(self, p: Floats, targets: NDArray[Any]) -> None:
        """Return None, since the most probable label is the prediction."""
        del p, targets

    # Scores

    def chosen(self, prediction: Prediction) -> list[list[int]]:
        """Return the most probable label of each sample."""
        return [[each] for each in prediction.p.argmax(1).tolist()]

    def written(self, prediction: Prediction) -> NDArray[Any]:
        """Return the most probable label of each sample, [n]."""
        found: NDArray[Any] = self.as_array()[prediction.p.argmax(1)]
        return found

    def scores(self, examples: Examples, prediction: Prediction) -> Scores:
        """Return accuracy, macro F1, log loss and calibration, and which samples are right."""
        truth = self.numbers(examples)
        right = (prediction.p.argmax(1) == truth).astype(np.float64)
        return Scores(dict(metrics.scores(truth, prediction.p)), right)

    @staticmethod
    def compare(scored: ScoredLabels, one: str, other: str) -> Comparison:
        """Return the difference of accuracy, corrected for the luck of the best baseline."""
        right = {name: each.per_sample > 0 for name, each in scored.scores.items()}
        competing = [right[name] for name, each in scored.baselines.items() if not each.is_variant]
        luck = metrics.luck_of_best(competing) if other == scored.best else 0.0
        return metrics.compare_accuracy(right[one], right[other], luck)

    def facts(self, scored: ScoredLabels) -> dict[str, Any]:
        """Return the counts [K, K] of true labels (rows) and predicted ones."""
        return {"confusion": self._confusion(scored).tolist()}

    def per_class(self, scored: ScoredLabels) -> dict[str, Floats]:
        """Return precision, recall, f1 and support of each label."""
        return metrics.per_class(self._confusion(scored))

    def _confusion(self, scored: ScoredLabels) -> Ints:
        truth = self.numbers(scored.samples)
        predicted = scored.predictions[MODEL].p.argmax(1)
        return metrics.confusion(truth, predicted, self.classes)

    def is_anything_learned(self, scored: ScoredLabels) -> bool:
        """Whether any accuracy or log loss is significantly better than the constant's."""
        truth, constant = self.numbers(scored.samples), scored.predictions["majority"].p
        every = scored.predictions.values()
        return any(metrics.says_more(truth, each.p, constant) for each in every)

    # Output

    def spoken(self, numbers: Sequence[int]) -> str:
        """Return the single label."""
        (number,) = numbers
        return self.labels[number]

    def sample_losses(self, examples: Examples, p: Floats) -> Floats:
        """Return the negative logarithm of the true label's probability, [n]."""
        return self._losses(self.numbers(examples), p)

    def _losses(self, truth: Ints, p: Floats) -> Floats:
        found: Floats = -np.log(np.clip(p[np.arange(len(truth)), truth], 1e-12, None))
        return found

    def sureness(self, prediction: Prediction) -> Floats:
        """Return the probability of the most probable label."""
        found: Floats = prediction.p.max(1)
        return found

    def sections(self, result: ClassifyResult) -> list[Section]:
        """Return the report's sections: confusions, calibration, and the worst samples."""
        from longshort.tasks.classify.sections import confused, trusted, worst

        p = result.scored.predictions[MODEL].p
        bins = metrics.calibration(self.numbers(result.scored.samples), p)
        return [confused(result), trusted(bins, p.max(1)), worst(result)]
