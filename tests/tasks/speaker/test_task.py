"""Runs on the embedded voices: what is learned, enrolled, told and refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import longshort as ls
from longshort.config import assign
from longshort.data.examples import example
from longshort.errors import ConfigError, DataError, RunError
from longshort.runs import story
from longshort.runs.prepare import read_splits
from longshort.tasks.speaker.config import SpeakerConfig
from longshort.tasks.speaker.task import SpeakerTask
from tests.commands import longshort, refused
from tests.data.audio.sounds import noise, save

TABLE, VOICES = example("voices")


def settings(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in {**VOICES, "train.threads": 1, **more}.items():
        assign(found, key, value)
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("speaker") / "run"
    story.run(settings(**{"data.path": str(TABLE)}), out)
    return out


@pytest.fixture
def enrolled(finished: Path, tmp_path: Path) -> Path:
    voices = tmp_path / "voices.json"
    done = longshort("speaker", "enrol", finished, TABLE, "--voices", voices)
    assert done.returncode == 0 and "speaker00: 3.2 s" in done.stdout
    return voices


def recording(name: str) -> Path:
    return TABLE.parent / "voices" / name


def test_voices_are_learned(finished: Path) -> None:
    scores = json.loads((finished / "scores.json").read_text())
    assert scores["test"]["model"]["eer"] < scores["test"]["baselines"]["moments"]["eer"]
    assert scores["test"]["model"]["eer"] < 0.25 and scores["speakers"] == 6
    assert "at the threshold of the validation speakers" in scores["verdict"].lower()


def test_no_speaker_is_in_two_splits() -> None:
    config = SpeakerConfig.model_validate(settings())
    splits = read_splits(SpeakerTask(), config, TABLE)
    parts = [set(each.labels or []) for each in splits.by_name().values()]
    assert sum(map(len, parts)) == 16 == len(set().union(*parts))


def test_the_report_says_for_what_the_threshold_holds(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    assert "holds for recordings of 0.8 s" in page and "Misses against false alarms" in page
    assert set(ls.load(finished).plot()) >= {"det", "similarities", "training"}


def test_all_pairs_are_in_the_predictions(finished: Path) -> None:
    pairs = pl.read_csv(finished / "predictions.csv")
    assert pairs.height == 276
    same = pairs["speaker"] == pairs["other_speaker"]
    assert pairs.filter(same)["similarity"].mean() > pairs.filter(~same)["similarity"].mean()


def test_speakers_are_verified(finished: Path, enrolled: Path) -> None:
    common = (finished, recording("03_3.wav"), "--voices", enrolled)
    own = longshort("speaker", "verify", *common, "--name", "speaker03", "--json")
    (row,) = json.loads(own.stdout)["rows"]
    assert row["accepted"] and row["similarity"] > 0.9
    assert "note: the threshold holds for recordings of 0.8 s" in own.stderr
    strict = longshort("speaker", "verify", *common, "--name", "speaker03", "--threshold", "1")
    assert strict.stdout.splitlines()[1].endswith("false")


def test_speakers_are_identified(finished: Path, enrolled: Path) -> None:
    done = longshort("speaker", "identify", finished, TABLE, "--voices", enrolled, "--json")
    rows = json.loads(done.stdout)["rows"]
    right = [f"speaker{row['place'].split('/')[-1][:2]}" == row["speaker"] for row in rows]
    assert len(rows) == 64 and np.mean(right) > 0.8
    assert rows[0]["similarity"] >= rows[0]["next_similarity"]


def test_python_does_the_same(finished: Path, enrolled: Path) -> None:
    run = ls.load(finished)
    known = run.enrol(TABLE)
    files = [recording("03_3.wav"), recording("05_0.wav")]
    embeddings = run.predict(files)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-3)
    found = run.verify(files, known, "speaker03")
    assert found["similarity"][0] == pytest.approx(embeddings[0] @ known.vector("speaker03"))
    products = embeddings @ np.stack(list(known.vectors.values())).T
    nearest = [list(known.vectors)[i] for i in products.argmax(1)]
    assert run.identify(files, known)["speaker"].to_list() == nearest
    more = run.enrol(recording("05_0.wav").parent, "somebody", known)
    assert len(more.vectors) == 17 and "holds for recordings" in run.condition


def test_enrolling_again_replaces_and_adds(finished: Path, enrolled: Path) -> None:
    before = json.loads(enrolled.read_text())["enrolled"]
    folder = recording("03_3.wav").parent
    longshort("speaker", "enrol", finished, folder, "--name", "speaker03", "--voices", enrolled)
    after = json.loads(enrolled.read_text())["enrolled"]
    assert after.keys() == before.keys() and after["speaker02"] == before["speaker02"]
    assert after["speaker03"]["seconds"] == pytest.approx(51.2, abs=0.5)


def test_too_little_sound_enrols_nobody(finished: Path, tmp_path: Path) -> None:
    voices = tmp_path / "v.json"
    said = refused("speaker", "enrol", finished, recording("00_0.wav"), "--name", "x",
                   "--voices", voices)  # fmt: skip
    found = re.search(r"'x' is enrolled with (\S+) s of sound, and 1 s are needed", said)
    assert found is not None and 0.7 < float(found[1]) < 0.9 and "(evaluate.least)" in said
    assert not voices.exists()


def test_an_unknown_speaker_is_refused(finished: Path, enrolled: Path, tmp_path: Path) -> None:
    common = (finished, recording("00_0.wav"), "--name", "speaker99")
    said = refused("speaker", "verify", *common, "--voices", enrolled)
    assert "'speaker99': nobody of this name is enrolled; did you mean" in said
    said = refused("speaker", "verify", *common, "--voices", tmp_path / "none.json")
    assert "nobody is enrolled yet, so enrol first" in said


def test_voices_of_another_model_are_refused(finished: Path, enrolled: Path) -> None:
    stored = json.loads(enrolled.read_text())
    enrolled.write_text(json.dumps({**stored, "model": "another"}))
    said = refused("speaker", "identify", finished, TABLE, "--voices", enrolled)
    assert "was enrolled with another model" in said
    enrolled.write_text("{}")
    said = refused("speaker", "identify", finished, TABLE, "--voices", enrolled)
    assert "is no file of enrolled voices" in said


def test_runs_of_other_tasks_enrol_nobody(small_run: Any, tmp_path: Path) -> None:
    said = refused("speaker", "enrol", small_run("classify"), TABLE)
    assert "the task 'classify' knows no individuals (tasks that do: speaker)" in said


def write_voices(folder: Path, speakers: int, each: int) -> Path:
    rows = ["path,speaker"]
    for n in range(speakers * each):
        save(folder / f"{n}.wav", noise(0.6, 8000, n), 8000)
        rows.append(f"{n}.wav,s{n // each}")
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    return folder / "t.csv"


def test_one_recording_of_each_test_speaker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="every test speaker has one recording"):
        story.prepare(settings(), write_voices(tmp_path, 12, 1))


def test_one_recording_of_each_training_speaker_is_said(tmp_path: Path) -> None:
    single, several = (write_voices(tmp_path / name, 12, n) for name, n in (("a", 1), ("b", 2)))
    said: list[str] = []
    data = {"data.path": str(single), "data.test_path": str(several)}
    story.prepare(settings(**data), say=said.append)
    assert any("crops of it share room and microphone" in line for line in said)
    assert any("the threshold is found on halves of it" in line for line in said)


def test_one_test_speaker_is_refused(tmp_path: Path) -> None:
    data = {"split.test": 0.01, "split.val": 0.3}
    with pytest.raises(DataError, match=r"the test split has one speaker.*split\.test"):
        story.prepare(settings(**data), write_voices(tmp_path, 8, 2))


def test_a_test_split_that_was_given_is_not_to_be_drawn_otherwise(tmp_path: Path) -> None:
    known, other = (write_voices(tmp_path / name, n, 2) for name, n in (("a", 12), ("b", 1)))
    data = {"data.path": str(known), "data.test_path": str(other)}
    with pytest.raises(DataError, match=r"the test split has one speaker") as refused:
        story.prepare(settings(**data))
    assert "give more speakers" in str(refused.value) and "split.test" not in str(refused.value)


def test_a_table_without_speakers_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.wav")
    (tmp_path / "t.csv").write_text("path,colour\na.wav,red\n")
    with pytest.raises(DataError, match=r"which column is the speaker\? Say --set data\.speaker="):
        story.prepare(settings(), tmp_path / "t.csv")


def test_settings_of_recordings_are_refused_for_features() -> None:
    draw = np.random.default_rng(0)
    data = [draw.normal(size=(50, 3)) for _ in range(40)]
    speakers = [f"s{i // 2}" for i in range(40)]
    with pytest.raises(ConfigError, match=r"audio\.bands: is of recordings"):
        ls.SpeakerRecogniser(settings={"audio.bands": 20}).fit(data, speakers)


def test_a_damaged_file_of_voices_is_refused(finished: Path, tmp_path: Path) -> None:
    from longshort.runs.enrolling import Enrolled

    (tmp_path / "v.json").write_text("not json")
    with pytest.raises(RunError, match="is no file of enrolled voices"):
        Enrolled.load(tmp_path / "v.json", ls.load(finished).digest)


def test_one_recording_has_nothing_to_be_compared_with(finished: Path) -> None:
    said = refused("predict", finished, recording("03_3.wav"))
    assert "03_3.wav: a run of speakers compares recordings" in said and "speaker enrol" in said


@pytest.mark.parametrize("threshold", ["3", "-1.5", "nan"])
def test_a_threshold_that_is_no_cosine_is_refused(
    finished: Path, enrolled: Path, threshold: str
) -> None:
    flags = ("--name", "speaker03", "--voices", enrolled, "--threshold", threshold)
    said = refused("speaker", "verify", finished, recording("03_3.wav"), *flags)
    assert "a number from -1 to 1 is expected" in said


@pytest.mark.parametrize(("voices", "what"), [("no/v.json", "make it first"), (".", "is a folder")])
def test_a_place_where_no_voices_can_be_is_refused(
    finished: Path, tmp_path: Path, voices: str, what: str
) -> None:
    place = tmp_path / voices
    assert what in refused("speaker", "enrol", finished, TABLE, "--voices", place)


def test_a_file_that_is_missing_is_named_once(finished: Path, enrolled: Path) -> None:
    said = refused("speaker", "identify", finished, "missing.wav", "--voices", enrolled)
    assert said.count("missing.wav") == 1


def test_enrolling_is_told_how_a_table_is_read(finished: Path, tmp_path: Path) -> None:
    rows = [f"{recording(f'03_{i}.wav')},J\u00fcrgen" for i in range(2)]
    table = tmp_path / "t.csv"
    table.write_bytes("\n".join(["path,who", *rows]).encode("cp1252"))
    voices = ("--voices", tmp_path / "v.json")
    said = refused("speaker", "enrol", finished, table, "--encoding", "cp1252", *voices)
    assert "Say --set data.speaker=NAME" in said
    flags = ("--encoding", "cp1252", "--set", "data.speaker=who")
    done = longshort("speaker", "enrol", finished, table, *flags, *voices)
    assert done.returncode == 0 and "J\u00fcrgen: 1.6 s" in done.stdout


def test_too_few_speakers_for_the_splits_are_counted(tmp_path: Path) -> None:
    table = write_voices(tmp_path, 3, 2)
    with pytest.raises(DataError, match="has 3 speakers, and 6 are needed, two in each split"):
        story.prepare(settings(), table)


def test_a_share_that_draws_two_speakers_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set split\.test=0\.25: then two of the 8 are drawn"):
        story.prepare(
            settings(**{"split.test": 0.01, "split.val": 0.3}), write_voices(tmp_path, 8, 2)
        )


def test_tables_have_errors_in_per_cent(finished: Path) -> None:
    head = "<th>EER %</th><th>minDCF</th><th>EER, short %</th><th>identified %</th>"
    assert head in (finished / "report.html").read_text()
