"""Files and frames in: every format reads to the same panel, and bad input is explained."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from longshort.config import DataConfig
from longshort.data.dataset import Dataset, read_dataset
from longshort.errors import DataError, LongshortError
from tests.conftest import hourly

Write = Callable[[str, str | bytes], Path]


def read(data: object, **settings: object) -> Dataset:
    return read_dataset(data, DataConfig.model_validate(settings))


def moments(dataset: Dataset, *rows: int) -> list[str]:
    """What the clock shows at some rows of the first series, in ISO 8601."""
    panel = dataset.panel
    wall = panel.freq.to_wall(panel.first[0] + np.array(rows)).astype("datetime64[us]")
    return [text.replace("T", " ") for text in np.datetime_as_string(wall, unit="s").tolist()]


def codes(dataset: Dataset) -> dict[str, str]:
    return {finding.code: finding.severity for finding in dataset.findings}


def save(series: pl.DataFrame, folder: Path, name: str) -> Path:
    path = folder / name
    plain = folder / name.removesuffix(".gz")
    if ".parquet" in name:
        series.write_parquet(plain)
    elif ".jsonl" in name:
        series.write_ndjson(plain)
    else:
        series.write_csv(
            plain, separator="\t" if ".tsv" in name else ";" if "semi" in name else ","
        )
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    return path


@pytest.mark.parametrize(
    "name",
    ["a.csv", "a.tsv", "semi.csv", "a.csv.gz", "a.tsv.gz", "a.parquet", "a.jsonl", "a.jsonl.gz"],
)
def test_every_format_gives_the_same_panel(name: str, series: pl.DataFrame, tmp_path: Path) -> None:
    wanted = read(series).panel
    found = read(save(series, tmp_path, name)).panel
    assert str(found.freq) == str(wanted.freq) == "1h"
    assert np.array_equal(found.first, wanted.first)
    assert np.allclose(found.target, wanted.target, rtol=1e-12)


def test_pandas_frames_are_accepted(series: pl.DataFrame) -> None:
    frame = pd.DataFrame({"ds": series["ds"].to_numpy(), "y": series["y"].to_numpy()})
    wanted = read(series).panel
    for form in (frame, frame.set_index("ds"), frame.assign(ds=frame["ds"].astype(str))):
        assert np.array_equal(read(form).panel.target, wanted.target)
        assert np.array_equal(read(form).panel.first, wanted.first)


def test_long_and_wide_hold_the_same_series(series: pl.DataFrame) -> None:
    wide = series.with_columns(b=pl.col("y") * 2).rename({"y": "a"})
    long = wide.unpivot(index="ds", variable_name="id", value_name="y")
    one, two = read(wide, target=["a", "b"]).panel, read(long, group="id", target="y").panel
    assert two.groups == (("a",), ("b",))
    assert np.array_equal(one.target.T.reshape(-1), two.target[:, 0])
    assert one.series_name(0, 1) == "b" == two.series_name(1, 0)


def test_only_the_named_columns_are_read(write: Write) -> None:
    rows = "\n".join(f"2024-01-{d:02d},{d},words,more" for d in range(1, 29))
    panel = read(write("x.csv", f"ds,y,text,other\n{rows}\n"), target="y").panel
    assert panel.target[:, 0].tolist() == list(range(1, 29))


def test_rows_without_a_time_column_are_counted() -> None:
    panel = read(pl.DataFrame({"y": np.arange(30.0)})).panel
    assert str(panel.freq) == "rows"
    assert panel.stamps(0, np.array([0, 29])) == ["0", "29"]


def test_columns_that_are_not_looked_at_are_told() -> None:
    frame = pl.DataFrame({"comment": ["a", "b"] * 20, "rating": list(range(40))})
    told = read_dataset(frame, DataConfig()).describe()
    assert told[2:] == ["columns that are not looked at: comment"]
    assert len(read_dataset(frame.select("rating"), DataConfig()).describe()) == 2


def test_unsorted_rows_are_sorted_and_said(series: pl.DataFrame) -> None:
    shuffled = series.sample(fraction=1.0, shuffle=True, seed=1)
    dataset = read(shuffled)
    assert codes(dataset) == {"unsorted": "note"}
    assert np.array_equal(dataset.panel.target, read(series).panel.target)


def test_gaps_become_missing_steps_and_are_said(series: pl.DataFrame) -> None:
    dataset = read(series.filter(~pl.int_range(pl.len()).is_in([10, 11, 50])))
    assert codes(dataset) == {"gaps": "warning"}
    assert "3 steps of 1h are missing in 2 places" in dataset.findings[0].message
    assert np.flatnonzero(np.isnan(dataset.panel.target[:, 0])).tolist() == [10, 11, 50]


def test_equal_duplicates_are_merged_with_a_note(series: pl.DataFrame) -> None:
    dataset = read(pl.concat([series, series.head(3)]))
    assert codes(dataset)["duplicates"] == "note"
    assert np.array_equal(dataset.panel.target, read(series).panel.target)


@pytest.mark.parametrize(("how", "value"), [("mean", 15.0), ("first", 10.0), ("last", 20.0)])
def test_different_duplicates_are_merged_as_asked(how: str, value: float) -> None:
    days = [f"2024-01-{d:02d}" for d in (1, 2, 2, 3, 4)]
    frame = pl.DataFrame({"ds": days, "y": [1.0, 10.0, 20.0, 3.0, 4.0]})
    assert codes(read(frame))["duplicates"] == "error"
    assert read(frame, duplicates=how).panel.target[1, 0] == value


def test_irregular_times_are_an_error_that_resampling_mends() -> None:
    draw = np.random.default_rng(0)
    times = np.datetime64("2024-01-01", "us") + np.sort(
        draw.integers(0, 10**6, 300) * np.timedelta64(1, "s")
    )
    frame = pl.DataFrame({"ds": times, "y": draw.normal(size=300)})
    assert codes(read(frame))["irregular"] == "error"
    mended = read(frame, freq="6h", duplicates="mean")
    assert str(mended.panel.freq) == "6h"
    assert "error" not in codes(mended).values()


def test_infinite_values_are_named_by_line(write: Write) -> None:
    dataset = read(write("x.csv", "ds,y\n2024-01-01,1\n2024-01-02,inf\n2024-01-03,2\n"))
    assert codes(dataset) == {"infinite": "error"}
    assert dataset.findings[0].where == ("line 3, column 'y'",)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("2024-03-05", "2024-03-05 00:00:00"),
        ("2024/03/05", "2024-03-05 00:00:00"),
        ("20240305", "2024-03-05 00:00:00"),
        ("25.03.2024", "2024-03-25 00:00:00"),
        ("03/25/2024", "2024-03-25 00:00:00"),
        ("2024-03-05T06:00:00Z", "2024-03-05 06:00:00"),
        ("2024-03-05 06:00:00+02:00", "2024-03-05 06:00:00"),
        ("1709618400", "2024-03-05 06:00:00"),
        ("1709618400000", "2024-03-05 06:00:00"),
    ],
)
def test_timestamps_are_understood(text: str, first: str) -> None:
    assert moments(read(pl.DataFrame({"ds": [text], "y": [1.0]}), time="ds"), 0) == [first]


def test_years_are_years() -> None:
    panel = read(pl.DataFrame({"year": [1999, 2000, 2001], "y": [1.0, 2.0, 3.0]})).panel
    assert str(panel.freq) == "1y"
    assert panel.stamps(0, np.array([0, 3])) == ["1999", "2002"]


def test_day_and_month_in_doubt_are_asked_for() -> None:
    frame = pl.DataFrame({"ds": ["01/02/2024", "03/02/2024"], "y": [1.0, 2.0]})
    with pytest.raises(DataError, match=r"choose with --set data\.time_format='%m/%d/%Y'"):
        read(frame)
    assert moments(read(frame, time_format="%d/%m/%Y"), 0) == ["2024-02-01 00:00:00"]


def test_decimal_commas() -> None:
    frame = pl.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": ["1.234,5", "2,25"]})
    assert read(frame, target="y", decimal=",").panel.target[:, 0].tolist() == [1234.5, 2.25]


def many(count: int) -> str:
    return ",".join(f"c{i}" for i in range(count))


BAD = {
    "empty": (b"", {}, "the file is empty; it needs a header line and rows"),
    "blank": (b"\n\n\n", {}, "holds only empty lines"),
    "header only": (b"ds,y\n", {}, "there are column names but no rows"),
    "binary": (b"a\x03\x04\x00\x00abc", {}, "holds binary data (a zero byte near line 1)"),
    "encoding": (b"ds,y\n2024-01-01,5\x81\n", {}, "byte 13 of the line (0x81) is not UTF-8"),
    "wrong delimiter": (b"ds;y\n2024-01-01;1\n", {"delimiter": ",", "target": "y"},
                        "if the delimiter was not recognised, name it with --set data.delimiter"),
    "unknown column": (b"ds,sales\n2024-01-01,1\n", {"target": "sale"}, "did you mean 'sales'?"),
    "text in number": (b"ds,y\n2024-01-01,1\n2024-01-02,abc\n", {"target": "y"},
                       "line 3, column 'y': 'abc' is not a number"),
    "decimal comma": (b"ds;y\n2024-01-01;1,5\n2024-01-02;2,5\n", {"target": "y", "decimal": "."},
                      "line 2, column 'y': '1,5' is not a number; data.decimal is '.'"),
    "bad time": (b"ds,y\n" + b"2024-01-01,1\n" * 60 + b"yesterday,2\n", {},
                 "line 62, column 'ds': the timestamp 'yesterday' does not read like the rest"),
    "no time": (b"ds,y\nalpha,1\nbeta,2\n", {"time": "ds"}, "does not read as a timestamp"),
    "extra cells": (b"ds,y\n2024-01-01,1\n2024-01-02,2,3\n", {"target": "y"},
                    "line 3 has 3 cells, more cells than the header's 2 columns"),
    "no header": (b"1.5,2.5\n3.5,4.5\n", {}, "Name it with --target (there are column_1, "),
    "short first line": (b"Sales\nds,y\n2024-01-01,1\n2024-01-02,1\n", {},
                         "line 1 has 1 cells and the rows below have 2; remove it if it is a"),
    "same name, padded": (b"ds,y, y,\n2024-01-01,1,2,\n", {}, "column name 'y' stands twice"),
    "same name": (b"ds,y,y\n2024-01-01,1,2\n", {}, "the column name 'y' stands twice"),
    "too wide": (many(200_000).encode() + b"\n1,2\n", {}, "line 1 is longer than 1 MiB"),
    "a million columns": (many(1_000_000).encode() + b"\n", {}, "long format"),
    "wide but short names": (b",".join([b"a"] * 200_000) + b"\n", {}, "200,000 columns, at most"),
    "10 MB line": (b"ds,y\n2024-01-01," + b"9" * 10_000_000 + b"\n", {}, "line 2 is longer than"),
    "two roles": (b"ds,y\n2024-01-01,1\n", {"target": "y", "past": "y"}, "has one role"),
    "which target": (b"ds,a,b\n2024-01-01,1,2\n", {}, "or take them all with --target all"),
    "no series name": (b"ds,id,y\n2024-01-01,,1\n", {"group": "id", "target": "y"},
                       "line 2, column 'id': the series name is missing"),
    "static that moves": (b"ds,y,s\n2024-01-01,1,1\n2024-01-02,1,2\n",
                          {"target": "y", "static": "s"}, "static column 's' changes"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_explained(name: str, write: Write) -> None:
    content, settings, message = BAD[name]
    with pytest.raises(DataError) as caught:
        read(write("data.csv", content), **settings)
    assert message in str(caught.value)
    assert "data.csv" in str(caught.value) or "data." in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file; check the path"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder; give one file"):
        read(tmp_path)


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv.gz"])
def test_damaged_files_are_refused(suffix: str, series: pl.DataFrame, tmp_path: Path) -> None:
    path = save(series, tmp_path, f"a.{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(LongshortError, match=r"a\."):
        read(path)


def test_all_values_missing_is_an_error_finding() -> None:
    frame = pl.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": ["", ""]})
    assert codes(read(frame, target="y"))["empty-target"] == "error"


def test_wrong_type_in_python_is_explained() -> None:
    with pytest.raises(DataError, match="expected a path, a polars frame or a pandas frame, got"):
        read([1, 2, 3])


def test_long_format_without_a_time_column_counts_rows_in_each_series() -> None:
    frame = pl.DataFrame({"id": ["a"] * 30 + ["b"] * 20, "y": np.arange(50.0)})
    panel = read(frame, group="id", target="y").panel
    assert panel.first.tolist() == [0, 0]
    assert panel.lengths.tolist() == [30, 20]


def test_series_interleaved_out_of_order_are_said() -> None:
    frame = pl.DataFrame({
        "t": [1, 1, 0, 0, 2, 2], "id": ["a", "b"] * 3, "y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    })  # fmt: skip
    assert codes(read(frame, time="t", group="id", target="y")) == {"unsorted": "note"}


def test_dates_as_integers_are_dates_in_every_format(tmp_path: Path) -> None:
    frame = pl.DataFrame({"day": [20240130, 20240131, 20240201], "y": [1.0, 2.0, 3.0]})
    frame.write_parquet(tmp_path / "x.parquet")
    frame.write_csv(tmp_path / "x.csv")
    for source in (frame, tmp_path / "x.parquet", tmp_path / "x.csv"):
        days = moments(read(source, time="day"), 0, 2)
        assert days == ["2024-01-30 00:00:00", "2024-02-01 00:00:00"]


def test_years_of_many_series_are_years() -> None:
    frame = pl.DataFrame({"year": [2000, 2001, 2002] * 2, "id": ["a"] * 3 + ["b"] * 3, "y": 1.0})
    assert str(read(frame, group="id", target="y").panel.freq) == "1y"


def test_a_series_may_be_called_na(write: Write) -> None:
    rows = "".join(f"NA,2024-01-{d:02d},{d}\n" for d in range(1, 9))
    panel = read(write("x.csv", "country,ds,y\n" + rows), group="country", target="y").panel
    assert panel.groups == (("NA",),)


def test_all_targets_name_a_bad_cell_instead_of_dropping_its_column(write: Write) -> None:
    rows = "".join(f"2024-01-{d:02d},{d},{d}\n" for d in range(1, 29))
    path = write("x.csv", "ds,a,b\n" + rows + "2024-01-29,broken,4\n")
    with pytest.raises(DataError, match="line 30, column 'a': 'broken' is not a number"):
        read(path, target="all")


def test_a_column_that_starts_late_is_a_target_too(write: Write) -> None:
    stamps = np.datetime64("2020-01-01") + np.arange(1500)
    rows = "".join(f"{s},{i},{i if i > 1200 else ''}\n" for i, s in enumerate(stamps))
    panel = read(write("x.csv", "ds,a,late\n" + rows), target="all").panel
    assert panel.schema.target == ("a", "late")


def test_covariates_called_month_and_day_are_not_the_time() -> None:
    frame = hourly(48).with_columns(month=pl.lit(1), day=pl.lit(2))
    schema = read(frame, target="y", future="month,day").schema
    assert (schema.time, schema.future) == ("ds", ("month", "day"))


def test_business_days_may_have_a_clock_time() -> None:
    days = [d for d in np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
            if np.is_busday(d)]  # fmt: skip
    stamps = np.array(days, "datetime64[us]") + np.timedelta64(16, "h")
    dataset = read(pl.DataFrame({"ds": stamps, "y": np.arange(len(days), dtype=float)}))
    assert (str(dataset.panel.freq), dataset.findings) == ("B", ())
    assert dataset.panel.stamps(0, np.array([0, 5])) == ["2024-01-01 16:00:00",
                                                         "2024-01-08 16:00:00"]  # fmt: skip


def test_pandas_time_zones_and_missing_integers() -> None:
    stamps = pd.date_range("2024-01-01 01:00", periods=4, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"ds": stamps, "y": pd.array([1, None, 3, 4], dtype="Int64")})
    panel = read(frame).panel
    assert panel.stamps(0, np.array([0])) == ["2024-01-01 01:00:00+01:00"]
    assert np.isnan(panel.target[1, 0]) and panel.target[2, 0] == 3
    with pytest.raises(DataError, match="'y' stands twice"):
        read(pd.DataFrame([[1, 2]], columns=["y", "y"]))


@pytest.mark.parametrize(
    ("texts", "freq", "first"),
    [
        (["1949-01", "1949-02", "1949-03"], "1mo", "1949-01-01"),
        (["2020/11", "2020/12", "2021/01"], "1mo", "2020-11-01"),
        (["2020Q3", "2020Q4", "2021Q1"], "1q", "2020-07-01"),
        (["194911", "194912", "195001"], "1mo", "1949-11-01"),
    ],
)
def test_months_and_quarters_are_understood(texts: list[str], freq: str, first: str) -> None:
    dataset = read(pl.DataFrame({"Month": texts, "y": [1.0, 2.0, 3.0]}), time="Month")
    assert (str(dataset.panel.freq), moments(dataset, 0)) == (freq, [f"{first} 00:00:00"])
    assert dataset.panel.stamps(0, np.arange(3)) == texts


def test_thousands_are_not_taken_for_decimals(write: Write) -> None:
    path = write("x.csv", "ds;y\n2024-01-01;1\n2024-01-02;1,234.50\n")
    assert read(path, target="y").panel.target[:, 0].tolist() == [1.0, 1234.5]
    dotted = write("y.csv", "ds;y\n2024-01-01;1,5\n2024-01-02;12.5\n")
    with pytest.raises(DataError, match=r"'12\.5' is not a number"):
        read(dotted, target="y", decimal=",")
    with pytest.raises(DataError, match=r"column 'y' has decimal commas and decimal points"):
        read(dotted, target="y")


def test_pandas_indices_that_hold_the_time() -> None:
    wanted = read(hourly(30)).panel
    plain = pd.DataFrame({"ds": hourly(30)["ds"].to_numpy(), "y": hourly(30)["y"].to_numpy()})
    periods = plain.set_index(pd.PeriodIndex(plain["ds"], freq="h"))[["y"]]
    for frame in (plain.set_index("ds", drop=False), periods,
                  plain.assign(id="a").set_index(["id", "ds"])):  # fmt: skip
        panel = read(frame, target="y").panel
        assert np.array_equal(panel.target, wanted.target)
        assert str(panel.freq) == "1h"
