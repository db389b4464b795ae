"""Series that grow row by row: times, gaps, groups and categories."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from longshort.data.forms import Form
from longshort.data.growing import GrowingSeries, stamp_of
from longshort.data.schema import Schema
from longshort.data.timeline import Freq, TimeAxis
from longshort.errors import DataError

DAILY = TimeAxis(Freq.parse("1d"), Form("date", "text", "%Y-%m-%d"))
SCHEMA = Schema("day", ("shop",), ("sold",), (), ("weather",), ())
SERIES = GrowingSeries(DAILY, SCHEMA, {"weather": ("rain", "sun")}, {("a",): 10}, most=5)


def row(**other: Any) -> dict[str, Any]:
    return {"shop": "a", "sold": 3.0, "weather": "sun"} | other


def grown(*rows: dict[str, Any]) -> Any:
    series = SERIES.begin()
    for each in rows:
        series = SERIES.take(series, each)
    return series


def test_a_first_row_without_a_time_follows_those_of_the_run() -> None:
    assert SERIES.stamp(grown(row())) == {"day": "1970-01-11"}
    assert SERIES.stamp(grown(row(), row(), row())) == {"day": "1970-01-13"}


def test_skipped_steps_are_rows_without_values() -> None:
    series = grown(row(day="2024-01-01"), row(day="2024-01-04", sold=None))
    panel = SERIES.panel(series)
    np.testing.assert_array_equal(panel.target[:, 0], [3.0, np.nan, np.nan, np.nan])
    assert panel.stamps(0, np.array([0, 3])) == ["2024-01-01", "2024-01-04"]


def test_only_the_newest_rows_are_remembered() -> None:
    series = grown(*[row(sold=float(n)) for n in range(9)])
    panel = SERIES.panel(series)
    assert panel.target[:, 0].tolist() == [4.0, 5.0, 6.0, 7.0, 8.0]
    assert SERIES.stamp(series) == {"day": "1970-01-19"}
    later = SERIES.take(series, row(day="2024-01-01"))
    assert len(later["values"]) == 5 and SERIES.stamp(later) == {"day": "2024-01-01"}


def test_categories_are_numbers_of_their_words_and_unknown_ones_none_of_them() -> None:
    series = grown(row(), row(weather="rain"), row(weather="hail"), row(weather=None))
    panel = SERIES.panel(series)
    np.testing.assert_array_equal(panel.future[:, 0], [1.0, 0.0, 2.0, np.nan])
    assert panel.categories == {"weather": ("rain", "sun")}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"day": "2023-12-31"}, "column 'day': '2023-12-31' is not after the row before it"),
        ({"day": "31.12.2024"}, "column 'day': '31.12.2024' is not a time of the run's form"),
        ({"shop": "b"}, "column 'shop': the session follows 'a', this row is of 'b'"),
        ({"shop": 1.5}, "column 'shop': the name of a series is expected, got float"),
        ({"weather": 3}, "column 'weather': one of rain, sun is expected, as text"),
        ({"sold": "x"}, "column 'sold': a finite number is expected, got 'x'; give null"),
    ],
)
def test_a_wrong_row_names_its_column(wrong: dict[str, Any], message: str) -> None:
    series = grown(row(day="2024-01-01"))
    with pytest.raises(DataError, match=message):
        SERIES.take(series, row(**wrong))


def test_a_series_that_the_run_does_not_know_needs_a_time() -> None:
    with pytest.raises(DataError, match="column 'day' is missing: the run does not know"):
        grown(row(shop="z"))
    assert SERIES.stamp(grown(row(shop="z", day="2024-01-01"))) == {"day": "2024-01-01"}


def test_rows_ahead_have_the_covariates_of_every_step() -> None:
    ahead = [{"weather": "sun"}, {"weather": "rain"}]
    assert SERIES.ahead(ahead, 2).tolist() == [[1.0], [0.0]]
    with pytest.raises(DataError, match="column 'ahead': 3 rows of 'weather' are expected"):
        SERIES.ahead(ahead, 3)


@pytest.mark.parametrize(
    ("form", "cell", "expected"),
    [
        (Form("integer", "number"), 7, 7),
        (Form("integer", "number"), 7.5, None),
        (Form("datetime", "number", per=1_000_000), 3, 3_000_000),
        (Form("datetime"), "1970-01-01T00:00:01", 1_000_000),
        (Form("datetime"), datetime(1970, 1, 1, 0, 0, 1), 1_000_000),
        (Form("datetime"), datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 1_000_000),
        (Form("datetime", zone="Europe/Berlin"), "1970-01-01T01:00:00", 0),
        (Form("datetime", zone="Europe/Berlin"), "1970-01-01T00:00:00+00:00", 0),
        (Form("date"), date(1970, 1, 2), 86_400_000_000),
        (Form("datetime"), "yesterday", None),
        (Form("datetime"), 5, None),
    ],
)
def test_times_are_read_in_the_runs_form(form: Form, cell: object, expected: int | None) -> None:
    assert stamp_of(form, [cell]) == expected
