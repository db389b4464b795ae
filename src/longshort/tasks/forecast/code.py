"""A forecast as code: from the newest values of a series to what follows them.

Letters: L context, H horizon, S series, F features of known effects, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.windows import Batch
from longshort.errors import ConfigError
from longshort.runs.portable import Part, Portable
from longshort.runs.portable_values import (
    Computed,
    Given,
    Result,
    Value,
    computed,
    evaluated,
    scaled,
    single,
)
from longshort.tasks.forecast.coded_effects import known_effects
from longshort.tasks.forecast.inference import CALIBRATION

Array = NDArray[Any]

_TRIALS, _NAMED = 8, 40
"""Windows that prove the code, and series that its comments name."""


def portable(model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
    """Return what becomes code; see `longshort.runs.abilities.Ports`."""
    if steps is not None:
        raise ConfigError("--steps: a forecast looks at its context (model.context_length)")
    _refuse(model.encoder, model.config)
    batches = [each.inputs[0] for each in golden if each.function == "forward"]
    window = _Window(model, batches[0])
    answers = {"forecast": window.in_units()}
    rows = [(batch, row) for batch in batches for row in range(len(batch.context))]
    trials = [window.trial(*each) for each in rows[:_TRIALS]]
    part = Part("run", "forward", (window.batch(batches[0]),), answers, trials)
    what = "Give it the past, and see what it expects next."
    return Portable((part,), _page(model, window), what, _says(model, window))


def _refuse(encoder: Any, config: Any) -> None:
    """Raise `ConfigError` for a model whose inputs or scales code does not have."""
    if config.model.is_joint:
        raise ConfigError(
            f"--to: code forecasts series by themselves, and model.channels = "
            f"{config.model.channels} forecasts all columns together; train with --set "
            "model.channels=independent, or use a bundle"
        )
    if encoder.static.width:
        raise ConfigError(
            "--to: code has no static covariates, and the run uses them; train without, or use a "
            "bundle"
        )
    if any(
        words is not None for each in (encoder.past, encoder.future) for words in each.coding.words
    ):
        raise ConfigError(
            "--to: covariates of code are numbers, and some of the run are words; train without "
            "these, or use a bundle"
        )
    if config.transform.difference:
        raise ConfigError(
            "--to: code has no differences of values (transform.difference); train without them, "
            "or use a bundle"
        )


class _Window:
    """What is computed of one window, before the network and after it."""

    def __init__(self, model: Any, example: Any) -> None:
        encoder, settings = model.encoder, model.config.model
        self.model, self.encoder, self.settings = model, encoder, settings
        self.context, self.horizon = settings.context_length, settings.horizon
        self.names = _names(encoder, model.config)
        whole, known = self.context + self.horizon, encoder.future.width
        self.x = Given("x", np.zeros((1, self.context, 1), np.float32))
        self.series = Given("series", np.zeros(1, np.int64))
        self.past = Given("past", np.zeros((1, self.context, encoder.past.width), np.float32))
        self.ahead = Given("ahead", np.zeros((1, whole, known), np.float32))
        waves = example.future.shape[2] - known
        self.calendar = Given("calendar", np.zeros((1, whole, waves), np.float32))
        self.location = self._of_series(encoder.transform.location)
        self.scale = self._of_series(encoder.transform.scale)
        self.effects: Value | None = None
        if not encoder.effects.is_none:
            self.effects = known_effects(
                encoder, self._covariates(), self.calendar, self._of_series
            )

    def _of_series(self, table: Array) -> Any:
        """Return what a table [G, K, ...] has for the series, [1, ...]."""
        rows = single(table).reshape(-1, *np.shape(table)[2:])
        if len(rows) == 1:
            return rows
        return computed("index_select", rows, 0, self.series)

    def _covariates(self) -> Value:
        """Return the covariates that are known ahead, as the network takes them."""
        future = self.encoder.future
        return scaled(self.ahead, future.mean, future.deviation) if future.width else self.ahead

    def batch(self, example: Any) -> Batch[Any]:
        """Return the network's argument."""
        one = {name: getattr(example, name)[:1] for name in Batch.__dataclass_fields__}
        found: dict[str, Any] = {
            name: np.zeros_like(one[name]) for name in ("target", "effects", "static")
        }
        found["observed"] = np.ones_like(one["observed"])
        past, encoder = self.encoder.past, self.encoder
        found["past"] = scaled(self.past, past.mean, past.deviation) if past.width else one["past"]
        parts = [self._covariates()] if encoder.future.width else []
        parts += [self.calendar] if self.calendar.example.shape[2] else []
        found["future"] = computed("cat", parts, 2) if parts else one["future"]
        found["series"] = self.series if len(self.names) > 1 else np.zeros(1, np.int64)
        return Batch(context=self._scaled(), **found)

    def _scaled(self) -> Computed:
        """Return the context as the network takes it."""
        x: Value = computed("log1p", self.x) if self.encoder.transform.config.log1p else self.x
        found = computed("div.Tensor", computed("sub.Tensor", x, self.location), self.scale)
        if self.effects is None:
            return found
        return computed(
            "sub.Tensor", found, computed("slice.Tensor", self.effects, 1, 0, self.context)
        )

    def in_units(self) -> Computed:
        """Return calibrated quantiles in order from scaled ones, [1, H, 1, Q]."""
        found: Value = Result()
        if self.effects is not None:
            ahead = computed("slice.Tensor", self.effects, 1, self.context, None)
            found = computed("add.Tensor", found, computed("unsqueeze", ahead, 3))
        found = computed("add.Tensor", computed("mul.Tensor", found, self.scale), self.location)
        if self.encoder.transform.config.log1p:
            found = computed("sub.Tensor", computed("exp", found), 1.0)
        found = self._bounded(found)
        shifts = self.model.kept.get(CALIBRATION)
        if shifts is None:
            return found
        spread = self._of_series(self.encoder.zscore.scale)
        moved = single(shifts.T)[None, :, None]
        return self._bounded(computed("add.Tensor", found, computed("mul.Tensor", moved, spread)))

    def _bounded(self, found: Computed) -> Computed:
        """Return quantiles in order and no lower than the series' floor.

        It has none where the window went below 0. A series that has never moved stays where it is.
        """
        if len(self.settings.quantiles) > 1:
            found = computed("getitem", computed("sort", found, -1), 0)
        lowest, highest = self.encoder.lowest, self.encoder.highest
        if (lowest == highest).any():
            level = self._of_series(np.where(lowest == highest, lowest, np.inf))
            far = computed("abs", computed("sub.Tensor", self.x, level))
            stays = computed("le.Scalar", computed("amax", far, [0, 1, 2]), 0.0)
            found = computed("where.self", stays, level, found)
        if not np.isfinite(self.encoder.floors).any():
            return found
        floor = self._of_series(self.encoder.floors)
        if self.settings.floor == "auto":
            is_below = computed("lt.Scalar", computed("amin", self.x, [0, 1, 2]), 0.0)
            floor = computed("where.self", is_below, single([-np.inf]), floor)
        return computed("maximum", found, floor)

    def trial(self, batch: Any, row: int) -> dict[str, Array]:
        """Return a recorded window in the user's units."""
        past, future, one = self.encoder.past, self.encoder.future, slice(row, row + 1)
        place = int(batch.series[row]) if len(self.names) > 1 else 0
        given = {
            "series": np.array([place]),
            "past": single(batch.past[one] * past.deviation + past.mean),
            "ahead": single(batch.future[one, :, : future.width] * future.deviation + future.mean),
            "calendar": single(batch.future[one, :, future.width :]),
        }
        return given | {"x": single(self._plain(batch.context[one], given))}

    def _plain(self, context: Array, given: dict[str, Array]) -> Array:
        """Return a recorded context in the user's units."""
        if self.effects is not None:
            context = context + evaluated(self.effects, given)[:, : self.context]
        location, scale = (evaluated(each, given) for each in (self.location, self.scale))
        values: Array = context * scale + location
        return np.expm1(values) if self.encoder.transform.config.log1p else values


def _names(encoder: Any, config: Any) -> list[str]:
    """Return the names of the series, by their numbers."""
    columns = config.data.target
    return [
        "/".join([*key, *([column] if len(columns) > 1 or not key else [])])
        for key in encoder.groups
        for column in columns
    ]


def _page(model: Any, window: _Window) -> dict[str, Any]:
    config, quantiles = model.config, window.settings.quantiles
    waves = window.calendar.example.shape[2]
    kept = [*config.data.past, *config.data.future, *(["the time"] if waves else [])]
    return {
        "kind": "forecast",
        "reads": "rows",
        "columns": window.names[:1] if len(window.names) == 1 else ["value"],
        "series": window.names,
        "kept": kept,
        "steps": window.context,
        "context": window.context,
        "horizon": window.horizon,
        "quantiles": list(quantiles),
        "middle": window.settings.middle,
    }


def _says(model: Any, window: _Window) -> tuple[str, ...]:
    config, quantiles = model.config.data, window.settings.quantiles
    whole = f"{window.context} newest and {window.horizon} next steps"
    of_each = f", the quantiles {', '.join(map(str, quantiles))} of each" if quantiles else ""
    numbers = ", ".join(f"{k} {name}" for k, name in enumerate(window.names[:_NAMED]))
    numbers += ", …" if len(window.names) > _NAMED else ""
    periods = ", ".join(config.calendar or ())
    lines = [f"x: the newest {window.context} values, the oldest first, without gaps"]
    if len(window.names) > 1:
        lines.append(f"series: number of the series: {numbers}")
    if config.past:
        lines.append(f"past: of the newest steps, {', '.join(config.past)}")
    if config.future:
        lines.append(f"ahead: of the {whole}, {', '.join(config.future)}")
    if window.calendar.example.shape[2]:
        lines.append(
            f"calendar: of the {whole}, sine and cosine of 2 pi times the part that has passed of "
            f"the {periods} (a week begins on Monday; a year has 365.25 days from 1969-12-29)"
        )
    return (*lines, f"forecast: the next {window.horizon} values{of_each}")
