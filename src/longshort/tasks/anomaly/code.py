"""A detector as code: from a row, and the state before it, to its score and alarm.

It computes what `stream.Stream` does, with steps of the runtime. Letters: C inputs, K channels
among them, L lags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError
from longshort.runs.portable import Part, Portable
from longshort.runs.portable_values import (
    Computed,
    Given,
    Held,
    Result,
    Value,
    computed,
    new_states,
    single,
)
from longshort.runtime.tree import mapped
from longshort.tasks.anomaly.alarms import Calibration
from longshort.tasks.anomaly.encoder import AnomalyEncoder, Known
from longshort.tasks.anomaly.errors import FREEDOM
from longshort.tasks.anomaly.raising import below
from longshort.tasks.anomaly.stream import refuse_streaming

Array = NDArray[Any]

_ROWS = 240
"""Rows that prove the code, and that the page plays."""
_BEFORE = 0.75
"""Where among them the strangest one is."""


def portable(model: Any, golden: Sequence[Any], steps: int | None, kept: Calibration) -> Portable:
    """Return what becomes code; see `longshort.runs.abilities.Ports`."""
    if steps is not None:
        raise ConfigError("--steps: a detector goes on row by row; leave it out")
    refuse_streaming(model.config, "--to")
    encoder = model.encoder
    if len(encoder.series) > 1:
        raise ConfigError(
            f"--to: code watches one series, and the run has {len(encoder.series)}; train on one "
            "of them, or use a bundle"
        )
    if not np.isfinite(kept.threshold).all():
        raise ConfigError(
            "--to: the run has no threshold, since none of its validation rows is normal; train "
            "with more normal rows (split.normal, split.val)"
        )
    (known,) = encoder.series.values()
    row = _Row(model, known, kept)
    x = computed("reshape", row.seen, [1, 1, len(known.centre)])
    trials = [{"x": each} for each in _trials(golden, known, len(encoder.channels))]
    part = Part("step", "forecasts", (x, row.network), row.answers(), trials, row.states())
    return Portable((part,), _page(encoder, row), _WHAT, _says(model, row))


_WHAT = "Watch values arrive, and see which it finds unusual. Click in the chart to add your own."


class _Row:
    """What is computed of one row."""

    def __init__(self, model: Any, known: Known, kept: Calibration) -> None:
        channels = len(model.encoder.channels)
        self.known, self.channels, self.lag_count = known, channels, known.weights.shape[2] - 1
        self.threshold = float(kept.threshold[0])
        usual = float(kept.scores[0].mean()) if kept.scores[0].size else 0.0
        self.usual, self.weight = below(usual, self.threshold), 2.0 / (known.span + 1.0)
        (name,) = kept.spread
        self.centre, self.spread = kept.centre[name][0], kept.spread[name][0]
        self.cutoff = None if kept.cutoff is None else kept.cutoff[0]
        self.is_likelihood = model.config.model.outputs == 2
        self._hold(model)
        self._judge()
        self._take_in()

    def _hold(self, model: Any) -> None:
        """Name the states: of the rows so far, of the scores, and of the network."""
        inputs, channels = len(self.known.centre), self.channels
        self.last, self.expected = Held(_zeros(inputs)), Held(_zeros(channels))
        self.lags = Held(_zeros(self.lag_count, channels))
        self.log_spread = Held(_zeros(channels))
        self.count, self.mean = Held(_zeros(1)), Held(_zeros(1))
        self.has_mean, self.usual_mean = Held(_zeros(1)), Held(single([self.usual]))
        x = _zeros(1, 1, inputs)
        _, state = model.call("forecasts", x, None)
        self.network = mapped(lambda _, each: Held(np.zeros_like(each)), state)

    def _judge(self) -> None:
        """Compute the row's score, and whether it raises an alarm."""
        x = Given("x", _zeros(len(self.known.centre)))
        row = _scaled(x, self.known)
        given = computed("eq.Tensor", row, row)  # what is missing, NaN, equals nothing
        filled = computed("where.self", given, row, self.last)
        is_known, warm = self._of_channels(given), computed("ge.Scalar", self.count, self.lag_count)
        cost = self._cost(computed("sub.Tensor", self._of_channels(filled), self.expected))
        self.seen: Value = filled
        if self.cutoff is not None:
            self.seen = self._shown(filled, cost, computed("logical_and", is_known, warm))
        each = computed("sub.Tensor", cost, single(self.centre))
        each = computed("div.Tensor", each, single(self.spread))
        total = _sum(computed("where.self", is_known, each, _zeros(1)))
        number = _sum(computed("to.dtype", is_known, "float32"))
        score = computed("div.Tensor", total, computed("clamp_min", number, 1.0))
        self.judged = computed("logical_and", computed("gt.Scalar", number, 0.0), warm)
        begun = computed("gt.Scalar", self.has_mean, 0.0)
        self.smooth = computed("where.self", begun, self._with(self.mean, score), score)
        new = self._with(self.usual_mean, score)
        self.alarm = computed(
            "logical_and", computed("gt.Scalar", new, self.threshold), self.judged
        )
        calm = self._with(self.usual_mean, single([self.usual]))
        self.new_usual = computed("where.self", self.alarm, calm, new)

    def _take_in(self) -> None:
        """Compute what is expected of the next row, but for the network's correction."""
        is_first = computed("eq.Scalar", self.count, 0.0)
        own = computed("unsqueeze", self._of_channels(self.seen), 0)
        before = computed("where.self", is_first, own, self.lags)
        kept = [own] if self.lag_count == 1 else [own, computed("slice.Tensor", before, 0, 0, -1)]
        self.new_lags = computed("cat", kept, 0)
        weights = self.known.weights[0].T  # [L + 1, K]
        linear = computed("mul.Tensor", self.new_lags, single(weights[:-1]))
        self.linear = computed(
            "add.Tensor", computed("sum.dim_IntList", linear, [0]), single(weights[-1])
        )

    def _of_channels(self, value: Value) -> Computed:
        return computed("slice.Tensor", value, 0, 0, self.channels)

    def _cost(self, error: Computed) -> Computed:
        """Return the squares of errors, or minus their log likelihood; see `errors.cost`."""
        if not self.is_likelihood:
            return computed("square", error)
        squared = computed(
            "square", computed("div.Tensor", error, computed("exp", self.log_spread))
        )
        tail = computed("log1p", computed("div.Tensor", squared, FREEDOM))
        scaled = computed("mul.Tensor", tail, 0.5 * (FREEDOM + 1))
        return computed("add.Tensor", self.log_spread, scaled)

    def _shown(self, filled: Computed, cost: Computed, may: Computed) -> Computed:
        """Return the row as the network sees it: without values that are far off."""
        assert self.cutoff is not None
        far = computed("logical_and", computed("gt.Tensor", cost, single(self.cutoff)), may)
        seen = computed("where.self", far, self.expected, self._of_channels(filled))
        others = computed("slice.Tensor", filled, 0, self.channels, len(self.known.centre))
        return seen if len(self.known.centre) == self.channels else computed("cat", [seen, others])

    def _with(self, mean: Value, score: Any) -> Computed:
        """Return an exponentially weighted mean with a further score."""
        off = computed("rsub.Scalar", mean, score) if isinstance(score, float) else computed(
            "sub.Tensor", score, mean)  # fmt: skip
        return computed("add.Tensor", mean, computed("mul.Tensor", off, self.weight))

    def answers(self) -> dict[str, Value]:
        """Return score, alarm, whether there is a score, and what was expected in the units."""
        scale, centre = (each[: self.channels] for each in (self.known.scale, self.known.centre))
        told = computed("mul.Tensor", self.expected, single(scale))
        nothing = _zeros(1)
        return {
            "score": computed("where.self", self.judged, self.smooth, nothing),
            "alarm": computed("to.dtype", self.alarm, "int64"),
            "judged": computed("to.dtype", self.judged, "int64"),
            "expected": computed("add.Tensor", told, single(centre)),
        }

    def states(self) -> dict[Held, Value]:
        """Return the new values of all states."""
        found = computed("reshape", Result(), [self.channels, 2 if self.is_likelihood else 1])
        correction = computed("select.int", found, 1, 0)
        states: dict[Held, Value] = {
            self.last: self.seen,
            self.lags: self.new_lags,
            self.expected: computed("add.Tensor", self.linear, correction),
            self.count: computed("add.Tensor", computed("clamp", self.count, 0.0, 1e6), 1.0),
            self.mean: computed("where.self", self.judged, self.smooth, self.mean),
            self.has_mean: computed("maximum", self.has_mean, _number(self.judged)),
            self.usual_mean: computed("where.self", self.judged, self.new_usual, self.usual_mean),
            **new_states(self.network),
        }
        if self.is_likelihood:
            states[self.log_spread] = computed("select.int", found, 1, 1)
        return states


def _scaled(x: Given, known: Known) -> Computed:
    off = computed("sub.Tensor", x, single(known.centre))
    return computed("div.Tensor", off, single(known.scale))


def _zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


def _sum(value: Computed) -> Computed:
    return computed("sum.dim_IntList", value, [0], True)


def _number(value: Computed) -> Computed:
    return computed("to.dtype", value, "float32")


def _trials(golden: Sequence[Any], known: Known, channels: int) -> Array:
    """Return recorded rows in the user's units, [N, C], with the strangest one near their end."""
    series = [each.inputs[0][:, 0] for each in golden if each.function == "forecasts"]
    longest = max(series, key=len)
    at = (
        int(np.abs(np.diff(longest[:, :channels], axis=0)).max(1).argmax())
        if len(longest) > 1
        else 0
    )
    begin = max(0, min(at - int(_BEFORE * _ROWS), len(longest) - _ROWS))
    rows = longest[begin : begin + _ROWS]
    found: Array = (rows * known.scale + known.centre).astype(np.float32)
    return found


def _page(encoder: AnomalyEncoder, row: _Row) -> dict[str, Any]:
    inputs = len(row.known.centre)
    others = [f"covariate {number + 1}" for number in range(inputs - row.channels)]
    return {
        "kind": "watch",
        "reads": "rows",
        "columns": [*encoder.channels, *others],
        "watched": row.channels,
        "threshold": row.threshold,
        "warm": row.lag_count,
    }


def _says(model: Any, row: _Row) -> tuple[str, ...]:
    config = model.config.data
    columns = ", ".join((*model.encoder.channels, *config.past, *config.future))
    return (
        f"x: the next row, {columns}; NAN for what is missing (so do not compile with -ffast-math)",
        "score: how strange the row is, smoothed; 0 while nothing is judged",
        f"alarm: 1 where it raises an alarm: where the scores without those of earlier alarms "
        f"exceed {row.threshold:.6g}",
        f"judged: 0 for the first {row.lag_count} rows, and for rows without values",
        "expected: what was expected of the row's watched columns",
    )
