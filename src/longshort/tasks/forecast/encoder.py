"""The encoder of series: all numbers that are fitted on the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from longshort.config import TransformConfig
from longshort.data.calendar import calendar_features
from longshort.data.categories import OneHot
from longshort.data.forms import Form
from longshort.data.panel import Floats, Panel, forward_fill
from longshort.data.split import Split
from longshort.data.timeline import Freq, Ints, TimeAxis
from longshort.data.transforms import TargetTransform
from longshort.data.windows import WindowReader
from longshort.metrics.forecasts import seasonal_scale
from longshort.runfolder import finite_or_none
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.effects import KnownEffects, fit_effects


@dataclass(frozen=True)
class Moments:
    """Mean and deviation of each covariate, and of each category of a covariate with categories."""

    mean: Floats
    deviation: Floats
    coding: OneHot

    @property
    def width(self) -> int:
        """Number of columns that the model sees."""
        return len(self.mean)

    def usual(self, names: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Return the least and greatest usual number of each of these covariates, but for words."""
        found, place = {}, 0
        for name, words in zip(names, self.coding.words, strict=True):
            if words is None:
                mean, spread = float(self.mean[place]), 2 * float(self.deviation[place])
                found[name] = (mean - spread, mean + spread)
            place += 1 if words is None else len(words)
        return found

    @staticmethod
    def fit(values: Floats, panel: Panel, names: Sequence[str]) -> Moments:
        """Fit the moments of these covariates on rows [n, C] of the panel, gaps left out."""
        words = panel.words(names)
        coding = OneHot.fit(values, words)
        values = coding.apply(values, words, names)
        known = ~np.isnan(values)
        count = np.maximum(known.sum(0), 1)
        mean = np.where(known, values, 0.0).sum(0) / count
        spread = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(0) / count)
        return Moments(mean, np.where(spread > 1e-8, spread, 1.0), coding)

    def apply(self, values: Floats, panel: Panel, names: Sequence[str]) -> Floats:
        """Scale to mean 0 and deviation 1; what is unknown becomes the mean."""
        values = self.coding.apply(values, panel.words(names), names)
        return np.nan_to_num((values - self.mean) / self.deviation)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for `data.json`."""
        words = [None if each is None else list(each) for each in self.coding.words]
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist(), "words": words}

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> Moments:
        """Restore the moments that `to_dict` wrote."""
        words = tuple(None if each is None else tuple(each) for each in stored["words"])
        mean, deviation = (np.array(stored[name], float) for name in ("mean", "deviation"))
        return Moments(mean, deviation, OneHot(words))


@dataclass(frozen=True)
class ForecastEncoder:
    """Scales of the target and covariates, fitted on the first `rows` [G] of each group.

    axis: the grid of the series. number [G]: each group's number at training, by which learned
    vectors are found; -1 for a group that was not there. known_until [G]: the grid index up to
    which rows were used for training or validation. transform: the scale of what the model sees.
    zscore: the plain scale in which scores are given too. naive_error [G, K]: the seasonal naive
    error, by which MASE divides. lowest and highest [G, K]: the range of the training values.
    effects: the linear effects of calendar and future covariates, in units of `transform`.
    """

    config: ForecastConfig
    axis: TimeAxis
    groups: tuple[tuple[str, ...], ...]
    number: Ints
    rows: Ints
    known_until: Ints
    transform: TargetTransform
    zscore: TargetTransform
    naive_error: Floats
    lowest: Floats
    highest: Floats
    effects: KnownEffects
    past: Moments
    future: Moments
    static: Moments

    @classmethod
    def fit(cls, panel: Panel, split: Split, config: ForecastConfig) -> Self:
        """Fit the encoder on the training rows only."""
        fitted = cls._fit(panel, split.end["train"], config)
        return replace(fitted, known_until=panel.first + split.end["val"])

    @classmethod
    def _fit(cls, panel: Panel, rows: Ints, config: ForecastConfig) -> Self:
        seen = panel.is_within(rows)
        season = config.model.season or 1
        naive = np.array(
            [
                [
                    seasonal_scale(panel.target[begin : begin + count, column], season)
                    for column in range(panel.target.shape[1])
                ]
                for begin, count in zip(panel.offsets[:-1], rows, strict=True)
            ]
        )
        seen_values = np.where(seen[:, None], panel.target, np.nan)
        fitted = cls(
            config,
            TimeAxis(panel.freq, panel.form),
            panel.groups,
            np.arange(panel.num_groups),
            rows,
            panel.first + rows,
            TargetTransform.fit(panel, rows, config.transform),
            TargetTransform.fit(panel, rows, TransformConfig()),
            naive,
            _extreme(np.fmin, seen_values, panel),
            _extreme(np.fmax, seen_values, panel),
            KnownEffects.none(),
            Moments.fit(panel.past[seen], panel, panel.schema.past),
            Moments.fit(panel.future[seen], panel, panel.schema.future),
            Moments.fit(panel.static[rows > 0], panel, panel.schema.static),
        )
        return replace(fitted, effects=fitted._fit_effects(panel))

    def _fit_effects(self, panel: Panel) -> KnownEffects:
        """Fit the known effects on the training rows, after everything else."""
        calendar, per = self.config.data.calendar or (), self.config.model.effects or "off"
        values = np.where(self._is_known(panel), self.transform.apply(panel), np.nan)
        future = self._future(panel)
        lag = self.transform.config.difference
        return fit_effects(panel, self.rows, values, future, calendar, per, lag)

    def _is_known(self, panel: Panel) -> NDArray[np.bool_]:
        """Return whether each scaled value stands for a measurement, [N, K].

        A difference of filled values counts as one, since the sum that undoes it needs it.
        """
        if self.transform.config.difference:
            return np.ones(panel.target.shape, dtype=bool)
        return ~np.isnan(panel.target)

    def _future(self, panel: Panel) -> Floats:
        future = forward_fill(panel.future, panel.offsets)
        return self.future.apply(future, panel, panel.schema.future)

    @cached_property
    def floors(self) -> Floats:
        """The least forecast of each series in the data's units, [G, K]; -inf where there is none.

        If `model.floor` is "auto", it is 0 for series that were never below it in training.
        """
        floor = self.config.model.floor
        if floor == "auto":
            return np.where(self.lowest >= 0, 0.0, -np.inf)
        return np.full_like(self.lowest, -np.inf if floor is None else float(floor))

    def place(self, group: Ints, column: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Return each series' number at training, [m], and whether it is new.

        group, column [m]: the series.
        """
        number = self.number[group]
        return np.maximum(number, 0) * self.lowest.shape[1] + column, number < 0

    def of_series(self, table: Floats, group: Ints, column: Ints) -> Floats:
        """Return rows [m, …] of a table [S, …] by series at training.

        A new series gets the mean of all rows.
        """
        place, is_new = self.place(group, column)
        found: Floats = table[place]
        if is_new.any():
            found[is_new] = np.nanmean(table, axis=0)
        return found

    def unseen(self, panel: Panel) -> list[str]:
        """Return a remark on every covariate with categories that did not occur in training."""
        schema = panel.schema
        return [
            line
            for moments, values, names in (
                (self.past, panel.past, schema.past),
                (self.future, panel.future, schema.future),
                (self.static, panel.static, schema.static),
            )
            for line in moments.coding.unseen(values, panel.words(names), names)
        ]

    def reader(self, panel: Panel) -> WindowReader:
        """Return a reader of windows of scaled values and covariates.

        The calendar follows the future covariates.
        """
        model, periods = self.config.model, self.config.data.calendar
        assert model.context_length and model.horizon and periods is not None
        calendar = calendar_features(panel.freq, panel.index(), periods)
        past = forward_fill(panel.past, panel.offsets)
        future = self._future(panel)
        scaled = self.transform.apply(panel)
        effects = self.effects.values(panel, future, self.transform.config.difference)
        if not self.effects.is_none:
            measured = np.where(self._is_known(panel), scaled - effects, np.nan)
            scaled = forward_fill(measured, panel.offsets)
        return WindowReader(
            panel,
            scaled,
            effects,
            self.past.apply(past, panel, panel.schema.past),
            np.concatenate([future, calendar], axis=1),
            self.static.apply(panel.static, panel, panel.schema.static),
            context=model.context_length,
            horizon=model.horizon,
            joint=model.is_joint,
            number=self.number,
        )

    def for_panel(self, panel: Panel, history: Ints) -> Self:
        """Return the encoder in another panel's order of groups; a new group's number is -1.

        A new group, or one without training rows, is scaled by the first `history` [G] rows of its
        own where the scale is per series, else globally.
        """
        place = {key: number for number, key in enumerate(self.groups) if self.rows[number] > 0}
        number = np.array([place.get(key, -1) for key in panel.groups])
        new = number < 0
        own = self._fit(panel, history, self.config.updated("model", {"effects": "off"}))
        source = np.maximum(number, 0)

        def choose(mine: Floats, theirs: Floats) -> Floats:
            return np.where(new[:, None], theirs, mine[source])

        def rescale(mine: TargetTransform, theirs: TargetTransform) -> TargetTransform:
            if mine.config.per == "global":
                return TargetTransform(mine.config, mine.location[source], mine.scale[source])
            return TargetTransform(
                mine.config,
                choose(mine.location, theirs.location),
                choose(mine.scale, theirs.scale),
            )

        return replace(
            self,
            groups=panel.groups,
            number=number,
            rows=np.where(new, 0, self.rows[source]),
            known_until=np.where(new, np.iinfo(np.int64).min, self.known_until[source]),
            transform=rescale(self.transform, own.transform),
            zscore=rescale(self.zscore, own.zscore),
            naive_error=choose(self.naive_error, own.naive_error),
            lowest=choose(self.lowest, own.lowest),
            highest=choose(self.highest, own.highest),
            effects=self.effects.placed(number),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for `data.json`; NaN is written as null, and restored as NaN."""
        numbers = {
            "transform": self.transform.to_dict(),
            "zscore": self.zscore.to_dict(),
            "naive_error": self.naive_error.tolist(),
            "lowest": self.lowest.tolist(),
            "highest": self.highest.tolist(),
        }
        return {
            "groups": [list(key) for key in self.groups],
            "fitted_on_rows": self.rows.tolist(),
            "known_until": self.known_until.tolist(),
            **finite_or_none(numbers),
            "effects": self.effects.to_dict(),
            "past": self.past.to_dict(),
            "future": self.future.to_dict(),
            "static": self.static.to_dict(),
            "freq": vars(self.axis.freq),
            "form": vars(self.axis.form),
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any], config: ForecastConfig) -> Self:
        """Restore the encoder that `to_dict` wrote."""
        return cls(
            config,
            TimeAxis(Freq(**stored["freq"]), Form(**stored["form"])),
            tuple(tuple(key) for key in stored["groups"]),
            np.arange(len(stored["groups"])),
            np.array(stored["fitted_on_rows"], np.int64),
            np.array(stored["known_until"], np.int64),
            TargetTransform.from_dict(config.transform, stored["transform"]),
            TargetTransform.from_dict(TransformConfig(), stored["zscore"]),
            np.array(stored["naive_error"], float),
            np.array(stored["lowest"], float),
            np.array(stored["highest"], float),
            KnownEffects.from_dict(stored["effects"]),
            Moments.from_dict(stored["past"]),
            Moments.from_dict(stored["future"]),
            Moments.from_dict(stored["static"]),
        )


def _extreme(choose: np.ufunc, values: Floats, panel: Panel) -> Floats:
    """Return the least or largest known value of each group and column, [G, K]; NaN without any."""
    blocks = np.split(values, panel.offsets[1:-1])
    return np.stack([choose.reduce(block, axis=0, initial=np.nan) for block in blocks])
