"""One series step by step: the same scores as over whole series, with a state that can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.errors import ConfigError, RunError
from longshort.runs.task import Model
from longshort.tasks.anomaly.alarms import PERIODS, Calibration
from longshort.tasks.anomaly.config import AnomalyConfig
from longshort.tasks.anomaly.encoder import AnomalyEncoder, Key
from longshort.tasks.anomaly.errors import cost
from longshort.tasks.anomaly.network import Ahead
from longshort.tasks.anomaly.thresholds import p_values

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """What is said of one row: the smoothed score, its p-value, whether it is flagged, and what was
    expected [K] in the data's units; NaN where nothing is known."""

    score: float
    p: float
    is_alarm: bool
    expected: Floats


def refuse_streaming(config: AnomalyConfig) -> None:
    """Raise `ConfigError` for a run whose scores need rows that a stream does not have yet."""
    if not config.alarm.causal:
        raise ConfigError(
            "--follow: the run smooths scores over both sides, and a stream has only the past; "
            "train it with --causal"
        )
    if config.model.ahead > 1 or not set(config.model.score) <= {"error", "nll"}:
        raise ConfigError(
            "--follow: needs a run that forecasts one step: model.score = error or nll, and "
            f"model.ahead = 1; it has {', '.join(config.model.score)} and {config.model.ahead}"
        )
    if config.alarm.threshold == "telemanom":
        raise ConfigError(
            "--follow: telemanom's threshold is found on whole series; train with "
            "alarm.threshold = rate"
        )


class Stream:
    """A series that arrives row by row.

    group: its place among the run's series, whose threshold and calibration it has.
    """

    def __init__(
        self, model: Model[AnomalyConfig, AnomalyEncoder], kept: Calibration, key: Key
    ) -> None:
        self.model, self.kept = model, kept
        self.group = list(model.encoder.series).index(key)
        self.known = model.encoder.series[key]
        self.network: Ahead = model.network.ahead
        lags = self.known.weights.shape[2] - 1
        channels = len(model.encoder.channels)
        self._last = np.zeros(len(self.known.centre))
        self._lags = np.zeros((lags, channels))
        self._state: Any = None
        self._expected = np.full(channels, np.nan)
        self._spread: Floats | None = None
        self._mean = float("nan")
        self._steps = 0

    def step(self, row: Floats) -> Step:
        """Judge a row [C] in the data's units, NaN where a value is missing; then learn of it."""
        scaled = (row - self.known.centre) / self.known.scale
        channels = len(self._expected)
        expected = self._expected.copy()
        off = np.where(np.isnan(scaled[:channels]), np.nan, scaled[:channels] - expected)
        score = self._score(off) if self._steps >= len(self._lags) else float("nan")
        if not np.isnan(score):
            self._mean = self._smoothed(score)
        seen = np.where(np.isnan(scaled), self._last, scaled).astype(np.float32).astype(float)
        self._advance(seen)
        smooth = float("nan") if np.isnan(score) else self._mean
        calibration = self.kept.scores[self.group]
        p = float(p_values(calibration, [smooth])[0]) if calibration.size else float("nan")
        return Step(
            smooth,
            p,
            bool(smooth > self.kept.threshold[self.group]),
            expected * self.known.scale[:channels] + self.known.centre[:channels],
        )

    def _score(self, off: Floats) -> float:
        """The row's score before smoothing; NaN where nothing was expected or given."""
        name = next(iter(self.kept.spread))
        each = cost(off, self._spread)
        found = (each - self.kept.centre[name][self.group]) / self.kept.spread[name][self.group]
        known = ~np.isnan(found)
        return float(found[known].mean()) if known.any() else float("nan")

    def _smoothed(self, score: float) -> float:
        span = self.model.config.alarm.smoothing or PERIODS * self.known.period
        if span <= 1 or np.isnan(self._mean):
            return score
        return self._mean + 2.0 / (span + 1.0) * (score - self._mean)

    @torch.no_grad()
    def _advance(self, seen: Floats) -> None:
        """Take in a row, scaled and filled; what is expected of the next one follows."""
        channels = len(self._expected)
        if not self._steps:
            self._lags[:] = seen[:channels]
        self._lags = np.concatenate([seen[None, :channels], self._lags[:-1]])
        lagged = np.concatenate([self._lags, np.ones((1, channels))])
        linear = np.einsum("lk,kl->k", lagged, self.known.weights[0])
        x = torch.tensor(seen, dtype=torch.float32, device=self.model.device)[None, None]
        found, self._state = self.network(x, self._state)
        values = found[0, 0, 0].cpu().double().numpy()
        self._expected = linear + values[:, 0]
        self._spread = values[:, 1] if values.shape[1] == 2 else None
        self._last = seen
        self._steps += 1

    def state(self) -> dict[str, Any]:
        """Plain values for JSON, with which `resume` goes on."""
        states = self._state if isinstance(self._state, tuple) else (self._state,)
        return {
            "last": self._last.tolist(),
            "lags": self._lags.tolist(),
            "expected": self._expected.tolist(),
            "spread": None if self._spread is None else self._spread.tolist(),
            "mean": None if np.isnan(self._mean) else self._mean,
            "steps": self._steps,
            "network": [] if self._state is None else [each.tolist() for each in states],
        }

    def resume(self, stored: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; raises `RunError` where it is of another run or damaged."""
        try:
            shapes = self._last.shape, self._lags.shape, self._expected.shape
            self._last, self._lags = np.array(stored["last"]), np.array(stored["lags"])
            self._expected = np.array(stored["expected"], dtype=float)
            spread = stored["spread"]
            self._spread = None if spread is None else np.array(spread)
            self._mean = float("nan") if stored["mean"] is None else float(stored["mean"])
            self._steps = int(stored["steps"])
            self._state = self._tensors(stored["network"])
            if (self._last.shape, self._lags.shape, self._expected.shape) != shapes:
                raise ValueError("other sizes")
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"--state: is damaged, or of another run ({error}); remove the file to begin anew"
            ) from None

    def _tensors(self, stored: list[Any]) -> Any:
        found: list[Tensor] = [
            torch.tensor(each, dtype=torch.float32, device=self.model.device) for each in stored
        ]
        if not found:
            return None
        return tuple(found) if len(found) > 1 else found[0]
