"""Captioning from Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import longshort as ls
from longshort.errors import DataError
from tests.captions import shapes

SETTINGS = {"train.max_epochs": 1, "train.threads": 1}


def arrays(count: int, seed: int = 0) -> tuple[np.ndarray, list[list[str]], np.ndarray]:
    samples = shapes(count, seed)
    bank = samples.features
    assert bank.places is not None and bank.whole is not None and samples.references is not None
    return bank.places.values, [list(each) for each in samples.references], bank.whole.values


def test_features_and_captions_in_memory(tmp_path: Path) -> None:
    features, captions, whole = arrays(60)
    captioner = ls.Captioner(hidden=8, beam=2, settings=SETTINGS)
    run = captioner.fit(features, captions, whole=whole, out=tmp_path / "run")
    new, texts, vectors = arrays(5, seed=1)
    found = captioner.predict(new, vectors)
    assert len(found) == 5 and found == run.predict(new, vectors)
    again = ls.load(tmp_path / "run")
    assert again.predict(new, vectors) == found
    assert run.evaluate(new, texts, vectors)["test"]["model"]["bleu1"] >= 0


def test_a_table_with_files_of_features(tmp_path: Path) -> None:
    samples, names = shapes(60), [f"{i}.jpg" for i in range(60)]
    bank = samples.features
    assert bank.places is not None and bank.whole is not None
    np.savez(tmp_path / "grid.npz", names=names, grid=bank.places.values)
    np.savez(tmp_path / "whole.npz", names=names, feat=bank.whole.values)
    texts = [each[0] for each in samples.references or []]
    pl.DataFrame({"image": names, "caption": texts}).write_csv(tmp_path / "captions.csv")
    run = ls.Captioner(hidden=8, settings=SETTINGS).fit(
        tmp_path / "captions.csv",
        places=tmp_path / "grid.npz",
        whole=tmp_path / "whole.npz",
        out=tmp_path / "run",
    )
    assert len(run.predict(["3.jpg", "7.jpg"])) == 2
    assert run.config.data.features == str(tmp_path / "grid.npz")


def test_captions_are_asked_for() -> None:
    features, captions, _ = arrays(10)
    with pytest.raises(DataError, match="captions: a text or a list of texts"):
        ls.Captioner().fit(features)
    with pytest.raises(DataError, match="places: names the features' file of a table"):
        ls.Captioner().fit(features, captions, places="x.npz")
