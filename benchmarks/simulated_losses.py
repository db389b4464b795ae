"""Coverage of the verdict's interval, on hundreds of simulated losses without training.

A ridge regression on random nonlinear features of the lags replaces the network: it overfits as
networks do. Baselines are the constant mean and median, means by phase of 7 and of 24 steps, the
last value, and least squares on the lags. As in a run, the best baseline is chosen on the test
split, where `compare` then gives the interval. The true gain over that baseline is measured on
20,000 fresh steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from known_series import exponential, gaussian, pattern, recursion, walk, zero_inflated
from known_truth import FRESH_STEPS, Draw, Floats
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from longshort.metrics.significance import Comparison, compare

Law = Callable[[Draw, int], Floats]
Ints = NDArray[np.int64]
Forecast = Callable[[Floats, Ints], Floats]
"""Forecasts for windows [n, CONTEXT], given the number of each one's first step [n]."""
CONTEXT, FEATURES = 24, 30
TESTED = 0.2
NOTICE = 0.001


def autoregressive(draw: Draw, count: int) -> Floats:
    return recursion(draw, lambda y, e, _: 0.5 * y[-1] + 0.3 * y[-2] + e, count, 1.0)


def threshold(draw: Draw, count: int) -> Floats:
    def step(past: Floats, shock: float, _: int) -> float:
        return float((0.8 * past[-1] if past[-1] < 0 else 1 - 0.9 * past[-1]) + shock)

    return recursion(draw, step, count, 0.5)


def clustered(draw: Draw, count: int) -> Floats:
    """Noise with changing size (GARCH; Bollerslev, 1986): losses are autocorrelated."""
    variance, values = 1.0, draw.normal(size=count)
    for number, shock in enumerate(values):
        values[number] = np.sqrt(variance) * shock
        variance = 0.05 + 0.1 * values[number] ** 2 + 0.85 * variance
    return values


def daily(draw: Draw, count: int) -> Floats:
    return pattern(draw, 24)[np.arange(count) % 24] + draw.normal(0, 10, count)


LAWS: tuple[Law, ...] = (
    gaussian,
    exponential,
    zero_inflated,
    walk,
    autoregressive,
    threshold,
    clustered,
    daily,
)
SIZES = ((1000, 12), (2500, 12), (1500, 1), (1000, 40))
"""Rows of a series, and the horizon; the test split has 16, 40, 300 and 4 horizons."""


@dataclass(frozen=True)
class Scenario:
    """A process with sizes; power: of the error in the loss, 1 or 2."""

    law: Law
    rows: int
    horizon: int
    power: int

    @property
    def name(self) -> str:
        metric = {1: "MAE", 2: "MSE"}[self.power]
        return f"{self.law.__name__}, {self.rows} rows, horizon {self.horizon}, {metric}"


def scenarios() -> list[Scenario]:
    return [Scenario(law, *size, power) for size in SIZES for law in LAWS for power in (1, 2)]


def regression(inputs: Callable[[Floats], Floats], x: Floats, y: Floats, ridge: float) -> Forecast:
    """Return a linear forecast of the changes from the last value, fitted on inputs [n, K]."""
    known = inputs(x)
    gram = known.T @ known
    gram += ridge * np.trace(gram) / len(gram) * np.eye(len(gram))
    weights = np.linalg.solve(gram, known.T @ (y - x[:, -1:]))
    return lambda window, _: np.asarray(window[:, -1:] + inputs(window) @ weights)


def by_phase(trained: Floats, period: int, horizon: int) -> Forecast:
    """Return the training mean of each step's phase."""
    means = np.array([trained[phase::period].mean() for phase in range(period)])
    return lambda _, first: means[(first[:, None] + np.arange(horizon)) % period]


def lags(x: Floats) -> Floats:
    return np.concatenate([x[:, :-1] - x[:, -1:], np.ones((len(x), 1))], axis=1)


def forecasters(draw: Draw, trained: Floats, horizon: int) -> dict[str, Forecast]:
    """Return all forecasters; the first one replaces the network."""
    x, y = windows(trained, horizon)
    mix = draw.normal(size=(CONTEXT, FEATURES)) * 0.3 / np.std(lags(x)[:, :-1])

    def features(window: Floats) -> Floats:
        plain = lags(window)
        return np.concatenate([plain, np.tanh(plain @ mix)], axis=1)

    return {
        "network": regression(features, x, y, 1e-2),
        "linear": regression(lags, x, y, 1e-4),
        "mean": by_phase(trained, 1, horizon),
        "median": lambda window, _: np.full((len(window), 1), np.median(trained)),
        "week": by_phase(trained, 7, horizon),
        "day": by_phase(trained, 24, horizon),
        "last": lambda window, _: window[:, -1:],
    }


def windows(values: Floats, horizon: int) -> tuple[Floats, Floats]:
    """Return contexts [n, CONTEXT] and the values after them [n, horizon]."""
    found = sliding_window_view(values, CONTEXT + horizon)
    return found[:, :CONTEXT], found[:, CONTEXT:]


def one_draw(scenario: Scenario, seed: int) -> tuple[Comparison, float]:
    """Return the comparison that longshort would make, and the true gain."""
    draw = np.random.default_rng([seed, scenario.rows, scenario.horizon])
    values = scenario.law(draw, scenario.rows + FRESH_STEPS)
    border = int((1 - TESTED) * scenario.rows)
    models = forecasters(draw, values[:border], scenario.horizon)
    parts = (border, scenario.rows), (scenario.rows, len(values))
    test, fresh = (
        {name: losses(model, values, part, scenario) for name, model in models.items()}
        for part in parts
    )
    best = min(list(models)[1:], key=lambda name: float(test[name].mean()))
    result = compare(test["network"], test[best], scenario.horizon)
    return result, 1 - float(fresh["network"].mean() / fresh[best].mean())


def losses(model: Forecast, values: Floats, part: tuple[int, int], scenario: Scenario) -> Floats:
    """Return the losses of all forecast origins whose steps lie in a range of rows."""
    begin, end = part
    context, target = windows(values[begin - CONTEXT : end], scenario.horizon)
    errors = model(context, begin + np.arange(len(context))) - target
    return np.asarray((np.abs(errors) ** scenario.power).mean(axis=1))


def simulate(draws: int) -> Iterator[dict[str, Any]]:
    """Yield a row per scenario: how often the interval covers the truth, or lies below or above."""
    for scenario in scenarios():
        found = [one_draw(scenario, seed) for seed in range(draws)]
        ends = np.array([[r.low, r.high, truth] for r, truth in found], dtype=float)
        low, high, truth = ends.T
        earned = np.array([result.outcome == "better" for result, _ in found])
        yield {
            "name": scenario.name,
            "draws": draws,
            "covered": float(np.mean((low <= truth) & (truth <= high))),
            "below_truth": float(np.mean(high < truth)),
            "above_truth": float(np.mean(low > truth)),
            "median_width": float(np.median(high - low)),
            "median_true_gain": float(np.median(truth)),
            "false": float(np.mean(earned & (truth < NOTICE))),
        }
