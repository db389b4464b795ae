"""Finished runs: scores, report, and the trained model in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import polars as pl

from longshort.errors import LongshortError
from longshort.runfolder import REPORT
from longshort.tasks.forecast.predict import Prediction
from longshort.workflow import forecast


class _Evaluates(Protocol):
    @property
    def config(self) -> Any: ...

    def evaluate(self, data: object, *, include_training: bool = ...) -> dict[str, Any]: ...


T = TypeVar("T", bound=_Evaluates)


class Finished(Generic[T]):
    """What every finished run has, whatever its task."""

    def __init__(self, path: Path, trained: T, scores: dict[str, Any]) -> None:
        self.path = path
        self.scores = scores
        self._trained = trained

    @property
    def config(self) -> Any:
        """Every setting, decided."""
        return self._trained.config

    @property
    def verdict(self) -> str:
        """Whether the model earned its place, in a sentence."""
        return str(self.scores["verdict"])

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / REPORT

    def evaluate(self, data: object, *, include_training: bool = False) -> dict[str, Any]:
        """Scores of the model and its rivals on data that the run was not trained on."""
        return self._trained.evaluate(data, include_training=include_training)


class Run(Finished[forecast.Trained]):
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
        return self._trained.predict_ahead(data, horizon)
