"""Timestamps of every form: read rightly, and written back as they came."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.config import DataConfig
from longshort.data.dataset import Dataset, read_dataset
from longshort.data.timeline import Freq, TimeAxis
from longshort.errors import DataError
from longshort.runs import story

Write = Callable[[str, str | bytes], Path]


def read(times: list[object], *, run: TimeAxis | None = None, **settings: object) -> Dataset:
    frame = pl.DataFrame({"when": times, "y": np.arange(len(times), dtype=float)})
    config = DataConfig.model_validate({"time": "when", **settings})
    return read_dataset(frame, config, run)


def moments(dataset: Dataset) -> list[str]:
    """What the clock shows at each step of the first series, to the minute."""
    panel = dataset.panel
    wall = panel.freq.to_wall(panel.first[0] + np.arange(panel.lengths[0]))
    return list(np.datetime_as_string(wall.astype("datetime64[us]"), unit="m"))


def codes(dataset: Dataset) -> dict[str, str]:
    return {finding.code: finding.severity for finding in dataset.findings}


def daily(form: str, count: int = 60, start: str = "2020-01-01") -> list[object]:
    days = np.arange(np.datetime64(start), np.datetime64(start) + count)
    return [day.strftime(form) for day in days.tolist()]


MONTHS = ["January", "February", "March", "April"]

FORMS = {
    "week": (["2018-W01", "2018-W02", "2018-W03"], "1w", "2018-01-01T00:00"),
    "week 53": (["2020-W52", "2020-W53", "2021-W01"], "1w", "2020-12-21T00:00"),
    "week without a dash": (["2018W01", "2018W02", "2018W03"], "1w", "2018-01-01T00:00"),
    "day of a week": (["2018-W01-1", "2018-W01-2", "2018-W01-3"], "1d", "2018-01-01T00:00"),
    "short month": (["Jan 2020", "Feb 2020", "Mar 2020"], "1mo", "2020-01-01T00:00"),
    "long month": (["January 2020", "February 2020", "March 2020"], "1mo", "2020-01-01T00:00"),
    "month of a short year": (["Jan-20", "Feb-20", "Mar-20"], "1mo", "2020-01-01T00:00"),
    "day, month name": (["30-Jan-2020", "31-Jan-2020", "1-Feb-2020"], "1d", "2020-01-30T00:00"),
    "spaces": (["14 Mar 2021", "15 Mar 2021", "16 Mar 2021"], "1d", "2021-03-14T00:00"),
    "long date": (["March 14, 2021", "March 15, 2021"], "1d", "2021-03-14T00:00"),
    "statistical office": (["2020M01", "2020M02", "2020M03"], "1mo", "2020-01-01T00:00"),
    "quarter first": (["Q3 2020", "Q4 2020", "Q1 2021"], "1q", "2020-07-01T00:00"),
    "afternoon": (
        ["1/31/2020 11:00 AM", "1/31/2020 12:00 PM", "1/31/2020 1:00 PM"], "1h", "2020-01-31T11:00",
    ),
    "midnight": (["01/31/2020 12:00am", "01/31/2020 01:00am"], "1h", "2020-01-31T00:00"),
    "hours alone": (["2020-01-31T09", "2020-01-31T10"], "1h", "2020-01-31T09:00"),
    "seconds with parts": (
        ["2020-01-31 00:00:00.250", "2020-01-31 00:00:00.500"], "250ms", "2020-01-31T00:00",
    ),
    "digits to the hour": (["2020013122", "2020013123", "2020020100"], "1h", "2020-01-31T22:00"),
    "digits to the minute": (["202001312358", "202001312359"], "1min", "2020-01-31T23:58"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_read_and_written_back(name: str) -> None:
    times, freq, first = FORMS[name]
    dataset = read(list(times))
    panel = dataset.panel
    assert str(panel.freq) == freq
    assert moments(dataset)[0] == first
    assert panel.stamps(0, np.arange(len(times))) == times
    written = panel.form.write(panel.freq.to_stamps(panel.first[0] + np.arange(len(times))))
    assert [str(cell) for cell in written] == times


@pytest.mark.parametrize(
    ("name", "values", "freq", "last"),
    [
        ("yearweek", [201801, 201802, 201803], "1w", "2018-01-15T00:00"),
        ("period", [201851, 201852, 201901], "1w", "2018-12-31T00:00"),
        ("period", [202052, 202053, 202101], "1w", "2021-01-04T00:00"),
        ("period", [201801, 201802, 201803], "1mo", "2018-03-01T00:00"),
        ("year", [2018, 2019, 2020], "1y", "2020-01-01T00:00"),
    ],
)
@pytest.mark.parametrize("kind", [pl.Int64, pl.String])
def test_numbers_are_weeks_where_the_values_or_the_name_say_so(
    name: str, values: list[int], freq: str, last: str, kind: type[pl.DataType]
) -> None:
    frame = pl.DataFrame({name: pl.Series(values).cast(kind), "y": [1.0, 2.0, 3.0]})
    dataset = read_dataset(frame, DataConfig(time=name, target=("y",)))
    panel = dataset.panel
    assert str(panel.freq) == freq
    assert moments(dataset)[-1] == last
    ahead = panel.form.write(panel.freq.to_stamps(panel.first[0] + np.arange(3)))
    assert ahead.to_list() == values


def test_a_week_above_twelve_anywhere_makes_weeks_of_the_column() -> None:
    weeks = [201800 + week for week in range(1, 13)] * 100 + [201813]
    frame = pl.DataFrame({"period": weeks, "id": [str(i // 12) for i in range(1201)], "y": 1.0})
    config = DataConfig(time="period", target=("y",), group=("id",))
    assert str(read_dataset(frame, config).panel.freq) == "1w"


@pytest.mark.parametrize("kind", [pl.Float64, pl.String])
def test_unix_time_in_fractions_of_a_second(kind: type[pl.DataType]) -> None:
    seconds = pl.Series([1709618400.0, 1709618400.5, 1709618401.0]).cast(kind)
    dataset = read(seconds.to_list())
    assert str(dataset.panel.freq) == "500ms"
    assert moments(dataset)[0] == "2024-03-05T06:00"
    written = dataset.panel.form.write(dataset.panel.freq.to_stamps(dataset.panel.first + 1))
    assert written.to_list() == [1709618400.5]


def test_fractions_that_are_no_time_are_refused() -> None:
    with pytest.raises(DataError, match=r"holds 0\.5, which is neither a date, a Unix time nor"):
        read([0.0, 0.5, 1.0])


def test_one_date_settles_the_order_of_the_whole_column() -> None:
    doubtful = [f"{day:02d}/01/2020" for day in range(1, 13)] * 100
    frame = pl.DataFrame({
        "when": [*doubtful, "13/01/2020"], "id": [str(i // 12) for i in range(1201)], "y": 1.0,
    })  # fmt: skip
    config = DataConfig(time="when", target=("y",), group=("id",))
    panel = read_dataset(frame, config).panel
    assert str(panel.freq) == "1d"
    assert panel.stamps(0, np.arange(2)) == ["01/01/2020", "02/01/2020"]


@pytest.mark.parametrize("year", ["2020", "20"])
def test_an_order_that_nothing_settles_is_asked_for(year: str) -> None:
    with pytest.raises(DataError, match=rf"'01/02/{year}' can be read as '%m/%d/%[Yy]' or as"):
        read([f"01/02/{year}", f"03/02/{year}"])


def test_a_run_settles_the_order_of_the_data_that_continues_it() -> None:
    trained = read(daily("%d/%m/%Y")).panel
    axis = TimeAxis(trained.freq, trained.form)
    assert moments(read(["02/03/2020", "03/03/2020"], run=axis))[0] == "2020-03-02T00:00"


def test_years_of_two_digits_are_of_this_century_and_said() -> None:
    times = [f"10/{day}/12 {hour}:00" for day in range(2, 16) for hour in range(24)]
    dataset = read(list(times))
    assert moments(dataset)[9] == "2012-10-02T09:00"
    assert codes(dataset) == {"short-years": "note"}
    assert "00 to 69 are read as 2000 to 2069" in dataset.findings[0].message
    assert dataset.panel.stamps(0, np.array([9])) == ["10/2/12 9:00"]


@pytest.mark.parametrize(
    "days", [(30, 28, 30, 30, 30), (29, 28, 29, 29, 29), (31, 28, 31, 30, 31), (15, 15, 15, 15, 15)]
)
def test_months_may_lie_on_any_day_and_end_with_february(days: tuple[int, ...]) -> None:
    times = [f"2021-{month:02d}-{day}" for month, day in enumerate(days, 1)]
    dataset = read(list(times))
    assert str(dataset.panel.freq) == "1mo"
    assert codes(dataset) == {}
    assert dataset.panel.stamps(0, np.arange(5)) == times


def test_date_and_time_of_two_columns_are_joined_and_written_apart(write: Write) -> None:
    rows = "".join(f"2020-01-{d:02d},{h:02d}:30,{h}\n" for d in (1, 2) for h in range(24))
    path = write("x.csv", "date,time,y\n" + rows)
    dataset = read_dataset(path, DataConfig())
    assert dataset.schema.times == ("date", "time")
    assert codes(dataset) == {"joined-time": "note"}
    assert dataset.describe()[1] == "time 'date,time'; target y"
    assert moments(dataset)[25] == "2020-01-02T01:30"
    again = read_dataset(path, DataConfig(time="date,time"))
    assert again.panel.digest() == dataset.panel.digest()


def test_an_hour_column_is_the_time_of_day() -> None:
    frame = pl.DataFrame({
        "dteday": ["2011-01-01"] * 24 + ["2011-01-02"] * 24, "hr": [*range(24)] * 2,
        "cnt": np.arange(48.0),
    })  # fmt: skip
    dataset = read_dataset(frame, DataConfig(target=("cnt",)))
    assert (str(dataset.panel.freq), moments(dataset)[-1]) == ("1h", "2011-01-02T23:00")
    typed = frame.with_columns(pl.col("dteday").str.to_date())
    assert moments(read_dataset(typed, DataConfig(target=("cnt",)))) == moments(dataset)


def test_an_hour_that_is_a_covariate_is_not_joined() -> None:
    frame = pl.DataFrame({"date": daily("%Y-%m-%d", 24), "hour": [*range(24)], "y": 1.0})
    assert read_dataset(frame, DataConfig(target=("y",))).schema.times == ("date",)


def test_three_time_columns_are_refused() -> None:
    frame = pl.DataFrame({"a": ["1"], "b": ["2"], "c": ["3"], "y": [1.0]})
    with pytest.raises(DataError, match="--time names 3 columns; name one, or a column of dates"):
        read_dataset(frame, DataConfig(time="a,b,c"))


def test_a_bad_clock_time_is_named_with_its_row() -> None:
    clock = ["09:00"] * 59 + ["25:00"]
    frame = pl.DataFrame({"date": ["2020-01-01"] * 60, "time": clock, "y": 1.0})
    with pytest.raises(DataError, match="row 59, columns 'date' and 'time': the timestamp "):
        read_dataset(frame, DataConfig(time="date,time"))


def test_dates_that_are_not_taken_are_said() -> None:
    frame = pl.DataFrame({"period": ["2020 wk 3", "2020 wk 4"] * 20, "y": np.arange(40.0)})
    (finding,) = read_dataset(frame, DataConfig()).findings
    assert "column 'period' looks like dates ('2020 wk 3') of no form known here" in (
        finding.message
    )
    two = pl.DataFrame({"ds": daily("%Y-%m-%d"), "updated": daily("%d.%m.%Y"), "y": 1.0})
    (finding,) = read_dataset(two, DataConfig()).findings
    assert finding.message == "column 'updated' holds timestamps too; it is not used"


def test_typed_times_stay_typed() -> None:
    stamps = [datetime(2020, 1, 1, hour) for hour in range(3)]
    panel = read(list(stamps)).panel
    written = panel.form.write(panel.freq.to_stamps(panel.first[0] + np.arange(3)))
    assert written.to_list() == stamps


def test_a_year_of_two_digits_is_never_the_year_12() -> None:
    with pytest.raises(DataError, match="does not read as a timestamp"):
        read(["10/2/12 9:00", "10/3/12 9:00"], time_format="%m/%d/%Y %H:%M")


JITTER = np.random.default_rng(3).integers(-20, 21, 240)


@pytest.mark.parametrize("freq", [None, "10min"])
def test_stamps_beside_the_grid_go_to_the_nearest_step(freq: str | None) -> None:
    exact = np.datetime64("2024-01-01T00:00:00", "s") + np.arange(240) * np.timedelta64(10, "m")
    times = (exact + JITTER.astype("timedelta64[s]")).astype("datetime64[us]")
    dataset = read(times.tolist(), freq=freq)
    assert codes(dataset) == {"off-grid": "warning"}
    assert "moved to the nearest step, by at most 20s" in dataset.findings[0].message
    assert str(dataset.panel.freq) == "10min"
    assert moments(dataset) == np.datetime_as_string(exact, unit="m").tolist()
    assert np.array_equal(dataset.panel.target[:, 0], np.arange(240.0))


def test_a_logger_that_starts_off_the_minute_keeps_its_phase() -> None:
    exact = np.datetime64("2024-01-01T00:00:17", "s") + np.arange(240) * np.timedelta64(10, "m")
    times = (exact + (JITTER // 10).astype("timedelta64[s]")).astype("datetime64[us]")
    panel = read(times.tolist()).panel
    assert abs(panel.freq.anchor / 1e6 - 17) <= 1
    assert panel.num_rows == 240


def test_denser_rows_are_gathered_by_the_step_that_holds_them() -> None:
    minutes = np.datetime64("2024-01-01T00:00", "us") + np.arange(300) * np.timedelta64(1, "m")
    dataset = read(minutes.tolist(), freq="1h", duplicates="mean")
    assert moments(dataset)[:2] == ["2024-01-01T00:00", "2024-01-01T01:00"]
    assert dataset.panel.target[:, 0].tolist() == [29.5, 89.5, 149.5, 209.5, 269.5]


def test_rows_that_are_jittered_continue_a_run() -> None:
    exact = np.datetime64("2024-01-01", "s") + np.arange(240) * np.timedelta64(10, "m")
    times = (exact + JITTER.astype("timedelta64[s]")).astype("datetime64[us]")
    axis = TimeAxis(Freq.parse("10min"), read(times.tolist()).panel.form)
    assert codes(read(times.tolist(), run=axis)) == {"off-grid": "warning"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ds,a,b\n2024-01-01,1,2\n2024-01-02,3,4\n", "which column is to be forecast?"),
        ("ds,y\n01/02/2024,1\n03/02/2024,2\n", "can be read as '%m/%d/%Y' or as '%d/%m/%Y'"),
        ("ds,y\n2024-01-01,1\nyesterday,2\n", "'yesterday' does not read like"),
        ("cutoff,y\n2024-01-01,1\n2024-01-02,2\n", "'cutoff' is also a column of the forecast"),
    ],
)
def test_check_refuses_what_a_run_refuses(content: str, message: str, write: Write) -> None:
    path = write("x.csv", content)
    settings = {"data": {"path": str(path)}}
    for ask in (story.check, partial(story.prepare, data=None, say=print)):
        with pytest.raises(DataError, match=re.escape(message)):
            ask(settings)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([float("inf"), 1.0], "holds inf, which is no time and no row number"),
        ([1e300, 1.0], "holds 1e\\+300, which is no time and no row number"),
        (
            ["2020-01-01", "01.02.2020", "2020-01-03"],
            "'01.02.2020' does not read like '2020-01-01'",
        ),
    ],
)
def test_what_is_no_time_is_refused(times: list[object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(times)
