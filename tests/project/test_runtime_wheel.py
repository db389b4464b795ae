"""The runtime distribution: built as a wheel, and used where there is neither torch nor polars."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from longshort.runs.exporting import export_run
from tests.paths import ROOT
from tests.session_steps import steps_of
from tests.tiny_runs import small

pytestmark = pytest.mark.slow
NEEDED = ("numpy", "pydantic", "safetensors")
TASKS = (
    "classify", "regress", "tag", "lm", "translate", "summarise", "caption", "forecast", "anomaly"
)  # fmt: skip
USE = """
import sys
sys.path.append({site!r})
from longshort_runtime import load
model = load({bundle!r})
session = model.session()
*first, last = {steps!r}
answers = [session.step(x) for x in first]
kept = model.restore(session.snapshot())
assert kept.step(last) == session.step(last)
loaded = {{name.partition(".")[0] for name in sys.modules}}
assert not loaded & {{"torch", "polars", "matplotlib", "typer"}}, loaded
print(model.executor)
"""


def requirements(names: tuple[str, ...]) -> set[str]:
    """Distributions that these need, with all that they need in turn, without extras."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if distribution.metadata["Name"] in found:
            continue
        found.add(distribution.metadata["Name"])
        for each in distribution.requires or ():
            if "extra ==" not in each:
                waiting.append(each.split(";")[0].split("[")[0].strip("<>=!~ .0123456789,()"))
    return found


def linked(site: Path, names: tuple[str, ...]) -> None:
    """Link distributions of this environment into a folder."""
    purelib = Path(sysconfig.get_path("purelib"))
    for name in requirements(names):
        tops = {Path(each).parts[0] for each in importlib.metadata.files(name) or ()}
        for top in tops - {"..", "__pycache__"}:
            if not (site / top).exists() and (purelib / top).exists():
                (site / top).symlink_to(purelib / top)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("scikit_build_core")
    out = tmp_path_factory.mktemp("wheel")
    how = ["--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *how, str(ROOT / "runtime"), "-w", str(out)],
        check=True,
    )
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the wheel and what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    linked(folder, NEEDED)
    return folder


def python(code: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", "-I", *flags, "-c", code], capture_output=True, text=True
    )


def test_both_distributions_have_one_version(wheel: Path) -> None:
    assert wheel.name.split("-")[1] == importlib.metadata.version("longshort")


def test_the_wheel_is_light(wheel: Path) -> None:
    assert wheel.stat().st_size < 2_500_000
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert not [name for name in names if "/longshort/nn/" in name or name.endswith(".csv")]
    assert any(name.endswith("packages/longshort/LICENSE") for name in names)


@pytest.mark.parametrize("task", TASKS)
def test_a_session_runs_without_torch_and_polars(
    task: str, site: Path, small_run: Callable[[str], Path], tmp_path: Path
) -> None:
    bundle = tmp_path / "model.longshort"
    export_run(small_run(task), bundle, memory=small(task)[1])
    done = python(USE.format(site=str(site), bundle=str(bundle), steps=steps_of(task)))
    assert done.returncode == 0, done.stderr
    assert "native" in done.stdout


def test_the_command_says_what_it_needs(site: Path) -> None:
    code = "from longshort_runtime import main; main()"
    done = python(f"import sys; sys.path.append({str(site)!r}); {code}")
    assert done.returncode == 1
    assert "pip install 'longshort-runtime[command]'" in done.stderr
