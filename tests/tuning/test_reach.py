"""How far back networks look: known answers of networks that forget, and repeatable numbers."""

from __future__ import annotations

import pytest

from longshort.tuning.reach import reach, saved_bytes

from .studies import ground_of


@pytest.mark.parametrize("task", ["forecast", "lm"])
def test_the_same_network_has_the_same_reach(task: str) -> None:
    trial = ground_of(task).trial({})
    found = reach(trial)
    assert found == reach(trial)
    assert max(found["gradient"]) == 1.0
    assert len(found["lags"]) == len(found["gradient"]) == len(found["occlusion"])


def test_a_network_that_forgets_looks_at_its_last_input_alone() -> None:
    """With forget gates near 0, and no recurrent weights, only lag 0 moves the state."""
    trial = ground_of("lm").trial({"train.bptt": 8})
    for name, weight in trial.job.model.network.named_parameters():
        if "weight_hh" in name:
            weight.data.zero_()
        if "bias_ih" in name:
            weight.data[weight.numel() // 4 : weight.numel() // 2] = -50.0
    found = reach(trial)
    assert found["gradient"][0] == 1.0
    assert max(found["gradient"][1:]) < 1e-6
    assert max(found["occlusion"][1:]) < 1e-6 < found["occlusion"][0]


def test_longer_windows_keep_more() -> None:
    ground = ground_of("lm")
    short, long = (saved_bytes(ground.trial({"train.bptt": n})) for n in (8, 32))
    assert 3 < long / short < 5
