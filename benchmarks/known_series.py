"""Series from random processes whose best forecast is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from known_truth import FRESH_STEPS, Draw, Family, Floats, Series
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Law = Callable[[Draw, int], Floats]
TRAINED, TESTED = 0.7, 0.2
"""Shares of the rows in the training and test split."""
BURN_IN = 100
STEPS = {"5min": 5, "1h": 60, "1d": 1440}
"""Time steps in minutes."""
DAY, FIVE_MINUTES, WEEK = 24, 288, 7
LOSSES: tuple[dict[str, Any], ...] = (
    {},
    {"settings": {"train.loss": "mae"}},
    {"quantiles": (0.1, 0.5, 0.9)},
)
POINT = LOSSES[:2]
NEAR = ({"horizon": 1}, {"horizon": 2})


def stamps(count: int, step: str) -> pl.Series:
    """Return timestamps from 2015, one step apart."""
    apart = np.timedelta64(STEPS[step], "m")
    return pl.Series(np.datetime64("2015-01-01T00:00", "us") + np.arange(count) * apart)


def table(values: Floats, step: str, known: int, rule: dict[str, float], **more: Any) -> Series:
    """Return one series that continues after its `known` rows; more: future covariates."""
    frame = pl.DataFrame({"t": stamps(len(values), step), "y": values, **more})
    roles = {"time": "t", "target": "y", "future": list(more)}
    return Series(frame[:known], (frame,), roles, rule)


def stacked(parts: Sequence[Series]) -> Series:
    """Return several series in one long table; the losses of the rule are their means."""
    names = [f"s{number}" for number in range(len(parts))]

    def joined(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        named = zip(frames, names, strict=True)
        return pl.concat([frame.with_columns(id=pl.lit(name)) for frame, name in named])

    rule = {key: float(np.mean([part.rule[key] for part in parts])) for key in parts[0].rule}
    fresh = joined([part.fresh[0] for part in parts])
    roles = {**parts[0].roles, "group": "id"}
    return Series(joined([part.known for part in parts]), (fresh,), roles, rule)


def by_key(values: Floats, keys: Ints, known: int) -> dict[str, float]:
    """Return losses on fresh values of each key's training mean (mse) and median (mae)."""
    trained = int(TRAINED * known)
    found = {}
    for metric, centre, power in (("mse", np.mean, 2), ("mae", np.median, 1)):
        rule = np.array([centre(values[:trained][keys[:trained] == k]) for k in np.unique(keys)])
        found[metric] = float(np.mean(np.abs(values - rule[keys])[known:] ** power))
    return found


# Group 1: nothing can be learned.


def gaussian(draw: Draw, count: int) -> Floats:
    return draw.normal(50, 10, count)


def exponential(draw: Draw, count: int) -> Floats:
    return draw.exponential(10, count)


def zero_inflated(draw: Draw, count: int) -> Floats:
    return np.where(draw.random(count) < 0.7, 0.0, draw.poisson(3, count))


def walk(draw: Draw, count: int) -> Floats:
    return np.asarray(100 + np.cumsum(_steps(draw, count)))


def _steps(draw: Draw, size: int | tuple[int, int]) -> Floats:
    return draw.normal(size=size) if draw.random() < 0.5 else draw.standard_t(4, size)


def walks(draw: Draw) -> Series:
    """Random walks: only the last value is informative; fresh data continue the same past.

    20,000 steps later a walk is so far away that baselines would be judged where nobody uses them.
    """
    known, draws = int(draw.choice((600, 1000, 1500, 2500))), 40
    border = int((1 - TESTED) * known)
    steps = _steps(draw, (draws + 1, known))
    steps[:, :border] = steps[0, :border]
    frames = [pl.DataFrame({"t": stamps(known, "1d"), "y": each}) for each in 100 + steps.cumsum(1)]
    return Series(frames[0], tuple(frames[1:]), {"time": "t", "target": "y"}, {})


def unpredictable(draw: Draw, law: Law) -> Series:
    """Values that are independent of the past."""
    known, step = int(draw.choice((600, 1000, 1500, 2500))), str(draw.choice(("1h", "1d")))
    return _unpredictable(draw, law, known, known + FRESH_STEPS, step)


def _unpredictable(draw: Draw, law: Law, known: int, count: int, step: str) -> Series:
    values = law(draw, count)
    return table(values, step, known, by_key(values, np.zeros(count, np.int64), known))


def several(draw: Draw) -> Series:
    """Three to eight independent series."""
    laws: tuple[Law, ...] = (gaussian, exponential, zero_inflated)
    law, many = laws[int(draw.integers(3))], int(draw.integers(3, 9))
    known = int(draw.choice((300, 600)))
    count = known + FRESH_STEPS // many
    return stacked([_unpredictable(draw, law, known, count, "1d") for _ in range(many)])


# Group 2: a constant, a season, a linear rule or a covariate is the best.


def pattern(draw: Draw, length: int) -> Floats:
    """Return a smooth cycle with mean 0 and deviation 10."""
    phase = 2 * np.pi * np.arange(length) / length
    waves = [np.cos(k * phase - draw.uniform(0, 2 * np.pi)) * draw.normal() / k for k in (1, 2, 3)]
    cycle = np.sum(waves, axis=0)
    return np.asarray(10 * cycle / cycle.std())


def seasonal(draw: Draw, season: int, step: str, cycles: tuple[int, int], spread: float) -> Series:
    """A seasonal pattern with noise."""
    known = season * int(draw.integers(*cycles))
    time = np.arange(known + FRESH_STEPS)
    values = 50 + pattern(draw, season)[time % season] + draw.normal(0, spread, len(time))
    return table(values, step, known, by_key(values, time % season, known))


def weekly_hours(draw: Draw, share_missing: float) -> Series:
    """A daily pattern that differs at weekends; optionally with missing values."""
    known = 7 * DAY * int(draw.integers(10, 15))
    time = np.arange(known + FRESH_STEPS)
    cycles = np.stack([pattern(draw, DAY) + level for level in draw.normal(50, 5, 2)])
    is_weekend = time // DAY % 7 >= 5
    values = cycles[is_weekend.astype(int), time % DAY] + draw.normal(0, 4, len(time))
    kept = draw.random(len(time)) >= share_missing
    if share_missing:
        for begin in draw.integers(0, len(time), len(time) // 400):
            kept[begin : begin + draw.integers(3, 40)] = False
    left = int(kept[:known].sum())
    rule = by_key(values[kept], (time % (7 * DAY))[kept], left)
    frame = pl.DataFrame({"t": stamps(len(time), "1h"), "y": values}).filter(pl.Series(kept))
    return Series(frame[:left], (frame,), {"time": "t", "target": "y", "freq": "1h"}, rule)


def autoregression(draw: Draw) -> Series:
    """Linear Gaussian autoregression of order one to four: a linear map of the lags is the best."""
    weights = np.zeros(0)
    for partial_correlation in draw.uniform(-0.8, 0.8, int(draw.integers(1, 5))):
        weights = np.append(weights - partial_correlation * weights[::-1], partial_correlation)
    known, order = int(draw.choice((1000, 1500, 2500))), len(weights)

    def step(past: Floats, shock: float, _: int) -> float:
        return float(weights @ past[::-1][:order]) + shock

    return table(50 + 10 * recursion(draw, step, known + FRESH_STEPS, 1.0), "1h", known, {})


def trend(draw: Draw) -> Series:
    """A straight line, a weekly pattern, and noise; fresh data have other noise."""
    known, draws = int(draw.choice((500, 800))), 30
    time = np.arange(known)
    week, slope = pattern(draw, WEEK), draw.uniform(0.02, 0.1)
    clean = 100 + slope * time + week[time % WEEK]
    noisy = clean + draw.normal(0, 5, (draws + 1, known))
    frames = [pl.DataFrame({"t": stamps(known, "1d"), "y": values}) for values in noisy]
    tested = int((1 - TESTED) * known)
    design = np.column_stack([time, *(time % WEEK == day for day in range(WEEK))]).astype(float)
    trained = slice(int(TRAINED * known))
    rule = design @ np.linalg.lstsq(design[trained], noisy[0, trained], rcond=None)[0]
    errors = np.abs(noisy[1:] - rule)[:, tested:]
    losses = {"mse": float(np.mean(errors**2)), "mae": float(np.mean(errors))}
    return Series(frames[0], tuple(frames[1:]), {"time": "t", "target": "y"}, losses)


def promotions(draw: Draw) -> Series:
    """Units sold in four to eight shops: a level, a weekly pattern, and 20 more on promotion."""
    many, known = int(draw.integers(4, 9)), int(draw.choice((450, 600)))
    week, count = pattern(draw, WEEK), known + FRESH_STEPS // many
    time = np.arange(count)

    def shop() -> Series:
        promo = (draw.random(count) < 0.2).astype(np.int64)
        base = draw.uniform(50, 100)
        values = base + week[time % WEEK] + 20 * promo + draw.normal(0, 2, count)
        rule = by_key(values, time % WEEK + WEEK * promo, known)
        return table(values, "1d", known, rule, promo=promo.astype(float))

    return stacked([shop() for _ in range(many)])


def levels(draw: Draw) -> Series:
    """Ten series, each a constant with noise."""
    known, count = 400, 400 + FRESH_STEPS // 10

    def one() -> Series:
        values = draw.uniform(0, 200) + draw.normal(0, 5, count)
        return table(values, "1d", known, by_key(values, np.zeros(count, np.int64), known))

    return stacked([one() for _ in range(10)])


def intermittent(draw: Draw) -> Series:
    """Demand for eight items on some days, each with its own rate and size."""
    known, count = 400, 400 + FRESH_STEPS // 8

    def part() -> Series:
        asked = draw.random(count) < draw.uniform(0.1, 0.4)
        values = np.where(asked, 1.0 + draw.poisson(draw.uniform(1, 6), count), 0.0)
        return table(values, "1d", known, by_key(values, np.zeros(count, np.int64), known))

    return stacked([part() for _ in range(8)])


# Group 3: only a nonlinear rule, or memory, helps.

Step = Callable[[Floats, float, int], float]
_LONGEST = 12


def recursion(draw: Draw, step: Step, count: int, spread: float) -> Floats:
    """Generate a series by step(the last 12 values, a Gaussian shock, number)."""
    shocks = draw.normal(0, spread, BURN_IN + count)
    values = np.zeros(_LONGEST + BURN_IN + count)
    for number, shock in enumerate(shocks):
        past = values[number : number + _LONGEST]
        values[number + _LONGEST] = step(past, float(shock), number - BURN_IN)
    return values[-count:]


def nonlinear(draw: Draw, step: Step, spread: float, **more: Any) -> Series:
    known = int(draw.choice((2000, 3000)))
    values = recursion(draw, step, known + FRESH_STEPS, spread)
    return table(values, "1h", known, {}, **more)


def threshold(draw: Draw) -> Series:
    """Threshold autoregression (Tong, 1983): it rises slowly and is thrown back."""
    delay, rise, fall = int(draw.integers(1, 3)), draw.uniform(0.7, 0.9), draw.uniform(0.8, 1.0)

    def step(past: Floats, shock: float, _: int) -> float:
        last = past[-1]
        return float((rise * last if past[-delay] < 0 else 1.0 - fall * last) + shock)

    return nonlinear(draw, step, 0.4)


def logistic(draw: Draw) -> Series:
    """The logistic map with noise; its autocorrelations are almost zero."""
    rate = draw.uniform(3.8, 4.0)

    def step(past: Floats, shock: float, _: int) -> float:
        last = past[-1] or 0.3
        return float(np.clip(rate * last * (1 - last) + shock, 0.01, 0.99))

    return nonlinear(draw, step, 0.05)


def switched_lag(draw: Draw) -> Series:
    """A covariate, known in advance, determines which lag counts, and its sign."""
    near, far = (int(lag) for lag in draw.choice(np.arange(1, 6), 2, replace=False))
    known = int(draw.choice((2000, 3000)))
    regime = (np.cumsum(draw.random(known + FRESH_STEPS) < 0.1) % 2).astype(np.int64)

    def step(past: Floats, shock: float, number: int) -> float:
        lag = 0.9 * past[-near] if regime[number] else -0.9 * past[-far]
        return float(lag + shock)

    values = recursion(draw, step, known + FRESH_STEPS, 1.0)
    return table(values, "1h", known, {}, regime=regime.astype(float))


def switched_by_past(draw: Draw) -> Series:
    """The sign of an earlier value determines the sign of the last value's effect."""
    delay, weight = int(draw.integers(2, 5)), draw.uniform(0.85, 0.95)

    def step(past: Floats, shock: float, _: int) -> float:
        return float((weight if past[-delay] > 0 else -weight) * past[-1] + shock)

    return nonlinear(draw, step, 0.5)


def bilinear(draw: Draw) -> Series:
    """White noise to every linear rule: an earlier shock weights the effect of an earlier value."""
    weight, shocks = draw.uniform(0.55, 0.7), [0.0]

    def step(past: Floats, shock: float, _: int) -> float:
        value = float(np.clip(weight * past[-2] * shocks[-1] + shock, -20, 20))
        shocks.append(shock)
        return value

    return nonlinear(draw, step, 1.0)


def _noise(law: Law) -> Callable[[Draw], Series]:
    return partial(unpredictable, law=law)


SERIES = (
    Family("gaussian", 1, 12, _noise(gaussian), LOSSES),
    Family("exponential", 1, 12, _noise(exponential), LOSSES),
    Family("zero-inflated", 1, 12, _noise(zero_inflated), LOSSES),
    Family("walk", 1, 12, walks, LOSSES),
    Family("several", 1, 12, several, LOSSES),
    Family(
        "day", 2, 6, partial(seasonal, season=DAY, step="1h", cycles=(40, 80), spread=5.0), POINT
    ),
    Family(
        "five-minutes",
        2,
        4,
        partial(seasonal, season=FIVE_MINUTES, step="5min", cycles=(10, 14), spread=8.0),
        POINT,
    ),
    Family("week", 2, 5, partial(seasonal, season=WEEK, step="1d", cycles=(80, 200), spread=8.0)),
    Family("day-and-week", 2, 4, partial(weekly_hours, share_missing=0.0), POINT),
    Family("gaps", 2, 3, partial(weekly_hours, share_missing=0.05), POINT),
    Family("autoregression", 2, 6, autoregression),
    Family("trend", 2, 3, trend),
    Family("promotions", 2, 4, promotions, POINT),
    Family("levels", 2, 2, levels),
    Family("intermittent", 2, 3, intermittent, LOSSES),
    Family("threshold", 3, 8, threshold, NEAR[:1]),
    Family("logistic", 3, 4, logistic, NEAR),
    Family("switched-lag", 3, 8, switched_lag, NEAR),
    Family("switched-by-past", 3, 6, switched_by_past, NEAR[:1]),
    Family("bilinear", 3, 4, bilinear, NEAR[:1]),
)
