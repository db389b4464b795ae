"""What is particular to frames: folding, splits, the loss, the baselines, and that it learns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from longshort.errors import ConfigError
from longshort.runs import story
from longshort.runs.task import MODEL
from longshort.tasks.frames.encoder import FrameEncoder
from longshort.tasks.frames.learning import mirrored
from longshort.tasks.frames.parts import independent
from tests.jobs import job_of, result_of, trained_job
from tests.tasks.frames.made import squares

TINY: dict[str, Any] = {
    "task": "frames",
    "model": {"hidden": 4, "inputs": 3, "outputs": 2},
    "train": {"max_epochs": 1, "threads": 1},
}


def changed(**tables: Any) -> dict[str, Any]:
    return TINY | {key: TINY.get(key, {}) | each for key, each in tables.items()}


@pytest.mark.parametrize(("shape", "patch", "scales"), [((8, 12, 2), 4, 1), ((7, 9, 1), 2, 2)])
def test_folding_is_undone(shape: tuple[int, int, int], patch: int, scales: int) -> None:
    encoder = FrameEncoder(0, 1, shape, patch, 0.5, None, scales)
    frames = np.random.default_rng(0).random((3, 2, *shape), dtype=np.float32)
    maps = encoder.folded(frames)
    assert maps.shape == (3, 2, encoder.channels, *encoder.map_size)
    assert all(size % 2 ** (scales - 1) == 0 for size in encoder.map_size)
    assert np.array_equal(encoder.unfolded(maps), frames)


@pytest.mark.parametrize("axis", [-2, -1])
def test_maps_are_mirrored_as_frames_are(axis: int) -> None:
    encoder = FrameEncoder(0, 1, (8, 12, 2), 4, 0.5)
    frames = np.random.default_rng(0).random((1, 8, 12, 2), dtype=np.float32)
    found = mirrored(torch.from_numpy(encoder.folded(frames)), axis, 4).numpy()
    assert np.array_equal(encoder.unfolded(found), np.flip(frames, axis - 1))


def test_values_become_shares_of_their_range() -> None:
    encoder = FrameEncoder(10, 20, (1, 3, 1), 1, 0.5, missing=99)
    frames = np.array([10, 15, 99]).reshape(1, 1, 3, 1)
    assert encoder.scaled(frames).ravel().tolist() == [0, 0.5, 0]
    assert encoder.units(encoder.scaled(frames)).ravel().tolist() == [10, 15, 10]


def test_one_clip_is_cut_in_time_and_no_frame_is_in_two_splits() -> None:
    clip = np.arange(60, dtype=np.float32)[:, None, None] * np.ones((1, 8, 8), np.float32)
    splits = story.prepare(TINY, clip).splits
    seen = [{int(f.flat[0]) for c in each.clips for f in c.frames} for each in
            (splits.train, splits.val, splits.test)]  # fmt: skip
    assert seen == [set(range(42)), set(range(42, 48)), set(range(48, 60))]
    assert "in time: 10% for val, 20% for test" in splits.how


def test_windows_of_a_clip_stay_in_one_split_and_equal_clips_too() -> None:
    clips = squares(20)
    clips[11] = clips[3]
    splits = story.prepare(changed(data={"step": 1}), clips).splits
    names = [{clip.name for clip in each.clips} for each in splits.by_name().values()]
    assert [len(each) for each in names] == [len(set(e.owners)) for e in splits.by_name().values()]
    assert not names[0] & names[1] and not names[0] & names[2] and not names[1] & names[2]
    (home,) = [group for group in names if "data, clip 3" in group]
    assert "data, clip 11" in home


def test_baselines_are_what_they_say() -> None:
    clips = squares(12)
    job = job_of(TINY, clips)
    test = job.encoded["test"]
    found = job.task.baselines(job.model, job.encoded, {}, lambda *_: None)
    given = test.arrays.given()
    still = {name: each.prediction for name, each in found.items() if name != "advection"}
    assert all(each.shape == (len(given), 2, 12, 12, 1) for each in still.values())
    assert np.array_equal(still["last_frame"][:, 1], given[:, -1])
    np.testing.assert_allclose(still["mean_of_inputs"][:, 0], given.mean(1))
    assert not still["black"].any()
    train = job.prepared.splits.train.clips
    mean = np.mean([clip.frames / 255 for clip in train], (0, 1))
    np.testing.assert_allclose(still["pixel_mean"][0, 0], mean, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"train": {"loss": "mse"}},
        {"train": {"loss": "l1l2"}},
        {"train": {"read_weight": 0.0}},
        {"train": {"true_frames": 1.0}},
        {"train": {"flips": True}},
        {"train": {"crop": 6}},
        {"model": {"forecaster": "own"}},
        {"model": {"precision": "float32"}},
        {"model": {"scales": 1}},
        {"model": {"kernel": 5}},
        {"model": {"base": "last"}},
        {"model": {"base": "moved"}},
        {"model": {"cell": "gru"}},
        {"model": {"cell_options": {"peephole": True}}},
        {"model": {"num_layers": 2}},
    ],
    ids=str,
)
def test_every_option_changes_the_training(change: dict[str, Any]) -> None:
    clips = squares(12)
    plain, other = (trained_job(each, clips) for each in (TINY, changed(**change)))
    first, second = (each.training.learning.validate() for each in (plain, other))
    assert first != second


def test_the_future_does_not_leak_into_a_forecast() -> None:
    clips = squares(12)
    job = job_of(TINY, clips)
    windows = job.prepared.splits.test
    dark = [replace(clip, frames=clip.frames.copy()) for clip in windows.clips]
    for clip in dark:
        clip.frames[3:] = 0
    found = [
        job.task.predict(job.model, job.task.encode(job.model.encoder, each))
        for each in (windows, replace(windows, clips=tuple(dark), starts=windows.starts * [1, 0]))
    ]
    first = np.flatnonzero(windows.starts[:, 1] == 0)
    assert np.array_equal(found[0][first], found[1][first])


def test_training_forecasts_as_inference_does() -> None:
    """Free-running frames of the training pass are those of the network frame by frame."""
    job = job_of(changed(model={"precision": "float32"}), squares(12))
    arrays = job.encoded["train"].arrays
    batch = arrays.batch(np.arange(3))
    read, wanted = torch.from_numpy(batch.read), torch.from_numpy(batch.wanted)
    with torch.no_grad():
        logits = job.model.network(read, wanted, None, 2, 0.0)[-2:]
    few = replace(arrays, windows=arrays.windows.take([0, 1, 2]))
    frames = job.task.predict(job.model, few).swapaxes(0, 1)
    np.testing.assert_allclose(arrays.encoder.unfolded(logits.sigmoid().numpy()), frames, atol=1e-6)


def test_windows_that_share_frames_are_not_independent() -> None:
    clip = np.random.default_rng(0).random((60, 8, 8))
    windows = story.prepare(changed(data={"step": 2}), clip).splits.test
    losses = np.arange(len(windows), dtype=float)
    assert independent(windows, losses, losses)[2] == 3  # ceil(5 frames / 2 apart)
    several = story.prepare(changed(split={"test": 0.5}), squares(20)).splits.test
    losses = np.arange(len(several), dtype=float)
    first, _, block = independent(several, losses, losses)
    assert block == 0 and len(first) == len(np.unique(several.owners))


def test_a_moving_square_is_learned() -> None:
    """Its motion is known, so that a network forecasts it far better than any baseline."""
    settings = changed(
        model={"hidden": 16, "patch": 2, "scales": 1},
        train={"max_epochs": 40, "learning_rate": 0.02, "batch_size": 8},
    )
    result = result_of(settings, squares(60, steps=5))
    scores, best = result.scored.scores, result.scored.best
    assert scores[MODEL].values["mse"] < 0.5 * scores[best].values["mse"]
    assert result.scores["outcome"] == "better"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": {"crop": 5}}, r"train.crop: a multiple of 2 .* up to 12"),
        ({"model": {"checkpoint": True}}, r"model.checkpoint: is of layers over sequences"),
        ({"model": {"outputs": 1}, "train": {"true_frames": 0.5}}, r"train.true_frames: .* one"),
        ({"model": {"kernel": 4}}, r"kernel: an odd number"),
        ({"data": {"size": "12"}}, r"size: rows x columns"),
        ({"data": {"low": 3, "high": 1}}, r"low = 3 has to be below high = 1"),
        ({"model": {"cell_options": {"projection": 2}}}, r"within a step"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_explained(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        job_of(changed(**change), squares(12))


def test_events_are_scored_at_thresholds() -> None:
    result = result_of(changed(evaluate={"thresholds": [100, 300]}), squares(12))
    found = result.scores["test"][MODEL]["csi"]
    assert found.keys() == {"100", "300"} and len(found["100"]["by_frame"]) == 2
    assert found["300"]["all"] is None
