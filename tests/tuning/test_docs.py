"""docs/tuning.md: its commands have options that exist, and its Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.commands import longshort
from tests.conftest import hourly
from tests.paths import ROOT

TEXT = (ROOT / "docs" / "tuning.md").read_text()


@pytest.mark.parametrize("task", ["forecast", "classify"])
def test_every_option_of_the_commands_exists(task: str) -> None:
    commands = [line for line in TEXT.splitlines() if line.startswith("longshort tune")]
    wanted = {f for line in commands if f"--task {task}" in line or task == "forecast"
              for f in re.findall(r"--[a-z-]+", line)}  # fmt: skip
    done = longshort("tune", "--task", task, "--help")
    assert wanted
    assert wanted <= set(re.findall(r"--[a-z-]+", done.stdout))


@pytest.mark.slow
def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hourly(300).write_csv("sales.csv")
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    found: dict[str, object] = {}
    exec(code.replace("trials=9", 'trials=3, settings={"train.max_epochs": 3}'), found)
    assert found["run"]
