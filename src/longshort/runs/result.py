"""The result of a run, from which report and model card are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic

from longshort.data.findings import Finding
from longshort.data.splits import S, Splits
from longshort.lazy import polars as pl
from longshort.runs.task import C, E, Encoded, Model, P, Scored
from longshort.train.loop import TrainResult


@dataclass(frozen=True)
class Result(Generic[C, S, E, P]):
    """A trained model with its baselines, their predictions and their scores.

    scores: the content of `scores.json`. table: predictions of the test split, as `predict` would
    write them.
    """

    model: Model[C, E]
    splits: Splits[S]
    encoded: Mapping[str, Encoded[S]]
    findings: tuple[Finding, ...]
    scored: Scored[S, P]
    scores: dict[str, Any]
    table: pl.DataFrame
    training: TrainResult
    environment: dict[str, Any]

    @property
    def config(self) -> C:
        """All settings, decided."""
        return self.model.config
