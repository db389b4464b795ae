"""Series that the run seems not to know, and that differ from known ones in writing only."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from longshort.api.fitting import nested
from longshort.data.lookalikes import resembling
from longshort.runs import story
from longshort.runs.trained import load
from tests.conftest import QUICK, hourly


@pytest.mark.parametrize(
    ("new", "known", "said"),
    [
        ("1", "001", "'1' looks like '001'"),
        ("001", "1", "'001' looks like '1'"),
        ("1.0", "1", "'1.0' looks like '1'"),
        ("berlin ", "Berlin", "'berlin ' looks like 'Berlin'"),
        ("New  York", "new york", "'New  York' looks like 'new york'"),
    ],
)
def test_names_that_look_alike_are_said(new: str, known: str, said: str) -> None:
    assert resembling([(new,)], [(known,), ("other",)]) == (
        f"; but {said} of the training data: write names as they stand there"
    )


@pytest.mark.parametrize(("new", "known"), [("1", "10"), ("0", "00a"), ("A", "B")])
def test_other_names_are_other_names(new: str, known: str) -> None:
    assert resembling([(new,)], [(known,)]) == ""


def test_predict_and_evaluate_say_it(tmp_path: Path) -> None:
    def named(*names: str) -> pl.DataFrame:
        return pl.concat([hourly(200).with_columns(id=pl.lit(name)) for name in names])

    settings = {**QUICK, "model.horizon": 4, "model.context_length": 24}
    roles = {"data.target": "y", "data.group": "id"}
    story.run(nested({**settings, **roles}, None), tmp_path / "run", data=named("001", "002"))
    trained = load(tmp_path / "run")
    told = "2 series were not seen in training"
    alike = "but '1' looks like '001', '2' looks like '002' of the training data"
    notes = trained.ahead(named("1", "2")).notes
    assert told in notes[0] and alike in notes[0]
    said: list[str] = []
    trained.evaluate(named("1", "2"), say=said.append)
    assert any(told in line and alike in line for line in said)
