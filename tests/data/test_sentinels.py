"""-999 and its like in a bounded column are told, and read as missing when asked."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from longshort.config import DataConfig
from longshort.data.dataset import read_dataset
from longshort.data.sentinels import sentinels


def bounded(*more: float) -> pl.DataFrame:
    values = np.random.default_rng(0).uniform(10, 30, 60)
    values[[7, 20]] = np.resize(more, 2) if more else values[[7, 20]]
    return pl.DataFrame({"t": np.arange(60), "y": values})


@pytest.mark.parametrize("value", [-999.0, -9999.0, 9999.0, 99999.0, 1e20, -1e30])
def test_a_sentinel_is_told_with_count_rows_and_remedy(value: float) -> None:
    dataset = read_dataset(bounded(value), DataConfig(time="t"))
    (finding,) = dataset.findings
    assert (finding.code, finding.severity) == ("sentinel", "warning")
    assert finding.message.startswith(f"column 'y' is {value:.10g} in 2 rows, far from its other")
    assert finding.where == ("row 7", "row 20")
    assert finding.fix.endswith(f"--set data.missing={value:.10g}")


def test_two_sentinels_are_both_told() -> None:
    found = read_dataset(bounded(-999.0, 9999.0), DataConfig(time="t")).findings
    assert [each.fix[-10:] for each in found] == ["ssing=-999", "ssing=9999"]


def test_named_as_missing_it_is_missing_and_no_finding() -> None:
    config = DataConfig.model_validate({"time": "t", "missing": [-999]})
    dataset = read_dataset(bounded(-999.0), config)
    assert np.flatnonzero(np.isnan(dataset.panel.target[:, 0])).tolist() == [7, 20]
    assert dataset.findings == ()


def test_single_precision_sentinels_are_known() -> None:
    values = np.append(np.linspace(0, 1, 40), np.float64(np.float32(1e20)))
    assert [value for value, _ in sentinels(values)] == [1e20]


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(-2000, 2000, 4001),
        np.append(np.linspace(500, 998, 100), 999.0),
        np.append(np.linspace(0, 9000, 50), 9999.0),
        np.array([1.0, 2.0, -999.0]),
        np.full(50, np.nan),
    ],
)
def test_values_within_reach_are_no_sentinels(values: np.ndarray) -> None:
    assert sentinels(values) == []
