"""Greedy decoding: the most probable token at each step, and what happens without one."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.decoding.greedy import greedy
from longshort.decoding.options import Limits
from longshort.errors import ArgumentError
from tests.decoding.toys import BEGIN, END, SIZE, Toy, log_probs


def test_each_token_is_the_most_probable_after_those_before() -> None:
    seeds = list(range(12))
    limits = Limits(max_length=6)
    found = greedy(Toy.of(seeds), batch=12, begin=BEGIN, end=END, options=limits)
    for seed, each in zip(seeds, found, strict=True):
        sequence = each.tokens if each.is_cut else (*each.tokens, END)
        logs = [log_probs(seed, (BEGIN, *sequence[:n])) for n in range(len(sequence))]
        assert [int(step.argmax()) for step in logs] == list(sequence)
        assert each.log_prob == pytest.approx(sum(float(step.max()) for step in logs))
    assert {each.is_cut for each in found} == {True, False}


def test_what_cannot_go_on_is_cut() -> None:
    limits = Limits(no_repeat=1, min_length=9, max_length=9)
    (found,) = greedy(Toy.of([3]), batch=1, begin=BEGIN, end=END, options=limits)
    assert found.is_cut and sorted(found.tokens) == [0, 2, 3, 4]


def test_nan_is_refused() -> None:
    class Broken(Toy):
        def step(self, tokens: np.ndarray) -> tuple[np.ndarray, None, Toy]:
            return np.full((len(tokens), SIZE), np.nan, np.float32), None, self

    with pytest.raises(ArgumentError, match="got NaN in row 0"):
        greedy(Broken.of([0]), batch=1, begin=BEGIN, end=END)


def test_log_probabilities_that_are_read_only_are_copied() -> None:
    class Fixed(Toy):
        def step(self, tokens: np.ndarray) -> tuple[np.ndarray, None, Toy]:
            return np.broadcast_to(log_probs(0, ()), (len(tokens), SIZE)), None, self

    limits = Limits(banned=(0,), max_length=2)
    (found,) = greedy(Fixed.of([0]), batch=1, begin=BEGIN, end=None, options=limits)
    assert len(found.tokens) == 2
