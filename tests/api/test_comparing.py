"""Comparisons from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import longshort as ls
from tests.tiny_runs import small


def test_a_comparison_in_tables(tmp_path: Path) -> None:
    settings, data = small("regress")
    out = tmp_path / "out"
    found = ls.compare(
        data, ["lstm", "gru"], settings=settings, pairs=2, rates=[0.01], out=out, verbose=False
    )
    assert found.page == out / "compare.html" and found.page.is_file()
    assert found.verdict.startswith("No claim is made: with 2 pairs")
    assert found.alternatives["name"].to_list() == ["lstm", "gru"]
    assert found.comparisons.select("first", "second").rows() == [("lstm", "gru")]
    assert found.scores.height == 4 and found.scores["rate"].to_list() == [0.01] * 4
    mean = found.scores.filter(found.scores["name"] == "gru")["test"].mean()
    assert found.alternatives["test"][1] == pytest.approx(mean)
    assert found.choice in ("lstm", "gru")


def test_unknown_cells_are_refused_before_anything_is_read() -> None:
    with pytest.raises(ls.ConfigError, match="cell 'gruu' is not known"):
        ls.compare("nowhere.csv", ["lstm", "gruu"])
