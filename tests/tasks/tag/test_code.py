"""A tagger as code: tags are those of predict, whoever asks."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longshort.errors import ConfigError
from longshort.runs.bundle import Bundle, read_bundle
from longshort.runs.coding import portable_of
from longshort.runs.exporting import export_run
from longshort.runs.forms import export_as
from longshort.runs.portable import replayed
from longshort.runs.trained import load
from tests.tiny_runs import small
from tests.written import built, said_of

SENTENCE = "Mr Otto in the new town of Rome"


@pytest.fixture(scope="module")
def path(small_run: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("bundle") / "tag.longshort"
    export_run(small_run("tag"), found, memory=small("tag")[1])
    return found


@pytest.fixture
def bundle(path: Path) -> Bundle:
    return read_bundle(path)


def test_recorded_tags_are_the_best_paths(bundle: Bundle) -> None:
    _, (part,) = portable_of(bundle, None)
    for (tags, scores), given in zip(replayed([part], part), part.part.trials, strict=True):
        count = int(given["count"][0])
        assert (tags[count:] == -1).all() and tags.shape == (40, 1)
        assert (tags[:count] >= 0).all() and scores.shape == (40, 1, len(bundle.model.encoder.tags))


def test_the_page_marks_what_predict_finds(path: Path, tmp_path: Path) -> None:
    wanted = load(path).session().step(SENTENCE)
    said = said_of(path, SENTENCE, tmp_path)
    spans = re.findall(r"B-(\w+)", " ".join(wanted["tags"]))
    for kind in set(spans):
        assert f"{kind}:" in said
    shares = {f"{100 * each:.0f} %" for each in wanted["entity_probabilities"] if each is not None}
    assert set(re.findall(r"(\d+ %)", said)) == shares
    assert ("Nothing was found" in said) == (not spans)


def test_sentences_can_be_shorter(bundle: Bundle) -> None:
    _, (part,) = portable_of(bundle, 3)
    assert all(given["words"].shape == (3, 1) for given in part.part.trials)
    assert all(given["count"].max() <= 3 for given in part.part.trials)
    with pytest.raises(ConfigError, match="a whole number from 1"):
        portable_of(bundle, 0)


def test_a_wrong_choice_fails_the_test_in_c(path: Path, tmp_path: Path) -> None:
    export_as("c", path, tmp_path / "m")
    test = tmp_path / "m" / "m_test.c"
    text = test.read_text()
    answer = re.search(r"run_0_answer0\[40\] = \{([\d.]+)f", text)
    assert answer is not None
    begin, end = answer.span(1)
    test.write_text(f"{text[:begin]}{float(answer[1]) + 1:.1f}{text[end:]}")
    done: subprocess.CompletedProcess[str] = built(tmp_path / "m", "-O0")
    assert done.returncode == 1


def test_int8_chooses_the_same_tags(path: Path, bundle: Bundle, tmp_path: Path) -> None:
    export_as("c", path, tmp_path / "m", weights="int8")
    assert built(tmp_path / "m", "-O0").returncode == 0


def test_sizes_are_open_in_onnx(path: Path, bundle: Bundle, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    export_as("onnx", path, tmp_path / "m.onnx")
    session = runtime.InferenceSession(str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
    run = load(path)
    samples = run.task.read_lines([SENTENCE, "mr otto"], 1, run.model)
    batch = run.task.encode(run.encoder, samples).batch(np.arange(2))
    given = {
        "words": batch.words, "shapes": batch.shapes, "which": batch.which,
        "spellings": batch.spellings, "spelled": batch.spelled, "count": batch.lengths,
    }  # fmt: skip
    tags, _ = session.run(None, given)
    known = run.encoder.tags
    found = run.predict(samples)
    for row, wanted in enumerate(found.tags):
        assert [known[k] for k in tags[: len(wanted), row]] == wanted
