"""Decisions on open settings from the data, each with a line that gives the reason."""

from __future__ import annotations

from typing import Any

import numpy as np

from longshort.data.panel import Panel
from longshort.data.schema import Schema
from longshort.data.season import find_season
from longshort.data.split import Part, Split, make_split
from longshort.errors import ConfigError, DataError
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.known import decide_known
from longshort.tasks.forecast.tables import RESERVED

_SHARES = {"val": 0.1, "test": 0.2}
_HELD_OUT: tuple[Part, ...] = ("val", "test")
_MAX_SCORED, _MAX_SEEN = 4_000_000, 50_000_000
"""Limits of the test split above which origins are thinned: forecast values, and with contexts."""
_CYCLES = 10
"""Number of seasons in training below which a context of whole seasons leaves too few windows."""
_LONGEST = 1024
"""Longest context that is decided, in steps; longer patterns are left to the calendar."""
_STEPS_PER_EPOCH = 200
_STEPS, _FEWEST_EPOCHS, _MOST_EPOCHS = 1_500, 10, 60
"""Steps in all, and bounds of the epochs; few windows need more than ten short epochs."""
_PATIENCE = 0.3
"""Share of the epochs without gain before training stops."""
_ONE_THREAD = 4096
"""Units times windows in a batch up to which a second thread costs more than it brings."""


def resolve(config: ForecastConfig, panel: Panel) -> tuple[ForecastConfig, list[str]]:
    """Decide every open setting; returns the config, and a line for each decision."""
    lines: list[str] = []
    refuse_reserved(panel.schema)
    config = _decide_split(config, panel, lines)
    split = make_split(panel, config.split)
    config = _decide_season(config, panel, split, lines)
    config = _decide_lengths(config, panel, split, lines)
    config = decide_known(config, panel, split, lines)
    return _decide_size(config, panel, split, lines), lines


def refuse_reserved(schema: Schema) -> None:
    """Raise `DataError` if a column would collide with one of the forecast tables."""
    taken = RESERVED.intersection({*schema.group, *(schema.times or ("step",))})
    if taken:
        raise DataError(
            f"column {min(taken)!r} is also a column of the forecast tables; rename it in the data"
        )


def _decide_split(config: ForecastConfig, panel: Panel, lines: list[str]) -> ForecastConfig:
    """Decide the splits: a share of the time span, but at least the horizon that was asked for."""
    span = int((panel.first + panel.lengths).max() - panel.first.min())
    if config.split.by == "series":
        span = int(panel.lengths.max())
    values = {name: getattr(config.split, name) for name in ("val", "test")}
    for name, value in values.items():
        if value is None:
            share, horizon = _SHARES[name], config.model.horizon or 1
            is_enough = round(share * span) >= horizon
            values[name] = share if is_enough else horizon
            text = f"{share} of the time span" if is_enough else f"{horizon} steps, one horizon"
            lines.append(f"split.{name} = {text}")
    return config.updated("split", values)


def _decide_season(
    config: ForecastConfig, panel: Panel, split: Split, lines: list[str]
) -> ForecastConfig:
    if config.model.season is not None:
        return config
    season = find_season(panel, split.end["train"])
    why = f"{season} steps of {panel.freq}" if season > 1 else "none found"
    lines.append(f"model.season = {season} ({why}, in the training split)")
    return config.updated("model", {"season": season})


def _decide_lengths(
    config: ForecastConfig, panel: Panel, split: Split, lines: list[str]
) -> ForecastConfig:
    model = config.model
    season = model.season or 1
    horizon = model.horizon or _horizon(season, split)
    longest = int(split.end["train"].max())
    context = model.context_length
    if context is None:
        wanted = min(_wanted(horizon, season, longest), max(_LONGEST, 2 * horizon))
        room = max(longest // 3, min(longest - horizon, max(season, 1)))
        context = max(1, min(wanted, room))
        if context > season:
            context -= context % season
        lines.append(f"model.context_length = {context} steps")
    if model.horizon is None:
        lines.append(f"model.horizon = {horizon} steps")
    _refuse_short(panel, split, context, horizon)
    if model.patch is not None and model.patch > context:
        raise ConfigError(f"model.patch = {model.patch} is longer than the context of {context}")
    patch = model.patch
    if patch is None:
        patch = _patch(context, season)
        lines.append(f"model.patch = {patch} steps enter the cell together")
    lengths = {"horizon": horizon, "context_length": context, "patch": patch}
    return config.updated("model", lengths)


def _wanted(horizon: int, season: int, longest: int) -> int:
    """Return the steps of context: some seasons, unless training shows few of them.

    A season that is left out so is described by the calendar and the profiles.
    """
    usual = max(3 * horizon, 24)
    if season > 24 and longest < _CYCLES * season:
        return usual
    return max(usual, 14 * season if season <= 24 else 2 * season)


def _horizon(season: int, split: Split) -> int:
    """Return a season, else 12 steps, but no more than the validation and test splits hold."""
    held = [int((split.end[name] - split.start[name]).max()) for name in _HELD_OUT]
    return max(1, min(season if 4 <= season <= 60 else 12, *held))


def _patch(context: int, season: int) -> int:
    """Return a patch for which the recurrence has 10 to 30 steps.

    A whole season is a natural patch.
    """
    if context <= 30:
        return 1
    if season > 1 and 7 <= context // season <= 48:
        return season
    return max(1, round(context / 16))


def _refuse_short(panel: Panel, split: Split, context: int, horizon: int) -> None:
    need = context + horizon
    longest = int(split.end["train"].max())
    if longest < need:
        group = int(np.argmax(split.end["train"]))
        raise DataError(
            f"series too short: {panel.series_name(group, 0)} has {longest} training steps of its "
            f"{int(panel.lengths[group])}, but model.context_length {context} + model.horizon "
            f"{horizon} = {need} are needed; give longer series, or smaller numbers"
        )
    for name in _HELD_OUT:
        held = int((split.end[name] - split.start[name]).max())
        if held < horizon:
            raise DataError(
                f"split.{name}: {held} steps are fewer than model.horizon {horizon}; make split."
                f"{name} at least {horizon}, or the horizon shorter"
            )


def _decide_size(
    config: ForecastConfig, panel: Panel, split: Split, lines: list[str]
) -> ForecastConfig:
    model, train = config.model, config.train
    assert model.context_length and model.horizon
    columns = 1 if model.is_joint else panel.target.shape[1]
    room = split.end["train"] - model.context_length - model.horizon + 1
    windows = int(room.clip(0).sum()) * columns
    tested = int((split.end["test"] - split.start["test"]).sum()) * panel.target.shape[1]
    hidden = model.hidden or (32 if windows < 2_000 else 64 if windows < 20_000 else 128)
    if model.hidden is None:
        lines.append(f"model.hidden = {hidden} units for {windows:,} training windows")
    batch = train.batch_size or (32 if windows < 2_000 else 64 if windows < 20_000 else 256)
    steps = train.steps_per_epoch or max(1, min(windows // batch, _STEPS_PER_EPOCH))
    usual = min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, round(_STEPS / steps)))
    epochs = train.max_epochs or usual
    changes: dict[str, Any] = {"batch_size": batch, "steps_per_epoch": steps, "max_epochs": epochs}
    if "patience" not in train.model_fields_set:
        changes["patience"] = max(train.patience, round(_PATIENCE * epochs))
    if train.batch_size is None or train.steps_per_epoch is None or train.max_epochs is None:
        lines.append(f"train: up to {epochs} epochs of {steps} batches of {batch} windows")
    if train.threads is None and hidden * batch <= _ONE_THREAD:
        changes["threads"] = 1
        lines.append("train.threads = 1, since the model is small")
    if train.loss is None:
        changes["loss"] = "pinball" if model.quantiles else "mse"
        lines.append(f"train.loss = {changes['loss']}")
    if config.split.stride is None:
        seen = tested * (model.context_length + model.horizon)
        stride = max(1, -(-seen // _MAX_SEEN), -(-tested * model.horizon // _MAX_SCORED))
        config = config.updated("split", {"stride": stride})
        if stride > 1:
            lines.append(f"split.stride = {stride}: every {stride}th origin is scored")
    sizes: dict[str, Any] = {"hidden": hidden}
    if model.calibrate is None:
        sizes["calibrate"] = bool(model.quantiles)
        if model.quantiles:
            lines.append(
                "model.calibrate = true: quantiles are moved to cover the validation split"
            )
    config = config.updated("model", sizes)
    return config.updated("train", changes)
