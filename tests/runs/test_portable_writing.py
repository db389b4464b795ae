"""Networks that read a sample and write a text, as code: token by token as decoding has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort.data.coding import BEGIN, END
from longshort.errors import ConfigError
from longshort.runs.bundle import read_bundle
from longshort.runs.coding import portable_of
from longshort.runs.exporting import export_run
from longshort.runs.forms import export_as
from longshort.runs.portable import replayed
from longshort.runs.portable_sequences import refuse_tokens
from longshort.runs.trained import load
from longshort.runs.writing import Writing
from tests.tiny_runs import small
from tests.written import FORMS, built, opened, said_of, scripted

TASKS = ("translate", "summarise", "caption")
SENTENCE = "the cat 3 sees a dog 5 here ."


@pytest.fixture(scope="module", params=TASKS)
def path(
    request: pytest.FixtureRequest,
    small_run: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    found = tmp_path_factory.mktemp(request.param) / f"{request.param}.longshort"
    export_run(small_run(request.param), found, memory=small(request.param)[1])
    return found


@pytest.mark.parametrize(("weights", "flags"), FORMS)
def test_c_files_replay_a_recorded_text(
    path: Path, weights: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    export_as("c", path, tmp_path / "m", weights=weights)
    done = built(tmp_path / "m", *flags)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_replays_a_recorded_text(path: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    export_as("web", path, page)
    said = dict(re.findall(r'data-(\w+)="([^"]*)"', opened(page, tmp_path)))
    assert said["ready"] == "yes" and float(said["difference"]) < 1e-5 and int(said["calls"]) > 2


def test_two_functions_of_onnx_share_a_state(path: Path, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    found = export_as("onnx", path, tmp_path / "m.onnx")
    session = runtime.InferenceSession(str(tmp_path / "m_step.onnx"))
    taken = [each.name for each in session.get_inputs()]
    assert [f"{name}_n" for name in taken if name.startswith("state")] == found.facts["outputs"]
    told = [each.name for each in session.get_outputs()]
    assert told[:3] == ["log_probabilities", "next", "attention"]
    assert "token" in taken and found.facts["largest_difference"] < 1e-5


def test_next_is_the_most_probable_token_of_a_text(path: Path) -> None:
    _, parts = portable_of(read_bundle(path), None)
    step = parts[1]
    tokens = [int(given["token"][0]) for given in step.part.trials]
    assert tokens[0] == BEGIN
    answers = replayed(parts, step)
    for (logs, best, _), following in zip(answers, [*tokens[1:], None], strict=True):
        assert int(best[0]) == int(np.argmax(logs[0, END:])) + END
        assert following is None or following == int(best[0])


def test_the_page_writes_what_a_greedy_search_does(path: Path, tmp_path: Path) -> None:
    run = load(path)
    if run.config.task == "caption":
        pytest.skip("images are not typed")
    samples = run.task.read_lines([SENTENCE], 1, run.model)
    (wanted,) = run.task.write(run.model, samples, Writing(beam=1)).texts
    said = said_of(path, SENTENCE, tmp_path)
    written = re.search(r"Written\s+(.*)\n", said)
    assert written is not None
    assert written[1] == (" ".join(wanted.split()) or "(nothing)")
    assert "9 of 9 tokens are known" in said


def test_features_of_another_size_are_refused_by_the_page(path: Path, tmp_path: Path) -> None:
    if load(path).config.task != "caption":
        pytest.skip("texts have no size")
    page = tmp_path / "page.html"
    export_as("web", path, page)
    script = """
        const field = document.querySelector("textarea");
        field.value = "1, 2, 3";
        field.dispatchEvent(new Event("input"));
        document.body.dataset.said = document.body.innerText;"""
    said = re.search(r'data-said="([^"]*)"', opened(scripted(page, script), tmp_path))
    assert said is not None and "24 numbers are expected (4 × 6), there are 3" in said[1]


def test_steps_are_those_of_a_source(path: Path) -> None:
    bundle = read_bundle(path)
    if bundle.model.config.task == "caption":
        with pytest.raises(ConfigError, match="fixed size; leave it out"):
            portable_of(bundle, 4)
        return
    _, (begin, _) = portable_of(bundle, 4)
    assert begin.examples[0].shape == (4, 1)
    with pytest.raises(ConfigError, match="--steps: a number from 1 to"):
        portable_of(bundle, 10_000)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({"tokens": "subwords", "written": []}, "cannot cut texts by 'subwords'"),
        ({"tokens": "spaced", "written": None}, "cannot join subwords"),
    ],
)
def test_subwords_are_refused_by_pages(page: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        refuse_tokens(page)
