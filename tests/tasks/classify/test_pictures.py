"""Sequences of pictures: a network over each picture, then recurrent layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longshort as ls
from longshort.data.labelled import examples_of
from longshort.errors import ConfigError, DataError
from longshort.runs import story
from longshort.runs.exporting import export_run
from longshort.runs.trained import load
from tests.jobs import job_of, result_of

QUICK: dict[str, Any] = {
    "task": "classify",
    "model": {"hidden": 8, "members": 1, "convolution": 0, "picture_filters": 4, "dropout": 0.0},
    "train": {"max_epochs": 12, "threads": 1, "learning_rate": 0.01},
    "split": {"test": 0.3},
}


def dots(count: int, channels: int = 0) -> tuple[np.ndarray, list[str]]:
    """Pictures [count, 6, 9, 7] of a dot that moves left or right, and which."""
    draw = np.random.default_rng(0)
    clips = np.zeros((count, 6, 9, 7), np.float32)
    names = []
    for clip in clips:
        y, x, way = draw.integers(9), draw.integers(7), draw.choice([-1, 1])
        names.append("left" if way < 0 else "right")
        for t, frame in enumerate(clip):
            frame[y, (x + way * t) % 7] = 1
    return (np.stack([clips] * channels, -1) if channels else clips), names


def test_motion_is_learned_and_exported(tmp_path: Path) -> None:
    clips, names = dots(200)
    data = examples_of(clips, names)
    scores = story.run(QUICK, tmp_path / "run", data=data)
    assert scores["test"]["model"]["accuracy"] > 0.9
    assert export_run(tmp_path / "run", tmp_path / "b.longshort", memory=data).is_equal
    settings = load(tmp_path / "run").config
    assert settings.data.picture == "9x7" and settings.data.scaling == "all"


@pytest.mark.parametrize("channels", [0, 3])
def test_arrays_of_pictures_are_read_from_files(channels: int, tmp_path: Path) -> None:
    clips, names = dots(40, channels)
    np.savez(tmp_path / "a.npz", x=clips, y=np.array(names))
    given = {**QUICK, "data": {"path": str(tmp_path / "a.npz")}}
    job = job_of(given)
    assert job.config.data.picture == ("9x7x3" if channels else "9x7")
    assert job.model.network.members[0].picture.channels == max(1, channels)


def test_without_filters_pixels_are_values() -> None:
    clips, names = dots(40)
    plain = {**QUICK, "model": QUICK["model"] | {"picture_filters": 0}}
    found = result_of({**plain, "train": {"max_epochs": 1}}, examples_of(clips, names))
    assert found.model.network.members[0].picture is None


def test_from_python() -> None:
    clips, names = dots(40)
    run = ls.Classifier(hidden=4, settings={"train.max_epochs": 1, "train.threads": 1}).fit(
        clips, names
    )
    assert len(run.predict(clips[:3])) == 3


def test_wrong_pictures_are_explained() -> None:
    clips, names = dots(40)
    flat = examples_of(clips.reshape(40, 6, -1), names)
    with pytest.raises(ConfigError, match=r"data.picture: a step has 63 values, and 9x8 are 72"):
        job_of({**QUICK, "data": {"picture": "9x8"}}, flat)
    assert job_of({**QUICK, "data": {"picture": "9x7"}}, flat).config.data.picture == "9x7"
    with pytest.raises(ConfigError, match=r"model.picture_filters: is of pictures"):
        job_of(QUICK, flat)
    with pytest.raises(DataError, match=r"pictures of 4x7 and 9x7 are mixed"):
        examples_of([clips[0], clips[1][:, :4]], names[:2])
