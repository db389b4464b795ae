"""All baselines of a run: fitted, kept, restored, and asked for their forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Freq
from longshort.data.windows import Origins, WindowReader
from longshort.errors import RunError
from longshort.metrics.linear import LinearMap
from longshort.runs.task import Track
from longshort.tasks.forecast.baselines import naive, profiles
from longshort.tasks.forecast.baselines.contract import Arrays, Asked, Baseline, Seen
from longshort.tasks.forecast.baselines.linear import (
    ABSOLUTE,
    LINEAR,
    TITLES,
    Linear,
    linear_baselines,
)
from longshort.tasks.forecast.baselines.naive import naive_baselines
from longshort.tasks.forecast.baselines.profiles import profile_baselines, restored_profiles
from longshort.tasks.forecast.baselines.smoothing import (
    Croston,
    Theta,
    croston_baseline,
    is_intermittent,
    theta_baseline,
)
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.floor import within_floor
from longshort.tasks.forecast.linear import LinearWindows
from longshort.tasks.forecast.linear_inputs import LinearPlan

_MOST_SMOOTHED = 3_000
"""Series up to which each one's smoothing is fitted."""
_PREFIX = "baseline."
NAMES = {*naive.NAMES, *profiles.NAMES, "theta", "croston", LINEAR, ABSOLUTE}
"""Of every baseline that there may be: columns of the forecast tables."""
CONSTANTS = {*profiles.CONSTANTS, naive.LAST_VALUE}
"""Those that need nothing but the series' own level: what they cannot beat has learned nothing."""


@dataclass(frozen=True)
class Baselines:
    """In the order of the table."""

    each: tuple[Baseline, ...]

    def forecasts(
        self, config: ForecastConfig, fitted: Fitted, reader: WindowReader, origins: Origins
    ) -> dict[str, Floats]:
        """Name to forecasts [m, H] in the data's units, held to the same floor as the model's."""
        asked = Asked(fitted, reader, origins)
        return {
            baseline.name: within_floor(
                config, fitted, reader.panel, asked.flat, baseline.forecast(asked)
            )
            for baseline in self.each
        }

    @property
    def titles(self) -> dict[str, str]:
        """What a sentence calls each."""
        return {baseline.name: baseline.title for baseline in self.each}

    @property
    def notes(self) -> dict[str, str]:
        """What a reader has to know about some."""
        return {baseline.name: baseline.note for baseline in self.each if baseline.note}

    def arrays(self) -> dict[str, Floats]:
        """Fitted numbers by the names under which a run keeps them."""
        return {
            f"{_PREFIX}{baseline.name}.{key}": values
            for baseline in self.each
            for key, values in baseline.arrays().items()
        } | {f"{_PREFIX}{baseline.name}": np.ones(1) for baseline in self.each}


def fit_baselines(
    config: ForecastConfig, panel: Panel, fitted: Fitted, windows: LinearWindows, track: Track
) -> Baselines:
    """All that this data admits, on its training rows."""
    season = config.model.season or 1
    seen = Seen(fitted, panel, season)
    found = [*profile_baselines(seen), *_naive(config, panel.freq, fitted)]
    series = panel.num_groups * panel.target.shape[1]
    if series <= _MOST_SMOOTHED:
        track("fitting the Theta method", 0, 0)
        found.append(theta_baseline(seen))
    if is_intermittent(seen):
        found.append(croston_baseline())
    track("fitting the linear baseline", 0, 0)
    plan = LinearPlan.of(config, fitted.past.width, everything=True)
    found += linear_baselines(windows, plan, absolute=decides_by_mae(config), sees=_sees(config))
    return Baselines(tuple(found))


def decides_by_mae(config: ForecastConfig) -> bool:
    """Whether the verdict rests on the absolute error, since the loss does."""
    return config.train.loss not in ("mse", "poisson")


def _naive(config: ForecastConfig, freq: Freq, fitted: Fitted) -> list[Baseline]:
    season, context = config.model.season or 1, config.model.context_length or 1
    return naive_baselines(freq, season, context, int(fitted.rows.max()))


def _sees(config: ForecastConfig) -> str:
    if config.model.effects in (None, "off"):
        return ""
    kinds = [f"the {period}" for period in config.data.calendar or ()]
    return ", ".join([*kinds, *map(repr, config.data.future)])


def restore_baselines(
    config: ForecastConfig, freq: Freq, fitted: Fitted, kept: Mapping[str, Floats]
) -> Baselines:
    """What `Baselines.arrays` gave; a `RunError` where it is damaged."""
    arrays: dict[str, dict[str, Floats]] = {}
    for name, values in kept.items():
        if name.startswith(_PREFIX):
            baseline, _, key = name.removeprefix(_PREFIX).partition(".")
            arrays.setdefault(baseline, {}).update({key: values} if key else {})
    season = config.model.season or 1
    try:
        found = [
            *restored_profiles(freq, season, dict(arrays)),
            *_naive(config, freq, fitted),
            *_restored(config, fitted.past.width, arrays),
        ]
    except (KeyError, ValueError, IndexError) as error:
        raise RunError(f"model.safetensors: damaged: {error!r} in the baselines") from None
    missing = {*arrays} ^ {baseline.name for baseline in found}
    if missing:
        raise RunError(f"model.safetensors: damaged: the baseline {min(missing)!r} is missing")
    return Baselines(tuple(found))


def _restored(config: ForecastConfig, past: int, arrays: Mapping[str, Arrays]) -> list[Baseline]:
    found: list[Baseline] = []
    if "theta" in arrays:
        kept = arrays["theta"]
        found.append(Theta("theta", "the Theta method", kept["numbers"], kept["profile"]))
    if "croston" in arrays:
        found.append(Croston("croston", "Croston's method"))
    plan = LinearPlan.of(config, past, everything=True)
    for name in (LINEAR, ABSOLUTE):
        if name in arrays:
            weights = arrays[name]["weights"]
            if weights.shape != (plan.size, config.model.horizon):
                raise ValueError(f"shape {weights.shape} of {name}")
            linear = LinearMap(weights, float("nan"), tuple(plan.blocks), float("nan"))
            found.append(Linear(name, TITLES[name], plan, linear))
    return found
