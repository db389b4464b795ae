"""The known effects of calendar and covariates as values of code; see `effects.KnownEffects`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from longshort.data.calendar import JOINT, count_waves
from longshort.runs.portable_values import Computed, Given, Value, computed


def known_effects(
    encoder: Any, covariates: Value, calendar: Given, of_series: Callable[[Any], Any]
) -> Computed:
    """Return the effects over context and horizon, scaled, [1, T, 1].

    covariates [1, T, C]: those that are known ahead, scaled. calendar [1, T, 2 · periods]: sine and
    cosine of each period's phase. of_series: what a table [G, K, ...] has for the series.
    """
    effects, freq = encoder.effects, encoder.axis.freq
    features: list[Value] = []
    waves: dict[str, Computed] = {}
    for number, name in enumerate(effects.periods):
        first = [computed("slice.Tensor", calendar, 2, at, at + 1)
                 for at in (2 * number, 2 * number + 1)]  # fmt: skip
        waves[name] = _harmonics(first[0], first[1], count_waves(freq, name))
        features.append(waves[name])
    if {"day", "week"} <= waves.keys():
        features.append(_joined(waves["day"], waves["week"], encoder))
    if encoder.future.width:
        features.append(covariates)
    every = computed("cat", features, 2)
    weighted = computed("mul.Tensor", every, of_series(effects.weights))
    total = computed("sum.dim_IntList", weighted, [2], True)
    return computed("sub.Tensor", total, of_series(effects.centre))


def _harmonics(sine: Value, cosine: Value, count: int) -> Computed:
    """Return sines and cosines of multiples of an angle, by the theorems of addition."""
    found: list[Value] = [sine, cosine]
    for _ in range(count - 1):
        *_, s, c = found
        found.append(_sum("add.Tensor", (s, cosine), (c, sine)))
        found.append(_sum("sub.Tensor", (c, cosine), (s, sine)))
    return computed("cat", found, 2)


def _sum(kind: str, one: tuple[Value, Value], other: tuple[Value, Value]) -> Computed:
    return computed(kind, computed("mul.Tensor", *one), computed("mul.Tensor", *other))


def _joined(day: Value, week: Value, encoder: Any) -> Computed:
    """Return the product of each wave of the day with each of the week."""
    days = 2 * min(count_waves(encoder.axis.freq, "day"), JOINT)
    short = computed("unsqueeze", computed("slice.Tensor", day, 2, 0, days), 3)
    product = computed("mul.Tensor", short, computed("unsqueeze", week, 2))
    return computed("flatten.using_ints", product, 2, 3)
