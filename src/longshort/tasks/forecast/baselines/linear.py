"""The linear model on the lags, the covariates and the calendar."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.data.panel import Floats
from longshort.metrics.linear import LinearMap
from longshort.tasks.forecast.baselines.contract import Arrays, Asked, Baseline
from longshort.tasks.forecast.linear import LinearWindows, linear_forecast
from longshort.tasks.forecast.linear_inputs import LinearPlan

LINEAR, ABSOLUTE = "linear", "linear_absolute"
TITLES = {LINEAR: "the linear model", ABSOLUTE: "the linear model of least absolute error"}


@dataclass(frozen=True)
class Linear(Baseline):
    """A map of the window minus its last value (as NLinear has it, Zeng et al., 2023).

    The known effects of calendar and future covariates are taken off first and added back, as for
    the network.
    """

    plan: LinearPlan
    found: LinearMap

    def forecast(self, asked: Asked) -> Floats:
        """Apply the map to every window."""
        return linear_forecast(self.found, self.plan, asked.fitted, asked.reader, asked.origins)

    def arrays(self) -> Arrays:
        """The weights."""
        return {"weights": self.found.weights}


def linear_baselines(
    windows: LinearWindows, plan: LinearPlan, *, absolute: bool, sees: str
) -> list[Baseline]:
    """The fit with the least squares, and on request that with the least absolute error.

    sees: what the known effects are of, in words.
    """
    squares = windows.least_squares(plan)
    kinds = [sees, *(_BLOCKS[name] for name in squares.blocks)]
    note = f"sees {', '.join(kind for kind in kinds if kind)}; ridge {squares.ridge:g}"
    found: list[Baseline] = [Linear(LINEAR, TITLES[LINEAR], plan, squares, note=note)]
    if absolute:
        least = windows.least_absolute(plan, squares)
        found.append(Linear(ABSOLUTE, TITLES[ABSOLUTE], plan, least))
    return found


_BLOCKS = {"lags": "lags", "past": "past covariates", "level": "the level"}
