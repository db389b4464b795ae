"""The page on comparing does what it says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from longshort.tuning.compare import PAGE, PLAN, RESULT
from longshort.tuning.pairs import fewest_pairs
from tests.commands import longshort
from tests.paths import ROOT

TEXT = (ROOT / "docs" / "compare.md").read_text()
BRIEF = ["--pairs", "1", "--rates", "0.01"]
SMALL = ["train.max_epochs=1", "train.steps_per_epoch=3", "train.threads=1", "model.hidden=4"]


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    more = [*BRIEF, *(part for each in SMALL for part in ("--set", each))]
    for line in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)[0].splitlines():
        done = longshort(*shlex.split(line)[1:], *more)
        assert done.returncode == 0, done.stderr
    made = {path.name for path in (tmp_path / "runs" / "cells").iterdir()} - {".lock"}
    assert made == {PAGE, RESULT, PLAN, "trainings"}
    assert json.loads((tmp_path / "runs" / "cells" / PLAN).read_text())["tune_once"] is True
    assert (tmp_path / "runs" / "compare-2" / PAGE).is_file()


def test_python(capsys: pytest.CaptureFixture[str]) -> None:
    exec(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0], {})
    assert "No claim is made: with 2 pairs" in capsys.readouterr().out


def test_the_numbers_of_pairs_are_those_of_the_rule() -> None:
    needed = [fewest_pairs(arms * (arms - 1) // 2) for arms in (2, 3, 4, 5)]
    assert "two alternatives need {}, three {}, four {}, five {}".format(*needed) in TEXT
