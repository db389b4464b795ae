"""Sessions of forecasts: a row of the series at each step, and what follows it as the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from longshort.data.growing import GrowingSeries, Grown, with_usual
from longshort.data.panel import Panel
from longshort.data.schema import Schema
from longshort.errors import DataError
from longshort.runs.abilities import Stepper
from longshort.tasks.forecast.ahead import look_ahead
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.inference import ForecastModel

AHEAD = "ahead"
"""Key of a step under which the future covariates of the horizon are given."""
_LEAST, _CONTEXTS = 500, 4
"""A session remembers that many rows at least, and that many times what a forecast looks at."""


class ForecastSteps(Stepper):
    """The newest rows of one series, forecast as `predict` would."""

    def __init__(self, model: ForecastModel) -> None:
        self.model = model
        config, encoder = model.config, model.encoder
        self.horizon = config.model.horizon or 1
        looked = (config.model.context_length or 1) + config.transform.difference + self.horizon
        schema = schema_of(config.data, encoder)
        words = {
            name: each
            for names, moments in (
                (schema.past, encoder.past),
                (schema.future, encoder.future),
                (schema.static, encoder.static),
            )
            for name, each in zip(names, moments.coding.words, strict=True)
            if each is not None
        }
        begins = dict(zip(encoder.groups, encoder.known_until.tolist(), strict=True))
        most = max(_LEAST, _CONTEXTS * looked)
        self.series = GrowingSeries(encoder.axis, schema, words, begins, most)

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        time = self.series.schema.time or "step"
        says = {
            time: "the time of the row",
            "forecast": f"rows of the next {self.horizon} steps: {time}, yhat, and quantiles where "
            "the run has them; empty while the context is not whole",
            "waiting": "why there is no forecast yet; null where there is one",
        }
        columns = self._columns()
        found = {"kind": "row", "columns": columns, "answer": says}
        if self.series.schema.future:
            future = [each for each in columns if each["role"] == "future"]
            found[AHEAD] = {"steps": self.horizon, "columns": future}
        return found | {"remembers": self.series.most}

    def _columns(self) -> list[dict[str, Any]]:
        encoder, schema = self.model.encoder, self.series.schema
        low, high = np.nanmin(encoder.lowest, axis=0), np.nanmax(encoder.highest, axis=0)
        ranges = dict(zip(schema.target, zip(low, high, strict=True), strict=True))
        for moments, names in (
            (encoder.past, schema.past),
            (encoder.future, schema.future),
            (encoder.static, schema.static),
        ):
            ranges |= moments.usual(names)
        keys = zip(schema.group, zip(*encoder.groups, strict=True), strict=True)
        words = dict(self.series.words) | {name: sorted(set(each)) for name, each in keys}
        return with_usual(self.series.columns, ranges, words)

    def begin(self) -> Grown:
        """Return a series without rows."""
        return self.series.begin()

    def advance(self, context: Grown, x: Any) -> tuple[dict[str, Any], Grown]:
        """Forecast what follows the rows with one more."""
        row, ahead = x, None
        if isinstance(x, Mapping) and self.series.schema.future:
            row = {name: value for name, value in x.items() if name != AHEAD}
            ahead = x.get(AHEAD)
        grown = self.series.take(context, row)
        answer: dict[str, Any] = dict(self.series.stamp(grown))
        panel = self.series.panel(grown)
        if ahead is not None:
            panel = _with_future(panel, self.series.ahead(ahead, self.horizon))
        needed = (self.model.config.model.context_length or 1) - len(grown["values"])
        if needed > 0:
            waiting = f"{needed} more rows are needed for the first forecast"
            return answer | {"forecast": [], "waiting": waiting}, grown
        try:
            found = look_ahead(self.model, panel, self.horizon)
        except DataError as error:
            return answer | {"forecast": [], "waiting": str(error)}, grown
        reasons = "; ".join(dict.fromkeys(found.skipped.values())) or None
        return answer | {"forecast": found.rows, "waiting": reasons}, grown


def schema_of(data: Any, encoder: ForecastEncoder) -> Schema:
    """Return the roles of columns from a run's settings."""
    time, clock = data.time, None
    if time is not None and "\t" in encoder.axis.form.pattern:
        time, clock = (part.strip() for part in time.split(","))
    roles = (data.group, data.target, data.past, data.future, data.static)
    return Schema(time, *roles, clock)


def _with_future(panel: Panel, rows: Any) -> Panel:
    """Return the panel with rows after its end that have future covariates alone."""
    longer = panel.extend(panel.lengths + len(rows))
    return replace(longer, future=np.concatenate([panel.future, rows]))
