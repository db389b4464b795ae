"""Data sets of an audit: what a user has, fresh data of the same process, and the best rule.

The rule is the forecast or label that somebody who knows the process would give.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Draw = np.random.Generator
Floats = NDArray[np.float64]
Group = Literal[1, 2, 3]

FRESH_STEPS, FRESH_EXAMPLES = 20_000, 5_000


@dataclass(frozen=True)
class Series:
    """A table of series.

    known: the user's table. fresh: tables that begin with as many rows and continue, or other draws
    of the same period; what follows the training split is scored. roles: of the columns. rule:
    losses of the best rule on the fresh values, by metric (mse, mae).
    """

    known: pl.DataFrame
    fresh: tuple[pl.DataFrame, ...]
    roles: dict[str, Any]
    rule: dict[str, float]


@dataclass(frozen=True)
class Labelled:
    """Texts or arrays [T, F] with labels, and fresh ones; rule: accuracy of the best rule."""

    items: list[Any]
    labels: list[Any]
    fresh_items: list[Any]
    fresh_labels: list[Any]
    rule: float | None


@dataclass(frozen=True)
class Family:
    """Data sets of one kind.

    group: 1 without any signal, 2 where a simple rule is the best, 3 where only memory or a
    nonlinear rule helps. variants: settings that the sets of a family have in turn.
    """

    name: str
    group: Group
    count: int
    make: Callable[[Draw], Series | Labelled]
    variants: tuple[Mapping[str, Any], ...] = field(default=({},))

    def cases(self) -> list[Case]:
        return [Case(self, number) for number in range(self.count)]


@dataclass(frozen=True)
class Case:
    """A data set with a user's settings for it."""

    family: Family
    number: int

    @property
    def name(self) -> str:
        return f"{self.family.name}-{self.number}"

    @property
    def settings(self) -> dict[str, Any]:
        variants = self.family.variants
        return dict(variants[self.number % len(variants)])

    @property
    def seed(self) -> list[int]:
        """Seed of the data: it depends only on the name."""
        return [zlib.crc32(self.family.name.encode()), self.number]

    def draw(self) -> Series | Labelled:
        return self.family.make(np.random.default_rng(self.seed))
