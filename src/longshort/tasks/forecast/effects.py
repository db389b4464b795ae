"""Linear effects on a series of the calendar and of covariates that are known ahead.

They are fitted on the training rows, subtracted from the scaled values before a model sees them,
and added to its forecast. So the linear baseline and the network begin with them.

Letters: G groups, K columns, N rows, F features, n rows of one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from longshort.data.calendar import Period, calendar_waves
from longshort.data.panel import Floats, Panel
from longshort.data.timeline import Ints

Per = Literal["off", "shared", "series"]

_PIECE = 1 << 16
_MOST_ROWS = 1 << 17
"""Number of rows on which the weights are fitted; from more rows a sample is drawn."""
_PRIOR = 10.0
"""Number of rows that the weights of all series count for, beside a series' own."""
_MOST_NUMBERS = 30_000_000
"""Total size of the second moments up to which every series has its own."""
_TINY = 1e-9
_ROWS_A_WEIGHT = 3
_FIRM = 1e-3
_MOST_MEMORY = 0.99


@dataclass(frozen=True)
class _Features:
    """Calendar waves and covariates of a panel's rows.

    future [N, C]: scaled covariates. lag: lag of the difference, if the scaled values are one; else
    0.
    """

    panel: Panel
    future: Floats
    periods: tuple[Period, ...]
    lag: int

    def of(self, group: int, row: Ints) -> Floats:
        """Return the features of rows of a group, [n, F]; with a lag, their differences."""
        found = self._plain(group, row)
        return found - self._plain(group, np.maximum(row - self.lag, 0)) if self.lag else found

    def _plain(self, group: int, row: Ints) -> Floats:
        waves = calendar_waves(self.panel.freq, self.panel.first[group] + row, self.periods)
        own = self.future[self.panel.offsets[group] + row]
        return np.concatenate([waves, own], axis=1)


@dataclass(frozen=True)
class KnownEffects:
    """Weights of the features, and their average effect.

    weights [G, K, F], or [1, 1, F] where all series share them. centre [G, K] is the average
    effect, which is subtracted. shared [F] and level are weights and average effect for new series.
    """

    periods: tuple[Period, ...]
    weights: Floats
    centre: Floats
    shared: Floats
    level: float

    @staticmethod
    def none() -> KnownEffects:
        """Return effects without a feature, which change nothing."""
        return KnownEffects((), np.zeros((1, 1, 0)), np.zeros((1, 1)), np.zeros(0), 0.0)

    @property
    def is_none(self) -> bool:
        """Whether there is no feature."""
        return self.shared.size == 0

    def values(self, panel: Panel, future: Floats, lag: int = 0) -> Floats:
        """Return the effects in scaled units for all rows and columns, [N, K].

        future [N, C]: scaled covariates. lag: lag of the difference, if the scaled values are one;
        else 0.
        """
        found = np.zeros((panel.num_rows, panel.target.shape[1]))
        if self.is_none:
            return found
        features = _Features(panel, future, self.periods, lag)
        for group, count in enumerate(panel.lengths.tolist()):
            own = group if len(self.weights) > 1 else 0
            for begin in range(0, count, _PIECE):
                row = np.arange(begin, min(begin + _PIECE, count))
                effect = features.of(group, row) @ self.weights[own].T - self.centre[own]
                found[panel.offsets[group] + row] = effect
        return found

    def placed(self, number: Ints) -> KnownEffects:
        """Return the effects for other groups.

        number [G']: each group's number at training, -1 for a new one.
        """
        if len(self.weights) == 1:
            return self
        is_new, source = number < 0, np.maximum(number, 0)
        weights = np.where(is_new[:, None, None], self.shared, self.weights[source])
        centre = np.where(is_new[:, None], self.level, self.centre[source])
        return KnownEffects(self.periods, weights, centre, self.shared, self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for `data.json`."""
        return {
            "periods": list(self.periods),
            "weights": self.weights.tolist(),
            "centre": self.centre.tolist(),
            "shared": self.shared.tolist(),
            "level": self.level,
        }

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> KnownEffects:
        """Restore the effects that `to_dict` wrote."""
        shared, centre = np.array(stored["shared"], float), np.array(stored["centre"], float)
        weights = np.array(stored["weights"], float).reshape(*centre.shape, shared.size)
        return KnownEffects(
            tuple(stored["periods"]), weights, centre, shared, float(stored["level"])
        )


def fit_effects(
    panel: Panel,
    rows: Ints,
    scaled: Floats,
    future: Floats,
    periods: tuple[Period, ...],
    per: Per,
    lag: int = 0,
) -> KnownEffects:
    """Fit the effects by feasible generalised least squares on the first `rows` [G] of each group.

    scaled [N, K] with NaN where nothing is known, future [N, C]. As neighbouring rows are alike, a
    share of the row before is subtracted on both sides (Cochrane & Orcutt, 1949). Each series has
    its own level. Weights of single series are drawn towards those of all series.
    """
    if per == "off" or not (periods or future.shape[1]):
        return KnownEffects.none()
    columns, groups = panel.target.shape[1], panel.num_groups
    most = max(64, _MOST_ROWS // groups)
    features = _Features(panel, future, periods, lag)
    kept: list[_Sums] = []
    for group, end in enumerate(rows.tolist()):
        sums = _sums(features, scaled, group, _sample(end, most))
        are_kept = groups * columns * sums.gram.shape[1] ** 2 <= _MOST_NUMBERS
        kept = [*kept, sums] if are_kept or not kept else [kept[0].joined(sums)]
    shared = _solve(sum(each.gram.sum(0) for each in kept), sum(e.cross.sum(0) for e in kept))
    total = np.concatenate([each.count for each in kept])
    means = np.concatenate([each.mean for each in kept])
    level = float(np.average(means, axis=0, weights=total + _TINY) @ shared)
    if per == "shared" or len(kept) < groups or total.max() < _ROWS_A_WEIGHT * shared.size:
        return KnownEffects(periods, shared[None, None], np.full((1, 1), level), shared, level)
    weights = np.stack([each.single(shared) for each in kept])
    centre = np.sum(np.stack([each.mean for each in kept]) * weights, axis=2)
    return KnownEffects(periods, weights, centre, shared, level)


@dataclass(frozen=True)
class _Sums:
    """Sums over one group's rows from which effects are fitted, by column.

    gram [K, F, F] and cross [K, F] are centred second moments of features and values; mean [K, F]
    is that of the features; count [K] the number of rows.
    """

    gram: Floats
    cross: Floats
    mean: Floats
    count: Floats

    def joined(self, other: _Sums) -> _Sums:
        """Return the sums of both groups, as if each column were one long series."""
        total = self.count + other.count
        share = (other.count / np.maximum(total, 1))[:, None]
        return _Sums(
            self.gram + other.gram,
            self.cross + other.cross,
            self.mean + share * (other.mean - self.mean),
            total,
        )

    def single(self, shared: Floats) -> Floats:
        """Return the weights [K, F] of each column, drawn towards the shared ones [F]."""
        size = shared.size
        firm = _PRIOR * np.trace(self.gram, axis1=1, axis2=2) / np.maximum(self.count, 1) / size
        firm = firm + _TINY
        gram = self.gram + firm[:, None, None] * np.eye(size)
        cross = self.cross + firm[:, None] * shared
        return np.asarray(np.linalg.solve(gram, cross[..., None])[..., 0], np.float64)


def _sample(end: int, most: int) -> Ints:
    """Return the rows from 1 to before `end` of a group, or a sample of `most` of them."""
    row = np.arange(1, max(end, 1))
    if len(row) > most:
        return np.sort(np.random.default_rng(0).choice(row, most, replace=False))
    return row


def _sums(features: _Features, scaled: Floats, group: int, row: Ints) -> _Sums:
    """Sum over these rows of a group, each less a share of the row before; scaled [N, K]."""
    now, before = features.of(group, row), features.of(group, row - 1)
    at = features.panel.offsets[group] + row
    y, y_before = scaled[at], scaled[at - 1]
    columns, size = y.shape[1], now.shape[1]
    gram, cross = np.zeros((columns, size, size)), np.zeros((columns, size))
    mean, count = np.zeros((columns, size)), np.zeros(columns)
    is_known = ~(np.isnan(y) | np.isnan(y_before))
    for mask, alike in _by_mask(is_known):
        z, z_before, v, v_before = (
            each[mask] for each in (now, before, y[:, alike], y_before[:, alike])
        )
        memory = _memory(z, z_before, v, v_before)
        moves, goals = z - memory * z_before, v - memory * v_before
        moves, goals = moves - moves.mean(0), goals - goals.mean(0)
        gram[alike], cross[alike] = moves.T @ moves, goals.T @ moves
        mean[alike], count[alike] = z.mean(0), mask.sum()
    return _Sums(gram, cross, mean, count)


def _memory(z: Floats, z_before: Floats, v: Floats, v_before: Floats) -> float:
    """Return the autocorrelation of the residuals of ordinary least squares, from 0 to .99."""
    centre, level = z.mean(0), v.mean(0)
    weights = _solve((z - centre).T @ (z - centre), (z - centre).T @ (v - level))
    rest = v - level - (z - centre) @ weights
    before = v_before - level - (z_before - centre) @ weights
    spread = float(np.sum(rest**2))
    return min(_MOST_MEMORY, max(0.0, float(np.sum(rest * before)) / spread)) if spread else 0.0


def _solve(gram: Floats, cross: Floats) -> Floats:
    """Solve the normal equations with a small ridge: waves at the finest step may be the same."""
    level = float(np.trace(gram)) / len(gram) or 1.0
    return np.asarray(np.linalg.solve(gram + _FIRM * level * np.eye(len(gram)), cross), np.float64)


def _by_mask(known: np.ndarray[Any, np.dtype[np.bool_]]) -> Iterator[tuple[Any, Any]]:
    """Yield groups of columns with the same known rows: the rows [n], and the columns' numbers."""
    kinds, which = np.unique(known, axis=1, return_inverse=True)
    for number in range(kinds.shape[1]):
        if kinds[:, number].any():
            yield kinds[:, number], np.flatnonzero(which.reshape(-1) == number)
