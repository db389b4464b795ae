"""The answer of a comparison: which alternative is the best, or the cheapest of equal ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longshort.runs.task import Metric
from longshort.tuning.pairs import PairedTest

_SAME_TIME = 1.05
"""Times of a step that differ by less are equal: clocks of shared machines are not better."""


@dataclass(frozen=True)
class Standing:
    """An alternative at the end: its mean test score, and what it costs."""

    name: str
    score: float
    step_seconds: float | None
    parameters: int


@dataclass(frozen=True)
class Answer:
    """The verdict in words, the best by its mean, and what to take.

    equals: those that are not significantly worse than the best, with the best.
    """

    verdict: str
    best: str
    equals: tuple[str, ...]
    choice: str


def answer(
    standings: Sequence[Standing], tests: Sequence[PairedTest], metric: Metric, doubt: str
) -> Answer:
    """Return the answer. doubt: why no claim could have been made; empty where one could."""
    best = min(standings, key=lambda each: metric.rank(each.score))
    claims = [test for test in tests if test.better is not None]
    worse = {_worse(test) for test in claims if test.better == best.name}
    equals = [each for each in standings if each.name not in worse]
    chosen = cheapest(equals)
    parts = [_head(best, equals, chosen, doubt), *_claims(claims, standings, metric)]
    names = tuple(each.name for each in equals)
    return Answer(" ".join(parts), best.name, names, chosen.name)


def cheapest(standings: Sequence[Standing]) -> Standing:
    """Return the one with the least time per step; of nearly equal ones the smallest network."""
    times = [each.step_seconds for each in standings if each.step_seconds is not None]
    if len(times) < len(standings):
        return min(standings, key=lambda each: each.parameters)
    limit = _SAME_TIME * min(times)
    fast = [each for each in standings if (each.step_seconds or 0.0) <= limit]
    return min(fast, key=lambda each: each.parameters)


def _head(best: Standing, equals: Sequence[Standing], chosen: Standing, doubt: str) -> str:
    names = listed([each.name for each in equals])
    if doubt:
        return f"No claim is made: {doubt}. {best.name} has the best mean."
    if len(equals) == 1:
        return f"Take {best.name}: it is better than the others."
    return (
        f"No significant difference between {names}: take {chosen.name}, the cheapest of them "
        f"({_cost(chosen)})."
    )


def _claims(
    claims: Sequence[PairedTest], standings: Sequence[Standing], metric: Metric
) -> list[str]:
    scores = {each.name: metric.write(each.score) for each in standings}
    return [
        f"{test.better} is better than {_worse(test)}: "
        f"{metric.spoken.format(scores[str(test.better)])} against {scores[_worse(test)]} in the "
        f"mean (difference {_span(test, metric)}, P({test.better} better) "
        f"{max(test.chance, 1 - test.chance):.0%}, p {test.adjusted:.2g})."
        for test in claims
    ]


def _span(test: PairedTest, metric: Metric) -> str:
    """Return the gain of the better one with its interval."""
    sign = 1 if test.better == test.first else -1
    low, high = sorted((sign * test.low, sign * test.high))
    return f"{metric.write(sign * test.gain)}, 95 % {metric.write(low)} to {metric.write(high)}"


def _cost(each: Standing) -> str:
    parameters = f"{each.parameters:,} parameters"
    if each.step_seconds is None:
        return parameters
    return f"{1000 * each.step_seconds:.3g} ms per step, {parameters}"


def _worse(test: PairedTest) -> str:
    return test.second if test.better == test.first else test.first


def listed(names: Sequence[str]) -> str:
    """Return names as "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
