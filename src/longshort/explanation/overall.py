"""What all answers rest on: attributions and the importance of features over many rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.errors import ConfigError
from longshort.explanation.attribution import Attribution
from longshort.explanation.methods import attribute
from longshort.lazy import polars as pl
from longshort.metrics.bootstrap import interval_of_mean
from longshort.runs.explaining import Floats, Question, Subject

_ROWS, _DRAWS = 64, 4
_IGNORED = 0.01
"""Share of all attribution below which a feature counts as ignored, if its loss does not rise."""
_TOKENS = 20


@dataclass(frozen=True)
class Overall:
    """Means over rows, with 95 % intervals.

    size [F]: mean absolute attribution of a feature, summed over time; by_lag [lags, F]: of each
    step before the end; intervals have the low and the high end first. importance [F]: by how much
    the loss rises when the feature is taken from other rows; None without truth, or of texts.
    tokens: mean attribution and count of the tokens of texts that matter most.
    """

    method: str
    unit: str
    rows: int
    features: Sequence[str]
    size: Floats
    size_interval: Floats
    by_lag: Floats
    by_lag_interval: Floats
    importance: Floats | None
    importance_interval: Floats | None
    tokens: list[tuple[str, float, int]]
    completeness: float
    scored: int | None
    """Number of rows whose losses the importance is a mean of; None without importance."""
    first_lag: int
    """Lag of the last step: 0, or below it where a window's last steps lie ahead."""

    @property
    def ignored(self) -> list[str]:
        """Features that the model does not use, as far as these rows tell."""
        if self.importance is None or self.importance_interval is None:
            return []
        share = self.size / max(float(self.size.sum()), 1e-300)
        low = self.importance_interval[0]
        return [
            name for k, name in enumerate(self.features) if share[k] < _IGNORED and low[k] <= 0.0
        ]

    def table(self) -> pl.DataFrame:
        """Return a row for each feature and lag, with the mean absolute attribution."""
        return pl.DataFrame(
            [
                {
                    "row": None,
                    "step": str(lag + self.first_lag),
                    "feature": name,
                    "value": float(self.by_lag[lag, k]),
                    "low": float(self.by_lag_interval[0, lag, k]),
                    "high": float(self.by_lag_interval[1, lag, k]),
                    "method": self.method,
                    "completeness": self.completeness,
                    "unit": self.unit,
                }
                for lag in range(len(self.by_lag))
                for k, name in enumerate(self.features)
            ],
            schema_overrides={"row": pl.Int64},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        features = []
        for k, name in enumerate(self.features):
            entry: dict[str, Any] = {
                "feature": name,
                "size": float(self.size[k]),
                "size_interval": self.size_interval[:, k].tolist(),
            }
            if self.importance is not None and self.importance_interval is not None:
                entry["importance"] = float(self.importance[k])
                entry["importance_interval"] = self.importance_interval[:, k].tolist()
            features.append(entry)
        tokens = [{"token": t, "value": v, "count": n} for t, v, n in self.tokens]
        return {
            "method": self.method,
            "unit": self.unit,
            "rows": self.rows,
            "scored": self.scored,
            "completeness": self.completeness,
            "features": features,
            "ignored": self.ignored,
            "tokens": tokens,
        }


def overall(subject: Subject, method: str, answer: str | None, baseline: str, seed: int) -> Overall:
    """Explain up to 64 rows at even distances."""
    count = len(subject.places)
    rows = np.unique(np.linspace(0, count - 1, min(count, _ROWS)).round().astype(np.int64))
    if len(rows) < 2:
        raise ConfigError("global: takes two rows or more; use --row 1")
    questions = [subject.question(int(row), answer) for row in rows]
    found = [attribute(method, subject, each, baseline, seed) for each in questions]
    first = questions[0]
    lags = min(len(each.inputs) for each in questions)
    sizes = np.stack([np.abs(each.values).sum(0) for each in found])
    by_lag = np.stack([np.abs(each.values[::-1][:lags]) for each in found])
    importance = None if first.is_text else _importance(subject, rows, questions, seed)
    return Overall(
        method=method,
        unit=first.unit,
        rows=len(rows),
        features=first.features,
        size=sizes.mean(0),
        size_interval=interval_of_mean(sizes, seed),
        by_lag=by_lag.mean(0),
        by_lag_interval=interval_of_mean(by_lag, seed),
        importance=None if importance is None else importance.mean(0),
        importance_interval=None if importance is None else interval_of_mean(importance, seed),
        tokens=_tokens(questions, found) if first.is_text else [],
        completeness=max(each.completeness for each in found),
        scored=None if importance is None else len(importance),
        first_lag=_first_lag(first),
    )


def _first_lag(question: Question) -> int:
    """Return the lag of the last step; lag 1 is the last one before those that lie ahead."""
    known = np.flatnonzero(question.exists[:, 0])
    ahead = len(question.exists) - 1 - int(known[-1])
    return 1 - ahead if question.window is not None else 0


def _importance(
    subject: Subject, rows: np.ndarray, questions: list[Question], seed: int
) -> Floats | None:
    """Return by how much the loss of each row rises, [n, F], when a feature is mixed up.

    The feature's values are those of another row, of the same steps (Breiman, 2001). Rows whose
    loss is infinite as they are, such as a recording that is too short for its text, are left out;
    None where fewer than two are left.
    """
    inputs = [each.inputs for each in questions]
    before = subject.loss_of(rows, inputs)
    if before is None:
        return None
    is_known = np.isfinite(before)
    draw = np.random.default_rng(seed)
    rises = np.zeros((len(rows), inputs[0].shape[1]))
    for _ in range(_DRAWS):
        shift = int(draw.integers(1, len(rows)))
        for feature in range(rises.shape[1]):
            mixed = []
            for place, values in enumerate(inputs):
                other = inputs[(place + shift) % len(inputs)][:, feature]
                changed = values.copy()
                changed[:, feature] = np.resize(other, len(values))
                mixed.append(np.where(questions[place].exists, changed, values))
            after = subject.loss_of(rows, mixed)
            assert after is not None
            rises[is_known, feature] += (after[is_known] - before[is_known]) / _DRAWS
    return rises[is_known] if is_known.sum() > 1 else None


def _tokens(questions: list[Question], found: list[Attribution]) -> list[tuple[str, float, int]]:
    """Return tokens with the largest mean absolute attribution, their mean value and count."""
    seen: dict[str, list[float]] = defaultdict(list)
    for question, each in zip(questions, found, strict=True):
        for token, value in zip(question.steps, each.values[:, 0].tolist(), strict=True):
            seen[token].append(value)
    often = {token: values for token, values in seen.items() if len(values) > 1}
    order = sorted(often, key=lambda token: -float(np.mean(np.abs(often[token]))))[:_TOKENS]
    return [(token, float(np.mean(often[token])), len(often[token])) for token in order]
