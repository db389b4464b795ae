"""Runs exported as C, as a page and for ONNX Runtime: each replays the bundle's answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort.data.labelled import examples_of
from longshort.errors import ConfigError
from longshort.export.code.c_files import _comment
from longshort.runs import story
from longshort.runs.bundle import read_bundle
from longshort.runs.coding import portable_of
from longshort.runs.exporting import export_run
from longshort.runs.forms import export_as
from longshort.runs.portable import replayed
from longshort.runs.trained import load
from tests.commands import longshort, refused
from tests.tiny_runs import small
from tests.written import CLEAN, built, opened, said_of, scripted

TASKS = ("forecast", "classify", "regress", "lm", "tag")
CHECKED = ("regress", "tag")
"""Tasks whose code runs under sanitizers."""


@pytest.fixture(scope="module")
def bundle(
    small_run: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    folder, made = tmp_path_factory.mktemp("bundles"), dict[str, Path]()

    def of(task: str) -> Path:
        if task not in made:
            made[task] = folder / f"{task}.longshort"
            export_run(small_run(task), made[task], memory=small(task)[1])
        return made[task]

    return of


@pytest.mark.parametrize("task", TASKS)
def test_c_files_replay_recorded_answers(
    task: str, bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    found = export_as("c", bundle(task), tmp_path / "own_model", steps=None)
    assert set(found.facts["files"]) == {f"own_model{end}" for end in (".h", ".c", "_test.c")}
    done = built(tmp_path / "own_model", *(CLEAN if task in CHECKED else ("-O0",)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(done.stdout.split()[2].rstrip(",")) < 1e-5


def test_c_files_with_a_wrong_weight_fail_their_test(
    bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    export_as("c", bundle("regress"), tmp_path / "m")
    path = tmp_path / "m" / "m.c"
    text = path.read_text()
    numbers = re.search(r"m_w\d+\[\d{2,}\] = \{\s*(-?[\d.e-]+f)", text)
    assert numbers is not None
    begin, end = numbers.span(1)
    path.write_text(text[:begin] + "9.0f" + text[end:])
    assert built(tmp_path / "m", "-O0").returncode == 1


def test_c_files_that_answer_nan_fail_their_test(
    bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    export_as("c", bundle("regress"), tmp_path / "m")
    test = tmp_path / "m" / "m_test.c"
    # A NaN at the first of several numbers, with right ones behind it.
    test.write_text(
        test.read_text().replace(
            "int main(void) {\n",
            "int main(void) {\n    static const float own[2] = {(float)NAN, 1.0F}, "
            "wanted[2] = {1.0F, 1.0F};\n    compare(own, wanted, 2);\n",
            1,
        )
    )
    assert built(tmp_path / "m").returncode == 1


def test_names_cannot_leave_the_comment_of_a_header() -> None:
    assert _comment("a*/ int x; /*\nb\\") == "a* / int x; / * b/"


def test_weights_in_int8_make_the_source_smaller(
    bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    whole = export_as("c", bundle("lm"), tmp_path / "whole").facts["files"]["whole.c"]
    short = export_as("c", bundle("lm"), tmp_path / "short", weights="int8").facts["files"]
    assert short["short.c"] < 0.5 * whole
    assert built(tmp_path / "short", "-O0").returncode == 0


def test_answers_are_those_of_predict_in_the_users_units(bundle: Callable[[str], Path]) -> None:
    found, run = read_bundle(bundle("regress")), load(bundle("regress"))
    _, (part, *_) = portable_of(found, None)
    draw = np.random.default_rng(5)
    steps = part.examples[0].shape[0]
    given = [draw.normal(size=(steps - 1, 2)), draw.normal(size=(steps, 2))]
    expected = run.predict(run.read(given))
    for values, wanted in zip(given, expected, strict=True):
        padded = np.zeros((steps, 1, 2), np.float32)
        padded[: len(values), 0] = values
        trial: dict[str, Any] = {"x": padded, "count": np.array([len(values)])}
        asked = replace(part, part=replace(part.part, trials=[trial]))
        ((own,),) = replayed([asked], asked)
        np.testing.assert_allclose(own[0], wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_the_page_replays_recorded_answers_in_a_browser(
    task: str, bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    found = export_as("web", bundle(task), page)
    assert found.facts["without_weights"] < 150_000 and found.facts["code"] < 60_000
    text = page.read_text()
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "src=" not in text
    body = opened(page, tmp_path)
    said = dict(re.findall(r'data-(\w+)="([^"]*)"', body))
    assert said["ready"] == "yes" and float(said["difference"]) < 1e-5
    assert int(said["calls"]) >= 2
    assert 'role="status"' in body and "<textarea" in body


def test_what_is_typed_into_a_page_gets_the_answer_of_predict(
    bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    typed = "a fine day and another bad day"
    wanted = load(bundle("classify")).session().step(typed)
    said = said_of(bundle("classify"), typed, tmp_path)
    for label in ("good", "bad"):
        assert re.search(rf"{label}\s+{100 * wanted[f'p_{label}']:.1f} %", said), said


def test_the_text_of_a_page_has_no_unknown_words(
    bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    export_as("web", bundle("classify"), page)
    script = "document.body.dataset.said = document.querySelector('textarea').value;"
    said = re.search(r'data-said="([^"]*)"', opened(scripted(page, script), tmp_path))
    assert said is not None and said[1].startswith("a ") and "unk" not in said[1]


def test_a_file_beside_the_onnx_file_is_not_overwritten(
    bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    draw = np.random.default_rng(0)
    arrays = [draw.normal(size=(6, 2)) for _ in range(60)]
    data = examples_of(arrays, [float(each.sum()) for each in arrays])
    model = {"hidden": 4, "summary": False}
    train = {"max_epochs": 1, "threads": 1}
    story.run({"task": "regress", "model": model, "train": train}, tmp_path / "run", data=data)
    beside = tmp_path / "model_step.onnx"
    beside.write_text("precious")
    with pytest.raises(ConfigError, match=r"model_step\.onnx: exists already; give --overwrite"):
        export_as("onnx", tmp_path / "run", tmp_path / "model.onnx", memory=data)
    assert beside.read_text() == "precious" and not (tmp_path / "model.onnx").exists()
    export_as("onnx", tmp_path / "run", tmp_path / "model.onnx", memory=data, overwrite=True)
    assert beside.stat().st_size > 100 and (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("task", TASKS)
def test_onnx_runtime_answers_as_the_bundle(
    task: str, bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    found = export_as("onnx", bundle(task), tmp_path / "model.onnx")
    assert found.facts["largest_difference"] < 1e-5 and found.facts["calls"] >= 2
    states = [each for each in found.facts["inputs"] if each.startswith("state")]
    new = [each for each in found.facts["outputs"] if each.startswith("state")]
    assert [f"{each}_n" for each in states] == new
    assert len(states) == (4 if task == "lm" else 0)
    assert not (tmp_path / "model.onnx.data").exists()


def test_sizes_are_open_in_onnx(bundle: Callable[[str], Path], tmp_path: Path) -> None:
    """A batch of sequences of other lengths than those that were recorded."""
    runtime = pytest.importorskip("onnxruntime")
    export_as("onnx", bundle("regress"), tmp_path / "model.onnx")
    session = runtime.InferenceSession(
        str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    run, draw = load(bundle("regress")), np.random.default_rng(3)
    given = [draw.normal(size=(n, 2)).astype(np.float32) for n in (3, 17, 8)]
    x = np.zeros((17, 3, 2), np.float32)
    for row, each in enumerate(given):
        x[: len(each), row] = each
    feeds = {"x": x, "count": np.array([3, 17, 8])}
    found = session.run(None, feeds)[0]
    np.testing.assert_allclose(found, run.predict(run.read(given)), rtol=1e-4, atol=1e-5)


def test_the_command_writes_each_form(bundle: Callable[[str], Path], tmp_path: Path) -> None:
    given = bundle("regress")
    for form, name in (("c", "files"), ("web", "size")):
        out = tmp_path / form
        done = longshort("export", given, "--to", form, "-o", out, "--json")
        assert done.returncode == 0, done.stderr
        assert out.exists() and name in json.loads(done.stdout)
    assert "exists" in refused("export", given, "--to", "web", "-o", tmp_path / "web")


def test_what_cannot_be_written_is_said(bundle: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "already" in refused("export", bundle("regress"), "-o", out)
    assert "--to c" in refused("export", bundle("regress"), "--steps", "3", "-o", out)
    assert "leave it out" in refused("export", bundle("lm"), "--to", "c", "--steps", "3", "-o", out)
    said = refused("export", bundle("regress"), "--to", "onnx", "--weights", "int8", "-o", out)
    assert "--to onnx has float32, got 'int8'" in said
    assert not out.exists()
    out.mkdir()
    given = ("export", bundle("regress"), "--overwrite", "--to")
    assert "is a folder" in refused(*given, "web", "-o", out)
    assert "into a folder" in refused(*given, "c", "-o", bundle("lm"))


@pytest.mark.parametrize("library", ["onnx", "onnxruntime"])
def test_a_library_that_is_missing_is_named(
    library: str, bundle: Callable[[str], Path], tmp_path: Path
) -> None:
    code = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from longshort.cli.main import main\n"
        f"sys.argv = ['longshort', 'export', {str(bundle('regress'))!r}, '--to', 'onnx', "
        f"'-o', {str(tmp_path / 'm.onnx')!r}]\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "pip install 'longshort[onnx]'" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", ["c", "web", "onnx"])
def test_tasks_without_code_are_refused_before_any_work(
    small_run: Callable[[str], Path], tmp_path: Path, form: str
) -> None:
    run = small_run("read")
    (tmp_path / "run").mkdir()
    for name in ("config.toml", "data.json"):  # without the weights nothing else can be done
        (tmp_path / "run" / name).write_bytes((run / name).read_bytes())
    with pytest.raises(ConfigError, match="'read' cannot become code; a bundle runs them"):
        export_as(form, tmp_path / "run", tmp_path / "out")
