"""`longshort transcribe`: texts, times and tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.commands import longshort
from tests.data.audio.sounds import save
from tests.speech import spelt


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two files of features."""
    names = [str(tmp_path / f"{n}.npy") for n in range(2)]
    for name, item in zip(names, spelt(2).items, strict=True):
        np.save(name, item)
    return names


def test_texts_and_times_are_printed(small_run: Callable[[str], Path], files: list[str]) -> None:
    run = small_run("transcribe")
    done = longshort("transcribe", run, *files, "--quiet")
    assert done.returncode == 0, done.stderr
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["0.npy", "1.npy"]
    flags = ["--beam", "4", "--nbest", "2", "--timestamps", "--json"]
    told = json.loads(longshort("transcribe", run, *files, *flags).stdout)["transcripts"]
    assert [len(each["alternatives"]) for each in told] == [2, 2]
    assert all({"word", "begin", "end", "probability"} == set(w) for e in told for w in e["words"])


def test_a_table_is_written_once(
    small_run: Callable[[str], Path], files: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "texts.csv"
    done = longshort("transcribe", small_run("transcribe"), *files, "--out", out)
    assert done.returncode == 0, done.stderr
    assert pl.read_csv(out)["file"].to_list() == ["0.npy", "1.npy"]
    again = longshort("transcribe", small_run("transcribe"), *files, "--out", out)
    assert again.returncode == 2 and "texts.csv" in again.stderr


def test_wrong_use_is_explained(small_run: Callable[[str], Path], files: list[str]) -> None:
    run = small_run("transcribe")
    for given, said in (
        ([run, "gone.npy"], "gone.npy"),
        ([run, *files, "--nbest", "0"], "n_best: a whole number from 1 on is expected"),
        ([run, *files, "--alpha", "1"], "alpha: has no effect"),
        ([small_run("regress"), *files], "does not write down what is said"),
    ):
        done = longshort("transcribe", *given)
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_recordings_are_refused_by_a_run_of_features(
    small_run: Callable[[str], Path], tmp_path: Path
) -> None:
    save(tmp_path / "a.wav")
    said = longshort("transcribe", small_run("transcribe"), tmp_path / "a.wav").stderr
    assert said.count("a.wav") == 1 and "is a recording, and the run reads features" in said
