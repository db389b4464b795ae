"""Drawn tokens: their frequencies, what is cut off, and that batch mates do not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from longshort.decoding.forced import forced
from longshort.decoding.greedy import greedy
from longshort.decoding.options import Sampling
from longshort.decoding.sampling import draw, sample
from longshort.errors import ArgumentError
from tests.decoding.toys import BEGIN, END, Toy, log_probs, shown

P = np.array([0.1, 0.4, 0.05, 0.3, 0.15])


def frequencies(p: np.ndarray, **how: Any) -> np.ndarray:
    """How often each token is drawn by evenly spaced numbers."""
    chance = (np.arange(20_000) + 0.5) / 20_000
    logs = np.tile(np.log(p, where=p > 0, out=np.full(len(p), -np.inf)), (len(chance), 1))
    options = Sampling(**how)
    return np.bincount(draw(logs, chance, options), minlength=len(p)) / len(chance)


def alike(p: list[float]) -> object:
    return pytest.approx(np.array(p) / sum(p), abs=1e-4)


def test_frequencies_are_the_probabilities() -> None:
    assert frequencies(P) == alike(P.tolist())
    assert frequencies(P, temperature=0.5) == alike((P**2).tolist())
    assert frequencies(P, temperature=2.0) == alike((P**0.5).tolist())
    assert frequencies(P, temperature=0.0).tolist() == [0, 1, 0, 0, 0]


def test_top_k_keeps_the_most_probable_and_of_equals_the_first() -> None:
    assert frequencies(P, top_k=2) == alike([0, 0.4, 0, 0.3, 0])
    assert frequencies(P, top_k=99) == alike(P.tolist())
    assert frequencies(np.full(5, 0.2), top_k=3) == alike([1, 1, 1, 0, 0])


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [
        (1e-9, [0, 1, 0, 0, 0]),
        (0.39, [0, 1, 0, 0, 0]),
        (0.41, [0, 0.4, 0, 0.3, 0]),
        (0.71, [0, 0.4, 0, 0.3, 0.15]),
        (0.96, P.tolist()),
        (1.0, P.tolist()),
    ],
)
def test_top_p_keeps_as_many_as_reach_it(top_p: float, kept: list[float]) -> None:
    assert frequencies(P, top_p=top_p) == alike(kept)


def test_top_p_of_equals_keeps_the_first() -> None:
    assert frequencies(np.full(4, 0.25), top_p=0.5) == alike([1, 1, 0, 0])
    assert frequencies(np.full(4, 0.25), top_p=0.51) == alike([1, 1, 1, 0])


def test_top_p_counts_within_top_k() -> None:
    assert frequencies(P, top_k=2, top_p=0.57) == alike([0, 1, 0, 0, 0])
    assert frequencies(P, top_k=2, top_p=0.58) == alike([0, 0.4, 0, 0.3, 0])


@pytest.mark.parametrize("chance", [0.0, np.nextafter(1.0, 0.0)])
def test_what_has_no_probability_is_never_drawn(chance: float) -> None:
    logs = np.log(np.array([[1e-300, 0.5, 0.5, 1e-300]]))
    logs[:, [0, 3]] = -np.inf
    for how in (Sampling(), Sampling(top_k=3), Sampling(top_p=0.999999)):
        assert draw(logs, np.array([chance]), how)[0] in (1, 2)


def drawn(seeds: list[int], chance: list[int], **how: Any) -> list[tuple[object, ...]]:
    options = Sampling(**how)
    state = Toy.of(seeds, sources=(3, 6, 1, 4))
    lengths = [state.sources[seed] for seed in seeds]
    found = sample(
        state,
        batch=len(seeds),
        begin=BEGIN,
        end=END,
        seeds=chance,
        options=options,
        source_lengths=lengths,
    )
    return [shown(each) for each in found]


def test_seeds_give_the_tokens_by_their_probabilities() -> None:
    count = 4000
    state = Toy.of([0] * count)
    options = Sampling(max_length=1)
    found = sample(
        state, batch=count, begin=BEGIN, end=END, seeds=np.arange(count), options=options
    )
    first = [each.tokens[0] if each.is_cut else END for each in found]
    shares = np.bincount(first, minlength=5) / count
    assert np.abs(shares - np.exp(log_probs(0, (BEGIN,)))).max() < 0.02


@pytest.mark.parametrize("how", [{}, {"top_k": 3}, {"top_p": 0.8, "no_repeat": 1}])
def test_batch_mates_do_not_matter(how: dict[str, Any]) -> None:
    seeds, chance, longest = [2, 0, 3, 1, 2], [5, 6, 7, 8, 9], [9, 2, 6, 4, 9]
    together = drawn(seeds, chance, max_length=longest, **how)
    for row, found in enumerate(together):
        assert drawn([seeds[row]], [chance[row]], max_length=longest[row], **how) == [found]
    assert together[0] != together[4]


def test_temperature_0_is_greedy() -> None:
    seeds = list(range(10))
    options = Sampling(temperature=0.0, max_length=5)
    found = sample(Toy.of(seeds), batch=10, begin=BEGIN, end=END, seeds=seeds, options=options)
    best = greedy(Toy.of(seeds), batch=10, begin=BEGIN, end=END, options=options)
    assert [shown(each) for each in found] == [shown(each) for each in best]


def test_the_log_probability_is_the_models_own() -> None:
    options = Sampling(temperature=3.0, top_k=4, max_length=5)
    state = Toy.of([0, 1, 2])
    found = sample(state, batch=3, begin=BEGIN, end=END, seeds=[4, 5, 6], options=options)
    for seed, each in enumerate(found):
        sequence = each.tokens if each.is_cut else (*each.tokens, END)
        given = np.array([sequence])
        scored = forced(Toy.of([seed]), given, np.array([len(sequence)]), begin=BEGIN)
        assert each.log_prob == pytest.approx(scored.sum())


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"temperature": -1.0}, "temperature: a finite number from 0 is expected, got -1.0"),
        ({"top_p": 0.0}, "top_p: a probability above 0 and up to 1 is expected, got 0.0"),
        ({"top_k": -1}, "top_k: a number from 0 is expected, got -1"),
    ],
)
def test_options_out_of_range_are_refused(how: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Sampling(**how)
