"""Settings of a forecast that contradict each other, or the data."""

from __future__ import annotations

import numpy as np

from longshort.data.panel import Panel
from longshort.errors import ConfigError
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.encoder import ForecastEncoder


def refuse_negative(panel: Panel, encoder: ForecastEncoder) -> None:
    """Raise an error if targets of a distribution of counts are below 0."""
    below = np.argwhere(encoder.lowest < 0)
    if len(below):
        group, column = below[0]
        raise ConfigError(
            "train.loss = 'poisson' is for counts, and "
            f"{panel.series_name(int(group), int(column))} goes down to "
            f"{encoder.lowest[group, column]:g}; use another loss"
        )


def refuse_contradictions(config: ForecastConfig) -> None:
    """Raise `ConfigError` for the first pair that cannot go together."""
    model, train = config.model, config.train
    if model.decoder == "recursive" and model.channels == "linked":
        raise ConfigError(
            "model.decoder = 'recursive' with model.channels = 'linked': the mix of the columns is "
            "not known ahead; use model.decoder = 'direct'"
        )
    if model.decoder == "recursive" and config.data.past:
        raise ConfigError(
            "model.decoder = 'recursive' needs inputs that are known ahead, but data.past = "
            f"{list(config.data.past)} are not; use model.decoder = 'direct'"
        )
    if bool(model.quantiles) != (train.loss == "pinball"):
        raise ConfigError(
            f"train.loss = {train.loss!r} and model.quantiles = {list(model.quantiles)} contradict "
            "each other: pinball needs quantiles, and quantiles need pinball"
        )
    lag = config.transform.difference
    if lag and train.loss in ("mase", "poisson"):
        raise ConfigError(
            f"train.loss = {train.loss!r} with transform.difference = {lag}: the error in the "
            "data's units is not that of a difference; use train.loss = 'mae', or no difference"
        )
    if model.quantiles and lag and lag < (model.horizon or 1):
        raise ConfigError(
            f"transform.difference = {lag} with quantiles: quantiles of differences do not add up "
            f"over the horizon {model.horizon}; use a lag of at least the horizon, or none"
        )
