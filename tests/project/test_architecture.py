"""The import rule, and that starting the command stays cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from longshort.registry import TASKS
from tests.paths import ROOT

SOURCE = ROOT / "src" / "longshort"

NATIVE = "_native"
"""The module in C++, which has no source here."""

LAYERS = [
    {NATIVE},
    {"errors", "version"},
    {"lazy"},
    {"registry"},
    {"config", "faq", "runfolder", "tables"},
    {"engine"},
    {"cells"},
    {"runtime"},
    {"data", "nn", "metrics", "decoding"},
    {"interchange"},
    {"export"},
    {"train"},
    {"report"},
    {"runs"},
    {"tuning", "diagnosis"},
    {"tasks"},
    {"explanation", "serve"},
    {"api"},
    {"cli"},
    {"__main__"},
]
"""From the bottom up: a module may import from rows below its own, and from its own package."""

FORBIDDEN = set(permutations(("data", "nn", "metrics", "decoding"), 2))


def place(package: str) -> int:
    return next(i for i, row in enumerate(LAYERS) if package in row)


def modules_in(path: Path) -> list[str]:
    """Whatever a source imports, wherever in it; names imported from a package are modules too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            is_package = (SOURCE.parent / Path(*node.module.split("."))).is_dir()
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += names if is_package else [node.module]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return found


def imports() -> list[tuple[str, str, str]]:
    """(importing package, imported package, imported module) over all sources."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        for module in modules_in(path):
            parts = module.split(".")
            if parts[0] == "longshort" and len(parts) > 1 and own != "__init__":
                found.append((own, parts[1], module))
    return found


def test_imports_point_down() -> None:
    edges = imports()
    assert len(edges) > 50
    for own, other, module in edges:
        if own == other:
            continue
        assert place(other) < place(own), f"{own} imports {module}, which lies above or beside it"


def test_tasks_do_not_know_each_other() -> None:
    tasks = {path.name for path in (SOURCE / "tasks").iterdir() if (path / "task.py").exists()}
    assert tasks == {place.split(".")[2] for place in TASKS.own.values()}
    for task in tasks:
        for path in (SOURCE / "tasks" / task).rglob("*.py"):
            parts = (module.split(".") for module in modules_in(path))
            others = {p[2] for p in parts if p[:2] == ["longshort", "tasks"] and len(p) > 2}
            assert not others & (tasks - {task}), path


def test_sisters_do_not_know_each_other() -> None:
    assert not {(own, other) for own, other, _ in imports()} & FORBIDDEN


def test_decoding_needs_errors_only() -> None:
    assert {other for own, other, _ in imports() if own == "decoding"} == {"decoding", "errors"}


def test_every_module_has_a_place_in_the_rule() -> None:
    names = {p.relative_to(SOURCE).parts[0].removesuffix(".py") for p in SOURCE.rglob("*.py")}
    assert names - {"__init__"} == set().union(*LAYERS) - {NATIVE}


@pytest.mark.parametrize(
    ("folder", "foreign"),
    [
        ("engine/printing", "longshort.engine.executors"),
        ("engine/executors/native", "longshort.engine.executors.triton"),
        ("engine/executors/triton", "longshort.engine.executors.native"),
        ("engine/executors", "longshort.engine.printing"),
    ],
)
def test_printing_and_the_two_compilers_do_not_know_each_other(folder: str, foreign: str) -> None:
    modules = [m for path in (SOURCE / folder).rglob("*.py") for m in modules_in(path)]
    assert "longshort.engine.graph" in modules
    assert not [module for module in modules if module.startswith(foreign)]


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_loads_no_heavy_library(arguments: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['longshort', *{arguments!r}]\n"
        "from longshort.cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'polars', 'matplotlib', 'jinja2', 'safetensors'}\n"
        "print('loaded:', sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("loaded: []")


def test_package_import_loads_nothing() -> None:
    code = "import sys, longshort; print({'torch', 'polars', 'numpy'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_public_name_resolves_and_is_documented() -> None:
    import longshort as ls

    for name in ls.__all__:
        assert getattr(ls, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = ls.nonsense
