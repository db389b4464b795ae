"""All baselines of a run: fitted, kept as arrays, and restored from them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from longshort.data.panel import Floats, Panel
from longshort.errors import RunError
from longshort.runs.task import Track
from longshort.tasks.forecast.baselines import naive, profiles
from longshort.tasks.forecast.baselines.contract import Baseline, Seen
from longshort.tasks.forecast.baselines.linear import ABSOLUTE, LINEAR, fit_linear, linear_baselines
from longshort.tasks.forecast.baselines.linear_joint import (
    JOINT,
    JOINT_ABSOLUTE,
    fit_joint,
    joint_baselines,
)
from longshort.tasks.forecast.baselines.smoothing import (
    CROSTON,
    THETA,
    fit_theta,
    is_intermittent,
    smoothing_baselines,
)
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.linear import LinearWindows

_MOST_SMOOTHED = 3_000
"""Number of series up to which smoothing is fitted, for each series on its own."""
_PREFIX = "baseline."
NAMES = {*naive.NAMES, *profiles.NAMES, THETA, CROSTON, LINEAR, ABSOLUTE, JOINT, JOINT_ABSOLUTE}
"""Names of all possible baselines: columns of the forecast tables."""
CONSTANTS = {*profiles.CONSTANTS, naive.LAST_VALUE}
"""Baselines that use only a series' level: a model that does not beat them has learned nothing."""


def fit_baselines(
    encoder: ForecastEncoder, panel: Panel, windows: LinearWindows, track: Track
) -> tuple[dict[str, Floats], dict[str, str]]:
    """Fit all baselines that these data admit, on their training rows.

    Returns the fitted numbers by the names under which a run keeps them, from which
    `restore_baselines` makes the baselines, and notes for people, by name of the baseline.
    """
    seen = Seen(encoder, panel)
    found = profiles.fit_profiles(seen)
    found |= {baseline.name: {} for baseline in naive.naive_baselines(encoder)}
    if panel.num_groups * panel.target.shape[1] <= _MOST_SMOOTHED:
        track("fitting the Theta method", 0, 0)
        found[THETA] = fit_theta(seen)
    if is_intermittent(seen):
        found[CROSTON] = {}
    track("fitting the linear baseline", 0, 0)
    linear, note = fit_linear(windows, encoder, absolute=decides_by_mae(encoder.config))
    decides = decides_by_mae(encoder.config)
    joint, seen_jointly = fit_joint(windows, encoder.config.model, absolute=decides)
    found |= linear | joint
    kept = {f"{_PREFIX}{name}": np.ones(1) for name in found}
    for name, arrays in found.items():
        kept |= {f"{_PREFIX}{name}.{key}": values for key, values in arrays.items()}
    if joint or not seen_jointly:
        return kept, {LINEAR: note, JOINT: seen_jointly}
    return kept, {LINEAR: f"{note}; {seen_jointly}"}


def restore_baselines(encoder: ForecastEncoder, kept: Mapping[str, Floats]) -> list[Baseline]:
    """Restore the baselines that `fit_baselines` fitted; raises `RunError` for damaged arrays."""
    arrays: dict[str, dict[str, Floats]] = {}
    for name, values in kept.items():
        if name.startswith(_PREFIX):
            baseline, _, key = name.removeprefix(_PREFIX).partition(".")
            arrays.setdefault(baseline, {}).update({key: values} if key else {})
    try:
        found = [
            *profiles.profile_baselines(encoder, arrays),
            *naive.naive_baselines(encoder),
            *smoothing_baselines(arrays),
            *linear_baselines(encoder, arrays),
            *joint_baselines(encoder, arrays),
        ]
    except (KeyError, ValueError, IndexError) as error:
        raise RunError(f"model.safetensors: damaged: {error!r} in the baselines") from None
    missing = {*arrays} ^ {baseline.name for baseline in found}
    if missing:
        raise RunError(f"model.safetensors: damaged: the baseline {min(missing)!r} is missing")
    return found


def decides_by_mae(config: ForecastConfig) -> bool:
    """Return whether the verdict rests on the absolute error, which it does if the loss does."""
    return config.train.loss not in ("mse", "poisson")
