"""The best path through scores of tags and of transitions, as loops."""

from __future__ import annotations

import numpy as np

from longshort.export.code.arrays import Array, Builder, Known, Rule, Value
from longshort.export.code.gathering import GATHERING
from longshort.export.code.loops import Counter, Expression, Loop, apply
from longshort.export.code.reductions import INFINITE, larger, plus


def _best_path(
    b: Builder, scores: Array, lengths: Value, transitions: Known, start: Known, end: Known
) -> Array:
    """Write `longshort.runtime.paths.best_path`: a loop over the steps, and one back."""
    steps, batch, tags = scores.shape
    given, count = b.array(scores), b.array(lengths)
    best, origins = b.empty([batch, tags]), b.empty([steps, batch, tags])
    b.map(plus, start, given[0], into=best)
    b.copy(np.broadcast_to(_numbers(tags), (batch, tags)), origins[0])
    if steps > 1:
        _forward(b, given[1:], count, transitions, best, origins[1:])
    return _backward(b, count, b.map(plus, best, end), origins)


def _forward(
    b: Builder, scores: Array, count: Array, transitions: Known, best: Array, origins: Array
) -> None:
    """Write what leads to the best score of each tag, step after step."""
    t = b.fresh("t")
    with b.inside() as body:
        is_within = _within(b, apply("add", Counter(t), 1.0), count)
        reached = b.map(plus, best[:, :, None], transitions)
        most = b.map(plus, b.reduce(reached, [1], -INFINITE, larger), scores.along(t))
        each, before = _numbers(scores.shape[2]), b.place_of_best(reached, 1)
        b.map(_chosen, is_within, before, each, into=origins.along(t))
        b.map(_chosen, is_within, most, best, into=best)
    b.statements.append(Loop(t, scores.shape[0], tuple(body)))


def _backward(b: Builder, count: Array, totals: Array, origins: Array) -> Array:
    """Follow the origins from the best last tag; -1 where a sequence has ended."""
    steps, batch, _ = origins.shape
    tag, found, t = b.place_of_best(totals, 1), b.empty([steps, batch], np.int64), b.fresh("t")
    with b.inside() as body:
        is_within = _within(b, apply("sub", steps - 1.0, Counter(t)), count)[:, 0]
        b.map(_chosen, is_within, tag, -1.0, into=found[::-1].along(t))
        before = GATHERING["gather"](b, origins[::-1].along(t), 1, tag[:, None])
        b.copy(before[:, 0], tag)
    b.statements.append(Loop(t, steps, tuple(body)))
    return found


def _numbers(count: int) -> Known:
    return np.arange(count, dtype=np.float32)


def _within(b: Builder, step: Expression, count: Array) -> Array:
    """Return whether a step lies within each sequence, [B, 1]."""
    return b.map(lambda n: apply("less", step, n), count[:, None], dtype=bool)


def _chosen(condition: Expression, p: Expression, q: Expression) -> Expression:
    return apply("select", condition, p, q)


PATHS: dict[str, Rule] = {"longshort.best_path": _best_path}
"""Steps that look for paths."""
