"""The k largest of each row, against a stable sort of whole rows."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.decoding.top import BLOCK, top
from longshort.errors import ArgumentError

WIDTHS = [1, 5, BLOCK - 1, BLOCK, BLOCK + 1, 7 * BLOCK, 1000, 3001]


def expected(values: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-values, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("levels", [1, 2, 7, 10**6])
def test_equals_a_stable_sort_also_with_ties(width: int, levels: int) -> None:
    draw = np.random.default_rng(width)
    for k in {1, min(3, width), min(10, width), width}:
        values = draw.integers(levels, size=(9, width)).astype(np.float32)
        values[draw.random(values.shape) < 0.3] = -np.inf
        found, columns = top(values, k)
        assert np.array_equal(columns, expected(values, k))
        assert np.array_equal(found, np.take_along_axis(values, columns, 1))


def test_only_the_last_columns_are_finite() -> None:
    values = np.full((2, 1000), -np.inf, np.float32)
    values[:, -2:] = [1, 2]
    assert top(values, 4)[1].tolist() == [[999, 998, 0, 1]] * 2


def test_no_rows() -> None:
    assert top(np.zeros((0, 2000)), 3)[1].shape == (0, 3)


def test_nan_is_refused_with_its_row() -> None:
    values = np.zeros((4, 500), np.float32)
    values[2, 321] = np.nan
    with pytest.raises(ArgumentError, match="NaN in row 2"):
        top(values, 2)


@pytest.mark.parametrize("k", [0, 6])
def test_k_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(ArgumentError, match=f"1 to the 5 columns is expected, got {k}"):
        top(np.zeros((1, 5)), k)
