"""Grids: inference, and the way there and back."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.data.forms import Form
from longshort.data.timeline import DAY, Freq, infer_freq, seasons
from longshort.errors import ConfigError


def stamps(values: object) -> np.ndarray:
    return np.asarray(values, "datetime64[us]").astype(np.int64)


def month_ends(count: int) -> np.ndarray:
    months = np.datetime64("2019-02", "M") + np.arange(count)
    return stamps(months.astype("datetime64[D]") - 1)


BUSINESS = np.array([d for d in np.arange("2024-01-01", "2024-04-01", dtype="datetime64[D]")
                     if np.is_busday(d)])  # fmt: skip

GRIDS = {
    "1h": stamps(np.datetime64("2024-01-01T00:30", "us") + np.arange(100) * np.timedelta64(1, "h")),
    "15min": stamps(np.datetime64("2024-01-01", "us") + np.arange(99) * np.timedelta64(15, "m")),
    "1d": stamps(np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")),
    "1w": stamps(np.arange("2024-01-03", "2024-09-01", 7, dtype="datetime64[D]")),
    "B": stamps(BUSINESS),
    "1mo": stamps(np.arange("2019-01", "2024-06", dtype="datetime64[M]")),
    "1mo ends": month_ends(30),
    "1q": stamps(np.arange("2010-01", "2024-01", 3, dtype="datetime64[M]")),
    "1y": stamps(np.arange("1950", "2024", dtype="datetime64[Y]")),
}


@pytest.mark.parametrize("name", GRIDS)
def test_inferred_and_back(name: str) -> None:
    freq, share = infer_freq([GRIDS[name]], is_integer=False)
    assert str(freq) == name.split()[0]
    assert share == 1.0
    index = freq.to_index(GRIDS[name])
    assert np.array_equal(np.diff(index), np.ones(len(index) - 1))
    assert np.array_equal(freq.to_stamps(index), GRIDS[name])


@pytest.mark.parametrize("name", GRIDS)
def test_gaps_do_not_change_the_step(name: str) -> None:
    kept = np.delete(GRIDS[name], [5, 11, 12])
    freq, _ = infer_freq([kept], is_integer=False)
    assert str(freq) == name.split()[0]
    assert freq.to_index(kept)[-1] - freq.to_index(kept)[0] == len(GRIDS[name]) - 1


def test_integers_are_rows() -> None:
    freq, share = infer_freq([np.arange(10, 50, 2)], is_integer=True)
    assert (freq.unit, freq.step, share) == ("rows", 2, 1.0)


def test_scattered_times_are_not_a_grid() -> None:
    times = np.sort(np.random.default_rng(0).integers(0, 100 * DAY, 200))
    _, share = infer_freq([times], is_integer=False)
    assert share < 0.95


def test_business_days_skip_the_weekend_ahead() -> None:
    freq = Freq("business")
    friday = stamps([np.datetime64("2024-03-29")])
    ahead = freq.to_stamps(freq.to_index(friday) + np.arange(1, 3))
    assert Form("date").texts(ahead) == ["2024-04-01", "2024-04-02"]


def test_unknown_step_is_refused_with_examples() -> None:
    with pytest.raises(ConfigError, match=r"'fortnight' is not a step; write for example '15min'"):
        Freq.parse("fortnight")


def test_seasons_of_hours_are_day_and_week() -> None:
    assert seasons(Freq.parse("1h")) == [24, 168]
    assert seasons(Freq.parse("1mo")) == [12]
    assert seasons(Freq.parse("1w")) == [52]
