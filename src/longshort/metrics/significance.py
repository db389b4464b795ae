"""Is the result real? Paired comparison with the best rival, echo check, flatness check."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TINY = 1e-12
_Z = 1.959964
"""Quantile of the normal distribution for 95 %."""
_MIN_BLOCKS = 4
"""Fewer independent stretches than this cannot tell two forecasts apart."""
_MOST_WAVES = 60
"""More of them make the interval hardly narrower."""
_MIN_GAIN = 0.001
"""What the whole interval has to exceed: a gain below a thousandth is none, however certain."""
LEAST = -100.0
"""The least gain that is told; the model's loss is then 101 times the rival's."""

Outcome = Literal["better", "equal", "worse", "too few"]


@dataclass(frozen=True)
class Comparison:
    """Mean loss of the model relative to a rival's, with a 95 % interval where one can be given."""

    outcome: Outcome
    gain: float
    low: float | None
    high: float | None

    def span(self, form: str) -> str:
        """The interval's ends in this format.

        Beside a rival with hardly any loss ratios are without bounds: from -100 on they are cut.
        """
        if self.low is None or self.high is None:
            return ""
        least = f"below {LEAST:{form}}"
        if self.high < LEAST:
            return least
        return f"{least if self.low < LEAST else f'{self.low:{form}}'} to {self.high:{form}}"


def compare(model: Floats, rival: Floats, block: int) -> Comparison:
    """Paired comparison of losses [n], one per unit in time order.

    block: so many neighbours share steps, such as a horizon of forecast origins; 0 where the units
    are independent of each other, such as series. The gain is 1 - mean(model) / mean(rival), with
    an interval by Student's t.
    """
    count, rival_mean = len(model), float(rival.mean())
    if not rival_mean > 0:  # the rival is perfect: nothing is left to gain
        return Comparison("worse" if model.mean() > _TINY else "equal", 0.0, 0.0, 0.0)
    gain = 1.0 - float(model.mean()) / rival_mean
    if count < _MIN_BLOCKS * max(block, 1):
        return Comparison("too few", gain, None, None)
    error, free = _error_of_mean(model - (1.0 - gain) * rival, block)
    reach = _student(free) * error / rival_mean
    low, high = gain - reach, min(gain + reach, 1.0)  # where no loss is left
    outcome: Outcome = "better" if low > _MIN_GAIN else "worse" if high < -_MIN_GAIN else "equal"
    return Comparison(outcome, gain, low, high)


def _error_of_mean(values: Floats, block: int) -> tuple[float, int]:
    """Standard error of the mean of values in time order, and its degrees of freedom.

    What neighbours share is left in slow waves: the mean square of the slowest cosines is the
    variance that counts (Lazarus, Lewis, Stock & Watson, 2018). No wave is shorter than four
    blocks, since within one the values are smooth; there are three waves at least.
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
    """Student's t at 97.5 %, by Cornish and Fisher's expansion: right to a hundredth from 3 on."""
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / free**power for power, term in enumerate(terms, 1))


def echo_check(truth: Floats, forecast: Floats, last: Floats) -> dict[str, Any]:
    """Is the forecast the last known value, shifted?

    truth and forecast [n, H], last [n]. Compares changes from the last value at each step: an echo
    forecasts hardly any change, or changes that do not go with the true ones.
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
    """Does the forecast vary over the horizon as the truth does? Median ratio of deviations."""
    if truth.shape[1] < 3:
        return {"is_flat": False, "variation": None}
    complete = ~np.isnan(truth).any(axis=1)
    true_spread = truth[complete].std(axis=1)
    moving = true_spread > 1e-12
    if not moving.any():
        return {"is_flat": False, "variation": None}
    ratio = float(np.median(forecast[complete].std(axis=1)[moving] / true_spread[moving]))
    return {"is_flat": ratio < 0.1, "variation": ratio}
