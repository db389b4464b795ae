"""What is taken for the time, or said to look like it, where nobody named a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from longshort.config import DataConfig
from longshort.data.dataset import Dataset, read_dataset
from longshort.errors import DataError
from longshort.runs import story

START = datetime(2020, 1, 1)


def read(name: str, cells: Sequence[object], **settings: object) -> Dataset:
    y = 5 + np.sin(np.arange(len(cells)))
    frame = pl.DataFrame({name: cells, "sales": y})
    return read_dataset(frame, DataConfig.model_validate(settings))


def days(form: Callable[[datetime], object], count: int = 40) -> list[object]:
    return [form(START + timedelta(days=number)) for number in range(count)]


MONTHS = [year * 100 + month for year in range(2018, 2022) for month in range(1, 13)]
WEEKS = [year * 100 + week for year in range(2018, 2020) for week in range(1, 53)]
SECONDS = [1_577_836_800 + 3_600 * hour for hour in range(40)]


@pytest.mark.parametrize(
    ("name", "cells", "step"),
    [
        ("when", days(lambda day: int(f"{day:%Y%m%d}")), "1d"),
        ("when", MONTHS, "1mo"),
        ("when", [1000 * second for second in SECONDS], "1h"),
        ("ts", [float(second) for second in SECONDS], "1h"),
        ("epoch", SECONDS, "1h"),
        ("Week", WEEKS, "1w"),
    ],
)
def test_numbers_that_run_like_times_are_the_time(
    name: str, cells: list[object], step: str
) -> None:
    dataset = read(name, cells)
    assert (dataset.schema.time, dataset.schema.target) == (name, ("sales",))
    assert str(dataset.panel.freq) == step
    assert dataset.panel.num_rows == len(cells)


@pytest.mark.parametrize(
    "cells",
    [
        [20 + number % 7 for number in range(40)],
        list(range(1, 41)),
        [202_001 + 37 * number for number in range(40)],
        [1_577_836_800 + 7 * number**2 for number in range(40)],
        [202_001] * 40,
    ],
    ids=["small", "counted", "no months", "uneven", "one"],
)
def test_other_numbers_may_be_the_target_and_are_asked_for(cells: list[object]) -> None:
    with pytest.raises(DataError, match=r"which column is .* \(there are when, sales\)"):
        read("when", cells)


def test_a_named_target_is_never_the_time() -> None:
    dataset = read("when", MONTHS, target="when")
    assert (dataset.schema.time, dataset.schema.target) == (None, ("when",))


@pytest.mark.parametrize(
    "form",
    [
        lambda day: f"{day.day}. Januar {day.year}",
        lambda day: f"{day:%a %d %b %Y}",
        lambda day: f"{day.year}年{day.month}月{day.day}日",
        lambda day: f"KW {day.day} {day.year}",
        lambda day: f"{day.year}/{day.month} H1 {day.day}",
        lambda day: f"00:{day.day:02d}:00",
    ],
)
def test_dates_of_no_known_form_are_told(form: Callable[[datetime], str]) -> None:
    cells = days(form, 30)
    dataset = read("when", cells)
    assert dataset.schema.time is None
    told = {finding.code: finding.sentence() for finding in dataset.findings}
    assert (
        f"column 'when' looks like dates ({cells[0]!r}) of no form known here"
        in (told["other-time"])
    )


@pytest.mark.parametrize(
    "cells", [["shop 17", "shop 18"] * 20, ["model 2020"] * 40, ["12345 A", "54321 B"] * 20]
)
def test_names_with_numbers_are_no_dates(cells: list[object]) -> None:
    assert not [each for each in read("when", cells).findings if each.code == "other-time"]


def test_a_check_says_what_was_understood() -> None:
    said: list[str] = []
    frame = pl.DataFrame(
        {"day": days(lambda day: f"{day:%d.%m.%Y}"), "price": ["1.000,50", "2.000,25"] * 20}
    )
    story.check({"task": "forecast"}, frame, said.append)
    assert said[1] == "time 'day'; target price"
    assert said[2].startswith("decided: column 'price' has a decimal comma")


def test_a_column_that_tells_series_apart_is_named() -> None:
    twice = [*days(lambda day: f"{day:%Y-%m-%d}"), *days(lambda day: f"{day:%Y-%m-%d}")]
    frame = pl.DataFrame(
        {"date": twice, "note": ["x"] * 80, "store": ["a"] * 40 + ["b"] * 40, "y": np.arange(80.0)}
    )
    found = read_dataset(frame, DataConfig()).findings
    (repeated,) = [finding for finding in found if finding.code == "duplicates"]
    assert "name them with --group store;" in repeated.fix
