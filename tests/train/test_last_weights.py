"""Training that keeps its last weights, with a validation split or without one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from longshort.config import TrainConfig
from longshort.errors import RunError
from longshort.report.plots import training_curves
from longshort.report.svg import svg_of
from longshort.runfolder import RunFolder
from longshort.train.events import Event, Stepped
from longshort.train.learning import Learning, TrainPlan
from longshort.train.loop import fit

PLAN = TrainPlan(batch_size=1, steps_per_epoch=2, max_epochs=5)
LAST = TrainConfig(
    choose="last",
    optimizer="sgd",
    momentum=0.0,
    learning_rate=1.0,
    schedule="none",
    clip_norm=None,
    ema=0.0,
    patience=1,
    save_every=0.0,
)


class Counting(Learning):
    """A weight that goes up by 1 a step, which its score dislikes."""

    def __init__(self, is_scored: bool) -> None:
        self._module = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self._module.weight)
        self.is_scored = is_scored

    @property
    def module(self) -> nn.Module:
        return self._module

    @property
    def num_samples(self) -> int:
        return 2

    @property
    def measure(self) -> str:
        return "weight"

    def loss(self, samples: Tensor) -> Tensor:
        return -self._module.weight.sum()

    def validate(self) -> float | None:
        return float(self._module.weight.detach()) if self.is_scored else None


def weight(task: Learning) -> float:
    return float(task.module.get_parameter("weight").detach())


def test_the_last_weights_are_kept_though_the_score_grows_worse() -> None:
    task = Counting(is_scored=True)
    result = fit(task, LAST, PLAN)
    assert weight(task) == 10 and result.best_epoch == 5 and result.best_score == 10
    assert result.reason == "all 5 epochs were done"


def test_training_without_a_validation_part_has_no_score() -> None:
    task = Counting(is_scored=False)
    result = fit(task, LAST, PLAN)
    assert weight(task) == 10 and result.best_epoch == 5 and result.best_score is None
    assert not any("val_score" in record for record in result.history)
    curves = training_curves(result.history, result.best_epoch, "score", apart=True)
    assert svg_of(curves).count("<svg") == 1


class _Stop(Exception):
    pass


def test_it_is_resumed_to_the_same_bits(tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 5:
            raise _Stop

    whole = RunFolder.create(tmp_path / "whole", False, print)
    fit(Counting(is_scored=False), LAST, PLAN, folder=whole)
    torn = RunFolder.create(tmp_path / "torn", False, print)
    with pytest.raises(_Stop):
        fit(Counting(is_scored=False), LAST, PLAN, folder=torn, listen=stop)
    task = Counting(is_scored=False)
    fit(task, LAST, PLAN, folder=torn, resume=True)
    assert weight(task) == 10
    assert torn.best.read_bytes() == whole.best.read_bytes()


def test_the_best_of_no_scores_is_refused() -> None:
    with pytest.raises(RunError, match=r"train\.choose: best needs a validation split"):
        fit(Counting(is_scored=False), LAST.model_copy(update={"choose": "best"}), PLAN)


@pytest.mark.parametrize("change", [{"asgd": 2, "ema": 0.0}, {"schedule": "plateau"}])
def test_what_follows_the_score_is_refused_beside_it(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="choose = last does not look at it"):
        TrainConfig.model_validate({"choose": "last", "patience": 9} | change)


def test_the_best_weights_are_kept_where_nothing_is_said() -> None:
    task = Counting(is_scored=True)
    fit(task, LAST.model_copy(update={"choose": "best"}), PLAN)
    assert torch.equal(task.module.get_parameter("weight").detach(), torch.zeros(1, 1))
