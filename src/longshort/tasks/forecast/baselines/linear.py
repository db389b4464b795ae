"""The linear model on the lags, the covariates and the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from longshort.data.panel import Floats
from longshort.tasks.forecast.baselines.contract import Arrays, Baseline
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.linear import LinearWindows, linear_forecast
from longshort.tasks.forecast.linear_inputs import LinearPlan
from longshort.tasks.forecast.windows import Windows

LINEAR, ABSOLUTE = "linear", "linear_absolute"
_TITLES = {LINEAR: "the linear model", ABSOLUTE: "the linear model of least absolute error"}
_BLOCKS = {"lags": "lags", "past": "past covariates", "level": "the level"}


@dataclass(frozen=True)
class Linear(Baseline):
    """A linear map of the window minus its last value (NLinear, Zeng et al., 2023).

    The known effects of calendar and future covariates are taken off first and added back, as for
    the network.
    """

    plan: LinearPlan
    weights: Floats

    def forecast(self, windows: Windows) -> Floats:
        """Apply the map to every window."""
        return linear_forecast(self.weights, self.plan, windows)


def fit_linear(
    windows: LinearWindows, encoder: ForecastEncoder, *, absolute: bool
) -> tuple[dict[str, Arrays], str]:
    """Fit the map by least squares and, if `absolute`, by least absolute error too.

    Returns the fitted numbers by name, and for people the inputs of the first map.
    """
    plan = LinearPlan.of(encoder, everything=True)
    squares = windows.least_squares(plan)
    kinds = [*_known_effects(encoder.config), *(_BLOCKS[name] for name in squares.blocks)]
    found: dict[str, Arrays] = {LINEAR: {"weights": squares.weights}}
    if absolute:
        found[ABSOLUTE] = {"weights": windows.least_absolute(plan, squares).weights}
    return found, f"sees {', '.join(kinds)}; ridge {squares.ridge:g}"


def _known_effects(config: ForecastConfig) -> list[str]:
    if config.model.effects in (None, "off"):
        return []
    periods = [f"the {period}" for period in config.data.calendar or ()]
    return [*periods, *map(repr, config.data.future)]


def linear_baselines(encoder: ForecastEncoder, kept: Mapping[str, Arrays]) -> list[Baseline]:
    """Return the maps among the kept arrays, by name.

    Raises `ValueError` for weights of another shape.
    """
    plan, found = LinearPlan.of(encoder, everything=True), []
    for name, title in _TITLES.items():
        if name in kept:
            weights = kept[name]["weights"]
            if weights.shape != (plan.size, encoder.config.model.horizon):
                raise ValueError(f"shape {weights.shape} of {name}")
            found.append(Linear(name, title, plan, weights))
    return [*found]
