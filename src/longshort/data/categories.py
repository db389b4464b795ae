"""Categorical covariates: columns of words, encoded as one column of 0 and 1 per word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longshort.config import DataConfig
from longshort.data.columns import holds_words, is_numeric
from longshort.data.schema import Schema
from longshort.data.sources import Source
from longshort.errors import DataError
from longshort.lazy import polars as pl

Words = tuple[str, ...] | None
"""Words of a column whose values are their numbers; None for a numeric column."""

_MOST = 100
_SHOWN = 5


def category_columns(source: Source, schema: Schema, config: DataConfig) -> list[str]:
    """Return the covariates that hold neither numbers nor yes and no."""
    found = []
    for name in dict.fromkeys((*schema.past, *schema.future, *schema.static)):
        dtype = source.types[name]
        is_text = dtype == pl.String and not holds_words(source, name)
        is_word = is_text and not is_numeric(source, name, config, or_empty=True)
        if is_word or dtype in (pl.Categorical, pl.Enum):
            found.append(name)
    return found


def numbered(source: str, cells: pl.Series) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return cells as category numbers, NaN where empty, and the words by number."""
    words = tuple(cells.drop_nulls().unique().sort().to_list())
    if len(words) > _MOST:
        raise DataError(
            f"{source}: covariate {cells.name!r} holds {len(words):,} different texts, at most "
            f"{_MOST} are told apart; leave it out, merge them, or name series by it with --group"
        )
    places = {word: float(place) for place, word in enumerate(words)}
    codes = cells.replace_strict(places, default=None, return_dtype=pl.Float64)
    return codes.fill_null(np.nan).to_numpy().copy(), words


@dataclass(frozen=True)
class OneHot:
    """One-hot encoding with the words of each column that occur in the training split."""

    words: tuple[Words, ...]

    @staticmethod
    def fit(values: NDArray[np.float64], words: Sequence[Words]) -> OneHot:
        """Fit on values [n, C] of the training split; `words` are the categories of each column."""
        return OneHot(
            tuple(
                None
                if column is None
                else tuple(w for i, w in enumerate(column) if np.any(values[:, place] == i))
                for place, column in enumerate(words)
            )
        )

    def apply(
        self, values: NDArray[np.float64], words: Sequence[Words], names: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return columns [n, C] with one-hot columns in place of words; unknown words are all 0."""
        parts: list[NDArray[np.float64]] = [np.empty((len(values), 0))]
        for place, (mine, theirs) in enumerate(zip(self.words, words, strict=True)):
            if (mine is None) != (theirs is None):
                kinds = ("numbers", "categories") if mine is None else ("categories", "numbers")
                raise DataError(
                    f"covariate {names[place]!r}: the run was trained on {kinds[0]}, and here it "
                    f"holds {kinds[1]}; write it as the training data has it"
                )
            column = values[:, place : place + 1]
            if mine is None or theirs is None:
                parts.append(column)
                continue
            numbers = [theirs.index(word) if word in theirs else -1 for word in mine]
            parts.append((column == np.array(numbers)).astype(float))
        return np.concatenate(parts, axis=1)

    def unseen(
        self, values: NDArray[np.float64], words: Sequence[Words], names: Sequence[str]
    ) -> list[str]:
        """Return a remark on every column that has words unknown from training."""
        said = []
        for place, (mine, theirs) in enumerate(zip(self.words, words, strict=True)):
            new = [
                repr(word)
                for number, word in enumerate(theirs or ())
                if word not in (mine or ()) and np.any(values[:, place] == number)
            ]
            if new:
                shown = ", ".join(new[:_SHOWN]) + (", …" if len(new) > _SHOWN else "")
                said.append(
                    f"covariate {names[place]!r}: {shown} did not occur in training, and counts "
                    "as none of its categories"
                )
        return said
