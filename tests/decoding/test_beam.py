"""Beam search against all sequences of a toy model, and what each option promises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from longshort.decoding.beam import beam_search
from longshort.decoding.greedy import greedy
from longshort.decoding.hypothesis import Hypothesis
from longshort.decoding.options import Beam
from longshort.errors import ArgumentError
from tests.decoding.toys import BEGIN, END, SIZE, Toy, everything, score, shown

WIDE = SIZE**4
SOURCES = (3, 6, 1, 4)


def search(seeds: list[int], *, toy: dict[str, Any] | None = None, **how: Any) -> list[Any]:
    state = Toy.of(seeds, **(toy or {}))
    lengths = [state.sources[seed] for seed in seeds] if state.sources else None
    options = Beam(**how)
    return beam_search(
        state, batch=len(seeds), begin=BEGIN, end=END, options=options, source_lengths=lengths
    )


def sequence(found: Hypothesis) -> tuple[int, ...]:
    return found.tokens if found.is_cut else (*found.tokens, END)


@pytest.mark.parametrize("alpha", [-2.0, -0.5, 0.0, 0.6, 1.0, 3.0])
@pytest.mark.parametrize(("longest", "count"), [(1, 5), (2, 7), (4, 1), (4, 7)])
def test_a_wide_beam_finds_the_best_of_all_sequences(
    alpha: float, longest: int, count: int
) -> None:
    seeds = list(range(8))
    how: dict[str, Any] = {
        "width": WIDE,
        "n_best": count,
        "max_length": longest,
        "length_penalty": alpha,
    }
    for seed, found in zip(seeds, search(seeds, **how), strict=True):
        ranked = sorted(everything(longest), key=lambda each: -score(seed, each, alpha))
        assert [sequence(each) for each in found] == ranked[:count]
        assert [each.score for each in found] == pytest.approx(
            [score(seed, each, alpha) for each in ranked[:count]]
        )


@pytest.mark.parametrize("beta", [0.2, 2.0])
def test_a_wide_beam_finds_the_best_by_coverage_too(beta: float) -> None:
    seeds = [0, 1, 2, 3]
    how: dict[str, Any] = {"width": WIDE, "max_length": 4, "coverage_penalty": beta}
    found = search(seeds, toy={"sources": SOURCES}, **how)
    for seed, (best,) in zip(seeds, found, strict=True):
        scores = {each: score(seed, each, 1.0, beta, SOURCES[seed]) for each in everything(4)}
        assert sequence(best) == max(scores, key=lambda each: scores[each])
        assert best.score == pytest.approx(max(scores.values()))


@pytest.mark.parametrize("levels", [0, 2])
@pytest.mark.parametrize("rules", [{}, {"no_repeat": 2}, {"min_length": 3, "banned": (0, 3)}])
def test_width_1_is_greedy(levels: int, rules: dict[str, Any]) -> None:
    seeds = list(range(20))
    how: dict[str, Any] = {"width": 1, "max_length": 6, "length_penalty": 0.0, **rules}
    found = search(seeds, toy={"levels": levels}, **how)
    options = Beam(**how)
    state = Toy.of(seeds, levels=levels)
    alike = greedy(state, batch=len(seeds), begin=BEGIN, end=END, options=options)
    assert [shown(best) for (best,) in found] == [shown(each) for each in alike]


@pytest.mark.parametrize("levels", [0, 1, 2, 4])
def test_batch_mates_do_not_matter(levels: int) -> None:
    toy = {"levels": levels, "sources": SOURCES}
    how: dict[str, Any] = {"width": 4, "n_best": 3, "coverage_penalty": 0.2, "no_repeat": 2}
    longest = [5, 3, 7, 6]
    seeds = [2, 0, 3, 1, 2]
    lengths = [longest[seed] for seed in seeds]
    together = search(seeds, toy=toy, max_length=lengths, **how)
    for seed, found in zip(seeds, together, strict=True):
        (alone,) = search([seed], toy=toy, max_length=longest[seed], **how)
        assert [shown(each) for each in found] == [shown(each) for each in alone]


def test_a_wider_vocabulary_is_searched_by_blocks_alike() -> None:
    seeds = list(range(4))
    toy = {"size": 900, "levels": 3}
    together = search(seeds, toy=toy, max_length=4, n_best=5)
    for seed, found in zip(seeds, together, strict=True):
        (alone,) = search([seed], toy=toy, max_length=4, n_best=5)
        assert [shown(each) for each in found] == [shown(each) for each in alone]


def test_n_best_are_distinct_and_sorted() -> None:
    for found in search(list(range(10)), width=6, n_best=6, max_length=5):
        assert len({sequence(each) for each in found}) == len(found) == 6
        scores = [each.score for each in found]
        assert scores == sorted(scores, reverse=True)


def runs(tokens: tuple[int, ...], size: int) -> list[tuple[int, ...]]:
    return [tokens[n : n + size] for n in range(len(tokens) - size + 1)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_run_occurs_twice(size: int) -> None:
    how: dict[str, Any] = {"width": 4, "n_best": 4, "min_length": 4, "max_length": 12}
    seeds = list(range(10))
    free = [each.tokens for found in search(seeds, **how) for each in found]
    assert any(len(set(runs(each, size))) < len(runs(each, size)) for each in free)
    for found in search(seeds, no_repeat=size, **how):
        for each in found:
            assert len(set(runs(each.tokens, size))) == len(runs(each.tokens, size))


def test_what_cannot_go_on_is_cut() -> None:
    how: dict[str, Any] = {"no_repeat": 1, "min_length": 6, "max_length": 9, "banned": (0,)}
    for (best,) in search(list(range(5)), **how):
        assert best.is_cut
        assert sorted(best.tokens) == [2, 3, 4]


def test_nothing_allowed_at_all_gives_an_empty_hypothesis() -> None:
    how: dict[str, Any] = {"min_length": 1, "banned": (0, 2, 3, 4)}
    for (best,) in search([0, 1], toy={"sources": SOURCES}, **how):
        assert (best.tokens, best.log_prob, best.is_cut) == ((), 0.0, True)
        assert best.attention is not None and len(best.attention) == 0


def test_lengths_are_kept() -> None:
    for found in search(list(range(10)), n_best=5, min_length=3, max_length=5):
        for each in found:
            assert 3 <= len(each.tokens) <= 5
            assert not each.is_cut or len(each.tokens) == 5
            assert each.is_cut or len(each.tokens) < 5


def test_each_sentence_has_its_own_greatest_length() -> None:
    found = search([0, 1, 2], min_length=2, max_length=[2, 4, 3])
    for (best,), longest in zip(found, [2, 4, 3], strict=True):
        assert len(best.tokens) <= longest
    assert found[0][0].is_cut


def test_banned_tokens_are_not_generated() -> None:
    for found in search(list(range(10)), n_best=5, banned=(0, 4), max_length=6):
        assert not {0, 4} & {token for each in found for token in each.tokens}


def test_a_model_without_an_end_mark_is_cut() -> None:
    options = Beam(max_length=4)
    found = beam_search(Toy.of([0, 1]), batch=2, begin=BEGIN, end=None, options=options)
    assert [(len(best.tokens), best.is_cut) for (best,) in found] == [(4, True)] * 2


def test_attention_has_a_row_for_each_token_and_no_padding() -> None:
    found = search([0, 1, 2, 3], toy={"sources": SOURCES}, max_length=5)
    for seed, (best,) in enumerate(found):
        assert best.attention is not None
        assert best.attention.shape == (len(best.tokens), SOURCES[seed])
        assert best.attention.sum(1) == pytest.approx(1.0)


@dataclass(frozen=True)
class Scripted:
    """Probabilities of the first token, and what follows almost surely."""

    first: tuple[float, ...]
    later: int
    rows: int = 1
    is_first: bool = True

    def step(self, tokens: np.ndarray) -> tuple[np.ndarray, None, Scripted]:
        then = np.where(np.arange(SIZE) == self.later, 0.999, 2.5e-4)
        p = np.array(self.first) if self.is_first else then
        return np.tile(np.log(p), (len(tokens), 1)), None, replace(self, is_first=False)

    def take(self, rows: np.ndarray) -> Scripted:
        return replace(self, rows=len(rows))


@pytest.mark.parametrize(
    ("alpha", "later", "first", "length"),
    [(3.0, 2, (0.1, 0.5, 0.2, 0.1, 0.1), 8), (-2.0, END, (0.04, 0.3, 0.6, 0.03, 0.03), 1)],
)
def test_the_bound_leaves_room_for_what_gets_better(
    alpha: float, later: int, first: tuple[float, ...], length: int
) -> None:
    options = Beam(length_penalty=alpha, max_length=8)
    ((best,),) = beam_search(Scripted(first, later), batch=1, begin=BEGIN, end=END, options=options)
    assert best.tokens == (2,) * length


class Counting(Toy):
    """Notes how many rows were stepped."""

    seen: list[int] = []  # noqa: RUF012

    def step(self, tokens: np.ndarray) -> tuple[np.ndarray, None, Counting]:
        self.seen.append(len(tokens))
        logs = np.full((len(tokens), SIZE), -20.0, np.float32)
        logs[:, END] = -1e-6
        return logs, None, self

    def take(self, rows: np.ndarray) -> Counting:
        return self


def test_a_sentence_leaves_once_nothing_can_beat_it() -> None:
    Counting.seen.clear()
    beam_search(Counting.of([0, 1]), batch=2, begin=BEGIN, end=END, options=Beam(max_length=50))
    assert Counting.seen == [2]


def test_no_sentences() -> None:
    assert search([]) == []


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"width": 0}, "width: a number from 1 is expected, got 0"),
        ({"width": 2.0}, "width: a whole number is expected, got 2.0"),
        ({"n_best": 6}, "n_best: a number from 1 to 5 is expected, got 6"),
        ({"length_penalty": float("nan")}, "length_penalty: a finite number is expected, got nan"),
        ({"coverage_penalty": -1}, "coverage_penalty: a finite number from 0 is expected, got -1"),
        ({"min_length": 5, "max_length": 4}, "max_length: numbers from 5 are expected, got 4"),
        ({"max_length": [3, 4]}, "max_length: one whole number, or one for each of the 1"),
        ({"banned": (9,)}, "banned: a number from 0 to 4 is expected, got 9"),
        ({"coverage_penalty": 0.2}, "0 is expected of a model without attention, got 0.2"),
    ],
)
def test_options_out_of_range_are_refused(how: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        search([0], **how)


def test_marks_outside_of_the_vocabulary_are_refused() -> None:
    with pytest.raises(ArgumentError, match="end: a number from 0 to 4 is expected, got 5"):
        beam_search(Toy.of([0]), batch=1, begin=BEGIN, end=5)
    with pytest.raises(ArgumentError, match="begin: a number from 0 to 4 is expected, got 7"):
        beam_search(Toy.of([0]), batch=1, begin=7, end=END)


def test_a_batch_that_is_not_the_models_is_refused() -> None:
    class Broken(Toy):
        def step(self, tokens: np.ndarray) -> tuple[np.ndarray, None, Toy]:
            return np.zeros((1, SIZE), np.float32), None, self

    with pytest.raises(ArgumentError, match=r"\[2, V\] is expected of step, got \[1, 5\]"):
        beam_search(Broken.of([0, 1]), batch=2, begin=BEGIN, end=END)
