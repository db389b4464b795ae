"""The command that compares: its tables, its JSON, its refusals, going on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import longshort, refused

QUICK = [
    *("--task", "classify", "--rates", "0.01", "--set", "model.hidden=4", "--set"),
    *("train.max_epochs=1", "--set", "train.threads=1", "--set", "model.members=1"),
]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lines") / "lines.csv"
    rows = [f"a {word} day {n},{word}" for n in range(40) for word in ("fine", "bad")]
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    return path


def test_cells_are_compared_and_the_command_again_goes_on(lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ["compare", lines, *QUICK, "--cells", "lstm, gru", "--pairs", 2, "--out", out]
    done = longshort(*given)
    assert done.returncode == 0, done.stderr
    assert "pair  2 of 2  gru" in done.stderr and "price: 2 alternatives" in done.stderr
    assert "No claim is made" in done.stdout and f"Page: {out / 'compare.html'}" in done.stdout
    rows = [line.split()[0] for line in done.stdout.splitlines() if line and line[0] != " "]
    assert rows[:3] == ["lstm", "gru", "lstm"]
    again = longshort(*given, "--json")
    found = json.loads(again.stdout)
    assert found["verdict"] in done.stdout
    assert found["choice"] in ("lstm", "gru") and found["page"] == str(out / "compare.html")


def test_settings_are_compared(lines: Path, tmp_path: Path) -> None:
    given = ["--vary", "model.pooling=last,max", "--pairs", 1, "--out", tmp_path / "out", "--json"]
    done = longshort("compare", lines, *QUICK, *given)
    assert [row["name"] for row in json.loads(done.stdout)["alternatives"]] == ["last", "max"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--cells", "lstm,gruu"], "did you mean 'GRU'"),
        (["--cells", "lstm"], "two alternatives or more"),
        ([], "give either cells"),
        (["--cells", "lstm,gru", "--rates", "quick"], "numbers like 0.001,0.01"),
        (["--cells", "lstm,gru", "--pairs", "0"], "pairs: 1 or more"),
        (["--vary", "model.poolin=a,b"], "unknown key 'model.poolin'; did you mean 'pooling'"),
        (["--vary", "model.pooling"], "write key=value,value"),
        (["--cells", "lstm,gru", "--size", "model.pooling"], "model.pooling is no size"),
    ],
)
def test_wrong_use_is_explained(lines: Path, tmp_path: Path, given: list[str], said: str) -> None:
    message = refused("compare", lines, *QUICK[:2], *given, "--out", tmp_path / "out")
    assert said in message
    assert not (tmp_path / "out").exists()


def test_errors_are_json_too(lines: Path) -> None:
    assert "did you mean" in refused("compare", lines, "--cells", "lstm,gruu", "--json")
