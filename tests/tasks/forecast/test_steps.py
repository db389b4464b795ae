"""Sessions of forecasts with groups, intervals and covariates that are known ahead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from longshort.runs import story, trained

ROWS = 120


def shops() -> pl.DataFrame:
    draw = np.random.default_rng(0)
    stamps = np.datetime64("2024-01-01T00", "us") + np.arange(ROWS) * np.timedelta64(1, "h")
    weather = draw.choice(["sun", "rain"], 2 * ROWS)
    return pl.DataFrame(
        {
            "ds": np.tile(stamps, 2),
            "shop": ["a"] * ROWS + ["b"] * ROWS,
            "y": draw.normal(size=2 * ROWS) + (weather == "sun"),
            "weather": weather,
        }
    )


def test_a_session_is_told_what_is_known_ahead(tmp_path: Path) -> None:
    data = {"group": ["shop"], "future": ["weather"], "target": ["y"]}
    size = {"hidden": 4, "context_length": 12, "horizon": 3, "season": 24}
    train = {"max_epochs": 1, "threads": 1, "steps_per_epoch": 2, "batch_size": 8}
    settings = {"task": "forecast", "data": data, "train": train}
    model = {**size, "quantiles": [0.1, 0.5, 0.9]}
    story.run({**settings, "model": model}, tmp_path / "run", data=shops())
    run = trained.load(tmp_path / "run")
    session, own = run.session(), shops().filter(pl.col("shop") == "b")
    assert run.session_schema()["ahead"]["steps"] == 3
    rows = own.with_columns(pl.col("ds").dt.to_string("iso")).to_dicts()
    for number in range(20):
        ahead = [{"weather": rows[number + step]["weather"]} for step in (1, 2, 3)]
        answer = session.step({**rows[number], "ahead": ahead})
    future = own[20:23].with_columns(pl.lit(None, pl.Float64).alias("y"))
    assert answer["forecast"] == run.ahead(own[:20].vstack(future)).json()["forecast"]
    assert answer["waiting"] is None
    without = session.step(rows[20])
    assert without["forecast"] == []
    assert "future covariate 'weather' is given for 0 of the 3 steps" in without["waiting"]
