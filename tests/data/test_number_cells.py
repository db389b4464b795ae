"""Numbers as people write them: marks and signs are decided from whole columns, or asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.api.fitting import nested
from longshort.config import DataConfig, read_toml
from longshort.data.dataset import Dataset, read_dataset
from longshort.errors import DataError
from longshort.runs import story
from tests.conftest import QUICK

Write = Callable[[str, str | bytes], Path]


def read(data: object, **settings: object) -> Dataset:
    return read_dataset(data, DataConfig.model_validate(settings))


def column(cells: list[str], **settings: object) -> list[float]:
    days = np.datetime64("2024-01-01") + np.arange(len(cells))
    frame = pl.DataFrame({"ds": days, "y": cells})
    return read(frame, target="y", **settings).panel.target[:, 0].tolist()


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1,5", "2,25"], [1.5, 2.25]),
        (["51.000,50", "1.234"], [51000.5, 1234.0]),
        (["1.234.567", "1.234"], [1234567.0, 1234.0]),
        (["51,000.50", "1,234"], [51000.5, 1234.0]),
        (["1,234,567", "1,234"], [1234567.0, 1234.0]),
        (["12,34,567.5", "1,234"], [1234567.5, 1234.0]),
        (["51'000.50", "1’234"], [51000.5, 1234.0]),
        (["51 000,50", "1\u202f234", "1\u00a0000,5"], [51000.5, 1234.0, 1000.5]),
        (["1.234", "2.345"], [1.234, 2.345]),
        (["$1,234.50", "$5.00"], [1234.5, 5.0]),
        (["5,50 €", "1.000,00 €"], [5.5, 1000.0]),
        (["12 %", "12.5%"], [12.0, 12.5]),
        (["¥1,234,567", "¥-5"], [1234567.0, -5.0]),
        (["5.5-", "(1,234.50)", "-3", "−4", "+5"], [-5.5, -1234.5, -3.0, -4.0, 5.0]),
        (["1,5e3", "-,5"], [1500.0, -0.5]),
        (["0,125", "0,250"], [0.125, 0.25]),
        (["true", "False"], [1.0, 0.0]),
        (["yes", "no"], [1.0, 0.0]),
    ],
)
def test_numbers_are_read_as_written(cells: list[str], values: list[float]) -> None:
    assert column(cells) == values


def test_marks_are_decided_from_rows_far_below(write: Write) -> None:
    rows = "".join(f"{day};1.{day % 900 + 100}\n" for day in range(3000))
    dataset = read(write("x.csv", f"t;y\n{rows}3000;2.000,5\n"), time="t", target="y")
    assert dataset.panel.target[[0, -1], 0].tolist() == [1100.0, 2000.5]
    assert dataset.decided == (
        "column 'y' has a decimal comma and points between thousands, as in '1.100'",
    )


@pytest.mark.parametrize(
    ("cells", "settings", "values"),
    [
        (["1,234", "2,345"], {"decimal": ","}, [1.234, 2.345]),
        (["1,234", "2,345"], {"thousands": ","}, [1234.0, 2345.0]),
        (["1.234", "2.345"], {"thousands": "."}, [1234.0, 2345.0]),
        (["1.234", "2.345"], {"decimal": "."}, [1.234, 2.345]),
    ],
)
def test_marks_may_be_set(cells: list[str], settings: dict[str, str], values: list[float]) -> None:
    assert column(cells, **settings) == values


def test_marks_that_nothing_settles_are_asked_for(write: Write) -> None:
    with pytest.raises(DataError, match=r"'1,234' may be .*--set data\.decimal=','.*thousands=','"):
        column(["1,234", "567", "2,345"])
    path = write("x.csv", "ds;y\n2024-01-01;1.234\n2024-01-02;2.345\n")
    with pytest.raises(DataError, match=r"'1\.234' may be .*--set data\.decimal='\.'"):
        read(path, target="y")
    assert read(path, target="y", decimal=".").panel.target[0, 0] == 1.234


def test_columns_that_disagree_are_named() -> None:
    frame = pl.DataFrame({"t": [0, 1], "a": ["1,5", "2,5"], "b": ["1.25", "2.5"]})
    with pytest.raises(DataError, match=r"column 'a' \('1,5'\) has a decimal comma and column 'b'"):
        read(frame, time="t", target="a,b")


@pytest.mark.parametrize("cells", [["5 €", "6 $"], ["12 %", "0.5"]])
def test_mixed_units_are_refused(cells: list[str]) -> None:
    with pytest.raises(DataError, match="the numbers are of different units"):
        column(cells)


def test_a_cell_that_is_no_number_is_named_beside_marks(write: Write) -> None:
    path = write("x.csv", "ds;y\n2024-01-01;1,5\n2024-01-02;5 - 3\n2024-01-03;2,5\n")
    with pytest.raises(DataError, match="line 3, column 'y': '5 - 3' is not a number"):
        read(path, target="y")


GERMAN = "Datum;Umsatz;Filiale\n" + "".join(
    f"{day:02d}.{month:02d}.2024;5{day}.000,50;01\n" for month in (1, 3) for day in range(1, 32)
)


def test_a_branch_number_is_not_the_target(write: Write) -> None:
    dataset = read(write("x.csv", GERMAN))
    assert dataset.schema.target == ("Umsatz",)
    assert dataset.panel.target[:2, 0].tolist() == [51000.5, 52000.5]
    assert dataset.describe()[1] == "time 'Datum'; target Umsatz"
    assert dataset.decided == (
        "column 'Umsatz' has a decimal comma and points between thousands, as in '51.000,50'",
    )


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        ("Filiale", ["01", "02"], "its codes begin with 0"),
        ("area", ["01", "02"], "its codes begin with 0"),
        ("store_nr", ["1", "2"], "by its name"),
        ("storeId", ["1", "2"], "by its name"),
    ],
)
def test_an_identifier_alone_is_not_forecast(name: str, cells: list[str], why: str) -> None:
    frame = pl.DataFrame({"ds": ["2024-01-01", "2024-01-02"], name: cells})
    with pytest.raises(DataError, match=f"the only column of numbers is '{name}', and {why}"):
        read(frame)


def test_codes_are_left_out_of_all_targets() -> None:
    frame = pl.DataFrame({"ds": ["2024-01-01"], "a": ["1"], "store": ["2"], "plz": ["01067"]})
    assert read(frame, target="all").schema.target == ("a", "store")


def test_numbered_columns_are_series_and_no_identifiers() -> None:
    frame = pl.DataFrame({"ds": ["2024-01-01"], "store_1": ["1"], "store_2": ["2"], "all": ["3"]})
    with pytest.raises(DataError, match=r"Name it with --target \(there are store_1, store_2, all"):
        read(frame)


def test_two_columns_as_likely_are_asked_for() -> None:
    frame = pl.DataFrame({"ds": ["2024-01-01"], "a": ["1,5"], "b": ["2,5"], "store": ["1"]})
    with pytest.raises(DataError, match=r"Name it with --target \(there are a, b\)"):
        read(frame)


def test_values_named_as_missing_are_missing(write: Write) -> None:
    path = write("x.csv", "t,y\n0,1\n1,-999\n2,-999.0\n3,k.A.\n4,5\n")
    values = read(path, time="t", target="y", missing="-999,k.A.").panel.target[:, 0]
    assert np.isnan(values).tolist() == [False, True, True, True, False]
    assert DataConfig.model_validate({"missing": -999}).missing == ("-999",)
    frame = pl.DataFrame({"t": [0, 1], "y": [1.0, 1e20]})
    assert np.isnan(read(frame, time="t", missing="1e20").panel.target[1, 0])


def test_a_run_reads_new_files_as_its_own(write: Write, tmp_path: Path) -> None:
    stamps = np.datetime64("2024-01-01T00") + np.arange(300)
    wave = 1500.5 + 400 * np.sin(2 * np.pi * np.arange(300) / 24)
    rows = [f"{s};{v:.1f}".replace(".", ",") for s, v in zip(stamps, wave, strict=True)]
    path = write("x.csv", "t;y\n" + "\n".join(rows))
    said: list[str] = []
    settings = {**QUICK, "model.horizon": 6, "model.context_length": 24}
    story.run(nested({"data.path": str(path), **settings}, None), tmp_path / "run", say=said.append)
    assert "decided: column 'y' has a decimal comma and points between thousands" in "\n".join(said)
    data = read_toml(tmp_path / "run" / "config.toml")["data"]
    assert (data["decimal"], data["thousands"]) == (",", ".")
    later = write("later.csv", "t;y\n" + "\n".join(f"{s};1.234" for s in stamps[-40:]))
    panel = read(later, **data).panel
    assert panel.target[0, 0] == 1234.0
