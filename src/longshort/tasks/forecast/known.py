"""Which calendar and known effects a forecaster begins with: tried on the validation part, said.

A linear model stands in for the network, since it is fitted in a moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from longshort.config import RunConfig
from longshort.data.calendar import Period, all_periods, useful_periods
from longshort.data.panel import Panel
from longshort.data.split import Split
from longshort.tasks.forecast.effects import Per
from longshort.tasks.forecast.fitted import Fitted
from longshort.tasks.forecast.linear import LinearWindows, plan_of, thinned
from longshort.tasks.forecast.update import update

_MIN_GAIN = 0.01
"""Share of the validation error that known effects have to save."""
_MOST_VALIDATED = 4096


@dataclass(frozen=True)
class _Way:
    calendar: tuple[Period, ...]
    effects: Per

    def __str__(self) -> str:
        if self.effects == "off":
            return "off"
        return f"{self.effects}, of {', '.join(self.calendar) or 'covariates'}"


def decide_known(config: RunConfig, panel: Panel, split: Split, said: list[str]) -> RunConfig:
    """Decide `data.calendar`, `model.effects`, `level` and `linear_past` where they are open."""
    model = config.model
    if None not in (config.data.calendar, model.effects, model.level, model.linear_past):
        return config
    plain, ways = _ways(config, panel, split)
    tried = [(way, *_tried(config, panel, split, way)) for way in (plain, *ways)]
    best = tried[0]
    for other in tried[1:]:
        if other[1] < (1 - (_MIN_GAIN if best is tried[0] else 0)) * best[1]:
            best = other
    way, error, blocks = best
    if len(tried) > 1:
        all_tried = "; ".join(f"{each[0]}: {each[1]:.4g}" for each in tried)
        said.append(
            f"model.effects = {way.effects}, data.calendar = {list(way.calendar)}: the linear "
            f"model's scaled MSE on the validation part is {error:.4g} (tried: {all_tried})"
        )
    elif config.data.calendar is None:
        said.append(f"data.calendar = {list(way.calendar)} (periods longer than the context)")
    changes: dict[str, Any] = {"effects": way.effects}
    for name, block in (("level", "level"), ("linear_past", "past")):
        if getattr(model, name) is None:
            changes[name] = block in blocks
    if changes.get("level"):
        said.append("model.level = true: the series' level helps the linear model")
    config = update(config, "data", {"calendar": way.calendar})
    return update(config, "model", changes)


def _ways(config: RunConfig, panel: Panel, split: Split) -> tuple[_Way, list[_Way]]:
    """Without effects, and every other one that the settings leave open."""
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


def _tried(
    config: RunConfig, panel: Panel, split: Split, way: _Way
) -> tuple[float, tuple[str, ...]]:
    """Validation error of the linear model after these effects, and the inputs that it took."""
    config = update(config, "data", {"calendar": way.calendar})
    config = update(config, "model", {"effects": way.effects})
    fitted = Fitted.fit(panel, split, config)
    reader = fitted.reader(panel, config)
    train, val = reader.origins("train", split), reader.origins("val", split)
    if not len(train) or not len(val):
        return float("inf"), ()
    windows = LinearWindows(reader, train, thinned(val, _MOST_VALIDATED), "last")
    found = windows.least_squares(plan_of(config, fitted.past.width, everything=True))
    return found.error, found.blocks
