"""Sessions of anomaly detection: a row of a series at each step, judged by those before it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from longshort.data.growing import GrowingSeries, Grown, with_usual
from longshort.data.schema import Schema
from longshort.errors import ConfigError
from longshort.runs.abilities import Context, Stepper
from longshort.runs.task import Model
from longshort.tasks.anomaly.alarms import Alarms, Calibration
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import AnomalyEncoder, Signals, encode_panel, known_of
from longshort.tasks.anomaly.stream import Stream, refuse_streaming
from longshort.tasks.anomaly.table import in_units_of

Watching = Model[AnomalyConfig, AnomalyEncoder]
MOST = 2_000
"""Rows that a session remembers where all of them are judged anew."""


def anomaly_steps(task: Any, model: Watching, kept: Calibration) -> Stepper:
    """Return the stepper of a model: from its state where the scores need the past alone."""
    try:
        refuse_streaming(model.config)
    except ConfigError:
        return SeriesHistory(task, model, kept)
    return SeriesStream(model, kept)


class _SeriesSteps(Stepper):
    """What both ways have in common: rows and answers."""

    def __init__(self, model: Watching, kept: Calibration, most: int) -> None:
        self.model, self.kept = model, kept
        data, encoder = model.config.data, model.encoder
        time, clock = data.time, None
        if time is not None and "\t" in encoder.axis.form.pattern:
            time, clock = (part.strip() for part in time.split(","))
        schema = Schema(time, data.group, encoder.channels, data.past, data.future, (), clock)
        begins = {key: known.until for key, known in encoder.series.items()}
        self.series = GrowingSeries(encoder.axis, schema, {}, begins, most)

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        says = {self.series.schema.time or "step": "the time of the row"}
        says |= {f"expected_{name}": f"what was expected of {name}" for name in self._channels}
        says |= {
            "score": "how strange the row is; null while too little is known",
            "threshold": "the score from which on an alarm is raised",
            "p": "share of normal steps that score as high",
            "alarm": "1 where an alarm is raised, else 0",
        }
        found = {"kind": "row", "columns": self._columns(), "answer": says}
        return found | {"remembers": self._remembers}

    def _columns(self) -> list[dict[str, Any]]:
        keys, known = zip(*self.model.encoder.series.items(), strict=True)
        low = np.min([each.centre - 2 * each.scale for each in known], axis=0)
        high = np.max([each.centre + 2 * each.scale for each in known], axis=0)
        ranges = dict(zip(self.series.numbers, zip(low, high, strict=True), strict=True))
        names = zip(self.series.schema.group, zip(*keys, strict=True), strict=True)
        return with_usual(self.series.columns, ranges, {n: sorted(set(v)) for n, v in names})

    @property
    def _remembers(self) -> int | None:
        return self.series.most

    @property
    def _channels(self) -> tuple[str, ...]:
        return self.model.encoder.channels

    def _grown(self, series: Grown, x: Any) -> Grown:
        grown = self.series.take(series, x)
        known_of(self.model.encoder, tuple(grown["key"]), "a step")
        return grown

    def _answer(
        self, grown: Grown, expected: Any, score: float, p: float, is_alarm: bool, threshold: float
    ) -> dict[str, Any]:
        found: dict[str, Any] = dict(self.series.stamp(grown))
        for name, value in zip(self._channels, expected, strict=True):
            found[f"expected_{name}"] = _finite(value)
        numbers = {"score": score, "threshold": threshold, "p": p}
        found |= {name: _finite(value) for name, value in numbers.items()}
        return found | {"alarm": int(is_alarm)}


class SeriesStream(_SeriesSteps):
    """A series judged from the network's state; the context has the newest row alone."""

    def __init__(self, model: Watching, kept: Calibration) -> None:
        super().__init__(model, kept, 1)

    @property
    def _remembers(self) -> None:
        return None

    def begin(self) -> Context:
        """Return a series without rows, and no state."""
        return {"series": self.series.begin(), "stream": None}

    def advance(self, context: Context, x: Any) -> tuple[dict[str, Any], Context]:
        """Judge a row; steps that were skipped count as rows without values."""
        before = context["series"]
        grown = self._grown(before, x)
        stream = Stream(self.model, self.kept, tuple(grown["key"]))
        if context["stream"] is not None:
            stream.resume(context["stream"])
            nothing = np.full(grown["values"].shape[1], np.nan)
            for _ in range(grown["first"] - before["first"] - 1):
                stream.step(nothing)
        step = stream.step(grown["values"][-1])
        threshold = float(self.kept.threshold[stream.group])
        answer = self._answer(grown, step.expected, step.score, step.p, step.is_alarm, threshold)
        return answer, {"series": grown, "stream": stream.state()}


class SeriesHistory(_SeriesSteps):
    """The rows so far, judged as `predict` would."""

    def __init__(self, task: Any, model: Watching, kept: Calibration) -> None:
        super().__init__(model, kept, MOST)
        self.task = task

    def begin(self) -> Context:
        """Return a series without rows."""
        return self.series.begin()

    def advance(self, context: Context, x: Any) -> tuple[dict[str, Any], Context]:
        """Judge the newest row by all rows so far."""
        grown = self._grown(context, x)
        encoder, panel = self.model.encoder, self.series.panel(grown)
        lengths = panel.lengths
        signals: Signals = encode_panel(
            encoder, panel, None, np.zeros_like(lengths), lengths, "a step"
        )
        found: Alarms = self.task.predict(self.model, signals)
        expected = np.full(len(self._channels), np.nan)
        if found.expected is not None:
            expected = in_units_of(known_of(encoder, panel.groups[0], "a step"), found.expected[-1])
        numbers = float(found.score[-1]), float(found.p[-1]), bool(found.flagged[-1])
        return self._answer(grown, expected, *numbers, float(found.threshold[0])), grown


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
