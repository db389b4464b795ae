"""The encoder of series: scales, periods and autoregressions, without torch.

All are fitted on the training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.forms import Form
from longshort.data.panel import Panel, forward_fill
from longshort.data.timeline import Freq, Ints, TimeAxis
from longshort.errors import DataError
from longshort.metrics.period import period_of
from longshort.tasks.anomaly.autoregression import autoregressed, fit_autoregression
from longshort.tasks.anomaly.config import AlarmConfig, AnomalyConfig
from longshort.tasks.anomaly.rate import alarm_rate
from longshort.tasks.anomaly.samples import Stretch

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Key = tuple[str, ...]

_SHORTEST, _LONGEST = 10, 200
"""Bounds of the period that smooths scores, in steps."""
_PERIODS = 2
"""Span of the smoothing in periods."""
_IN_A_WISH = 10
"""Least number of spans in the wished time between two false alarms.

Alarms of scores that are smoothed for longer run together, so that no threshold raises as many (at
most 0.2 per span).
"""
_FLAT = 1e-9


@dataclass(frozen=True)
class Known:
    """Encoder of one series, fitted on its training rows.

    centre, scale [C]: those of channels and covariates, the K channels first. period, span: in
    steps; the span is that of the smoothing. weights [ahead, K, lags + 1]: the autoregression.
    until: grid index after its last normal row.
    """

    centre: Floats
    scale: Floats
    period: int
    span: int
    weights: Floats
    until: int


@dataclass(frozen=True)
class AnomalyEncoder:
    """Encoders of all series by key, and their common grid.

    channels: names of the columns that are watched.
    """

    series: Mapping[Key, Known]
    channels: tuple[str, ...]
    axis: TimeAxis


@dataclass(frozen=True)
class Signals:
    """All rows of G series in deviations of the training rows.

    inputs [N, C]: the K channels first. known [N, K]: where a value was given. usable [N, K]: known
    and not labelled as an anomaly. linear [N, ahead, K]: forecasts of the autoregression that are
    made at each row, of the rows after it. Series g has the rows offsets[g] to offsets[g + 1], of
    which [start, end) belong to the split. periods, spans [G]. weights [G, ahead, K, lags + 1]: the
    autoregressions; the first `lags` rows of a series get no score.
    """

    inputs: NDArray[np.float32]
    known: Flags
    usable: Flags
    linear: Floats
    offsets: Ints
    start: Ints
    end: Ints
    periods: Ints
    spans: Ints
    weights: Floats

    @property
    def values(self) -> Floats:
        """The channels, [N, K]."""
        found: Floats = self.inputs[:, : self.known.shape[1]].astype(np.float64)
        return found

    @property
    def lags(self) -> int:
        """Number of values that an autoregression uses."""
        return int(self.weights.shape[3]) - 1

    @property
    def num_series(self) -> int:
        """Number of series, G."""
        return len(self.periods)

    @property
    def lengths(self) -> Ints:
        """Number of rows of each series, [G]."""
        return np.diff(self.offsets)

    def rows(self, group: int) -> slice:
        """Return a series' rows."""
        return slice(int(self.offsets[group]), int(self.offsets[group + 1]))


def fit_encoder(train: Stretch, config: AnomalyConfig) -> AnomalyEncoder:
    """Fit every series' scales, period and autoregression on its training rows.

    Rows that are labelled as anomalies are left out.
    """
    panel, model = train.panel, config.model
    raw = _columns(panel)
    normal = _normal(train)
    series = {}
    for group, key in enumerate(panel.groups):
        begin = int(panel.offsets[group])
        rows = slice(begin, begin + int(train.end[group]))
        usable = normal[rows, None] & ~np.isnan(raw[rows])
        centre, scale = _scales(raw[rows], usable)
        channels = len(panel.schema.target)
        values = _filled((raw[rows] - centre) / scale)[:, :channels]
        seen = usable[:, :channels]
        weights = fit_autoregression(values, seen, model.lags, model.ahead)
        period = int(np.clip(period_of(values[:, 0]), _SHORTEST, _LONGEST))
        until = int(panel.first[group] + normal_end(train, group, config))
        span = _span(period, config.alarm, panel.freq)
        series[key] = Known(centre, scale, period, span, weights, until)
    return AnomalyEncoder(series, panel.schema.target, TimeAxis(panel.freq, panel.form))


def _span(period: int, alarm: AlarmConfig, freq: Freq) -> int:
    """Return the number of steps over which scores are smoothed."""
    if alarm.smoothing is not None:
        return alarm.smoothing
    if alarm.threshold != "rate" or alarm.false_alarms is None:
        return _PERIODS * period
    wished = 1 / alarm_rate(alarm.false_alarms, freq)
    return max(1, min(_PERIODS * period, int(wished / _IN_A_WISH)))


def normal_end(train: Stretch, group: int, config: AnomalyConfig) -> int:
    """Return the row where the normal part of a series ends, counted from its first."""
    from longshort.tasks.anomaly.samples import normal_rows

    return int(normal_rows(train.panel, config.split)[group])


def encode(encoder: AnomalyEncoder, stretch: Stretch) -> Signals:
    """Encode all rows of the stretch's series, scaled and filled.

    Raises `DataError` for a new series.
    """
    rows = stretch.start, stretch.end
    return encode_panel(encoder, stretch.panel, _normal(stretch), *rows, stretch.name)


def encode_panel(
    encoder: AnomalyEncoder, panel: Panel, normal: Flags | None, start: Ints, end: Ints, name: str
) -> Signals:
    """Encode a panel's rows; normal [N]: which are not labelled as anomalies, None for all.

    start, end [G]: the rows of the split. name: that of the data in messages.
    """
    raw = _columns(panel)
    channels = len(encoder.channels)
    inputs = np.zeros(raw.shape)
    sizes = next(iter(encoder.series.values())).weights.shape
    linear = np.zeros((len(raw), sizes[0], channels))
    for group, key in enumerate(panel.groups):
        known = known_of(encoder, key, name)
        rows = slice(int(panel.offsets[group]), int(panel.offsets[group + 1]))
        inputs[rows] = _filled((raw[rows] - known.centre) / known.scale)
        if rows.stop > rows.start:
            linear[rows] = autoregressed(inputs[rows, :channels], known.weights)
    given = ~np.isnan(panel.target)
    return Signals(
        inputs.astype(np.float32),
        given,
        given if normal is None else given & normal[:, None],
        linear,
        panel.offsets,
        start,
        end,
        np.array([encoder.series[key].period for key in panel.groups]),
        np.array([encoder.series[key].span for key in panel.groups]),
        np.array([encoder.series[key].weights for key in panel.groups]),
    )


def known_of(encoder: AnomalyEncoder, key: Key, name: str) -> Known:
    """Return the encoder of a series; raises `DataError` for one that the run has never seen."""
    if key not in encoder.series:
        known = ", ".join("/".join(each) or "the only one" for each in list(encoder.series)[:5])
        raise DataError(
            f"{name}: the series {'/'.join(key)!r} is not among those that the run learned "
            f"({known}); what is normal in it is not known: train on its normal rows"
        )
    return encoder.series[key]


def _columns(panel: Panel) -> Floats:
    return np.concatenate([panel.target, panel.past, panel.future], axis=1)


def _normal(stretch: Stretch) -> Flags:
    if stretch.labels is None:
        return np.ones(stretch.panel.num_rows, dtype=bool)
    return ~stretch.labels


def _scales(values: Floats, usable: Flags) -> tuple[Floats, Floats]:
    """Return mean and deviation of each column's usable values; 0 and 1 where there are none."""
    kept = np.where(usable, values, np.nan)
    centre, scale = np.zeros(values.shape[1]), np.ones(values.shape[1])
    for column in range(values.shape[1]):
        known = kept[~np.isnan(kept[:, column]), column]
        if known.size:
            centre[column] = known.mean()
            spread = float(known.std())
            scale[column] = spread if spread > _FLAT * max(1.0, abs(centre[column])) else 1.0
    return centre, scale


def _filled(values: Floats) -> Floats:
    """Fill gaps with the last known value, and with 0, the training mean, before the first."""
    return np.nan_to_num(forward_fill(values, np.array([0, len(values)])), nan=0.0)


def store_encoder(encoder: AnomalyEncoder) -> dict[str, Any]:
    """Return the encoder as plain values for JSON."""
    series = [
        {
            "key": list(key),
            "centre": known.centre.tolist(),
            "scale": known.scale.tolist(),
            "period": known.period,
            "span": known.span,
            "weights": known.weights.tolist(),
            "until": known.until,
        }
        for key, known in encoder.series.items()
    ]
    return {
        "series": series,
        "channels": list(encoder.channels),
        "freq": vars(encoder.axis.freq),
        "form": vars(encoder.axis.form),
    }


def restore_encoder(stored: Mapping[str, Any]) -> AnomalyEncoder:
    """Restore the encoder that `store_encoder` wrote."""
    series = {
        tuple(each["key"]): Known(
            np.array(each["centre"], dtype=np.float64),
            np.array(each["scale"], dtype=np.float64),
            int(each["period"]),
            int(each["span"]),
            np.array(each["weights"], dtype=np.float64),
            int(each["until"]),
        )
        for each in stored["series"]
    }
    axis = TimeAxis(Freq(**stored["freq"]), Form(**stored["form"]))
    return AnomalyEncoder(series, tuple(stored["channels"]), axis)
