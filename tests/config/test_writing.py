"""The share of own words in training."""

from __future__ import annotations

import pytest

from longshort.config.writing import WriterTrain


def test_the_linear_share_grows_from_nothing_to_the_whole() -> None:
    train = WriterTrain(scheduled_sampling=0.5)
    assert [train.own_share(done) for done in (0.0, 0.5, 1.0)] == [0.0, 0.25, 0.5]


def test_the_inverse_sigmoid_share_is_bengios() -> None:
    train = WriterTrain(scheduled_sampling=1.0, sampling_schedule="inverse_sigmoid")
    k = 100.0
    for done in (0.0, 0.3, 0.5, 0.9, 1.0):
        true = k / (k + k ** (2 * done))  # k / (k + exp(i / k)) with i = done · 2 k ln k
        assert train.own_share(done) == pytest.approx(1 - true)
    assert train.own_share(0.5) == 0.5


@pytest.mark.parametrize("schedule", ["linear", "inverse_sigmoid"])
def test_no_share_stays_none(schedule: str) -> None:
    train = WriterTrain.model_validate({"sampling_schedule": schedule})
    assert {train.own_share(done / 10) for done in range(11)} == {0.0}
