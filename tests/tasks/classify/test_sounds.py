"""Recordings as what is classified: spoken words, with the tones of a scale for words."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import longshort as ls
from longshort.data.audio.listing import read_listing
from longshort.errors import ConfigError, DataError
from longshort.metrics.warping import warped_distances
from longshort.runs import story
from longshort.runs.exporting import export_run
from longshort.runs.prepare import read_splits
from longshort.runs.trained import load
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.task import ClassifyTask
from tests.commands import longshort
from tests.data.audio.sounds import noise, save, tone

RATE = 8000
PITCH = {"low": 300.0, "high": 1200.0}
QUICK: dict[str, Any] = {
    "task": "classify",
    "model": {"hidden": 4, "members": 1},
    "train": {"max_epochs": 2, "threads": 1},
}


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 48 recordings of two words by four speakers."""
    folder = tmp_path_factory.mktemp("words")
    rows = ["path,label,speaker"]
    draw = np.random.default_rng(0)
    for n in range(48):
        label, speaker = ("low", "high")[n % 2], f"s{n // 2 % 4}"
        sound = tone(PITCH[label] * draw.uniform(0.9, 1.1), draw.uniform(0.2, 0.4), RATE)
        save(folder / f"{n}.wav", sound + 0.2 * noise(len(sound) / RATE, RATE, n), RATE)
        rows.append(f"{n}.wav,{label},{speaker}")
    (folder / "words.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def finished(words: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "run"
    data = {"path": str(words / "words.csv"), "group": "speaker"}
    story.run(QUICK | {"data": data, "split": {"test_groups": "s3"}}, out)
    return out


def test_a_speaker_is_left_out(finished: Path) -> None:
    found = json.loads((finished / "data.json").read_text())
    assert found["split"].startswith("the test split is the groups s3; ")
    assert found["split"].endswith(" groups stay together")
    assert pl.read_csv(finished / "predictions.csv").height == 12


def test_sound_has_baselines_and_a_picture_of_its_own(finished: Path) -> None:
    scores = json.loads((finished / "scores.json").read_text())
    assert {"dtw", "cepstra", "statistics", "majority"} <= scores["test"]["baselines"].keys()
    assert scores["test"]["baselines"]["dtw"]["accuracy"] > 0.8
    assert "How they sound" in html.unescape((finished / "report.html").read_text())


def test_what_was_decided_is_kept(finished: Path) -> None:
    config = load(finished).config
    assert (config.data.format, config.audio.rate) == ("audio", RATE)


def test_files_folders_and_lists_are_predicted_alike(finished: Path, words: Path) -> None:
    run = ls.load(finished)
    files = [words / "0.wav", words / "1.wav"]
    both = run.predict_proba(files)
    np.testing.assert_allclose(both[:1], run.predict_proba(str(files[0])), atol=1e-6)
    whole = read_listing(words / "words.csv")
    at = whole.files.index(files[1])
    np.testing.assert_allclose(both[1], run.predict_proba(words)[at], atol=1e-6)


def test_another_rate_is_resampled(finished: Path, tmp_path: Path) -> None:
    run = ls.load(finished)
    slow = save(tmp_path / "a.wav", tone(300, 0.3, RATE), RATE)
    fast = save(tmp_path / "b.wav", tone(300, 0.3, 2 * RATE), 2 * RATE)
    np.testing.assert_allclose(run.predict_proba(slow), run.predict_proba(fast), atol=0.05)


def test_the_command_predicts_a_file(finished: Path, words: Path) -> None:
    found = longshort("predict", finished, "--data", words / "1.wav")
    assert found.returncode == 0
    assert found.stdout.splitlines()[0] == "place,label,p_high,p_low"
    assert found.stdout.splitlines()[1].startswith(str(words / "1.wav"))


def test_an_export_predicts_files(finished: Path, words: Path, tmp_path: Path) -> None:
    assert export_run(finished, tmp_path / "x.longshort").is_equal
    files = [words / "0.wav", words / "5.wav"]
    own, exported = (ls.load(each).predict_proba(files) for each in (
        finished, tmp_path / "x.longshort"))  # fmt: skip
    np.testing.assert_allclose(exported, own, atol=1e-5)


def test_text_files_are_refused_by_a_run_of_recordings(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a text\n")
    with pytest.raises(DataError, match=r"a\.txt: the run classifies recordings; give a file"):
        ls.load(finished).predict(str(tmp_path / "a.txt"))


def test_training_varies_and_prediction_does_not(words: Path, finished: Path) -> None:
    loud = load(finished)
    first, again = (loud.predict(loud.read(words / "0.wav")).p for _ in range(2))
    assert np.array_equal(first, again)


def test_a_stopped_training_goes_on_to_the_same_bits(words: Path, tmp_path: Path) -> None:
    from longshort.runfolder import RunFolder
    from longshort.runs.job import Job
    from longshort.runs.prepare import prepare

    def trained(until: int | None, name: str) -> Any:
        prepared = prepare(ClassifyTask(), QUICK, words / "words.csv", lambda _: None)
        job = Job(prepared, lambda _: None)
        folder = RunFolder.create(tmp_path / name, False, lambda _: None)
        if until is not None:
            job.train(folder, lambda _: None, resume=False, until=until)
            job = Job(prepared, lambda _: None)
        job.train(folder, lambda _: None, resume=until is not None)
        return job.tensors()

    whole, parts = trained(None, "a"), trained(1, "b")
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_the_splits_follow_the_groups(words: Path) -> None:
    settings = QUICK | {"data": {"group": "speaker"}, "split": {"test": 0.3, "val": 0.2}}
    config = ClassifyConfig.model_validate(settings)
    splits = read_splits(ClassifyTask(), config, words / "words.csv")
    parts = [set(each.groups or []) for each in splits.by_name().values()]
    assert len(parts) == 3 and not parts[0] & parts[1] and not (parts[0] | parts[1]) & parts[2]


@pytest.mark.parametrize(("changes", "error", "said"), [
    ({"split": {"test_groups": "s9"}, "data": {"group": "speaker"}}, ConfigError,
     "there is no group 's9'"),
    ({"split": {"test_groups": "s1"}}, ConfigError, r"no column of groups is named \(--group\)"),
    ({"split": {"test_groups": "s0,s1,s2,s3"}, "data": {"group": "speaker"}}, ConfigError,
     "these are all groups"),
    ({"data": {"group": "speakr"}}, DataError, "no column 'speakr'.*did you mean 'speaker'"),
    ({"data": {"label": "speakr"}}, DataError, "did you mean 'speaker'"),
    ({"text": {"tokens": "words"}}, ConfigError, "is of texts"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(
    changes: dict[str, Any], error: type[Exception], said: str, words: Path
) -> None:
    with pytest.raises(error, match=said):
        story.prepare(QUICK | changes, words / "words.csv")


def test_settings_of_sound_are_refused_for_texts() -> None:
    texts = [f"a {word} day {i}" for i in range(20) for word in ("fine", "bad")]
    data = ls.Classifier(settings={"audio.bands": 20})
    with pytest.raises(ConfigError, match=r"audio\.bands: is of recordings, and data holds none"):
        data.fit(texts, ["good", "bad"] * 20)


def test_a_table_without_labels_says_how_to_name_them(tmp_path: Path) -> None:
    save(tmp_path / "0.wav")
    (tmp_path / "bare.csv").write_text("path,what\n0.wav,a\n")
    with pytest.raises(DataError, match=r"which column is the label.*there are 'what'"):
        story.prepare(QUICK, tmp_path / "bare.csv")


def test_time_warping_is_the_best_path() -> None:
    draw = np.random.default_rng(0)
    one = draw.normal(size=(7, 3)).astype(np.float32)
    others = [draw.normal(size=(n, 3)).astype(np.float32) for n in (1, 5, 9, 12, 7)]
    expected = []
    for other in others:
        costs = np.linalg.norm(one[:, None] - other[None], axis=2)
        sums = np.full((len(one) + 1, len(other) + 1), np.inf)
        sums[0, 0] = 0
        for i in range(len(one)):
            for j in range(len(other)):
                sums[i + 1, j + 1] = costs[i, j] + min(sums[i, j], sums[i, j + 1], sums[i + 1, j])
        expected.append(sums[-1, -1] / (len(one) + len(other)))
    np.testing.assert_allclose(warped_distances(one, others), expected, rtol=1e-5)
    slow = np.repeat(one, 2, 0)
    assert warped_distances(one, [slow])[0] == pytest.approx(0, abs=1e-3)
