"""Forecasts from Python: settings, then `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from longshort.api.fitting import nested, run_into, with_data
from longshort.api.runs import Run
from longshort.config import RunConfig, build_as
from longshort.train.events import Listener, silent
from longshort.workflow import forecast
from longshort.workflow.job import Say, quiet


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
        build_as(RunConfig, self._settings)

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
        return Run(folder, forecast.load(folder), scores)
