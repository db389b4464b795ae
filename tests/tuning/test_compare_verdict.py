"""The answer: the best, or the cheapest of those that cannot be told apart."""

from __future__ import annotations

from longshort.runs.task import Metric
from longshort.tuning.compare_verdict import Standing, answer, cheapest
from longshort.tuning.pairs import compare_all

MSE = Metric("mse", "MSE", False, spoken="MSE {}")
LOSSES = {"lstm": [1.0, 1.1, 0.9, 1.2, 1.0, 0.8, 1.1], "gru": [1.1, 1.0, 1.0, 1.1, 0.9, 0.9, 1.2]}
WORSE = {"rnn": [2.0, 2.2, 2.1, 2.0, 1.9, 2.3, 2.2]}


def standings(losses: dict[str, list[float]], times: dict[str, float]) -> list[Standing]:
    return [
        Standing(name, sum(each) / len(each), times.get(name, 0.01), 1000)
        for name, each in losses.items()
    ]


def test_the_one_that_is_better_than_all_is_taken() -> None:
    losses = {"lstm": LOSSES["lstm"][:6], "rnn": WORSE["rnn"][:6]}
    tests = compare_all(losses, higher_is_better=False)
    found = answer(standings(losses, {"rnn": 0.001}), tests, MSE, "")
    assert (found.choice, found.equals) == ("lstm", ("lstm",))
    assert found.verdict.startswith("Take lstm: it is better than the others. lstm is better than")
    assert "MSE 1 against 2.083 in the mean (difference 1.083, 95 % " in found.verdict


def test_of_equals_the_cheapest_is_named() -> None:
    losses = LOSSES | WORSE
    tests = compare_all(losses, higher_is_better=False)
    found = answer(standings(losses, {"gru": 0.005, "rnn": 0.001}), tests, MSE, "")
    assert found.choice == "gru" and set(found.equals) == {"lstm", "gru"}
    assert "No significant difference between lstm and gru: take gru, the cheapest" in found.verdict
    assert "gru is better than rnn" in found.verdict


def test_without_enough_pairs_nothing_is_claimed() -> None:
    tests = compare_all({"lstm": [1.0], "rnn": [2.0]}, higher_is_better=False)
    rows = standings({"lstm": [1.0], "rnn": [2.0]}, {})
    found = answer(rows, tests, MSE, "with 1 pairs no difference can be significant")
    assert found.verdict.startswith("No claim is made: with 1 pairs")


def test_time_decides_before_parameters() -> None:
    slow, fast = Standing("slow", 1.0, 0.02, 10), Standing("fast", 1.0, 0.01, 1000)
    assert cheapest([slow, fast]) is fast


def test_nearly_equal_times_leave_it_to_the_parameters() -> None:
    large, small = Standing("large", 1.0, 0.0100, 1000), Standing("small", 1.0, 0.0102, 10)
    assert cheapest([large, small]) is small


def test_unknown_times_leave_it_to_the_parameters() -> None:
    large, small = Standing("large", 1.0, 0.01, 1000), Standing("small", 1.0, None, 10)
    assert cheapest([large, small]) is small
