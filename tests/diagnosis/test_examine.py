"""The examination: what it finds, in what order it stops, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import longshort as ls
from longshort.diagnosis.diagnosis import MOST
from longshort.errors import ArgumentError, ConfigError
from tests.diagnosis.subjects import Net, batches, cross_entropy


def trained(rate: float, epochs: int = 8, **how: Any) -> Any:
    """The diagnosis of a small classifier, trained by Adam with this rate."""
    module = Net()
    optimizer = torch.optim.Adam(module.parameters(), rate)
    return ls.diagnose(
        module,
        cross_entropy,
        batches(6),
        val_batches=batches(9)[6:],
        optimizer=optimizer,
        epochs=epochs,
        **how,
    )


@pytest.fixture(scope="module")
def slow() -> Any:
    return trained(1e-5, seed=3)


def test_a_rate_that_is_too_low_is_found_tried_and_named(slow: Any) -> None:
    fault = slow.faults[0]
    assert fault.id == "lr-low"
    assert fault.place == "train.learning_rate"
    assert fault.regained > 0.5
    assert fault.remedy.startswith("lr=")
    assert not slow.is_healthy


def test_a_seed_reproduces_the_findings(slow: Any) -> None:
    again = trained(1e-5, seed=3, steps=slow.steps)
    assert [each.to_dict() for each in again.faults] == [each.to_dict() for each in slow.faults]


def test_what_was_ruled_out_is_told_with_its_experiment(slow: Any) -> None:
    told = {each.id: each.experiment for each in slow.ruled_out}
    assert told["lr-high"] in ("range test", "course")
    assert told["double-softmax"] == "output"
    assert "lr-low" not in told


def test_nothing_found_lists_what_was_checked() -> None:
    found = trained(0.02, epochs=40)
    assert found.is_healthy
    assert found.verdict.startswith("Nothing found: ")
    assert {"inputs", "mixing", "one batch", "lags", "zeroed input"} <= found.measured.keys()


def test_an_examination_stops_at_the_first_stage_with_a_fault() -> None:
    module = Net()

    def loss(each: nn.Module, batch: Any) -> Tensor:
        return nn.functional.cross_entropy(each(batch[0]).softmax(-1), batch[1])

    found = ls.diagnose(module, loss, batches())
    assert [each.id for each in found.faults] == ["double-softmax"]
    assert "one batch" not in found.measured


def test_a_retest_pairs_seeds() -> None:
    found = trained(1e-5, retest=True, steps=80)
    retest = found.faults[0].retest
    assert len(retest.pairs) == 3
    assert "(3 of 3 seeds)" in retest.sentence()


def test_at_most_three_findings_are_told(slow: Any) -> None:
    assert len(slow.faults) <= MOST


def test_module_and_optimizer_stay_as_they_were() -> None:
    module = Net()
    optimizer = torch.optim.SGD(module.parameters(), 0.5, momentum=0.9)
    before = {name: value.clone() for name, value in module.state_dict().items()}

    def step(batch: Any) -> float:
        optimizer.zero_grad()
        loss = cross_entropy(module, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return float(loss.detach())

    ls.diagnose(module, cross_entropy, batches(), step=step, optimizer=optimizer, steps=16)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert not optimizer.state
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert all(weight.grad is None for weight in module.parameters())


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"module": nn.Dropout()}, "module: has no parameter that learns"),
        ({"module": 3}, "module: a torch.nn.Module is expected, got a int"),
        ({"batches": []}, "batches: there are none"),
        ({"loss": lambda m, b: m(b[0])}, r"loss: has to return a scalar tensor, got a tensor"),
        ({"loss": lambda m, b: 1.0}, r"loss: has to return a scalar tensor, got 1.0"),
        ({"loss": lambda m, b: cross_entropy(m, b).detach()}, "does not depend on the module"),
        ({"epochs": 0}, "epochs: 1 or more, got 0"),
    ],
)
def test_what_cannot_be_examined_is_refused(how: dict[str, Any], message: str) -> None:
    parts = {"module": Net(), "loss": cross_entropy, "batches": batches(), **how}
    with pytest.raises(ArgumentError, match=message):
        ls.diagnose(**parts)


def test_a_budget_has_to_be_above_zero() -> None:
    with pytest.raises(ConfigError, match="budget: seconds above 0, got 0"):
        ls.diagnose(Net(), cross_entropy, batches(), budget=0)
