"""The classification task: batches of sequences in, cross entropy out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.config.classify import ClassifyConfig
from longshort.data.buckets import MOST_STEPS, POOL, bucketed, in_order_of_length, shuffled
from longshort.data.labelled import Examples
from longshort.data.splits import Splits
from longshort.runs.vectors import start_from_vectors
from longshort.tasks.classify.fitted import Encoded, Fitted
from longshort.tasks.classify.network import Classifier
from longshort.train.learning import Learning, TrainPlan

_EVALUATED = 128


class ClassifyTask(Learning):
    """A classifier in training."""

    def __init__(self, config: ClassifyConfig, parts: Splits[Examples]) -> None:
        self.config, self.parts = config, parts
        self.fitted = Fitted.fit(parts.train, config)
        self.train = self.fitted.encode(parts.train)
        self.val = self.fitted.encode(parts.val)
        self._lengths = self.train.lengths
        torch.manual_seed(config.train.seed)
        self.network = build_network(config, self.fitted)
        self.coverage = self._start_from_vectors()
        self.network.to(config.train.device)
        self._weights = self._class_weights() if config.train.class_weights else None

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self.network

    @property
    def num_samples(self) -> int:
        """Training examples."""
        return len(self.train.sequences)

    def batches(self, plan: TrainPlan, draw: torch.Generator) -> Sequence[Tensor]:
        """Each example once at most: those of nearly the same length together.

        Few sequences of numbers are drawn by chance, since batch normalisation wants mixed ones.
        """
        return self._drawn(plan.batch_size, draw)[: self.config.train.steps_per_epoch]

    def count_batches(self, batch_size: int) -> int:
        """Of an epoch without a cap."""
        return len(self._drawn(batch_size, torch.Generator().manual_seed(0)))

    def _drawn(self, batch_size: int, draw: torch.Generator) -> list[Tensor]:
        are_few = self.fitted.vocabulary is None and self.num_samples <= POOL * batch_size
        make = shuffled if are_few else bucketed
        return make(self._lengths, batch_size, draw, self._most_steps)

    @property
    def _most_steps(self) -> int:
        """Of a batch, through which every network goes."""
        return MOST_STEPS // len(self.network.members)

    @property
    def unit(self) -> str:
        """Of speed."""
        return "time steps" if self.fitted.vocabulary is None else "tokens"

    def size(self, samples: Tensor) -> int:
        """Steps of the sequences."""
        return int(self._lengths[samples].sum())

    def loss(self, samples: Tensor) -> Tensor:
        """Mean cross entropy of every network of its own."""
        device = self.config.train.device
        x, lengths, bag = self.train.batch(samples)
        logits = self.network(x.to(device), lengths, None if bag is None else bag.to(device))
        return F.cross_entropy(
            logits.flatten(0, 1),
            self.train.targets[samples].repeat(len(logits)).to(device),
            weight=self._weights,
            label_smoothing=self.config.train.label_smoothing,
        )

    def objective(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and for the gradient the sum: each network learns as it would alone."""
        loss = self.loss(samples)
        return loss, loss * len(self.network.members)

    def clipped(self) -> list[list[nn.Parameter]]:
        """The weights of each network."""
        return [list(member.parameters()) for member in self.network.members]

    @property
    def measure(self) -> str:
        """The share of wrong ones, with labels weighed as in training."""
        if not self.val.sequences:
            return ""
        weighed = "" if self._weights is None else ", labels weighed"
        return f"error (1 - accuracy{weighed})"

    def validate(self) -> float | None:
        """Share of wrong labels; of equal shares the smaller cross entropy is better.

        Where labels are weighed in training they are here: else the epoch would be chosen that
        gives up the rare ones.
        """
        if not self.val.sequences:
            return None
        found = log_probabilities_of(self.network, self.val, self.config.train.device)
        truth = self.val.targets
        weights = torch.ones(found.shape[1]) if self._weights is None else self._weights.cpu()
        each = weights.double()[truth]
        wrong = each[found.argmax(1) != truth].sum() / each.sum()
        entropy = (each * F.nll_loss(found, truth, reduction="none")).sum() / each.sum()
        return float(wrong + entropy / (1.0 + entropy) / len(truth))

    def _start_from_vectors(self) -> str | None:
        file, known = self.config.model.vectors, self.fitted.vocabulary
        if file is None or known is None:
            return None
        weights = [embedding.weight for embedding in self.network.embeddings]
        return start_from_vectors(weights, file, known)

    def _class_weights(self) -> Tensor:
        counts = torch.bincount(self.train.targets, minlength=len(self.fitted.labels))
        weights = len(self.train.targets) / (len(counts) * counts)
        return weights.to(self.config.train.device)


def build_network(config: ClassifyConfig, fitted: Fitted) -> Classifier:
    """The untrained network for what was fitted."""
    vocabulary = fitted.vocabulary
    return Classifier(
        config.model,
        len(fitted.labels),
        tokens=None if vocabulary is None else len(vocabulary),
        features=len(fitted.mean) or None,
        grams=None if fitted.grams is None else fitted.grams.width,
    )


def probabilities_of(network: Classifier, encoded: Encoded, device: str) -> NDArray[np.float64]:
    """Of every label, [n, K]."""
    found: NDArray[np.float64] = log_probabilities_of(network, encoded, device).exp().numpy()
    return found


@torch.no_grad()
def log_probabilities_of(network: Classifier, encoded: Encoded, device: str) -> Tensor:
    """Of every label for all sequences, [n, K], without dropout, in float64 on the CPU."""
    network.eval()
    found = torch.empty(len(encoded.sequences), network.classes, dtype=torch.float64)
    for samples in in_order_of_length(encoded.lengths, _EVALUATED):
        x, lengths, bag = encoded.batch(samples)
        bag = None if bag is None else bag.to(device)
        found[samples] = network.log_probabilities(x.to(device), lengths, bag)
    return found
