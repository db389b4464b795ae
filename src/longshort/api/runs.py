"""Finished runs of any task: their scores, their report, and the trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import polars as pl

from longshort.runfolder import PREDICTIONS, REPORT
from longshort.runs.session import Session
from longshort.runs.trained import AnyTrained

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class _Evaluates(Protocol):
    @property
    def config(self) -> Any: ...

    @property
    def digest(self) -> str: ...

    def evaluate(self, data: object, *, include_training: bool = ...) -> dict[str, Any]: ...
    def session(self) -> Session: ...
    def restore(self, snapshot: bytes) -> Session: ...
    def session_schema(self) -> dict[str, Any]: ...


T = TypeVar("T", bound=_Evaluates)


class Finished(Generic[T]):
    """A finished run of any task: base class of the runs of single tasks."""

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
        """The verdict: a sentence on whether the model is better than its best baseline."""
        return str(self.scores["verdict"])

    @property
    def report(self) -> Path:
        """Path of the HTML report."""
        return self.path / REPORT

    @property
    def predictions(self) -> pl.DataFrame:
        """Predictions of the test split beside the truth, as `predictions.csv` has them."""
        return pl.read_csv(self.path / PREDICTIONS)

    @property
    def digest(self) -> str:
        """Digest of settings, encoder and weights, to which snapshots of sessions are bound."""
        return self._trained.digest

    def session(self) -> Session:
        """Return a stream of samples through the model, each answered as it comes."""
        return self._trained.session()

    def restore(self, snapshot: bytes) -> Session:
        """Return the session of a snapshot; raises `RunError` if it is damaged or of another model.

        See `Session.snapshot`.
        """
        return self._trained.restore(snapshot)

    def session_schema(self) -> dict[str, Any]:
        """Return what a session's step takes and answers, as plain values."""
        return self._trained.session_schema()

    def plot(self, data: object = None) -> dict[str, Figure]:
        """Return the report's pictures as matplotlib figures by name, such as "training".

        Model and baselines predict the test split anew. data: the frame on which the run was
        trained, if the run was loaded; not needed for files. Raises `RunError` if the data is
        missing or differs.
        """
        from longshort.runs.pictures import pictures

        trained: Any = self._trained
        return pictures(self.path, trained if data is None else trained.remember(data))

    def evaluate(self, data: object, *, include_training: bool = False) -> dict[str, Any]:
        """Return scores of the model and its baselines on data that the run has not learned.

        include_training: whether samples of the training and validation splits count too.
        """
        return self._trained.evaluate(data, include_training=include_training)


class TaskRun(Finished[AnyTrained]):
    """A finished run of a task that has no class of its own for it."""

    def predict(self, data: object) -> pl.DataFrame:
        """Return predictions of new data, as `longshort predict` writes them."""
        return self._trained.table(self._trained.read(data))
