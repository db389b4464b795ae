"""Tasks and cells of other packages: how they are found, and what is said of broken ones."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

import longshort as ls
from longshort.cells.named import find_cell
from longshort.errors import ConfigError
from longshort.registry import TASKS
from longshort.runs import story
from longshort.runs.lookup import find_task
from tests.commands import longshort, started
from tests.paths import ROOT

EXAMPLE = ROOT / "examples" / "which_came_first"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example's package, as pip installs it, and data for it."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    where = ["--no-build-isolation", "--target", str(folder), str(EXAMPLE)]
    subprocess.run([*pip, *where], check=True, capture_output=True)
    draw, lines = random.Random(0), []
    for _ in range(300):
        letters = [draw.choice("xyz") for _ in range(draw.randint(6, 12))]
        first, second = sorted(draw.sample(range(len(letters)), 2))
        label = draw.choice("AB")
        letters[first], letters[second] = label, "B" if label == "A" else "A"
        lines.append(f"{''.join(letters)}\t{label}\n")
    (folder / "lines.txt").write_text("".join(lines))
    return folder


def test_a_task_of_another_package_has_everything_that_ours_have(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = installed / "lines.txt", tmp_path / "run"
    asked = ("run", data, "--task", "first", "--out", out, "--json", "-q")
    done = started(*asked, path=installed)
    monkeypatch.syspath_prepend(str(installed))
    shown = longshort("run", "--task", "first", "--help")
    assert "--seed" in shown.stdout and "--quantiles" not in shown.stdout
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)
    assert scores["outcome"] == "better" and set(scores["test"]["baselines"]) == {"majority"}
    page = (out / "report.html").read_text()
    assert scores["verdict"] in page and "majority" in page
    table = longshort("predict", out, "--data", data).stdout.splitlines()
    assert table[0] == "place,label,first" and len(table) == 301
    checked = longshort("check", data, "--task", "first", "--json")
    assert [each["code"] for each in json.loads(checked.stdout)["findings"]] == ["lines"]


def test_a_cell_of_another_package_is_named_by_its_module_or_its_entry(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed))
    assert find_cell("leaky") is find_cell("which_came_first:Leaky")
    settings = {"text.tokens": "characters", "model.members": 1, "train.max_epochs": 1}
    texts, labels = [f"aab{i}" for i in range(80)], ["x", "y"] * 40
    run = ls.Classifier(cell="leaky", hidden=4, settings=settings).fit(texts, labels)
    assert run.verdict and "Leaky" in (run.path / "README.md").read_text()


def entry(folder: Path, package: str, lines: str, module: str = "") -> None:
    """A package as an installer leaves it."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[longshort.tasks]\n{lines}\n")
    if module:
        (folder / f"{package}.py").write_text(module)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_an_entry_that_cannot_be_imported_names_its_package(site: Path) -> None:
    entry(site, "torn", "torn = torn:Task", "import nothing_of_this_name")
    with pytest.raises(ConfigError, match=r"'torn' cannot be imported from 'torn:Task' of the p"):
        find_task("torn")


def test_a_broken_package_does_not_break_the_others(site: Path) -> None:
    entry(site, "torn", "torn = torn:Task", "import nothing_of_this_name")
    assert "torn" in TASKS.names() and find_task("tag").name == "tag"
    with pytest.raises(ConfigError, match="task: 'tga' is not known; did you mean 'tag'"):
        story.run({"task": "tga"}, site / "run", data=["x"])


def test_two_packages_with_a_task_of_one_name_are_both_named(site: Path) -> None:
    entry(site, "one", "twice = one:Task")
    entry(site, "other", "twice = other:Task")
    with pytest.raises(ConfigError, match=r"'twice' is given by one and by other .*rename"):
        find_task("twice")


def test_a_task_of_ours_cannot_be_replaced_in_silence(site: Path) -> None:
    entry(site, "rude", "tag = rude:Task")
    with pytest.raises(ConfigError, match="'tag' is given by longshort and by rude"):
        find_task("tag")


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("Task = 3", r"'odd' names a int; its entry point has to name a class"),
        ("class Task: pass", r"is no longshort\.runs\.task\.Task; derive it from that class"),
        (
            "from longshort.runs.sample_task import SampleTask\n"
            "class Task(SampleTask): name = 'odd'",
            r"misses baselines, build.*fit_encoder.*; define what the contract asks for",
        ),
    ],
    ids=["no class", "no task", "methods missing"],
)
def test_what_a_task_lacks_is_named(site: Path, module: str, message: str) -> None:
    entry(site, "odd", "odd = odd:Task", module)
    sys.modules.pop("odd", None)
    with pytest.raises(ConfigError, match=message):
        find_task("odd")


def test_a_setting_without_help_is_named(site: Path) -> None:
    module = (EXAMPLE / "which_came_first.py").read_text()
    module = module.replace(', description="units of the recurrent layer"', "")
    entry(site, "mute", "first = mute:FirstTask", module)
    with pytest.raises(ConfigError, match=r"its setting model\.hidden has no help; give its field"):
        find_task("first")


def test_the_example_is_short() -> None:
    assert len((EXAMPLE / "which_came_first.py").read_text().splitlines()) <= 150
