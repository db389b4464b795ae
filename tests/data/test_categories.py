"""Covariates that are words: one column a word, fitted on the training split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.api.fitting import nested
from longshort.config import DataConfig
from longshort.data.categories import OneHot
from longshort.data.dataset import Dataset, read_dataset
from longshort.errors import DataError
from longshort.runs import story
from longshort.runs.trained import load
from tests.conftest import QUICK, hourly

SETTINGS = {**QUICK, "model.horizon": 4, "model.context_length": 24}
ROLES = {
    "data.target": "y",
    "data.group": "shop",
    "data.static": "region",
    "data.future": "promo,open",
    "data.past": "weather",
}


def shops(
    regions: dict[str, str], promos: tuple[str, ...] = ("none", "half price")
) -> pl.DataFrame:
    """Three covariates of words and one of yes and no beside a daily wave in every shop."""
    rows = 240
    picks = np.random.default_rng(0).integers(0, 2, rows)
    return pl.concat(
        hourly(rows, seed=place).with_columns(
            shop=pl.lit(shop),
            region=pl.lit(region),
            promo=pl.Series(np.array(["none", "half price"])[picks]),
            open=pl.Series(["yes", "no"] * (rows // 2)),
            weather=pl.Series(["rain", "sun", None] * (rows // 3)),
        )
        for place, (shop, region) in enumerate(regions.items())
    )


def read(frame: pl.DataFrame, **settings: object) -> Dataset:
    return read_dataset(frame, DataConfig.model_validate(settings))


def test_words_are_numbered_and_said() -> None:
    frame = shops({"a": "south", "b": "north"})
    dataset = read(frame, target="y", group="shop", static="region", future="open", past="weather")
    panel = dataset.panel
    assert panel.categories == {"region": ("north", "south"), "weather": ("rain", "sun")}
    assert panel.static.tolist() == [[1.0], [0.0]]
    assert panel.future[:4, 0].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert np.array_equal(panel.past[:3, 0], [0.0, 1.0, np.nan], equal_nan=True)
    assert "covariate 'region' holds 2 categories: north, south" in dataset.decided


def test_one_column_a_word_of_training() -> None:
    values = np.array([[0.0, 5.0], [2.0, 6.0], [np.nan, 7.0]])
    coding = OneHot.fit(values, (("a", "b", "c"), None))
    assert coding.words == (("a", "c"), None)
    later = np.array([[0.0, 1.0], [1.0, 2.0]])
    names = ("kind", "size")
    assert coding.apply(later, (("c", "d"), None), names).tolist() == [[0, 1, 1], [0, 0, 2]]
    assert coding.unseen(later, (("c", "d"), None), names) == [
        "covariate 'kind': 'd' did not occur in training, and counts as none of its categories"
    ]


def test_a_run_keeps_its_words_and_says_new_ones(tmp_path: Path) -> None:
    said: list[str] = []
    frame = shops({"a": "south", "b": "north", "c": "north"})
    settings = nested({**SETTINGS, **ROLES}, None)
    story.run(settings, tmp_path / "run", data=frame, say=said.append)
    assert "decided: covariate 'promo' holds 2 categories: half price, none" in said
    fitted = json.loads((tmp_path / "run" / "data.json").read_text())["encoder"]
    assert fitted["static"]["words"] == [["north", "south"]]
    assert fitted["future"]["words"] == [["half price", "none"], None]
    trained = load(tmp_path / "run")
    told: list[str] = []
    trained.evaluate(shops({"a": "south", "d": "west"}), say=told.append)
    assert any("covariate 'region': 'west' did not occur in training" in line for line in told)


def test_words_are_learned_from(tmp_path: Path) -> None:
    """Advertising raises sales by 20, and is known ahead."""
    kind = np.random.default_rng(1).integers(0, 2, 400)
    frame = pl.DataFrame({
        "ds": np.datetime64("2022-01-01") + np.arange(400),
        "y": 50 + 20.0 * kind,
        "promo": np.array(["no ad", "ad!"])[kind],
    })  # fmt: skip
    settings = {**QUICK, "model.horizon": 7, "model.context_length": 14, "model.season": 7}
    roles = {"data.target": "y", "data.future": "promo"}
    scores = story.run(nested({**settings, **roles}, None), tmp_path / "run", data=frame)
    baselines = scores["test"]["baselines"]
    assert baselines["linear"]["mae"] < 0.5 < 5 < baselines["last_value"]["mae"]


def test_numbers_where_words_were_are_refused(tmp_path: Path) -> None:
    frame = shops({"a": "south", "b": "north"})
    story.run(nested({**SETTINGS, **ROLES}, None), tmp_path / "run", data=frame)
    numbers = frame.with_columns(region=pl.lit(3))
    with pytest.raises(DataError, match="'region': the run was trained on categories, and here it"):
        load(tmp_path / "run").ahead(numbers)


def test_too_many_words_are_refused() -> None:
    frame = hourly(300).with_columns(note=pl.Series([f"note {i}" for i in range(300)]))
    with pytest.raises(DataError, match="covariate 'note' holds 300 different texts, at most 100"):
        read(frame, target="y", past="note")
