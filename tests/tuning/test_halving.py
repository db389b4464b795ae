"""Halving: who goes on, whatever the order of results."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from longshort.tuning.halving import (
    most_epochs,
    noise,
    placed,
    promoted,
    smallest_within_noise,
    standing,
)
from longshort.tuning.plan import Candidate, Plan, Rung, seed_of
from longshort.tuning.results import DIVERGED, Result, standard_error

from .studies import ladder_plan, result

Table = dict[tuple[int, int], Result]


def scored(losses: list[list[float | None]], rung: int = 0) -> Table:
    """Results of a rung, a row for each candidate with its seeds."""
    seeds = len(losses[0])
    cells = ((n, k, loss) for n, row in enumerate(losses) for k, loss in enumerate(row))
    return {(n * seeds + k, rung): result(n * seeds + k, rung, loss) for n, k, loss in cells}


def free_plan(count: int) -> Plan:
    candidates = tuple(Candidate(n, {"model.hidden": n + 1}) for n in range(count))
    return Plan("search", {}, "digest", 0, (Rung(1 / 3, 1), Rung(1.0, 1)), candidates)


def test_a_study_begins_with_everybody() -> None:
    now = standing(ladder_plan(), {})
    assert (now.rung, now.candidates) == (0, (0, 1, 2, 3))
    assert len(now.open) == 8


def test_a_rung_waits_for_all_of_the_one_before() -> None:
    results = scored([[0.5, 0.5], [0.1, 0.1], [0.3, 0.3], [0.4, 0.4]])
    last = results.pop((7, 0))
    assert [each.number for each in standing(ladder_plan(), results).open] == [7]
    now = standing(ladder_plan(), {**results, (7, 0): last})
    assert now.rung == 1


def test_the_best_third_goes_on() -> None:
    results = scored([[0.9], [0.2], [0.8], [0.4], [0.7], [0.6], [0.1]])
    assert standing(free_plan(7), results).candidates == (1, 3, 6)


def test_the_smallest_level_within_noise_takes_the_place_of_the_worst_kept() -> None:
    losses: list[list[float | None]] = [[0.30, 0.35], [0.60, 0.64], [0.32, 0.30], [0.90, 0.94]]
    field = placed(ladder_plan(), 0, (0, 1, 2, 3), scored(losses))
    assert smallest_within_noise(field) == 1.0
    assert promoted(ladder_plan(), field) == (0, 2)
    assert promoted(replace(ladder_plan(), axis=""), field) == (0, 2)


def test_noise_is_pooled_over_candidates() -> None:
    field = placed(ladder_plan(2), 0, (0, 1), scored([[1.0, 3.0], [5.0, 5.0]]))
    assert noise(field) == pytest.approx((2.0 / 2 / 2) ** 0.5)


def test_noise_of_single_seeds_is_none() -> None:
    assert noise(placed(ladder_plan(2, seeds=1), 0, (0, 1), scored([[1.0], [2.0]]))) == 0.0


def test_the_standard_error_leaves_failures_out() -> None:
    assert standard_error([[1.0, float("inf")], [0.0, 2.0]]) == pytest.approx(1.0)


def test_a_candidate_of_which_a_seed_failed_does_not_go_on() -> None:
    results = scored([[0.1, None], [0.5, 0.5], [0.6, 0.6], [0.7, 0.7]])
    results[1, 0] = result(1, 0, None, DIVERGED)
    assert 0 not in standing(ladder_plan(), results).candidates


def test_of_a_level_its_best_candidate_goes_on() -> None:
    plan = ladder_plan(2, seeds=1)
    twice = [replace(each, number=n) for n, each in enumerate(2 * list(plan.candidates))]
    levels = replace(plan, candidates=tuple(twice))
    results = scored([[0.5], [0.9], [0.4], [0.8]])
    assert standing(levels, results).candidates == (2,)


def test_the_order_in_which_trials_end_changes_nothing() -> None:
    results = scored([[0.5], [0.2], [0.9], [0.4]])
    plan = free_plan(4)
    found = {standing(plan, dict(order)).candidates for order in permutations(results.items())}
    assert found == {(1, 3)}


def test_keeping_all_keeps_all() -> None:
    plan = ladder_plan(keep=1.0)
    assert standing(plan, scored([[0.5, 0.5]] * 4)).candidates == (0, 1, 2, 3)


def test_the_price_counts_epochs_of_rungs() -> None:
    """Nine candidates of nine epochs: 9 x 1, then 3 x 2 more of 3, then 1 x 6 more."""
    rungs = (Rung(1 / 9, 1), Rung(1 / 3, 1), Rung(1.0, 1))
    assert most_epochs(replace(free_plan(9), rungs=rungs), 9) == (9 + 6 + 6, 81)


def test_a_ladder_of_seven_sizes_costs_less_than_a_third() -> None:
    most, whole = most_epochs(ladder_plan(7, seeds=3), 27)
    assert most == 7 * 3 * 3 + 3 * 3 * 6 + 2 * 3 * 18
    assert whole == 7 * 3 * 27


def test_seeds_of_trials_are_hashes() -> None:
    search = free_plan(3).attempts
    assert [each.seed for each in search] == [seed_of(0, n) for n in range(3)]
    pairs = ladder_plan(3).attempts
    assert [each.seed for each in pairs] == [seed_of(0, 0), seed_of(0, 1)] * 3
