"""`longshort doctor`: exit codes, JSON, the page, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import longshort, refused

SMALL = ("--set", "model.hidden=4", "--set", "train.max_epochs=1", "--set", "train.threads=1")
SHORT = ("--steps", "2", "--budget", "0.01")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of short labelled texts."""
    path = tmp_path_factory.mktemp("data") / "lines.txt"
    words = ("no one came", "yes we did")
    path.write_text("".join(f"{'ab'[n % 2]} {words[n % 2]} {n}\n" for n in range(80)))
    return path


@pytest.fixture(scope="module")
def run(lines: Path) -> Path:
    """A finished run on it."""
    out = lines.parent / "run"
    done = longshort("run", lines, "--task", "classify", "--out", out, *SMALL)
    assert done.returncode == 0, done.stderr
    return out


def test_a_run_is_examined_and_gets_a_page(run: Path) -> None:
    done = longshort("doctor", run, *SHORT, "--json", "--seed", "5")
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["healthy"] else 1)
    assert told["seed"] == 5
    assert {"settings", "one batch", "course"} <= told["measured"].keys()
    page = (run / "doctor.html").read_text()
    assert "How to reproduce it" in page
    assert "--seed 5 --steps 2" in page


def test_data_are_examined_with_settings(lines: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = longshort("doctor", lines, "--task", "classify", *SMALL, *SHORT, "-o", page)
    assert done.returncode in (0, 1), done.stderr
    assert f"Page: {page}" in done.stdout
    assert "checked:" in done.stdout


def test_an_unknown_picture_is_refused(run: Path) -> None:
    assert "--show: there is gradients, got 'nonsense'" in refused(
        "doctor", run, "--show", "nonsense"
    )


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    assert "without config.toml, so it is no run" in refused("doctor", tmp_path)


def test_a_run_takes_no_settings(run: Path) -> None:
    assert "a run has its settings" in refused("doctor", run, "--task", "classify")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refused("doctor", tmp_path / "nothing.csv")
