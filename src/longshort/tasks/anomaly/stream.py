"""Streams: the scores of whole series, computed step by step, with a state that can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError
from longshort.runs.task import Model
from longshort.tasks.anomaly.alarms import Calibration
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import AnomalyEncoder, Key
from longshort.tasks.anomaly.raising import below, with_score
from longshort.tasks.anomaly.thresholds import p_values
from longshort.tasks.anomaly.walker import Walker

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """Judgement of one row: smoothed score, p-value, whether it is flagged, and expected values.

    expected [K]: in the data's units. NaN where nothing is known.
    """

    score: float
    p: float
    is_alarm: bool
    expected: Floats


def refuse_streaming(config: AnomalyConfig, option: str = "--follow") -> None:
    """Raise `ConfigError` for a run whose scores need rows that a stream does not have yet.

    option: what asks for a stream, in the message.
    """
    if not config.alarm.causal:
        raise ConfigError(
            f"{option}: the run smooths scores over both sides, and a stream has only the past; "
            "train it with --causal"
        )
    if config.model.ahead > 1 or not set(config.model.score) <= {"error", "nll"}:
        raise ConfigError(
            f"{option}: needs a run that forecasts one step: model.score = error or nll, and "
            f"model.ahead = 1; it has {', '.join(config.model.score)} and {config.model.ahead}"
        )
    if config.alarm.threshold == "telemanom":
        raise ConfigError(
            f"{option}: telemanom's threshold is found on whole series; train with "
            "alarm.threshold = rate"
        )


class Stream:
    """A series that arrives row by row, with the run's threshold and calibration for it."""

    def __init__(
        self, model: Model[AnomalyConfig, AnomalyEncoder], kept: Calibration, key: Key
    ) -> None:
        self.model, self.kept = model, kept
        self.group = list(model.encoder.series).index(key)
        self.known = model.encoder.series[key]
        cutoff = None if kept.cutoff is None else kept.cutoff[self.group]
        weights, inputs = self.known.weights[0], len(self.known.centre)
        self.walker = Walker(model.call, weights, inputs, cutoff)
        self._mean = self._usual_mean = float("nan")

    @property
    def span(self) -> int:
        """Steps of the smoothing; an alarm ends after more steps without a flag."""
        return self.known.span

    def step(self, row: Floats) -> Step:
        """Judge a row [C] in the data's units, NaN where a value is missing; then take it in."""
        is_warm = self.walker.is_warm
        expected, each = self.walker.step((row - self.known.centre) / self.known.scale)
        score = self._score(each) if is_warm else float("nan")
        smooth, is_alarm = (float("nan"), False) if np.isnan(score) else self._judged(score)
        calibration = self.kept.scores[self.group]
        p = float(p_values(calibration, [smooth])[0]) if calibration.size else float("nan")
        channels = len(expected)
        return Step(
            smooth,
            p,
            is_alarm,
            expected * self.known.scale[:channels] + self.known.centre[:channels],
        )

    def _score(self, each: Floats) -> float:
        """Return the row's score before smoothing; NaN where nothing was expected or given."""
        name = next(iter(self.kept.spread))
        found = (each - self.kept.centre[name][self.group]) / self.kept.spread[name][self.group]
        known = ~np.isnan(found)
        return float(found[known].mean()) if known.any() else float("nan")

    def _judged(self, score: float) -> tuple[float, bool]:
        """Return the mean with a further score, and whether the score raises an alarm.

        Scores that did so before count as usual, as in `raising`.
        """
        self._mean = with_score(self._mean, score, self.span)
        kept, threshold = self.kept.scores[self.group], float(self.kept.threshold[self.group])
        usual = below(float(kept.mean()) if kept.size else 0.0, threshold)
        before = usual if np.isnan(self._usual_mean) else self._usual_mean
        new = with_score(before, score, self.span)
        is_alarm = new > threshold
        self._usual_mean = with_score(before, usual, self.span) if is_alarm else new
        return self._mean, is_alarm

    def state(self) -> dict[str, Any]:
        """Return plain values for JSON, with which `resume` goes on."""
        means = [None if np.isnan(mean) else mean for mean in (self._mean, self._usual_mean)]
        return self.walker.state() | {"means": means}

    def resume(self, stored: Mapping[str, Any]) -> None:
        """Go on from what `state` returned.

        Raises `RunError` if it is damaged or from another run.
        """
        self.walker.resume(stored)
        means = [float("nan") if mean is None else float(mean) for mean in stored["means"]]
        self._mean, self._usual_mean = means
