"""Decisions on the calendar and known effects, by trying them on the validation split.

A linear model stands in for the network, since it is fitted in a moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.data.calendar import Period, all_periods, useful_periods
from longshort.data.panel import Floats, Panel
from longshort.data.split import Split
from longshort.metrics.significance import compare
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.effects import Per
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.linear import LinearWindows
from longshort.tasks.forecast.linear_inputs import LinearPlan

_MIN_GAIN, _FEW_GAIN = 0.01, 0.1
"""Shares of the validation error to save; the second where a split is too short for an interval."""
_MOST_VALIDATED = 4096


@dataclass(frozen=True)
class _Way:
    calendar: tuple[Period, ...]
    effects: Per

    def __str__(self) -> str:
        if self.effects == "off":
            return "off"
        return f"{self.effects}, of {', '.join(self.calendar) or 'covariates'}"


def decide_known(
    config: ForecastConfig, panel: Panel, split: Split, lines: list[str]
) -> ForecastConfig:
    """Decide `data.calendar`, `model.effects`, `level` and `linear_past` where they are open."""
    model = config.model
    if None not in (config.data.calendar, model.effects, model.level, model.linear_past):
        return config
    plain, ways = _ways(config, panel, split)
    tried = [_tried(config, panel, split, way) for way in (plain, *ways)]
    better = [each for each in tried[1:] if _is_better(each, tried[0])]
    best = min(better, key=lambda each: each.error) if better else tried[0]
    way, blocks = best.way, best.blocks
    if len(tried) > 1:
        all_tried = "; ".join(f"{each.way}: {each.error:.4g}" for each in tried)
        why = "" if better or way.effects != "off" else ", no other is surely better"
        lines.append(
            f"model.effects = {way.effects}, data.calendar = {list(way.calendar)}: the scaled MSE "
            "of the linear model on the validation split is "
            f"{best.error:.4g} (tried: {all_tried}{why})"
        )
    elif config.data.calendar is None:
        lines.append(f"data.calendar = {list(way.calendar)} (periods longer than the context)")
    changes: dict[str, Any] = {"effects": way.effects}
    for name, block in (("level", "level"), ("linear_past", "past")):
        if getattr(model, name) is None:
            changes[name] = block in blocks
    if changes.get("level"):
        lines.append("model.level = true: the series' level helps the linear model")
    if changes.get("linear_past"):
        lines.append("model.linear_past = true: past covariates help the linear model")
    config = config.updated("data", {"calendar": way.calendar})
    return config.updated("model", changes)


def _ways(config: ForecastConfig, panel: Panel, split: Split) -> tuple[_Way, list[_Way]]:
    """Return the way without effects, and every other one that the settings leave open."""
    steps, context = int(split.end["train"].max()), config.model.context_length or 1
    usual = useful_periods(panel.freq, steps, context)
    given = config.data.calendar
    every = all_periods(panel.freq, steps)
    calendars = [given] if given is not None else [usual, *((name,) for name in every), every]
    effects = config.model.effects
    plain = _Way(calendars[0], "off" if effects is None else effects)
    if effects == "off":
        return plain, []
    kinds: list[Per] = [effects] if effects is not None else ["shared", "series"]
    if panel.num_groups * panel.target.shape[1] == 1:
        kinds = kinds[:1]
    ways = [
        _Way(calendar, kind)
        for calendar in dict.fromkeys(calendars)
        for kind in kinds
        if calendar or config.data.future
    ]
    return plain, [way for way in ways if way != plain]


@dataclass(frozen=True)
class _Tried:
    """Losses of a way's linear model on the validation split.

    losses [n]: by moment, in order of time. block: number of neighbouring moments whose horizons
    overlap. blocks: the kinds of inputs that were chosen.
    """

    way: _Way
    losses: Floats
    block: int
    blocks: tuple[str, ...]

    @property
    def error(self) -> float:
        """Mean loss."""
        return float(self.losses.mean()) if self.losses.size else float("inf")


def _is_better(way: _Tried, plain: _Tried) -> bool:
    """Return whether known effects save more than one standard error, half the interval's arm."""
    if not way.losses.size or not plain.losses.size:
        return False
    found = compare(way.losses, plain.losses, way.block)
    if found.low is None:
        return found.gain > _FEW_GAIN
    return found.gain > max(_MIN_GAIN, (found.gain - found.low) / 2)


def _tried(config: ForecastConfig, panel: Panel, split: Split, way: _Way) -> _Tried:
    config = config.updated("data", {"calendar": way.calendar})
    config = config.updated("model", {"effects": way.effects})
    encoder = ForecastEncoder.fit(panel, split, config)
    reader = encoder.reader(panel)
    train, val = reader.origins("train", split), reader.origins("val", split)
    if not len(train) or not len(val):
        return _Tried(way, np.empty(0), 1, ())
    val = val.thinned(_MOST_VALIDATED)
    windows = LinearWindows(reader, train, val)
    plan = LinearPlan.of(encoder, everything=True)
    found = windows.least_squares(plan)
    moments, number = np.unique(panel.first[val.group] + val.row, return_inverse=True)
    columns = panel.target.shape[1] if reader.joint else 1
    losses = windows.losses(found, plan).reshape(len(val), columns).mean(1)
    by_moment = np.bincount(number, losses) / np.bincount(number)
    apart = int(np.diff(moments).min()) if len(moments) > 1 else 1
    return _Tried(way, by_moment, -(-reader.horizon // apart), found.blocks)
