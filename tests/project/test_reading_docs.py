"""The page on reading does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import polars as pl
import pytest

from longshort.config import Section
from longshort.tasks.read.config import ReadConfig
from tests.commands import longshort
from tests.conftest import sets
from tests.drawn_lines import put
from tests.paths import ROOT

TEXT = (ROOT / "docs" / "reading.md").read_text()
BRIEF = sets({"train.max_epochs": 1, "train.threads": 1, "model.hidden": 4, "write.beam": 2})


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "lines", 40, words=1)
    put(tmp_path / "new", 4, words=1, seed=5)
    monkeypatch.chdir(tmp_path)
    for line in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)[0].splitlines():
        more = BRIEF if " run " in line else []
        done = longshort(*shlex.split(line)[1:], *more)
        assert done.returncode in ((0, 1) if " check " in line else (0,)), done.stderr
    assert pl.read_csv(tmp_path / "read.csv").height == 4


def test_python(capsys: pytest.CaptureFixture[str]) -> None:
    exec(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0], {})
    assert "test lines" in capsys.readouterr().out


def test_the_settings_are_settings() -> None:
    tables = {name: type(each) for name, each in ReadConfig() if isinstance(each, Section)}
    known = {f"{name}.{key}" for name, each in tables.items() for key in each.model_fields}
    named = set(re.findall(rf"`((?:{'|'.join(tables)})\.[a-z_0-9]+)", TEXT))
    assert named and named <= known | {"data.json"}
