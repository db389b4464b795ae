"""Shared code names no task, and commands load what they need and no more."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import longshort
from longshort.registry import TASKS
from tests.paths import ROOT

SOURCE = ROOT / "src" / "longshort"
SHARED = ("runs", "train", "report", "config", "metrics", "cli", "explanation")


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Texts of a module but for its docstrings, with their lines."""
    tree = ast.parse(path.read_text())
    docs = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs:
            yield node.lineno, node.value


def modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def shared() -> list[Path]:
    return [path for folder in SHARED for path in (SOURCE / folder).rglob("*.py")]


@pytest.mark.parametrize("name", list(TASKS.own))
def test_shared_code_does_not_name_a_task(name: str) -> None:
    for path in shared():
        said = [(line, text) for line, text in strings(path) if text == name]
        if path.name == "options.py":
            said = [each for each in said if each[1] != TASKS.usual]  # what --task shows
        assert not said, f"{path}: {said}"


@pytest.mark.parametrize("folder", ["runs", "train", "report", "metrics", "data", "explanation"])
def test_what_tasks_share_imports_no_task(folder: str) -> None:
    for path in (SOURCE / folder).rglob("*.py"):
        found = [each for each in modules(path) if each.startswith("longshort.tasks.")]
        assert not found, f"{path}: {found}"


def test_tasks_do_not_import_each_other() -> None:
    for folder in (SOURCE / "tasks").iterdir():
        for path in folder.rglob("*.py") if folder.is_dir() else ():
            own = f"longshort.tasks.{folder.name}"
            found = [m for m in modules(path) if m.startswith("longshort.tasks.")]
            assert all(m == own or m.startswith(f"{own}.") for m in found), path


def loaded(*arguments: str) -> set[str]:
    """Heavy libraries that a command has loaded in the end."""
    code = (
        f"import sys; sys.argv = ['longshort', *{list(arguments)!r}]\n"
        "from longshort.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(' '.join({'torch', 'matplotlib', 'jinja2'} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


EXAMPLES = [
    "topics",
    "recipes",
    "shakespeare",
    "co2",
    "weather",
    "phrases",
    "subjects",
    "syllables",
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_data_are_checked_without_torch_and_plotting(example: str) -> None:
    assert loaded("check", "--example", example) == set()


@pytest.mark.parametrize("example", EXAMPLES)
def test_settings_are_written_without_torch_and_plotting(example: str, tmp_path: Path) -> None:
    assert loaded("init", "--example", example, "--out", str(tmp_path / "x.toml")) == set()


def test_predicting_loads_no_plotting(tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("".join(f"{'ab'[n % 2]} some text {n}\n" for n in range(60)))
    out, small = str(tmp_path / "run"), ["model.hidden=4", "train.max_epochs=1"]
    sets = [part for each in small for part in ("--set", each)]
    flags = ["--task", "classify", "--out", out, *sets]
    subprocess.run([sys.executable, "-m", "longshort", "run", str(lines), *flags], check=True)
    assert loaded("predict", out, "--data", str(lines)) == {"torch"}


def test_no_module_is_long() -> None:
    long = {
        str(path.relative_to(SOURCE)): count
        for path in SOURCE.rglob("*.py")
        if (count := len(path.read_text().splitlines())) > 500
    }
    assert not long


def test_tests_lie_in_the_folder_of_what_they_test() -> None:
    tests = ROOT / "tests"
    found = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    assert Path("tasks", "forecast") in found
    astray = [str(each) for each in found - {Path("project")} if not (SOURCE / each).is_dir()]
    assert not astray, f"tests/ has folders that src/longshort/ has not: {astray}"
    assert Path() not in found, "a test lies at the top of tests/, where helpers are"


def test_the_version_stands_once() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{longshort.__version__}"' in text
