"""What speech recognition learns, says, refuses, and hears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longshort as ls
from longshort.errors import ConfigError, DataError
from longshort.runs import story, trained
from longshort.runs.exporting import export_run
from longshort.runs.trained import AnyTrained
from longshort.runs.transcribing import Listening
from longshort.tasks.transcribe.samples import utterances_of
from tests.settings import with_changes
from tests.speech import features, spelt

LEARNED: dict[str, Any] = {
    "task": "transcribe",
    "audio": {"normalise": "none"},
    "model": {"hidden": 24, "num_layers": 1, "patch": 2, "bidirectional": False, "dropout": 0.1},
    "vary": {"time_masks": 0, "band_masks": 0},
    "train": {"max_epochs": 24, "batch_size": 8, "threads": 1},
}
COUNT = 120
SPLIT = ["train"] * 34 + ["val"] * 3 + ["test"] * 3


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """The settings with some changed, by dotted key."""
    return with_changes(LEARNED, None, **{k.replace(".", "__"): v for k, v in changes.items()})


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A finished run with some settings changed, trained once."""

    @cache
    def run_of(*changes: tuple[str, Any]) -> Path:
        folder = tmp_path_factory.mktemp("learned") / "run"
        story.run(changed(dict(changes)), folder, data=spelt(COUNT))
        return folder

    return run_of


def loaded(folder: Path) -> AnyTrained:
    return trained.load(folder).remember(spelt(COUNT))


def wer(run: AnyTrained, how: Listening | None = None) -> float:
    fresh = spelt(40, seed=77)
    heard = run.transcribe(fresh, how or Listening())
    values = run.task.score(run.model, fresh, heard).values
    return float(values["wer"])


@pytest.mark.parametrize("head", ["ctc", "transducer"])
def test_it_learns_what_is_said(learned: Callable[..., Path], head: str) -> None:
    assert wer(loaded(learned(("model.head", head)))) < 30


def test_words_have_the_times_at_which_they_were_said(learned: Callable[..., Path]) -> None:
    text = "cab c"
    item = features(text, np.random.default_rng(5))
    found = loaded(learned()).transcribe(utterances_of([item]), Listening()).transcripts[0]
    assert found.text == text
    first, last = found.words
    assert (first.word, last.word) == ("cab", "c")
    assert 0 <= first.begin < first.end <= last.begin < last.end
    assert last.end <= 0.01 * len(item) + 0.02
    assert first.end == pytest.approx(3 * 8 * 0.01, abs=0.06)


def test_several_texts_are_ranked(learned: Callable[..., Path]) -> None:
    run = loaded(learned())
    found = run.transcribe(spelt(3, seed=1), Listening(beam=8, n_best=3)).transcripts
    for each in found:
        scores = [one.score for one in each.found]
        assert len(each.found) == 3 and scores == sorted(scores, reverse=True)


def test_a_language_model_of_words_writes_only_words(learned: Callable[..., Path]) -> None:
    run = loaded(learned(("language.kind", "words")))
    assert {"alpha", "beta"} == set(run.model.kept)
    noise = [features("abc ab", np.random.default_rng(n)) * 0.4 for n in range(6)]
    known = {"ab", "ba", "cab", "abba", "c"}
    for text in run.transcribe(utterances_of(noise), Listening()).texts:
        assert set(text.split()) <= known


GIVEN = (("language.kind", "characters"), ("write.alpha", 0.3), ("write.beta", 0.0))


def test_weights_are_not_chosen_where_they_are_given(learned: Callable[..., Path]) -> None:
    run = loaded(learned(*GIVEN))
    assert not run.model.kept
    assert wer(run) < 30


def test_streams_say_the_same_as_the_whole(learned: Callable[..., Path], tmp_path: Path) -> None:
    run = loaded(learned())
    export_run(learned(), tmp_path / "x.longshort", memory=spelt(COUNT))
    for each in (run, trained.load(tmp_path / "x.longshort")):
        session = each.session()
        item = spelt(1, seed=21).items[0]
        for count, row in enumerate(item.tolist(), 1):
            answer = session.step(row)
            if count % 7 == 0 or count == len(item):
                whole = each.transcribe(utterances_of([item[:count]]), Listening())
                assert answer["predicted"] == whole.texts[0]
    assert "remembers" in run.session_schema() and run.session_schema()["remembers"] is None


def test_a_transducer_is_exported(learned: Callable[..., Path], tmp_path: Path) -> None:
    folder = learned(("model.head", "transducer"))
    assert export_run(folder, tmp_path / "x.longshort", memory=spelt(COUNT)).is_equal
    fresh, how = spelt(4, seed=3), Listening(beam=4)
    exported = trained.load(tmp_path / "x.longshort")
    assert exported.transcribe(fresh, how).texts == loaded(folder).transcribe(fresh, how).texts


def test_speakers_stay_in_one_split() -> None:
    data = replace(spelt(60), speakers=[f"s{n % 6}" for n in range(60)])
    prepared = story.prepare(LEARNED, data)
    seen = [set(each.speakers or []) for each in prepared.splits.by_name().values()]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
    assert "speakers are in one split each" in prepared.splits.how


def test_too_fast_utterances_are_named_before_training() -> None:
    data = spelt(40)
    data.items[7] = data.items[7][:5]
    texts = [*(data.texts or [])]
    texts[7] = "abba cab"
    said = r"training utterances have fewer steps.*item 7: 3 steps for"
    with pytest.raises(DataError, match=said):
        story.prepare(LEARNED, replace(data, texts=texts, splits=SPLIT))


def test_characters_outside_the_alphabet_are_listed() -> None:
    data = spelt(40)
    with pytest.raises(DataError, match="alphabet lacks characters of the training texts: 'c'"):
        story.prepare(changed({"text.alphabet": "ab "}), data)
    texts = [*(data.texts or [])[:-1], "xyz"]
    found = story.check(LEARNED, replace(data, texts=texts, splits=SPLIT))
    (finding,) = [each for each in found if each.code == "alphabet"]
    assert finding.severity == "warning" and "'x', 'y', 'z'" in finding.message


def test_texts_that_stand_in_training_are_told() -> None:
    data = spelt(240)
    splits = ["train"] * 200 + ["val"] * 20 + ["test"] * 20
    texts = [*(data.texts or [])[:200], *(data.texts or [])[:20], *[""] * 20]
    found = story.check(LEARNED, replace(data, texts=texts, splits=splits))
    (said,) = [each for each in found if each.code == "repeated-texts"]
    assert said.severity == "note" and said.message.startswith("100% of the val utterances have")


def test_silence_is_told_and_transcribed_without_fuss(learned: Callable[..., Path]) -> None:
    data = spelt(40)
    data.items[0] = np.zeros_like(data.items[0])
    found = story.check(LEARNED, replace(data, splits=SPLIT))
    assert any(each.code == "silent" and "item 0" in each.where for each in found)
    still = utterances_of([np.zeros((20, 5))])
    assert isinstance(loaded(learned()).transcribe(still, Listening()).texts[0], str)


def test_settings_without_effect_are_refused(learned: Callable[..., Path]) -> None:
    for key, value, said in (
        ("write.alpha", 1.0, "is of a language model; choose --lm"),
        ("model.joint", 7, "is of model.head = transducer"),
        ("audio.bands", 30, "is of recordings, and features are given"),
    ):
        with pytest.raises(ConfigError, match=f"{key}: {said}"):
            story.prepare(changed({key: value}), spelt(40))
    with pytest.raises(ConfigError, match="alpha: has no effect, as the run has no language model"):
        loaded(learned()).transcribe(spelt(2), Listening(beam=4, alpha=1.0))
    with pytest.raises(ConfigError, match="n_best: a beam of 2 gives at most so many texts, got 3"):
        Listening(beam=2, n_best=3)


def test_other_features_are_refused(learned: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="6 numbers a frame, and the run reads 5"):
        loaded(learned()).transcribe(utterances_of([np.ones((9, 6))]), Listening())


def test_from_python(tmp_path: Path) -> None:
    data = spelt(40)
    made = ls.Transcriber(
        hidden=4, num_layers=1, settings={"train.max_epochs": 1, "train.threads": 1}
    )
    run = made.fit(data.items, data.texts, out=tmp_path / "run")
    assert run.predict(data.items[:3]) == made.predict(data.items[:3])
    assert len(run.transcribe(data.items[:2], beam=3, n_best=2).transcripts[0].found) == 2
    assert ls.load(tmp_path / "run").predict(data.items[:2]) == run.predict(data.items[:2])
    with pytest.raises(DataError, match="texts: a text for each array is needed"):
        made.fit(data.items)
