"""Is the result real? Paired comparison with the best rival, echo check, flatness check."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RESAMPLES = 1000
_TINY = 1e-12
_Z = 1.959964
"""Quantile of the normal distribution for 95 %."""
_MIN_BLOCKS = 4
"""Fewer independent stretches than this cannot tell two forecasts apart."""
_MIN_GAIN = 0.001
"""A gain below a thousandth is none, however certain."""
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


def place_sentence(cell: str, result: Comparison, numbers: str, basis: str, interval: str) -> str:
    """Whether a model earned its place.

    numbers: both scores, and whose the other one is; basis: on what; interval: of what, with both
    ends; it is not looked at where there is none.
    """
    if result.outcome == "too few":
        return f"Too little test data to tell: {numbers}, the best rival, on {basis}."
    told = f"{numbers}, the best rival, on {basis} (95 % interval of the {interval})"
    if result.outcome == "better":
        return f"The {cell} earned its place: {told}."
    if result.outcome == "equal":
        return (
            f"The {cell} and the best rival cannot be told apart: {told}. Prefer the rival: it is "
            "simpler."
        )
    return f"The {cell} did not earn its place: {told}. Use the rival."


def compare(model: Floats, rival: Floats, block: int) -> Comparison:
    """Paired comparison of losses [n], one per origin in time order.

    The gain is 1 - mean(model) / mean(rival). Its interval comes from a moving-block bootstrap
    (Künsch, 1989) with blocks of `block` origins, since neighbouring windows overlap. It is widened
    as Student's t has it: a few blocks vary less than what they were drawn from.
    """
    count, rival_mean = len(model), float(rival.mean())
    if not rival_mean > 0:  # the rival is perfect: nothing is left to gain
        return Comparison("worse" if model.mean() > _TINY else "equal", 0.0, 0.0, 0.0)
    gain = 1.0 - float(model.mean()) / rival_mean
    if count < _MIN_BLOCKS * block:
        return Comparison("too few", gain, None, None)
    draw = np.random.default_rng(0)
    starts = draw.integers(0, count - block + 1, (_RESAMPLES, -(-count // block)))
    sums = [np.concatenate([[0.0], np.cumsum(loss)]) for loss in (model, rival)]
    ours, theirs = ((total[starts + block] - total[starts]).sum(1) for total in sums)
    gains = 1.0 - ours / np.maximum(theirs, _TINY)
    wider = _widening(count / block)
    low, high = (gain + wider * (float(v) - gain) for v in np.quantile(gains, [0.025, 0.975]))
    high = min(high, 1.0)  # where no loss is left
    outcome: Outcome = "equal"
    if abs(gain) >= _MIN_GAIN:
        outcome = "better" if low > 0 else "worse" if high < 0 else "equal"
    return Comparison(outcome, gain, low, high)


def _widening(blocks: float) -> float:
    """Student's t over the normal quantile, with the variance's own correction.

    The quantile is Cornish and Fisher's expansion, to a hundredth from three degrees of freedom on.
    """
    z, free = _Z, blocks - 1.0
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    t = z + sum(term / free**power for power, term in enumerate(terms, 1))
    return t / z * math.sqrt(blocks / free)


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
