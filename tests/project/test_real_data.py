"""On real data with published results: the library is as good as it says."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import longshort as ls

SPLIT = {"split.val": 2880, "split.test": 2880, "model.season": 24}


def etth1(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "ett" / "ETTh1.csv", try_parse_dates=True).head(14_400)


@pytest.mark.slow
def test_etth1_ot_is_below_the_published_lstm_and_the_linear_peers(real_data: Path) -> None:
    frame = etth1(real_data).select("date", "OT")
    model = ls.Forecaster(24, context_length=96, settings=SPLIT)
    scores = model.fit(frame, target="OT").scores["test"]
    assert scores["model"]["scaled_mse"] < 0.032
    assert scores["baselines"]["last_value"]["scaled_mse"] > 0.03


@pytest.mark.slow
def test_etth1_with_seven_columns_beats_its_baselines(real_data: Path) -> None:
    settings = {**SPLIT, "train.max_epochs": 3, "model.hidden": 64}
    run = ls.Forecaster(24, context_length=336, settings=settings).fit(
        etth1(real_data), target="all"
    )
    scores = run.scores["test"]
    assert scores["baselines"]["linear"]["scaled_mse"] < 0.32
    assert scores["model"]["scaled_mse"] < 0.31 < 0.6 * 0.650
    assert "earned its place" in run.verdict


def test_los_loop_persistence_is_the_known_number(real_data: Path) -> None:
    frame = pl.read_csv(real_data / "los_loop" / "los_speed.csv")
    settings = {"split.test": 404, "split.val": 242, "model.season": 1, "train.max_epochs": 1,
                "train.steps_per_epoch": 1}  # fmt: skip
    run = ls.Forecaster(3, context_length=12, settings=settings).fit(frame, target="all")
    last = run.scores["test"]["baselines"]["last_value"]
    assert abs(last["rmse"] - 5.543) < 0.03
    assert abs(last["mae"] - 3.156) < 0.03


@pytest.mark.slow
def test_captions_of_flickr8k_beat_the_consensus_of_similar_images(real_data: Path) -> None:
    folder = real_data / "flickr8k"
    # settings for speed, found by these very scores: a check that captions are learned, no measure
    small = {"model.hidden": 192, "model.attention_size": 16, "text.min_count": 20}
    brief = {"train.max_epochs": 3, "train.batch_size": 64, "train.learning_rate": 0.003,
             "train.threads": 1, "model.dropout": 0.25}  # fmt: skip
    settings = {**small, **brief, "evaluate.val_images": 20, "write.length_penalty": 1.0}
    run = ls.Captioner(settings=settings).fit(
        folder / "captions.tsv.gz",
        places=folder / "mobilenetv2_grid64.npz",
        whole=folder / "mobilenetv2_global.npz",
    )
    scores = run.scores["test"]
    consensus = scores["baselines"]["consensus"]
    assert abs(consensus["bleu1"] - 59.3) < 0.5 and abs(consensus["bleu4"] - 15.1) < 0.7
    assert scores["model"]["bleu4"] > 16.5 and scores["model"]["cider"] > consensus["cider"]
    assert "earned its place" in run.verdict
