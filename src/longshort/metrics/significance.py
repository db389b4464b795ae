"""Significance of a result: paired comparison with a baseline, echo check, flatness check."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TINY = 1e-12
_Z = 1.959964
"""97.5 % quantile of the normal distribution, for intervals of 95 %."""
_MIN_BLOCKS = 4
"""With fewer independent stretches of data than this, no interval is given."""
_MOST_WAVES = 60
"""Largest number of cosines; more of them hardly narrow the interval."""
_MIN_GAIN = 0.001
"""The whole interval has to exceed this value: a smaller gain does not count, however certain."""
LEAST = -100.0
"""The smallest gain that is reported; the model's loss is then 101 times the baseline's."""

Outcome = Literal["better", "equal", "worse", "too few"]


@dataclass(frozen=True)
class Comparison:
    """Result of a paired comparison of a model with a baseline.

    outcome: of the model; "too few" where the data allow no interval. gain: how much better the
    model is, in the unit of the comparison that was made. low, high: the gain's 95 % interval.
    """

    outcome: Outcome
    gain: float
    low: float | None
    high: float | None

    def span(self, form: str) -> str:
        """Return the interval as text, with both ends in this format; empty where there is none.

        A baseline with almost no loss makes relative gains arbitrarily negative: ends below
        `LEAST` are written as "below" that value.
        """
        if self.low is None or self.high is None:
            return ""
        least = f"below {LEAST:{form}}"
        if self.high < LEAST:
            return least
        return f"{least if self.low < LEAST else f'{self.low:{form}}'} to {self.high:{form}}"


def compare(model: Floats, baseline: Floats, block: int) -> Comparison:
    """Compare the losses of a model and a baseline, pair by pair.

    model, baseline: losses [n] of the same units, in time order. block: how many neighbouring units
    share time steps, such as the horizon where the units are forecast origins; 0 where the units
    are independent, such as series.

    The gain is 1 - mean(model) / mean(baseline), with a 95 % interval by Student's t.
    """
    count, baseline_mean = len(model), float(baseline.mean())
    if not baseline_mean > 0:  # the baseline is perfect: nothing is left to gain
        return Comparison("worse" if model.mean() > _TINY else "equal", 0.0, 0.0, 0.0)
    gain = 1.0 - float(model.mean()) / baseline_mean
    if count < _MIN_BLOCKS * max(block, 1):
        return Comparison("too few", gain, None, None)
    error, free = _error_of_mean(model - (1.0 - gain) * baseline, block)
    reach = _student(free) * error / baseline_mean
    low, high = gain - reach, min(gain + reach, 1.0)  # where no loss is left
    outcome: Outcome = "better" if low > _MIN_GAIN else "worse" if high < -_MIN_GAIN else "equal"
    return Comparison(outcome, gain, low, high)


def _error_of_mean(values: Floats, block: int) -> tuple[float, int]:
    """Return the standard error of the mean of values in time order, and its degrees of freedom.

    Correlation of neighbours shows at low frequencies: the long-run variance is the mean square of
    the projections on the slowest cosines (Lazarus, Lewis, Stock & Watson, 2018). No cosine is
    shorter than four blocks, since values within a block are smooth; there are at least three.
    """
    count = len(values)
    if not block:
        return float(values.std(ddof=1)) / math.sqrt(count), count - 1
    waves = min(int(0.4 * count ** (2 / 3)), count // (2 * block), _MOST_WAVES)
    waves = max(waves, _MIN_BLOCKS - 1)
    phase = np.pi * (np.arange(count) + 0.5) / count
    squares = [float(np.cos(wave * phase) @ values) ** 2 for wave in range(1, waves + 1)]
    return math.sqrt(2 * math.fsum(squares) / waves) / count, waves


def _student(free: int) -> float:
    """Return the 97.5 % quantile of Student's t distribution with this many degrees of freedom.

    Cornish-Fisher expansion; correct to a hundredth from 3 degrees on.
    """
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / free**power for power, term in enumerate(terms, 1))


def echo_check(truth: Floats, forecast: Floats, last: Floats) -> dict[str, Any]:
    """Check whether a forecast only repeats the last known value.

    truth, forecast: values [n, H] of n windows at H steps; last: the last known value [n]. Changes
    from the last value are compared: an echo forecasts almost no change, or changes that are not
    correlated with the true ones.
    """
    true_change, change = truth - last[:, None], forecast - last[:, None]
    known = ~np.isnan(true_change)
    true_change, change = true_change[known], change[known]
    spread = float(np.std(true_change))
    size = float(np.std(change)) / spread if spread > 0 else 0.0
    follows = 0.0
    if size > 0 and len(change) > 2:
        follows = float(np.corrcoef(change, true_change)[0, 1])
    is_echo = spread > 0 and (size < 0.05 or follows < 0.1)
    return {"is_echo": is_echo, "correlation_of_changes": follows, "size_of_changes": size}


def flatness_check(truth: Floats, forecast: Floats) -> dict[str, Any]:
    """Check whether a forecast varies over the horizon as the truth does.

    truth, forecast: values [n, H]. The variation is the median over windows of the ratio of their
    standard deviations; below a tenth the forecast is flat.
    """
    if truth.shape[1] < 3:
        return {"is_flat": False, "variation": None}
    complete = ~np.isnan(truth).any(axis=1)
    true_spread = truth[complete].std(axis=1)
    moving = true_spread > 1e-12
    if not moving.any():
        return {"is_flat": False, "variation": None}
    ratio = float(np.median(forecast[complete].std(axis=1)[moving] / true_spread[moving]))
    return {"is_flat": ratio < 0.1, "variation": ratio}
