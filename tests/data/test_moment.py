"""Single timestamps are read and written as columns of them are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from longshort.data import moment
from longshort.data.forms import Form
from longshort.data.patterns import COARSE, DATES, YEAR_FIRST, parse, readable
from longshort.data.zones import to_instants
from longshort.errors import DataError

CLOCKS = (
    "", " %H:%M", "T%H:%M:%S", " %H:%M:%S%.3f", " %H:%M:%S%.6f", " %-I:%M %p", " %I:%M:%S %P",
    "T%H:%M:%SZ", "T%H:%M:%S%:z", " %H:%M:%S %z",
)  # fmt: skip
WRITTEN = [
    *(date + clock for date in (*DATES, *YEAR_FIRST) for clock in CLOCKS),
    *COARSE,
    *(each.replace("%m", "%-m").replace("%d", "%-d").replace("%B", "%b") for each in DATES[:5]),
]


def drawn(count: int = 200) -> list[int]:
    """Microseconds between 1971 and 2037, whole seconds and not, and some at edges of years."""
    chance = np.random.default_rng(0)
    low, high = (int(np.datetime64(day, "us").astype(np.int64)) for day in ("1971", "2037"))
    some = chance.integers(low, high, count)
    edges = [np.datetime64(day, "us").astype(np.int64) for day in ("2000-01-01", "2024-12-30T23:59",
             "2021-01-03T12:00", "1999-12-31T00:00:01")]  # fmt: skip
    return [*(some // 1_000_000 * 1_000_000).tolist(), *some[:40].tolist(), *map(int, edges)]


@pytest.mark.parametrize("pattern", WRITTEN)
def test_one_timestamp_is_written_and_read_as_in_columns(pattern: str) -> None:
    form = Form("datetime", "text", pattern, zone="UTC" if pattern.endswith(("z", "Z")) else None)
    stamps = drawn()
    texts = form.texts(np.array(stamps))
    assert [form.text(stamp) for stamp in stamps] == texts
    whole = pl.Series("t", texts).to_frame().select(parse(pl.col("t"), readable(form.shown)))["t"]
    wanted = whole.cast(pl.Int64).to_list()
    assert [form.read(text) for text in texts] == wanted
    assert None not in wanted


@pytest.mark.parametrize(
    "text",
    ["", "2024", "2024-13-01 00:00", "2024-02-30 00:00", "2024-01-01 25:00", "24-01-01 00:00",
     "2024-01-01 00:00 ", "2024-01-01T00:00", "x2024-01-01 00:00", "2024-1-1 7:05"],
)  # fmt: skip
def test_other_texts_are_refused_as_in_columns(text: str) -> None:
    pattern = "%Y-%m-%d %H:%M"
    whole = pl.Series("t", [text]).to_frame().select(parse(pl.col("t"), pattern))["t"]
    assert moment.read(text, pattern) == whole.cast(pl.Int64)[0]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "+05:30"])
def test_zones_are_those_of_columns(zone: str) -> None:
    hours = np.arange(
        np.datetime64("2023-01-01"), np.datetime64("2024-06-01"), np.timedelta64(30, "m")
    )
    wall = hours.astype("datetime64[us]").astype(np.int64)
    assert [moment.instant(each, zone) for each in wall.tolist()] == to_instants(
        wall, zone
    ).tolist()
    for pattern in ("%Y-%m-%d %H:%M:%S%:z", "%Y-%m-%d %H:%M:%S"):
        form = Form("datetime", "text", pattern, zone=zone)
        assert [form.text(each) for each in wall.tolist()] == form.texts(wall)
    typed = Form("datetime", zone=zone)
    assert [typed.text(each) for each in wall[:100].tolist()] == typed.texts(wall[:100])


def test_numbers_and_days_are_written_as_in_columns() -> None:
    stamps = np.array(drawn(20)) // 86_400_000_000 * 86_400_000_000
    for form in (Form("date"), Form("integer"), Form("datetime")):
        assert [form.text(each) for each in stamps.tolist()] == form.texts(stamps)


def test_a_month_that_there_is_not_is_refused() -> None:
    assert moment.read("5 Foo 2024", "%d %B %Y") is None
    assert moment.read("3 Sept 2024", "%d %B %Y") is None
    assert moment.read("3 Sep 2024", "%d %B %Y") is not None


def test_cells_keep_fractions_of_a_second() -> None:
    assert Form("datetime").cell(1_123_456) == "1970-01-01 00:00:01.123456"
    assert Form("datetime", zone="Europe/Berlin").cell(1_500_000) == "1970-01-01 01:00:01.500+01:00"
    assert Form("datetime").cell(1_000_000) == "1970-01-01 00:00:01"


def test_a_time_beyond_the_calendar_is_told() -> None:
    with pytest.raises(DataError, match="years 1 to 9999"):
        Form("datetime").text(10**18)
