"""Forced decoding: the log probability of each given token after those before it."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.decoding.beam import beam_search
from longshort.decoding.forced import forced
from longshort.errors import ArgumentError
from tests.decoding.toys import BEGIN, END, Toy, log_probs

TARGETS = np.array([[2, 3, END], [4, END, 0], [0, 0, 0], [3, 3, 3]])
LENGTHS = np.array([3, 2, 0, 1])


def test_each_token_is_scored_after_those_before_and_padding_is_0() -> None:
    found = forced(Toy.of([5, 6, 7, 8]), TARGETS, LENGTHS, begin=BEGIN)
    expected = np.zeros((4, 3), np.float32)
    for row, seed in enumerate([5, 6, 7, 8]):
        for step in range(LENGTHS[row]):
            prefix = (BEGIN, *TARGETS[row, :step].tolist())
            expected[row, step] = log_probs(seed, prefix)[TARGETS[row, step]]
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)


def test_a_found_hypothesis_has_the_log_probability_of_its_tokens() -> None:
    for seed in range(5):
        ((best,),) = beam_search(Toy.of([seed]), batch=1, begin=BEGIN, end=END)
        sequence = best.tokens if best.is_cut else (*best.tokens, END)
        scored = forced(Toy.of([seed]), np.array([sequence]), np.array([len(sequence)]), begin=0)
        assert scored.sum() == pytest.approx(best.log_prob)


def test_tokens_and_lengths_out_of_range_are_refused() -> None:
    with pytest.raises(ArgumentError, match="tokens from 0 to 4 are expected, got 5"):
        forced(Toy.of([0]), np.array([[5]]), np.array([1]), begin=BEGIN)
    with pytest.raises(ArgumentError, match="lengths: up to 1 are expected, got 2"):
        forced(Toy.of([0]), np.array([[1]]), np.array([2]), begin=BEGIN)
