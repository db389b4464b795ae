"""Small public data sets, learned as the command learns them where nothing is said."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import longshort as ls


def outlines(folder: Path, name: str) -> tuple[list[np.ndarray], list[int]]:
    lines = gzip.decompress((folder / "ucr" / name).read_bytes()).decode().splitlines()
    rows = [[float(cell) for cell in line.split("\t")] for line in lines]
    return [np.array(row[1:])[:, None] for row in rows], [int(row[0]) for row in rows]


@pytest.mark.slow
def test_36_outlines_are_learned(real_data: Path, tmp_path: Path) -> None:
    """Three of them for validation once chose weights that had learned nothing: 38.9 %."""
    items, labels = outlines(real_data, "UMD_TRAIN.tsv.gz")
    run = ls.Classifier(settings={"model.members": 1, "split.test": 0.1}).fit(
        items, labels, out=tmp_path / "run"
    )
    scores = run.evaluate(*outlines(real_data, "UMD_TEST.tsv.gz"))["test"]
    assert scores["model"]["accuracy"] > 0.95
    assert scores["baselines"]["convolutions"]["accuracy"] > 0.95
    assert scores["baselines"]["majority"]["accuracy"] == pytest.approx(1 / 3)
