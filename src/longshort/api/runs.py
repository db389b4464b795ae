"""Finished runs: scores, report, and the trained model in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import polars as pl

from longshort.errors import ConfigError, LongshortError
from longshort.runfolder import REPORT
from longshort.tasks.forecast.predict import Prediction
from longshort.tasks.language.generate import Sampling
from longshort.workflow import forecast, language


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


class LanguageRun(Finished[language.Trained]):
    """A finished run: its scores, its report, and the language model in it."""

    def stream(
        self,
        prompt: str = "",
        *,
        length: int = 300,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Iterator[str]:
        """The text after the prompt, piece by piece as it is written.

        length: tokens; temperature: below 1 likelier tokens are drawn more often, 0 takes the
        likeliest; top_k: only the so many likeliest (0: all); top_p: only the likeliest that
        together reach this probability (1: all). Raises `ConfigError`.
        """
        if not isinstance(prompt, str):
            raise ConfigError(f"prompt: a text is expected, got {type(prompt).__name__}")
        how = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        return self._trained.stream(prompt, length, how)

    def generate(
        self,
        prompt: str = "",
        *,
        length: int = 300,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> str:
        """As `stream`, the whole text after the prompt."""
        pieces = self.stream(
            prompt, length=length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed
        )
        return "".join(pieces)

    def score(self, text: str) -> dict[str, float | None]:
        """Perplexity, nats per token, bits per character and byte, and `tokens`, of a text.

        Bits are None where the tokens do not restore the text.
        """
        return self._trained.score(text)
