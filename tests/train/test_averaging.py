"""The weights' plain mean once gains have ended (NT-ASGD)."""

from __future__ import annotations

import pytest
from torch import Tensor, nn

from longshort.config import TrainConfig
from longshort.train.learning import Learning, TrainPlan
from longshort.train.loop import fit

SCORES = [9.0, 5.0, 4.0, 4.5, 4.6, 4.7, 0.5, 0.25]


class Counting(Learning):
    """A weight that goes up by 1 a step; scores are given, and weights that are judged noted."""

    def __init__(self) -> None:
        self._module = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self._module.weight)
        self.judged: list[float] = []

    @property
    def module(self) -> nn.Module:
        return self._module

    @property
    def num_samples(self) -> int:
        return 2

    def loss(self, samples: Tensor) -> Tensor:
        return -self._module.weight.sum()

    @property
    def measure(self) -> str:
        return "score"

    def validate(self) -> float:
        self.judged.append(float(self._module.weight))
        return SCORES[len(self.judged) - 1]


def trained(asgd: int | None) -> Counting:
    config = TrainConfig(
        optimizer="sgd",
        learning_rate=1.0,
        momentum=0.0,
        schedule="none",
        clip_norm=None,
        ema=0.0,
        asgd=asgd,
        patience=99,
    )
    task = Counting()
    fit(task, config, TrainPlan(batch_size=1, steps_per_epoch=2, max_epochs=len(SCORES) - 1))
    return task


def test_the_newest_weights_count_until_gains_end() -> None:
    assert trained(None).judged == [0, 2, 4, 6, 8, 10, 12, 14]


def test_the_mean_begins_when_a_score_is_worse_than_the_best_some_epochs_ago() -> None:
    # At epoch 4 the score 4.6 is worse than 4.0, the best before the last score; from step 9 on
    # the weights 9, 10, … are averaged.
    assert trained(1).judged == [0, 2, 4, 6, 8, 9.5, 10.5, 11.5]
    # With a wait of 2 that is so an epoch later: 11, 12, … are averaged.
    assert trained(2).judged == [0, 2, 4, 6, 8, 10, 11.5, 12.5]


def test_the_best_mean_is_kept() -> None:
    assert trained(1).module.get_parameter("weight").item() == 11.5


def test_training_itself_goes_on_with_the_plain_weights() -> None:
    task = trained(1)
    assert task.judged[-1] == sum(range(9, 15)) / 6


def test_two_averages_are_refused() -> None:
    with pytest.raises(ValueError, match="set ema = 0"):
        TrainConfig(asgd=5, ema=0.9)
