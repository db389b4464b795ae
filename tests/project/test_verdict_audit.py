"""The audit of the verdict: its data sets are what they are said to be, and it counts rightly."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from tests.paths import ROOT

_FOLDER = str(ROOT / "benchmarks")


@pytest.fixture(scope="module")
def audit() -> Iterator[ModuleType]:
    sys.path.insert(0, _FOLDER)
    try:
        import verdict

        yield verdict
    finally:
        sys.path.remove(_FOLDER)


def row(outcome: str = "equal", gain_95: Any = (-0.1, 0.1), **more: Any) -> dict[str, Any]:
    found = {"family": "f", "group": 1, "outcome": outcome, "gain_95": list(gain_95)}
    return found | {"true_gain": 0.0, "least_true_gain": 0.0, "cpu_seconds": 6.0} | more


def test_as_many_sets_as_promised(audit: ModuleType) -> None:
    groups = [case.family.group for case in audit.cases().values()]
    assert [groups.count(group) for group in (1, 2, 3)] == [100, 60, 60]


@pytest.mark.parametrize("name", ["walk", "several", "trend", "gaps", "switched-lag"])
def test_series_are_drawn_by_name(audit: ModuleType, name: str) -> None:
    cases = audit.cases()
    one, again, other = (cases[f"{name}-{number}"].draw() for number in (0, 0, 1))
    assert one.known.equals(again.known)
    assert one.fresh[0].equals(again.fresh[0])
    assert one.rule == again.rule
    assert not one.known.equals(other.known)


@pytest.mark.parametrize("name", ["texts-by-chance", "endings", "gestures"])
def test_labelled_sets_are_drawn_by_name(audit: ModuleType, name: str) -> None:
    cases = audit.cases()
    one, again, other = (cases[f"{name}-{number}"].draw() for number in (0, 0, 1))
    for key in ("items", "labels", "fresh_items", "fresh_labels"):
        first, second = getattr(one, key), getattr(again, key)
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(one.items[0], other.items[0])


def test_fresh_series_go_on(audit: ModuleType) -> None:
    data = audit.cases()["day-0"].draw()
    assert data.fresh[0][: len(data.known)].equals(data.known)
    hours = data.fresh[0]["t"].diff()[1:].unique().dt.total_hours().to_list()
    assert hours == [1]
    assert len(data.fresh[0]) - len(data.known) == 20_000


def test_rule_learns_from_training_rows_only(audit: ModuleType) -> None:
    import known_series

    values = np.array([1.0, 1, 4, 1, 1, 4, 1, 100, 100, 100, 3, 3])
    keys = np.zeros(12, np.int64)
    assert known_series.by_key(values, keys, 10) == {"mse": (3 - 13 / 7) ** 2, "mae": 2.0}


@pytest.mark.parametrize("name", ["threshold-0", "switched-lag-0", "switched-by-past-1"])
def test_linear_lags_leave_much_to_be_gained(audit: ModuleType, name: str) -> None:
    """Of the noise's variance, the least error there is, least squares stay a tenth away."""
    data = audit.cases()[name].draw()
    spread = {"threshold": 0.4, "switched-lag": 1.0, "switched-by-past": 0.5}[name[:-2]]
    values = data.fresh[0]["y"].to_numpy()
    lags = sliding_window_view(values[:-1], 12)
    design = np.column_stack([lags, np.ones(len(lags))])
    weights = np.linalg.lstsq(design, values[12:], rcond=None)[0]
    assert np.mean((design @ weights - values[12:]) ** 2) > spread**2 / 0.9


@pytest.mark.parametrize("name", ["word-order-0", "switch-0"])
def test_order_does_not_show_in_pairs_of_words(audit: ModuleType, name: str) -> None:
    import known_labels

    def grams(text: str) -> list[str]:
        words = text.split()
        return words + [f"{a} {b}" for a, b in pairwise(words)]

    found = known_labels.with_bag(audit.cases()[name].draw(), grams)
    assert found.rule is not None
    assert found.rule == pytest.approx(0.5, abs=0.04)


def test_naive_bayes_follows_the_words(audit: ModuleType) -> None:
    import known_labels

    guess = known_labels.naive_bayes([["good"], ["good", "room"], ["bad"]], ["+", "+", "-"])
    assert guess(["good"]) == "+"
    assert guess(["bad"]) == "-"
    assert guess([]) == "+"


def test_intervals_that_cover_are_counted(audit: ModuleType) -> None:
    rows = [
        row(),
        row(true_gain=0.1),
        row(true_gain=0.2),
        row(true_gain=-0.2),
        row("too few", (None, None)),
        {"family": "f", "group": 1, "error": "no window", "cpu_seconds": 6.0},
    ]
    found = audit.summary(rows)
    assert found["errors"] == 1
    assert (found["covered"]["hits"], found["covered"]["of"]) == (2, 4)
    assert found["below_truth"]["hits"] == found["above_truth"]["hits"] == 1
    assert found["minutes"] == pytest.approx(0.6)


def test_earned_is_false_below_the_notice(audit: ModuleType) -> None:
    rows = [
        row("better", least_true_gain=0.0005),
        row("better", least_true_gain=0.002),
        row("equal", least_true_gain=-0.5),
    ]
    found = audit.summary(rows)
    assert found["earned"]["hits"] == 2
    assert found["false"]["hits"] == 1


def test_share_comes_with_wilsons_interval(audit: ModuleType) -> None:
    """Of 10 in 10: Agresti and Coull (1998) have the lower end .7225."""
    assert audit.wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert audit.wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)


def test_goals_say_whether_they_are_met(audit: ModuleType) -> None:
    rows = [row("better", least_true_gain=-0.1), *(row() for _ in range(99))]
    rows += [row("better", group=3, least_true_gain=0.3) for _ in range(8)]
    rows += [row(group=3) for _ in range(2)]
    said = list(audit.goals(audit.summaries(rows)))
    assert said[0].startswith("earned without a cause in groups 1 and 2: 1/100 1.0%")
    assert [each.split(": ")[-1] for each in said] == ["met", "met", "met", "not met"]


def test_metric_is_found_among_the_scores(audit: ModuleType) -> None:
    scores = {"scaled_mse": 1.0, "mse": 4.0, "pinball": 2.0}
    assert audit.loss_key("MSE", scores) == "scaled_mse"
    assert audit.loss_key("pinball", scores) == "pinball"


def test_gain_is_over_the_named_baseline(audit: ModuleType) -> None:
    gains = {"mean": 0.3, "linear": 0.1}
    found = audit.truth({"best_baseline": "mean"}, gains, 0.05)
    assert found["true_gain"] == 0.3
    assert found["least_true_gain"] == 0.05


def test_simulated_draws_repeat(audit: ModuleType) -> None:
    import simulated_losses

    scenario = simulated_losses.scenarios()[0]
    one, again = (simulated_losses.one_draw(scenario, 3) for _ in range(2))
    assert one == again
    assert one != simulated_losses.one_draw(scenario, 4)
