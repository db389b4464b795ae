"""Forecasts from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import polars as pl

from longshort.api.estimator import Estimator
from longshort.api.fitting import with_data
from longshort.api.runs import Finished
from longshort.config import read_back
from longshort.errors import LongshortError
from longshort.runs.task import Say, quiet
from longshort.runs.trained import Trained
from longshort.tasks.forecast.ahead import Prediction
from longshort.tasks.forecast.config import ForecastConfig
from longshort.tasks.forecast.encoder import ForecastEncoder
from longshort.tasks.forecast.series import AnySeries
from longshort.tasks.forecast.windows import Forecasts
from longshort.train.events import Listener, silent

if TYPE_CHECKING:
    from longshort.tasks.forecast.backtest import Backtest


class Forecaster(Estimator):
    """An LSTM forecaster: settings first, then `fit`, whose run predicts.

    horizon: steps to forecast; context_length: steps before that the model reads; quantiles: levels
    for intervals, such as (0.1, 0.5, 0.9). Absent ones are decided from the data. `settings` takes
    any key of `config.toml`, such as {"train.max_epochs": 10}.
    """

    task = "forecast"
    keys: ClassVar[Mapping[str, str]] = {
        "horizon": "model.horizon",
        "context_length": "model.context_length",
        "cell": "model.cell",
        "hidden": "model.hidden",
        "num_layers": "model.num_layers",
        "quantiles": "model.quantiles",
        "seed": "train.seed",
    }

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
        self.horizon, self.context_length, self.quantiles = horizon, context_length, quantiles
        self.cell, self.hidden, self.num_layers = cell, hidden, num_layers
        self.seed, self.settings = seed, settings
        self._check()

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
        verbose: bool | None = None,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> Run:
        """Check, split, train and evaluate; the run is kept in the folder `out`.

        data: a file, or a polars or pandas frame; time, target, group, past, future, static:
        names of its columns by role; freq: the step, such as "1h". Absent ones are detected.
        Without `out` the run lies in a temporary folder.
        verbose: whether remarks and progress are shown; None: on a terminal and in a notebook.
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
        settings = with_data(self._nested(), data, roles)
        made = self._run(
            settings, data, out, overwrite=overwrite, verbose=verbose, say=say, listen=listen
        )
        self.run_ = run = Run(*made)
        return run

    def predict(self, data: object = None, horizon: int | None = None) -> pl.DataFrame:
        """Forecast each series past its end, by the run of the last `fit`, as `Run.predict`."""
        found: pl.DataFrame = self._fitted().predict(data, horizon)
        return found

    def score(self, data: object) -> float:
        """Return R² on data that continues those of the last `fit`; NaN if they never change."""
        r2 = self._fitted().evaluate(data)["test"]["model"]["r2"]
        return float("nan") if r2 is None else float(r2)


class Run(Finished[Trained[ForecastConfig, AnySeries, ForecastEncoder, Forecasts]]):
    """A finished run: its scores, its report, and the forecaster in it."""

    def predict(self, data: object = None, horizon: int | None = None) -> pl.DataFrame:
        """Forecast every series past its end: one row per series and step, in the data's units.

        data: None for the data of the run itself; horizon: None for that of training. Raises
        `LongshortError` if no series can be forecast; `forecast` returns the reasons.
        """
        found = self.forecast(data, horizon)
        if found.table.is_empty():
            reasons = "; ".join(f"{name}: {why}" for name, why in found.skipped.items())
            raise LongshortError(f"no series could be forecast: {reasons}")
        return found.table

    def forecast(self, data: object = None, horizon: int | None = None) -> Prediction:
        """Forecast as `predict`; return the skipped series and remarks with the table."""
        found: Prediction = self._trained.ahead(data, horizon)
        return found

    def backtest(
        self,
        data: object = None,
        *,
        windows: int = 5,
        stride: int | None = None,
        refit: bool = False,
        say: Say = quiet,
        listen: Listener = silent,
    ) -> Backtest:
        """Forecast from `windows` rolling origins, `stride` steps apart (the horizon when absent).

        A new model with the run's settings is trained on the data before the first origin, or with
        `refit` before each; the run itself is not changed. It is the same as `longshort backtest
        --config RUN/config.toml`. data: None for the data of the run itself. Returns the long table
        of forecasts and truth, and the scores over all origins.
        """
        from longshort.tasks.forecast.backtest import backtest

        own = self._trained.memory if data is None else data
        if own is None and self.config.path is None:
            raise LongshortError("backtest: the run was trained on a frame; pass that data")
        return backtest(
            read_back(self.config),
            data=own,
            windows=windows,
            stride=stride,
            refit=refit,
            say=say,
            listen=listen,
        )
