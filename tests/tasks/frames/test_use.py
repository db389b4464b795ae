"""Frames from Python and from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import longshort as ls
from longshort.errors import DataError
from longshort.runs.exporting import export_run
from tests.commands import longshort
from tests.tasks.frames.made import squares
from tests.tiny_runs import small


def test_from_python(tmp_path: Path) -> None:
    once = {"train.max_epochs": 1, "train.threads": 1}
    model = ls.FrameForecaster(inputs=3, outputs=2, hidden=2, settings=once)
    run = model.fit(squares(12), out=tmp_path / "run")
    assert run.predict(squares(2)).shape == (2, 2, 12, 12, 1)
    assert np.array_equal(model.predict(squares(2)), run.predict(squares(2)))
    assert run.predict(squares(2)).min() >= 0 and run.predict(squares(2)).max() <= 255
    scores = run.evaluate(squares(5, seed=3), include_training=True)
    assert scores["examples"] == 20 and scores["clips"] == 5
    with pytest.raises(DataError, match=r"the run's frames have 12 x 12 x 1 values"):
        run.predict(squares(2, size=10))


@pytest.mark.parametrize("base", ["last", "moved"])
def test_forecasts_that_are_changes_of_a_base_leave_torch_behind(base: str, tmp_path: Path) -> None:
    once = {"train.max_epochs": 1, "train.threads": 1, "model.base": base}
    clips = squares(12)
    ls.FrameForecaster(inputs=3, outputs=2, hidden=2, settings=once).fit(clips, out=tmp_path / "r")
    assert export_run(tmp_path / "r", tmp_path / "r.longshort", memory=clips).is_equal


@pytest.mark.parametrize("ending", [".npy", ".npz", ".gif", ".csv"])
def test_frames_are_written_as_files(
    ending: str, tmp_path: Path, small_run: Callable[[str], Path]
) -> None:
    clips = small("frames")[1]
    assert isinstance(clips, np.ndarray)
    np.save(tmp_path / "clips.npy", clips[:3, :4])
    run, out = small_run("frames"), tmp_path / f"found{ending}"
    done = longshort("predict", run, "--data", tmp_path / "clips.npy", "--out", out)
    assert done.returncode == 0, done.stderr
    if ending == ".gif":
        with Image.open(out) as image:
            assert getattr(image, "n_frames", 1) == 8
        return
    if ending == ".csv":
        table = pl.read_csv(out)
        assert table["ahead"].to_list() == [1, 2, 3, 4] * 3
        assert table["frame"].to_list() == [4, 5, 6, 7] * 3
        return
    loaded = np.load(out)
    frames = loaded if ending == ".npy" else loaded["frames"]
    assert frames.shape == (3, 4, 8, 8)
    np.testing.assert_allclose(frames, ls.load(run).predict(clips[:3, :4])[..., 0], rtol=1e-5)


def test_another_ending_is_refused_with_those_that_are_known(
    tmp_path: Path, small_run: Callable[[str], Path]
) -> None:
    done = longshort(
        "predict", small_run("frames"), "--data", tmp_path, "--out", tmp_path / "a.mp4"
    )
    assert done.returncode != 0 and ".jsonl, .npy, .npz, .gif" in done.stderr.replace("\n", " ")


def test_a_run_from_the_command_line(tmp_path: Path) -> None:
    np.save(tmp_path / "clips.npy", squares(12))
    small_ones = ["--set", "model.hidden=2", "--set", "train.max_epochs=1"]
    done = longshort(
        "run", tmp_path / "clips.npy", "--task", "frames", "--inputs", "3", "--outputs", "2",
        "--out", tmp_path / "run", *small_ones,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert said["test"]["baselines"].keys() == {
        "last_frame", "mean_of_inputs", "black", "pixel_mean", "advection"
    }  # fmt: skip
    assert "work:" in done.stderr and "GFLOP a window" in done.stderr
    page = (tmp_path / "run" / "report.html").read_text()
    assert "data:image/gif;base64," in page and "Truth, forecast and difference" in page


def test_broken_data_end_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = longshort("run", tmp_path / "empty", "--task", "frames", "--out", tmp_path / "run")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "the folder holds no frames" in done.stderr.replace("\n", " ")
    assert not (tmp_path / "run").exists()
