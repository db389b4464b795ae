"""Pages of reports: what comes next, dates on axes, the measure's name, and what is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from longshort.errors import are, counted
from longshort.report.dates import short
from longshort.report.plots import error_by_step
from longshort.report.svg import svg_of
from longshort.runs import story
from longshort.runs.trained import load
from tests.conftest import hourly
from tests.tiny_runs import TASKS, small

MEASURES = {
    "forecast": "MSE (scaled)",
    "classify": "error (1 - accuracy)",
    "anomaly": "loss of normal windows",
    "tag": "error (1 - entity F1)",
    "regress": "mean squared error (in deviations)",
    "lm": "nats per token",
    "translate": "100 - BLEU of greedy translations",
    "summarise": "100 - ROUGE-1 of greedy summaries",
    "caption": "10 - CIDEr of greedy captions",
    "draw": "nats per point",
    "read": "CER of the best path, in percent",
    "frames": "MSE, summed over a frame",
    "transcribe": "greedy CER up to 50 % + nats a character",
    "speaker": "EER of the validation speakers",
}


@pytest.mark.parametrize("task", TASKS)
def test_the_validation_measure_has_its_name(
    task: str, tmp_path: Path, small_run: Callable[[str], Path]
) -> None:
    folder = tmp_path / "run"
    if task == "classify":
        settings, data = small(task)
        settings["split"] = {"val": 0.2}  # unasked, so few examples have no validation split
        story.run(settings, folder, data=data)
    else:
        folder = small_run(task)
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["training"]["measure"] == MEASURES[task]
    page = (folder / "report.html").read_text()
    assert f">validation {MEASURES[task]}</text>" in page


def run(tmp_path: Path, data: pl.DataFrame, **roles: Any) -> str:
    """The page of a tiny forecast."""
    settings, _ = small("forecast")
    settings["model"] |= roles.pop("model", {})
    story.run(settings | {"data": roles}, tmp_path / "run", data=data)
    return (tmp_path / "run" / "report.html").read_text()


def section(page: str, title: str) -> str:
    """From this heading to the end of its part."""
    begin = page.index(f"<h2>{title}</h2>")
    return page[begin : page.index("</section>", begin)]


def test_the_forecast_past_the_end_has_dates_and_an_interval(tmp_path: Path) -> None:
    page = section(
        run(tmp_path, hourly(300), model={"quantiles": [0.1, 0.5, 0.9]}), "What comes next"
    )
    assert page.count("<svg") == 1
    # The data ends at 2024-01-13 11:00, and six hours are forecast.
    assert "2024-01-13" in page and ">17:00<" in page and ">18:00<" not in page
    assert "80% interval" in page
    assert "Past the end of the data, 6 steps" in page


def test_test_windows_and_residuals_have_dates(tmp_path: Path) -> None:
    page = run(tmp_path, hourly(300))
    for title in ("Forecast against truth", "Residuals over time"):
        assert len(set(re.findall(r">(2024-01-\d\d)<", section(page, title)))) >= 2, title
    assert "steps from the forecast origin" not in page


@pytest.mark.parametrize(("isolate", "count"), [(False, 1), (True, 0)])
def test_it_is_told_whose_a_window_is(isolate: bool, count: int, tmp_path: Path) -> None:
    settings, data = small("forecast")
    settings["split"] = {"val": 60, "test": 60, "gap": 3, "isolate": isolate}
    story.run(settings, tmp_path / "run", data=data)
    page = section((tmp_path / "run" / "report.html").read_text(), "The data")
    assert "Splits: 3 steps are left out between them; a window belongs to the one that" in page
    assert page.count("its context may reach back over the border") == count


def test_future_covariates_that_are_unknown_are_named(tmp_path: Path) -> None:
    data = hourly(300).with_columns(promo=pl.int_range(pl.len()) % 7 // 6)
    page = section(run(tmp_path, data, target=("y",), future=("promo",)), "What comes next")
    assert "<svg" not in page
    assert "future covariate &#39;promo&#39; is given for 0 of the 6 steps ahead" in page


def test_future_covariates_that_are_given_are_used(tmp_path: Path) -> None:
    data = hourly(306).with_columns(promo=pl.int_range(pl.len()) % 7 // 6)
    rows = pl.int_range(pl.len())
    data = data.with_columns(y=pl.when(rows < 300).then(pl.col("y")).otherwise(None))
    page = section(run(tmp_path, data, target=("y",), future=("promo",)), "What comes next")
    assert "<svg" in page and "No forecast" not in page


def test_of_many_series_six_are_shown(tmp_path: Path) -> None:
    data = pl.concat([hourly(300, seed=i).with_columns(shop=pl.lit(f"s{i}")) for i in range(11)])
    page = section(run(tmp_path, data, target=("y",), group=("shop",)), "What comes next")
    shown = set(re.findall(r">(s\d+)</text>", page))
    assert len(shown) == 6 and {"s0"} < shown
    assert "series at even places of their list" in page


def test_the_future_in_the_report_is_what_predict_gives(small_run: Callable[[str], Path]) -> None:
    run = small_run("forecast")
    before = json.loads((run / "scores.json").read_text())
    found = load(run).ahead(small("forecast")[1])
    assert found.table.height == before["horizon"] and not found.skipped
    assert found.origins.row.tolist() == [300]


@pytest.mark.parametrize(
    ("stamps", "labels"),
    [
        (["2024-01-01 00:00:00", "2024-01-02 00:00:00"], ["2024-01-01", "2024-01-02"]),
        (
            ["2024-01-01 00:00:00", "2024-01-01 06:00:00"],
            ["2024-01-01\n00:00", "2024-01-01\n06:00"],
        ),
        (["2024-01-01T00:00:30", "2024-01-01T00:01:00"],
         ["2024-01-01\n00:00:30", "2024-01-01\n00:01:00"]),
        (["2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00"],
         ["2024-03-31\n+01:00", "2024-04-01\n+02:00"]),
        (["2024-03-01T06:00+01:00", "2024-03-02T07:00+01:00"],
         ["2024-03-01\n06:00", "2024-03-02\n07:00"]),
        (["2018-W01", "2018-W02"], ["2018-W01", "2018-W02"]),
        (["31.12.2019 10:00", "1.1.2020 11:00"], ["31.12.2019\n10:00", "1.1.2020\n11:00"]),
        (["17", "30"], ["17", "30"]),
    ],
    ids=["days", "hours", "seconds", "zones", "one zone", "weeks", "other", "rows"],
)  # fmt: skip
def test_labels_leave_out_what_all_share(stamps: list[str], labels: list[str]) -> None:
    assert short(stamps) == labels


def test_of_many_baselines_the_best_have_curves() -> None:
    curves: dict[str, list[float | None]] = {"model": [1.0, 2.0]}
    curves |= {f"b{i}": [float(i), None] for i in range(9, 0, -1)}
    page = svg_of(error_by_step(curves, "MAE"))  # type: ignore[arg-type]
    assert set(re.findall(r">(b\d|model)</text>", page)) == {"model", "b1", "b2", "b3", "b4", "b5"}


def test_words_in_backticks_are_code_and_one_thread_is_one(
    small_run: Callable[[str], Path],
) -> None:
    page = (small_run("read") / "report.html").read_text()
    assert "<code>text.normalise</code>" in page and "`" not in page
    assert "1 threads" not in page and "all 1 epochs" not in page


def test_numbers_have_the_form_of_their_noun() -> None:
    said = [counted(1, "line"), counted(2000, "line"), counted(2, "entry", "entries"), are(1)]
    assert said == ["1 line", "2,000 lines", "2 entries", "is"]
