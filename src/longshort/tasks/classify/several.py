"""Targets with any number of labels per sample: sigmoids, and micro F1 as the metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from longshort.data.labelled import Examples
from longshort.metrics import multilabel as metrics
from longshort.metrics.classification import binned_calibration
from longshort.metrics.f1 import compare_f1
from longshort.metrics.significance import Comparison
from longshort.runs.task import MODEL, Metric, Scores
from longshort.tasks.classify.targets import Prediction, ScoredLabels, Targets

if TYPE_CHECKING:
    from torch import Tensor

    from longshort.report.sections import Section
    from longshort.tasks.classify.sections import ClassifyResult

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
UNDECIDED = 0.5
"""The threshold if there are no validation samples to choose one on."""


@dataclass(frozen=True)
class Several(Targets):
    """Labels of which a sample may have any number.

    Targets are 1 for each label that a sample has and 0 for others, [n, K] in float32.
    """

    separator: str | None = "|"

    metric: ClassVar[Metric] = Metric("micro_f1", "micro F1", number="{:.1%}", spoken="micro F1 {}")
    measure: ClassVar[str] = "error (1 - micro F1)"
    constant: ClassVar[str] = "always the most frequent labels"
    weighing: ClassVar[str] = (
        "weighs each label, where it is true, by how many more samples lack it than have it"
    )
    has_threshold: ClassVar[bool] = True

    def numbers(self, examples: Examples) -> NDArray[Any]:
        """Return 1 for each label that a sample has, else 0, [n, K]."""
        sets = self._indices(examples)
        found = np.zeros((len(sets), self.classes), dtype=np.float32)
        for row, each in enumerate(sets):
            found[row, each] = 1.0
        return found

    def strata(self, targets: NDArray[Any]) -> NDArray[np.int64]:
        """Return the rarest label of each sample; K for those without any."""
        counts = np.where(targets > 0, targets.sum(0), np.inf)
        return np.where(targets.any(1), counts.argmin(1), self.classes).astype(np.int64)

    def _balanced(self) -> Floats:
        """Return for each label the number of samples without it per sample with it, [K]."""
        counts = np.array(self.counts, dtype=np.float64)
        return np.maximum(self.total - counts, 1.0) / counts

    def loss(
        self, logits: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float
    ) -> Tensor:
        """Return the mean binary cross entropy; weights count for true labels.

        Smoothing moves both targets towards 0.5 by this share.
        """
        from torch.nn.functional import binary_cross_entropy_with_logits

        smooth = (targets * (1 - smoothing) + smoothing / 2).expand_as(logits)
        return binary_cross_entropy_with_logits(logits, smooth, pos_weight=weights)

    def known(self, targets: Tensor) -> Tensor:
        """Return the targets in float64."""
        return targets.double()

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Return the logarithms of the labels' probabilities, which are independent."""
        from torch.nn.functional import logsigmoid

        return logsigmoid(logits)

    def shares(self, logits: Floats) -> Floats:
        """Return the labels' probabilities, which are independent."""
        found: Floats = np.exp(-np.logaddexp(0.0, -logits))
        return found

    def losses(self, logits: Tensor, known: Tensor) -> Tensor:
        """Return the binary cross entropy, summed over labels, [n]."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        return binary_cross_entropy_with_logits(logits, known, reduction="none").sum(1)

    def error(self, p: Floats, targets: NDArray[Any], weights: Floats | None) -> float:
        """Return 1 - micro F1 at the threshold that is best here, plus a little cross entropy."""
        truth = targets > 0
        _, best = metrics.best_threshold(truth, p, weights)
        each = np.where(truth, 1.0 if weights is None else weights, 1.0)
        entropy = float((each * metrics.cross_entropy(truth, p)).sum() / each.sum())
        return 1.0 - best + entropy / (1.0 + entropy) / truth.size

    def threshold(self, p: Floats, targets: NDArray[Any]) -> float:
        """Return the threshold with the highest micro F1; 0.5 without samples."""
        return metrics.best_threshold(targets > 0, p)[0] if len(p) else UNDECIDED

    # Scores

    def _predicted(self, prediction: Prediction) -> Bools:
        """Return which labels are predicted, [n, K]."""
        threshold = UNDECIDED if prediction.threshold is None else prediction.threshold
        found: Bools = prediction.p > threshold
        return found

    def _truth(self, examples: Examples) -> Bools:
        found: Bools = self.numbers(examples) > 0
        return found

    def chosen(self, prediction: Prediction) -> list[list[int]]:
        """Return the labels whose probability is above the threshold."""
        return [np.flatnonzero(row).tolist() for row in self._predicted(prediction)]

    def written(self, prediction: Prediction) -> list[Any]:
        """Return a list of labels for each sample."""
        names = self.as_given()
        return [[names[i] for i in each] for each in self.chosen(prediction)]

    def scores(self, examples: Examples, prediction: Prediction) -> Scores:
        """Return micro F1 and other metrics, and the counts [n, 3] for the paired test."""
        truth, found = self._truth(examples), self._predicted(prediction)
        values = metrics.scores(truth, prediction.p, found)
        return Scores(dict(values), metrics.counts(truth, found).astype(np.float64))

    @staticmethod
    def compare(scored: ScoredLabels, one: str, other: str) -> Comparison:
        """Return the difference of micro F1, by a bootstrap over samples."""
        first, second = (scored.scores[name].per_sample.astype(np.int64) for name in (one, other))
        return compare_f1(first, second)

    def facts(self, scored: ScoredLabels) -> dict[str, Any]:
        """Return the probability above which the model predicts a label."""
        return {"threshold": scored.predictions[MODEL].threshold}

    def per_class(self, scored: ScoredLabels) -> dict[str, Floats]:
        """Return precision, recall, f1 and support of each label."""
        own = scored.predictions[MODEL]
        return metrics.per_label(self._truth(scored.samples), self._predicted(own))

    def is_anything_learned(self, scored: ScoredLabels) -> bool:
        """Whether any log loss is significantly better than the constant's."""
        truth, constant = self._truth(scored.samples), scored.predictions["majority"].p
        every = scored.predictions.values()
        return any(metrics.says_more(truth, each.p, constant) for each in every)

    # Output

    def spoken(self, numbers: Sequence[int]) -> str:
        """Return the labels with the separator between them."""
        return str(self.separator).join(self.labels[i] for i in numbers)

    def sample_losses(self, examples: Examples, p: Floats) -> Floats:
        """Return the binary cross entropy of each sample, the mean over labels, [n]."""
        found: Floats = metrics.cross_entropy(self._truth(examples), p).mean(1)
        return found

    def sureness(self, prediction: Prediction) -> Floats:
        """Return the probability that all decisions are right, as if labels were independent."""
        found: Floats = np.where(self._predicted(prediction), prediction.p, 1 - prediction.p).prod(
            1
        )
        return found

    def sections(self, result: ClassifyResult) -> list[Section]:
        """Return the report's sections: scores by label, calibration, and the worst samples."""
        from longshort.tasks.classify.sections import by_label, trusted, worst

        own, truth = result.scored.predictions[MODEL], self._truth(result.scored.samples)
        bins = binned_calibration(own.p.ravel(), truth.ravel())
        return [by_label(result), trusted(bins, own.p.ravel()), worst(result)]
