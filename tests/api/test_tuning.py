"""`longshort.tune`: what a study gives back, and that it goes on."""

from __future__ import annotations

from pathlib import Path

import longshort as ls
from tests.tuning.studies import settings_of


def test_a_question_from_python(tmp_path: Path) -> None:
    _, data = settings_of("regress")
    asked = {"task": "regress", "question": "units", "values": [2, 4], "seeds": 1}
    settings = {"train.max_epochs": 2, "model.num_layers": 1}
    found = ls.tune(data, **asked, settings=settings, out=tmp_path / "study")
    assert found.settings["model.hidden"] in (2, 4)
    assert found.page.is_file()
    assert found.table.height == 6
    assert isinstance(ls.load(found.run), ls.RegressorRun)
    again = ls.tune(data, **asked, settings=settings, out=tmp_path / "study")
    assert repr(again) == f"Tuned({found.answer!r})"
