"""Thresholds from calibration scores and a wished rate of false alarms, without labels.

Calibration scores [n] are those of rows that the model did not train on. A step is flagged if its
score lies above the threshold. Rates are per step: one alarm a week of hourly rows is 1 / 168.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from longshort.errors import ArgumentError
from longshort.metrics.detection import events_of
from longshort.tasks.anomaly.tails import tail_of

Floats = NDArray[np.float64]
COUNTED = 7
"""Number of alarms in the calibration from which a threshold is counted, and not extrapolated."""


class Threshold(NamedTuple):
    """A score above which a step is flagged.

    rate: expected rate per step for clean scores, in alarms or flagged steps; it lies below the
    wish only if no threshold raises as many alarms. extrapolated: the rate is rarer than the
    calibration scores show, so the value rests on the shape of their tail.
    """

    value: float
    rate: float
    extrapolated: bool


def p_values(calibration: ArrayLike, scores: ArrayLike) -> Floats:
    """Return the split conformal p-value of each score [T].

    It is (1 + #{calibration >= score}) / (n + 1). If a score can be exchanged with the calibration
    scores, its p-value is at most p with probability p or less (Vovk et al., 2005). The smallest
    possible one is 1 / (n + 1). NaN for a missing score.
    """
    known = np.sort(_finite(calibration))
    given = np.asarray(scores, dtype=float)
    above = len(known) - np.searchsorted(known, given, side="left")
    return np.where(np.isnan(given), np.nan, (1 + above) / (len(known) + 1))


def threshold_for_steps(calibration: ArrayLike, rate: float) -> Threshold:
    """Return the threshold that a share `rate` of clean steps exceeds, 0 < rate < 1.

    It is split conformal: the p-value of a flagged step is at most `rate`. For a rate below 1 / (n
    + 1), where no p-value is as small, it is from the tail above the 98 % quantile (`tail_of`, with
    its error).
    """
    known = np.sort(_finite(calibration))
    _check_rate(rate)
    rank = int(rate * (len(known) + 1) * (1 + 1e-12))
    if rank:
        return Threshold(float(known[-rank]), rank / (len(known) + 1), False)
    return Threshold(tail_of(known).threshold(rate), rate, True)


def threshold_for_rate(calibration: ArrayLike, rate: float, gap: int = 0) -> Threshold:
    """Return the threshold at which clean scores raise `rate` alarms per step, 0 < rate < 1.

    An alarm is a run of flagged steps; runs with at most `gap` unflagged steps between them are
    one. Neighbouring scores resemble each other, so exceedances come in clumps, and alarms are
    rarer than flagged steps. Smoothed scores cross a threshold several times in one excursion: give
    the span of the smoothing as `gap`. calibration is in order of time.

    If the calibration should contain 7 alarms or more, that many are counted in it. Otherwise the
    heights of its highest 7 alarms (half of the most there are, if that is less) are taken to be
    exponential, and the threshold is the one that a further alarm exceeds at the rate on average
    over the possible scales of so few heights: (k / n) (1 + z / sum)^-k at the height z. So the
    wish is met over many series; in one series of rare alarms, a factor of 2 is to be expected.
    Heavier tails exceed rates far below 1 / n more often.

    If no threshold raises as many alarms, as they run into each other, it is the highest of those
    that raise the most. Constant scores have no tail: whatever lies above them is flagged.
    """
    scores = _finite(calibration)
    _check_rate(rate)
    levels, alarms = _alarms_by_level(scores, gap)
    wanted = min(rate * len(scores), float(alarms[-1]))
    met = wanted / len(scores)
    if wanted >= COUNTED:
        return Threshold(_level(levels, alarms, wanted), met, False)
    start = _level(levels, alarms, max(min(COUNTED, alarms[-1] / 2), wanted))
    heights = [scores[first:end].max() - start for first, end in events_of(scores > start, gap)]
    count, total = len(heights), float(sum(heights))
    if count <= wanted:
        return Threshold(start, met, True)
    return Threshold(start + total * ((count / wanted) ** (1 / count) - 1), met, True)


def _alarms_by_level(scores: Floats, gap: int) -> tuple[Floats, Floats]:
    """Return levels [m], falling, and the most alarms that any level down to each of them raises.

    An alarm begins at a step that lies above the level while the `gap` + 1 steps before it do not.
    So each step that rises above those adds one to all levels in between.
    """
    padded = np.concatenate([np.full(gap + 1, -np.inf), scores[:-1]])
    before = np.lib.stride_tricks.sliding_window_view(padded, gap + 1).max(1)
    rises = scores > before
    high, low = np.sort(scores[rises])[::-1], np.sort(before[rises])
    ended = len(low) - np.searchsorted(low, high)
    return high, np.maximum.accumulate(np.arange(1.0, len(high) + 1) - ended)


def _level(levels: Floats, alarms: Floats, wanted: float) -> float:
    """Return the level that raises so many alarms, from above.

    Between two levels it is interpolated by the logarithm of the count. A level raises one alarm
    less than is counted at it, as its own score does not exceed it; among further scores it is
    exceeded as often as counted, on average.
    """
    place = int(np.searchsorted(alarms, wanted))
    if place == 0 or alarms[place] == wanted:
        return float(levels[place])
    fewer, more = alarms[place - 1], alarms[place]
    part = np.log(wanted / fewer) / np.log(more / fewer)
    return float(levels[place - 1] + part * (levels[place] - levels[place - 1]))


def _finite(calibration: ArrayLike) -> Floats:
    scores = np.asarray(calibration, dtype=float)
    if scores.ndim != 1 or not scores.size or not np.isfinite(scores).all():
        raise ArgumentError(
            "calibration must be finite scores, one a step, [n]; it has the shape "
            f"{scores.shape} and {int((~np.isfinite(scores)).sum())} values that are not finite"
        )
    return scores


def _check_rate(rate: float) -> None:
    if not 0 < rate < 1:
        raise ArgumentError(f"rate must lie between 0 and 1, per step; it is {rate}")
