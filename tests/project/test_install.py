"""What installing leaves where the native part cannot be built, or is not wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.paths import ROOT

NEEDED = ("pip", "scikit_build_core", "nanobind", "ninja", "cmake")
COMPILERS = {"CC", "CXX", "CFLAGS", "CXXFLAGS"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="the virtual environment is that of POSIX"),
    pytest.mark.skipif(
        any(find_spec(name) is None for name in NEEDED),
        reason=f"building without a network takes {', '.join(NEEDED)} in this environment",
    ),
]

USED = """
import torch
import longshort as ls
from longshort.errors import BackendError

try:
    import longshort._native
except ImportError as error:
    print("import:", error)
try:
    ls.nn.LSTM(3, 4, backend="native")
except BackendError as error:
    print("asked for:", error)
layer = ls.nn.LSTM(3, 4, peephole=True)
print("auto:", layer.backend_report())
out, _ = layer(torch.randn(5, 2, 3))
out.sum().backward()
y, state = layer.step(torch.randn(2, 3))
print("ran:", tuple(out.shape), tuple(y.shape))
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The Python of a new virtual environment that sees the packages of this one."""
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # A line in a .pth file adds a folder, but not what the .pth files in that folder would add.
    (own / "these.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "python"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the project, without what was built in it."""
    left = shutil.ignore_patterns("build", ".*", "*.so", "__pycache__", "runs")
    return Path(shutil.copytree(ROOT, tmp_path / "source", ignore=left))


@pytest.fixture
def without_compilers(tmp_path: Path) -> dict[str, str]:
    """Environment variables of a machine that has CMake and Ninja and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cmake", "ninja"):
        found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        assert found is not None
        (folder / name).symlink_to(found)
    kept = {key: value for key, value in os.environ.items() if key not in COMPILERS}
    return kept | {"PATH": str(folder)}


def install(
    python: Path, source: Path, environment: dict[str, str], *definitions: str
) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps",
             "--no-build-isolation", "--no-index", "--disable-pip-version-check",
             *(f"--config-settings=cmake.define.{each}" for each in definitions),
             str(source)]  # fmt: skip
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def use(python: Path, folder: Path) -> dict[str, str]:
    """What a program that uses the package there prints, by the first word of the line."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-W", "error", "-c", USED],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


def test_without_a_compiler_the_package_runs_and_says_why(
    python: Path, source: Path, without_compilers: dict[str, str], tmp_path: Path
) -> None:
    done = install(python, source, without_compilers)
    assert done.returncode == 0, done.stdout + done.stderr
    said = use(python, tmp_path)
    reason = "no working C++ compiler was found when longshort was installed"
    assert said["import"] == reason
    assert reason in said["asked for"] and "use backend='auto'" in said["asked for"]
    assert said["auto"].startswith("torch: ") and reason in said["auto"]
    assert said["ran"] == "(5, 2, 4) (2, 4)"


def test_what_was_asked_for_is_built_or_the_install_fails(
    python: Path, source: Path, without_compilers: dict[str, str]
) -> None:
    done = install(python, source, without_compilers, "LONGSHORT_NATIVE=ON")
    assert done.returncode != 0
    assert "no working C++ compiler was found" in done.stdout + done.stderr


def test_the_native_part_can_be_left_out(python: Path, source: Path, tmp_path: Path) -> None:
    done = install(python, source, dict(os.environ), "LONGSHORT_NATIVE=OFF")
    assert done.returncode == 0, done.stdout + done.stderr
    said = use(python, tmp_path)
    assert said["import"] == "LONGSHORT_NATIVE=OFF was given when longshort was installed"
    assert said["import"] in said["asked for"]
