"""Forecasts from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from longshort.api.fitting import is_file, nested, run_into, with_data
from longshort.api.runs import Finished
from longshort.config import build_as
from longshort.errors import LongshortError
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained, load
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.held import Forecasts
from longshort.tasks.forecast.predict import Prediction
from longshort.tasks.forecast.series import SeriesEncoder
from longshort.tasks.forecast.task import AnySeries
from longshort.train.events import Listener, silent


class Forecaster:
    """An LSTM forecaster: settings first, then `fit`, whose run predicts.

    horizon: steps to forecast; context_length: steps seen before; quantiles: for intervals, such
    as (0.1, 0.5, 0.9). Absent ones are decided from the data. `settings` takes any key of
    `config.toml`, such as {"train.max_epochs": 10}.
    """

    def __init__(
        self,
        horizon: int | None = None,
        *,
        context_length: int | None = None,
        cell: str = "lstm",
        hidden: int | None = None,
        num_layers: int = 1,
        quantiles: Sequence[float] = (),
        seed: int = 0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        named = {
            "model.horizon": horizon,
            "model.context_length": context_length,
            "model.cell": cell,
            "model.hidden": hidden,
            "model.num_layers": num_layers,
            "model.quantiles": tuple(quantiles),
            "train.seed": seed,
        }
        self._settings = nested(named, settings)
        build_as(ForecastConfig, self._settings)

    def fit(
        self,
        data: object,
        *,
        time: str | None = None,
        target: str | Sequence[str] = (),
        group: str | Sequence[str] = (),
        past: str | Sequence[str] = (),
        future: str | Sequence[str] = (),
        static: str | Sequence[str] = (),
        freq: str | None = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> Run:
        """Check, split, train and evaluate; the run is kept in the folder `out`.

        Without `out` the run lies in a temporary folder that the system clears some day.
        """
        roles = {
            "time": time,
            "target": target,
            "group": group,
            "past": past,
            "future": future,
            "static": static,
            "freq": freq,
        }
        folder, scores = run_into(
            with_data(self._settings, data, roles),
            data,
            out,
            overwrite=overwrite,
            say=say,
            listen=listen,
        )
        trained = load(folder).remember(None if is_file(data) else data)
        return Run(folder, trained, scores)


class Run(Finished[Trained[ForecastConfig, AnySeries, SeriesEncoder, Forecasts]]):
    """A finished run: its scores, its report, and the forecaster in it."""

    def predict(self, data: object = None, horizon: int | None = None) -> pl.DataFrame:
        """Forecast every series past its end: one row per series and step, in the data's units.

        `data` is the training file when absent. Raises when no series can be forecast; use
        `forecast` to see which were left out and why.
        """
        found = self.forecast(data, horizon)
        if found.table.is_empty():
            reasons = "; ".join(f"{name}: {why}" for name, why in found.skipped.items())
            raise LongshortError(f"no series could be forecast: {reasons}")
        return found.table

    def forecast(self, data: object = None, horizon: int | None = None) -> Prediction:
        """As `predict`, with the series that could not be forecast and remarks."""
        found: Prediction = self._trained.ahead(data, horizon)
        return found
