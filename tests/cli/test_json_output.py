"""`--json`: one object on stdout, with all remarks and with failures in it; exit codes stay."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from longshort.cli.screen import LEVELS, Screen
from longshort.errors import DataError, Interrupted
from tests.commands import longshort
from tests.conftest import QUICK, hourly, sets

SMALL = sets({**QUICK, "model.context_length": 36, "model.horizon": 6, "train.max_epochs": 1})


def call(*arguments: object) -> tuple[int, dict[str, Any], str]:
    """The command with --json: exit code, the object, and stderr."""
    done = longshort(*arguments, "--json")
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.fixture(scope="module")
def gappy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hourly values of which one is missing."""
    path = tmp_path_factory.mktemp("data") / "gappy.csv"
    frame = hourly(480).with_row_index("row")
    frame = frame.with_columns(y=pl.when(pl.col("row") == 7).then(None).otherwise(pl.col("y")))
    frame.drop("row").write_csv(path)
    return path


def of_level(found: dict[str, Any], level: str) -> list[str]:
    return [remark["text"] for remark in found["messages"] if remark["level"] == level]


def test_every_command_that_works_has_one_object(gappy: Path, tmp_path: Path) -> None:
    run, config = tmp_path / "run", tmp_path / "c.toml"
    commands = {
        "check": ["check", gappy],
        "init": ["init", gappy, "--out", config, *SMALL],
        "train": ["train", "--config", config, "--out", run],
        "resume": ["train", "--resume", run],
        "run": ["run", gappy, "--out", tmp_path / "other", *SMALL],
        "predict": ["predict", run],
        "evaluate": ["evaluate", run, "--data", gappy],
        "backtest": ["backtest", gappy, "--windows", 2, *SMALL],
        "cell": ["cell", "LSTM"],
    }
    for name, arguments in commands.items():
        code, found, _ = call(*arguments)
        assert code == (1 if name == "check" else 0), name
        assert "error" not in found
        assert {remark["level"] for remark in found["messages"]} <= {*LEVELS, "info"}, name


def test_warnings_stand_inside_and_on_stderr(gappy: Path, tmp_path: Path) -> None:
    _, found, told = call("run", gappy, "--out", tmp_path / "run", *SMALL)
    (warning,) = of_level(found, "warning")
    assert warning.startswith("target 'y' is missing at 1 step")
    assert told.splitlines() == [f"warning: {warning}"]
    assert "480 steps of 1h in 1 series" in of_level(found, "info")[0]
    assert "train.loss = mse" in of_level(found, "decided")
    assert found["training"]["measure"] == "MSE (scaled)"


def test_notes_stand_inside_and_on_stderr(gappy: Path, tmp_path: Path) -> None:
    call("run", gappy, "--out", tmp_path / "run", *SMALL)
    code, found, told = call("predict", tmp_path / "run", "--horizon", 8)
    assert code == 0 and len(found["forecast"]) == 8
    (note,) = of_level(found, "note")
    assert note == "horizon 8 is beyond the trained 6: forecasts were fed back 1 times"
    assert f"note: {note}" in told.splitlines()


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["run"], "LongshortError", "no data: give a file"),
        (["run", "none.csv"], "DataError", "none.csv: no such file"),
        (["check", "none.csv"], "DataError", "none.csv: no such file"),
        (["init", "none.csv"], "DataError", "none.csv: no such file"),
        (["backtest", "none.csv"], "DataError", "none.csv: no such file"),
        (["train"], "ConfigError", "give --config FILE, DATA, or --resume RUN"),
        (["train", "--resume", "none"], "RunError", "no such run folder"),
        (["run", "x.csv", "--quantiles", "low"], "ConfigError", "numbers like 0.1,0.5,0.9"),
        (["run", "x.csv", "--set", "horizon"], "ConfigError", "write key=value"),
        (["predict", "none"], "RunError", "none: no such run folder"),
        (["evaluate", "none", "--data", "x"], "RunError", "none: no such run folder"),
        (["generate", "none"], "RunError", "none: no such run folder"),
        (["cell", "LSMT"], "ConfigError", "did you mean 'LSTM'?"),
        (["run", "x.csv", "--horizn", 3], "NoSuchOption", "--horizn"),
        (["run", "x.csv", "--horizon", "six"], "BadParameter", "--horizon"),
        (["predict"], "MissingParameter", "RUN"),
        (["forecast"], "UsageError", "No such command 'forecast'"),
    ],
    ids=str,
)
def test_failures_are_an_object_with_the_same_exit_code(
    arguments: list[object],
    kind: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, found, told = call(*arguments)
    assert code == 2
    assert found.keys() == {"error", "messages"}
    assert found["error"]["type"] == kind
    assert message in found["error"]["message"]
    assert found["error"]["message"].splitlines()[0] in told


def test_what_was_said_before_a_failure_stands_beside_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(Exception) as stop, Screen(as_json=True) as screen:
        screen.say("warning: of 3 rows one is odd")
        raise DataError("x.csv: all rows are odd")
    assert getattr(stop.value, "exit_code", None) == 2
    assert json.loads(capsys.readouterr().out) == {
        "error": {"type": "DataError", "message": "x.csv: all rows are odd"},
        "messages": [{"level": "warning", "text": "of 3 rows one is odd"}],
    }


def test_an_interrupt_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception) as stop, Screen(as_json=True):
        raise Interrupted("stopped after 3 of 9 steps and saved")
    assert getattr(stop.value, "exit_code", None) == 130
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "Interrupted"


def test_characters_that_a_pipe_lacks_are_escaped_as_json_has_it() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-m", "longshort", "check", "größe.csv", "--json"],
        capture_output=True,
        text=True,
        env={**__import__("os").environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 2
    assert "größe.csv: no such file" in json.loads(done.stdout)["error"]["message"]


def test_a_line_that_only_looks_like_a_level_is_a_remark() -> None:
    screen = Screen(as_json=True)
    screen.say("time: 3 columns")
    screen.say("note: a: b")
    assert screen.said == [
        {"level": "info", "text": "time: 3 columns"},
        {"level": "note", "text": "a: b"},
    ]
