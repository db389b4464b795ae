"""Training whose loss changes on the way: what it costs is measured without a trace."""

from __future__ import annotations

import torch

from longshort.runs.gradual import stepwise_notes
from tests.jobs import job_of
from tests.tiny_runs import TRAIN, small


def test_the_price_of_steps_leaves_no_trace() -> None:
    settings, data = small("translate")
    job = job_of({**settings, "train": {**TRAIN, "scheduled_sampling": 0.5}}, data)
    before = torch.get_rng_state()
    weights = {name: each.clone() for name, each in job.model.network.state_dict().items()}
    (note,) = stepwise_notes(job.task, job.model, job.encoded["train"])
    assert "train.scheduled_sampling" in note and "times as long" in note
    assert torch.equal(torch.get_rng_state(), before)
    assert all(each.grad is None for each in job.model.network.parameters())
    for name, each in job.model.network.state_dict().items():
        assert torch.equal(each, weights[name])


def test_nothing_is_said_without_own_words() -> None:
    job = job_of(*small("translate"))
    assert stepwise_notes(job.task, job.model, job.encoded["train"]) == []
