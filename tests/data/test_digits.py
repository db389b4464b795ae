"""Files that people read have as many digits as the data; JSON and Parquet stay exact."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from longshort.config import DataConfig
from longshort.data.dataset import read_dataset
from longshort.data.digits import decimals_of, rounded, written_decimals
from longshort.runs import story
from longshort.tables import encode, readable
from tests.commands import longshort
from tests.tiny_runs import small

DRAW = np.random.default_rng(0).normal(size=400)


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        (np.round(DRAW * 8, 1), 1),
        (np.round(DRAW * 8 + 316, 2), 2),
        (np.round(DRAW * 1000), 0),
        (np.round(DRAW * 1e-6, 8), 8),
        (np.round(DRAW * 0.01, 2) + 101325.0, 2),
        (np.array([np.nan, 0.1, 0.2, 0.1 + 0.2]), 1),
        (DRAW, None),
        (np.zeros(3), 0),
    ],
    ids=["one", "two", "whole", "tiny", "large level", "arithmetic", "computed", "zeros"],
)
def test_the_decimals_of_the_data_are_found(
    values: NDArray[np.float64], decimals: int | None
) -> None:
    assert written_decimals(values) == decimals


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        (np.round(DRAW * 8, 1), 3),  # temperatures: one decimal and two more
        (np.round(DRAW * 200, 1), 1),  # a thousandth of the spread needs no more
        (np.round(DRAW * 5), 2),  # counts
        (np.round(DRAW * 300), 1),
        (np.round(DRAW * 20_000), 0),
        (np.round(DRAW * 0.05, 2) + 50, 4),  # a small spread about a level
        (DRAW * 8, 3),  # computed: a thousandth of the spread
        (DRAW * 8e6, 0),
        (DRAW * 8e-6, 9),
        (np.full(400, 5.0), 2),  # nothing moves
        (np.zeros(400), 2),
    ],
)
def test_a_forecast_has_up_to_two_more(values: NDArray[np.float64], decimals: int) -> None:
    frame = pl.DataFrame({"y": values})
    panel = read_dataset(frame, DataConfig(target=("y",))).panel
    assert decimals_of(panel).tolist() == [[decimals]]


def test_each_series_has_its_own() -> None:
    frame = pl.DataFrame(
        {
            "id": ["small"] * 400 + ["large"] * 400,
            "step": [*range(400)] * 2,
            "y": np.concatenate([np.round(DRAW * 8), np.round(DRAW * 8e5)]),
        }
    )
    panel = read_dataset(frame, DataConfig(target=("y",), group=("id",), time="step")).panel
    found = dict(zip([g[0] for g in panel.groups], decimals_of(panel)[:, 0].tolist(), strict=True))
    assert found == {"small": 2, "large": 0}


def test_rounding_by_row() -> None:
    values = np.array([1.23456, 1.23456, -0.001, np.nan])
    found = rounded(values, np.array([2, 0, 1, 3]))
    assert found[:3].tolist() == [1.23, 1.0, 0.0] and np.isnan(found[3])
    assert str(found[2]) == "0.0"


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on values with one decimal and a spread of two."""
    settings, data = small("forecast")
    folder = tmp_path_factory.mktemp("digits")
    assert isinstance(data, pl.DataFrame)
    data.with_columns(pl.col("y").round(1)).write_csv(folder / "x.csv")
    settings["data"] = {"path": str(folder / "x.csv")}
    settings["model"]["quantiles"] = [0.1, 0.5, 0.9]
    story.run(settings, folder / "run")
    return folder / "run"


def longest(text: str) -> int:
    """Decimals of the longest number after the first line's names."""
    cells = [cell for line in text.strip().splitlines()[1:] for cell in line.split(",")]
    numbers = [cell for cell in cells if cell.count(".") == 1 and ":" not in cell]
    return max(len(cell.split(".")[1]) for cell in numbers)


def test_predictions_csv_has_digits_like_the_data(forecaster: Path) -> None:
    assert longest((forecaster / "predictions.csv").read_text()) == 3
    y = pl.read_csv(forecaster / "predictions.csv")["y"]
    assert np.array_equal(y, y.round(1))


def test_predictions_csv_keeps_the_digits_of_large_values(tmp_path: Path) -> None:
    settings, data = small("forecast")
    assert isinstance(data, pl.DataFrame)
    large = data.with_columns(y=(pl.col("y") + 1_234_567).round(2))
    story.run(settings, tmp_path / "run", data=large)
    y = pl.read_csv(tmp_path / "run" / "predictions.csv")["y"]
    assert set(y) <= set(large["y"])


def test_predict_rounds_what_people_read_and_nothing_else(forecaster: Path, tmp_path: Path) -> None:
    shown = longshort("predict", str(forecaster)).stdout
    assert longest(shown) == 3
    exact = [row["yhat"] for row in json.loads(
        longshort("predict", str(forecaster), "--json").stdout
    )["forecast"]]  # fmt: skip
    tables = {}
    for ending in ("csv", "tsv", "parquet", "jsonl"):
        out = tmp_path / f"x.{ending}"
        assert longshort("predict", str(forecaster), "--out", str(out)).returncode == 0
        tables[ending] = out
    assert pl.read_parquet(tables["parquet"])["yhat"].to_list() == exact
    assert pl.read_ndjson(tables["jsonl"])["yhat"].to_list() == exact
    assert tables["csv"].read_text().strip() == shown.strip()
    assert (
        pl.read_csv(tables["tsv"], separator="\t")["yhat"].to_list() == np.round(exact, 3).tolist()
    )


def test_backtest_rounds_its_text_file(forecaster: Path, tmp_path: Path) -> None:
    config, out = forecaster / "config.toml", tmp_path / "t.csv"
    asked = ["backtest", "--config", str(config), "--windows", "2", "--out", str(out)]
    assert longshort(*asked).returncode == 0
    assert longest(out.read_text()) == 3


def test_probabilities_have_six_digits(tmp_path: Path) -> None:
    settings, data = small("classify")
    story.run(settings, tmp_path / "run", data=data)
    table = pl.read_csv(tmp_path / "run" / "predictions.csv")
    for name in ("probability", "loss"):
        assert all(float(f"{value:.6g}") == value for value in table[name])


def test_readable_keeps_small_numbers_and_nothings(tmp_path: Path) -> None:
    table = pl.DataFrame({"p": [1 / 3e12, 0.1 + 0.2, None, 2 / 3], "n": [1, 2, 3, 4]})
    assert readable(table).rows() == [(3.33333e-13, 1), (0.3, 2), (None, 3), (0.666667, 4)]
    assert encode(table, tmp_path / "x.csv", readable(table)).decode().splitlines()[1] == (
        "3.33333e-13,1"
    )
