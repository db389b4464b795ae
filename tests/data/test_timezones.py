"""Time zones: calendar days over clock changes, the hours that repeat and are missing, offsets."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from longshort.config import DataConfig, SplitConfig
from longshort.data.calendar import calendar_features
from longshort.data.dataset import Dataset, read_dataset
from longshort.data.split import make_split
from longshort.data.timeline import DAY, Freq, TimeAxis
from longshort.data.zones import is_absent, is_twofold, recognise, to_instants, to_wall
from longshort.errors import ConfigError, DataError
from longshort.runs import story
from longshort.runs.trained import load

BERLIN = "Europe/Berlin"
HOUR = DAY // 24


def read(times: object, *, run: TimeAxis | None = None, **settings: object) -> Dataset:
    size = len(times)  # type: ignore[arg-type]
    frame = pl.DataFrame({"when": times, "y": np.arange(float(size))})
    return read_dataset(frame, DataConfig.model_validate({"time": "when", **settings}), run)


def codes(dataset: Dataset) -> dict[str, str]:
    return {finding.code: finding.severity for finding in dataset.findings}


def days(count: int, start: str = "2024-03-20", zone: str = BERLIN) -> pl.Series:
    """Local midnights of a zone."""
    stamps = pd.date_range(start, periods=count, freq="D", tz=zone)
    return pl.Series(stamps.to_pydatetime().tolist()).dt.convert_time_zone(zone)


def hours(count: int, start: str, zone: str = BERLIN) -> pl.Series:
    """Instants an hour apart."""
    stamps = pd.date_range(pd.Timestamp(start, tz=zone), periods=count, freq="h")
    return (
        pl.Series(stamps.tz_convert("UTC").tz_localize(None).to_numpy())
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone(zone)
    )


def written(times: pl.Series, form: str) -> list[str]:
    return times.dt.to_string(form).to_list()


def ahead(dataset: Dataset, steps: int) -> list[str]:
    """The first steps after the end, as they would be written."""
    panel = dataset.panel
    return panel.stamps(0, panel.lengths[0] + np.arange(steps))


ISO = "%Y-%m-%dT%H:%M:%S%:z"


def test_wall_and_instant_over_both_changes() -> None:
    wall = np.array(["2024-03-31T02:30", "2024-10-27T02:30", "2024-07-01T00:00"], "datetime64[us]")
    wall = wall.astype(np.int64)
    assert is_absent(wall, BERLIN).tolist() == [True, False, False]
    assert is_twofold(wall, BERLIN).tolist() == [False, True, False]
    late = np.array([False, True, False])
    assert (to_instants(wall, BERLIN, late) - to_instants(wall, BERLIN)).tolist() == [0, HOUR, 0]
    assert to_wall(to_instants(wall, BERLIN), BERLIN)[1:].tolist() == wall[1:].tolist()
    assert to_wall(to_instants(wall, BERLIN), BERLIN)[0] == wall[0] + HOUR
    assert (to_instants(wall, "+05:30") - wall).tolist() == [-5.5 * HOUR] * 3


@pytest.mark.parametrize("start", ["2024-03-20", "2024-10-20"])
def test_local_midnights_lie_on_the_grid_over_a_change(start: str, tmp_path: Path) -> None:
    times = days(20, start)
    pl.DataFrame({"when": times, "y": np.arange(20.0)}).write_parquet(tmp_path / "x.parquet")
    pandas = pd.DataFrame({"when": pd.DatetimeIndex(times.to_list()), "y": np.arange(20.0)})
    for data in (tmp_path / "x.parquet", pandas):
        dataset = read_dataset(data, DataConfig())
        assert str(dataset.panel.freq) == "1d"
        assert codes(dataset) == {}
        assert dataset.panel.num_rows == 20
        zoned = dataset.panel.form.write(dataset.panel.freq.to_stamps(dataset.panel.index()))
        assert zoned.to_list() == times.to_list()
        assert zoned.dtype == pl.Datetime("us", BERLIN)


def test_days_ahead_over_a_change_are_midnights() -> None:
    dataset = read(written(days(14, "2024-03-16"), ISO), timezone=BERLIN)
    assert ahead(dataset, 4) == [
        "2024-03-30T00:00:00+01:00",
        "2024-03-31T00:00:00+01:00",
        "2024-04-01T00:00:00+02:00",
        "2024-04-02T00:00:00+02:00",
    ]


@pytest.mark.parametrize("step", ["W-MON", "MS", "B"])
def test_weeks_months_and_business_days_are_those_of_the_zone(step: str) -> None:
    stamps = pd.date_range("2024-01-01", periods=60, freq=step, tz=BERLIN)
    zoned = pl.Series(stamps.to_pydatetime().tolist()).dt.convert_time_zone(BERLIN)
    dataset = read(written(zoned, ISO), timezone=BERLIN)
    assert str(dataset.panel.freq) == {"W-MON": "1w", "MS": "1mo", "B": "B"}[step]
    assert (codes(dataset), dataset.panel.num_rows) == ({}, 60)


def test_offsets_that_change_are_recognised_and_written_on() -> None:
    times = written(hours(24 * 14, "2024-10-20"), ISO)
    dataset = read(times)
    assert str(dataset.panel.freq) == "1h"
    assert dataset.panel.freq.zone == BERLIN
    assert codes(dataset) == {"zone": "note"}
    assert "change as the clocks in Europe/Berlin do" in dataset.findings[0].message
    assert dataset.panel.stamps(0, np.arange(len(times))) == times


def test_hours_ahead_over_a_change_have_the_right_dates_and_offsets() -> None:
    form = "%Y-%m-%d %H:%M:%S%:z"
    for zone, start in ((BERLIN, "2024-03-22"), ("America/New_York", "2024-03-01")):
        times = written(hours(24 * 10, start, zone), form)
        assert ahead(read(times[:-24], timezone=zone), 24) == times[-24:]


def test_one_offset_stays_and_z_stays() -> None:
    for mark in ("+01:00", "Z", "+0530", "-03:30"):
        times = [f"2024-03-{day:02d}T00:00:00{mark}" for day in range(25, 32)]
        dataset = read(times)
        assert (str(dataset.panel.freq), codes(dataset)) == ("1d", {})
        assert dataset.panel.stamps(0, np.arange(8)) == [*times, f"2024-04-01T00:00:00{mark}"]


def test_offsets_of_no_zone_are_said() -> None:
    times = [
        f"2024-01-01T{hour:02d}:00:00{'+01:00' if hour % 2 else '+05:30'}" for hour in range(24)
    ]
    said = [finding for finding in read(times, freq="1h", duplicates="mean").findings
            if finding.code == "zone"]  # fmt: skip
    assert said[0].severity == "warning"
    assert "(+01:00, +05:30) change as in no zone known here" in said[0].message


def test_utc_stamps_of_local_days_get_the_hint_and_with_it_the_grid() -> None:
    times = written(days(200, "2024-01-10").dt.convert_time_zone("UTC"), "%Y-%m-%dT%H:%M:%SZ")
    assert times[0] == "2024-01-09T23:00:00Z" and times[-1].endswith("T22:00:00Z")
    (finding,) = read(times).findings
    assert finding.fix.endswith("in Europe/Berlin they are days: --set data.timezone=Europe/Berlin")
    dataset = read(times, timezone=BERLIN)
    assert (str(dataset.panel.freq), codes(dataset), dataset.panel.num_rows) == ("1d", {}, 200)
    assert ahead(dataset, 1) == ["2024-07-27T22:00:00Z"]


NAIVE = "%Y-%m-%d %H:%M"


def test_the_repeated_hour_of_local_times_is_named_and_placed() -> None:
    times = written(hours(24 * 14, "2024-10-20"), NAIVE)
    dataset = read(times)
    found = {finding.code: finding for finding in dataset.findings}
    assert found["duplicates"].severity == "error"
    assert "repeated 2024-10-27 02:00, as the clocks in Europe/Berlin change" in (
        found["clock-change"].message
    )
    assert "--set data.timezone=Europe/Berlin" in found["clock-change"].fix
    placed = read(times, timezone=BERLIN)
    assert codes(placed) == {}
    assert placed.panel.target[:, 0].tolist() == list(range(24 * 14))
    assert placed.panel.stamps(0, np.arange(24 * 14)) == times


def test_the_missing_hour_of_local_times_is_named_and_is_no_gap() -> None:
    times = written(hours(24 * 14, "2024-03-25"), NAIVE)
    dataset = read(times)
    assert codes(dataset) == {"clock-change": "warning", "gaps": "warning"}
    assert "missing 2024-03-31 02:00, as the clocks in Europe/Berlin" in dataset.findings[0].message
    placed = read(times, timezone=BERLIN)
    assert (codes(placed), placed.panel.num_rows) == ({}, 24 * 14)


def test_american_clocks_are_told_from_european_ones() -> None:
    times = written(hours(24 * 40, "2024-03-01", "America/Chicago"), NAIVE)
    assert "as the clocks in America/New_York change" in read(times).findings[0].message


@pytest.mark.parametrize("order", ["backwards", "quarters", "series"])
def test_repeated_times_are_placed_in_every_order(order: str) -> None:
    step = "15m" if order == "quarters" else "1h"
    first = hours(1, "2024-10-26")[0]
    stamps = pl.datetime_range(first, first + pd.Timedelta(days=3), step, eager=True)
    frame = pl.DataFrame({"when": stamps.dt.to_string(NAIVE), "y": np.arange(float(len(stamps)))})
    config = DataConfig(target=("y",), timezone=BERLIN)
    wanted = frame["y"].to_list()
    if order == "backwards":
        frame = frame.reverse()
    if order == "series":
        pair = pl.DataFrame({"id": ["a", "b"]})
        frame = frame.join(pair, how="cross", maintain_order="left_right")
        config = config.model_copy(update={"group": ("id",)})
    panel = read_dataset(frame, config).panel
    assert panel.target[: len(wanted), 0].tolist() == wanted
    assert panel.num_rows == len(frame)


def test_a_twofold_time_that_stands_once_is_said() -> None:
    times = written(hours(24 * 14, "2024-10-20"), NAIVE)
    dataset = read(list(dict.fromkeys(times)), timezone=BERLIN)
    assert codes(dataset) == {"clock-change": "note", "gaps": "warning"}
    assert "1 times that the clocks of Europe/Berlin show twice stand once" in (
        dataset.findings[0].message
    )


def test_a_time_that_does_not_exist_is_named_by_row() -> None:
    times = [f"2024-03-31 0{hour}:00" for hour in range(6)]
    with pytest.raises(DataError, match=r"row 2, column 'when': 2024-03-31 02:00 does not exist"):
        read(times, timezone=BERLIN)


def test_days_whose_midnight_does_not_exist_are_days() -> None:
    times = [f"2018-11-{day:02d} 00:00:00" for day in range(1, 12)]
    dataset = read(times, timezone="America/Sao_Paulo")
    assert (str(dataset.panel.freq), codes(dataset), dataset.panel.num_rows) == ("1d", {}, 11)


def test_ordinary_gaps_are_no_clock_change() -> None:
    plain = np.datetime64("2024-01-01", "us") + np.arange(24 * 300) * np.timedelta64(1, "h")
    kept = np.delete(plain, [100, 2000, 3000])
    assert codes(read(kept)) == {"gaps": "warning"}


@pytest.mark.parametrize("zone", ["Berlin", "+99:00", ""])
def test_unknown_zones_are_refused(zone: str) -> None:
    with pytest.raises(ConfigError, match=f"'{re.escape(zone)}' is not a time zone; write a name"):
        read(["2024-01-01", "2024-01-02"], timezone=zone)


def test_dates_alone_need_no_zone() -> None:
    times = [f"2024-03-{day}" for day in range(20, 32)]
    dataset = read(times, timezone=BERLIN)
    assert (codes(dataset), ahead(dataset, 1)) == ({}, ["2024-04-01"])


def test_data_that_continues_a_run_has_a_zone_if_it_has() -> None:
    zoned = read(days(20)).panel
    axis = TimeAxis(zoned.freq, zoned.form)
    with pytest.raises(DataError, match=r"have no time zone, the run was trained on timestamps w"):
        read(["2024-04-01", "2024-04-02"], run=axis)
    offsets = read(written(days(20, "2024-04-09"), ISO), run=axis)
    assert offsets.panel.freq.zone == BERLIN
    assert offsets.panel.form.zone == BERLIN


@pytest.mark.parametrize(
    "moment",
    ["2024-04-01", "2024-04-01 00:00:00", "2024-03-31T22:00:00Z", "2024-04-01T00:00+02:00"],
)
def test_splits_are_cut_at_local_times_and_at_offsets(moment: str) -> None:
    panel = read(days(40)).panel
    split = make_split(panel, SplitConfig(val=5, test=moment))
    assert split.describe(panel)["test"]["from"] == "2024-04-01 00:00:00+02:00"


def test_splits_may_be_written_as_the_data_is() -> None:
    weeks = [f"2018-W{week:02d}" for week in range(1, 41)]
    panel = read(weeks).panel
    split = make_split(panel, SplitConfig(val=5, test="2018-W30"))
    assert split.describe(panel)["test"] == {"rows": 11, "from": "2018-W30", "to": "2018-W40"}
    with pytest.raises(ConfigError, match="'last week' is no timestamp"):
        make_split(panel, SplitConfig(val=5, test="last week"))


def test_the_phase_of_the_day_is_that_of_the_local_clock() -> None:
    times = hours(24 * 14, "2024-03-25")
    panel = read(times).panel
    day = calendar_features(panel.freq, panel.index(), ["day"])
    angle = 2 * np.pi * times.dt.hour().to_numpy() / 24
    assert np.allclose(day, np.stack([np.sin(angle), np.cos(angle)], 1), atol=1e-12)


def test_a_zone_is_recognised_by_its_offsets() -> None:
    instants = np.arange(0, 366 * DAY, DAY // 4) + 1_704_067_200_000_000
    for zone in (BERLIN, "America/New_York", "Australia/Sydney", "Europe/London"):
        offsets = to_wall(instants, zone) - instants
        assert recognise(instants, offsets, (BERLIN, "Europe/London", "America/New_York",
                                             "Australia/Sydney")) == zone  # fmt: skip


def test_freq_over_a_change_and_back() -> None:
    freq = Freq("fixed", DAY, zone=BERLIN)
    index = np.arange(19_800, 20_100)
    assert np.array_equal(freq.to_index(freq.to_stamps(index)), index)
    assert set(np.diff(freq.to_stamps(index)) // HOUR) == {23, 24, 25}


def test_long_files_are_searched_for_clock_changes_by_their_days() -> None:
    minutes = np.datetime64("2020-01-01", "us") + np.arange(500_000) * np.timedelta64(1, "m")
    assert codes(read(minutes)) == {}
    local = hours(24 * 365 * 5, "2019-01-01")
    found = read(written(local, NAIVE)).findings[0].message
    assert "missing 2019-03-31 02:00, 2020-03-29 02:00, 2021-03-28 02:00, …" in found
    assert "repeated 2019-10-27 02:00, 2020-10-25 02:00, 2021-10-31 02:00, …" in found


QUICK = {
    "model": {"hidden": 8, "season": 24, "context_length": 36, "horizon": 6},
    "train": {"max_epochs": 1, "steps_per_epoch": 3, "batch_size": 16, "threads": 1},
    "split": {"val": 48, "test": "2024-03-30"},
}


def test_a_run_over_a_change_keeps_its_zone_to_the_last_file(tmp_path: Path) -> None:
    times = hours(24 * 29 + 20, "2024-03-02")
    values = np.sin(np.arange(float(len(times))) * 2 * np.pi / 24)
    pl.DataFrame({"when": written(times, ISO), "y": values}).write_csv(tmp_path / "x.csv")
    data = {"path": str(tmp_path / "x.csv"), "timezone": BERLIN}
    scores = story.run({**QUICK, "data": data}, tmp_path / "run")
    assert not scores["leakage"]["is_leaking"]
    record = json.loads((tmp_path / "run" / "data.json").read_text())
    assert record["split"]["test"]["from"] == "2024-03-30T00:00:00+01:00"
    table = pl.read_csv(tmp_path / "run" / "predictions.csv")
    assert table["when"].to_list()[:2] == ["2024-03-30T00:00:00+01:00", "2024-03-30T01:00:00+01:00"]
    assert "2024-03-31T03:00:00+02:00" in table["when"].to_list()
    ahead = load(tmp_path / "run").ahead().table["when"].to_list()
    assert ahead[0] == "2024-03-31T21:00:00+02:00"
    zoned = pl.DataFrame({"when": times, "y": values})
    found = load(tmp_path / "run").ahead(zoned)
    assert found.table["when"].to_list()[0].isoformat() == "2024-03-31T21:00:00+02:00"
    assert found.readable["when"].to_list() == ahead
