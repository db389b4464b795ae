"""What a heard text rests on: sums over characters, known evidence, and other rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longshort as ls
from longshort.explanation.row import Explained
from longshort.explanation.story import Asked, explain
from longshort.runs import story, trained
from longshort.runs.trained import AnyTrained
from longshort.tasks.transcribe.inference import listened, spelling
from longshort.tasks.transcribe.samples import Utterances
from tests.speech import FRAMES, spelt

COUNT = 90
SETTINGS: dict[str, Any] = {
    "task": "transcribe",
    "audio": {"normalise": "none"},
    "vary": {"time_masks": 0, "band_masks": 0},
    "train": {"max_epochs": 14, "batch_size": 8, "threads": 1},
}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], AnyTrained]:
    """A recogniser with this head that has learned to hear, trained once."""

    @cache
    def run_of(head: str) -> AnyTrained:
        folder: Path = tmp_path_factory.mktemp(head) / "run"
        model = {"hidden": 24, "num_layers": 1, "patch": 2, "dropout": 0.1, "head": head}
        story.run({**SETTINGS, "model": model}, folder, data=spelt(COUNT))
        return trained.load(folder).remember(spelt(COUNT))

    return run_of


def heard(run: AnyTrained, samples: Utterances, **how: Any) -> Explained:
    """The explanation of an utterance."""
    (row,) = explain(run, samples, Asked(**how)).rows
    return row


@pytest.mark.parametrize("head", ["ctc", "transducer"])
def test_the_values_of_characters_add_up_to_those_of_the_text(
    head: str, learned: Callable[[str], AnyTrained]
) -> None:
    run, samples = learned(head), spelt(3, seed=7)
    whole = heard(run, samples, methods=["lrp"]).attributions["lrp"]
    subject = run.subject(samples)
    numbers = [answer.split(" ")[0] for answer in subject.answers(0)[1:]]
    each = [heard(run, samples, methods=["lrp"], answer=number) for number in numbers]
    assert len(each) > 2
    parts = [one.attributions["lrp"] for one in each]
    np.testing.assert_allclose(sum(p.values for p in parts), whole.values, atol=1e-9)
    assert sum(p.score for p in parts) == pytest.approx(whole.score)


def test_the_answer_is_the_log_odds_of_the_path_that_was_heard(
    learned: Callable[[str], AnyTrained],
) -> None:
    run, samples = learned("ctc"), spelt(3, seed=7)
    arrays = run.task.encode(run.model.encoder, samples)
    (logs, *_), (spans, *_) = listened(run.model, arrays), spelling(run.model, arrays)
    odds = 0.0
    for span in spans:
        for step in range(span.first, span.stop):
            others = np.delete(logs[step], span.label)
            odds += float(logs[step, span.label] - others.max())
    found = heard(run, samples, methods=["gradient"])
    assert found.attributions["gradient"].score == pytest.approx(odds, rel=1e-4)
    text = run.predict(samples).texts[0]
    assert found.question.name == f"“{text}”, item 0"


@pytest.mark.parametrize("method", ["ig", "lrp"])
def test_a_character_rests_on_its_own_sound(
    method: str, learned: Callable[[str], AnyTrained]
) -> None:
    """The evidence for a character is in its own frames: they have more than their share."""
    run, samples = learned("ctc"), spelt(24, seed=7)
    gains, hits = [], []
    for row, text in enumerate(samples.texts or []):
        if run.predict(samples).texts[row] != text or len(text) < 3:
            continue
        found = heard(run, samples, methods=[method], row=row + 1, answer="2")
        values = np.abs(found.attributions[method].values)
        own = slice(FRAMES - 2, 2 * FRAMES + 2)
        share = values[own].sum() / values.sum()
        gains.append(share * len(values) / len(values[own]))
        hits.append(values[own].sum(0).argmax() == "abc ".index(text[1]))
    assert len(gains) > 5
    assert np.mean(gains) > 1.5 and np.mean(hits) > 0.6


def test_other_rows_change_nothing(learned: Callable[[str], AnyTrained]) -> None:
    run, samples = learned("ctc"), spelt(4, seed=7)
    among = heard(run, samples, row=3, methods=["ig"]).attributions["ig"]
    alone = heard(run, samples.take([2]), methods=["ig"]).attributions["ig"]
    np.testing.assert_array_equal(among.values, alone.values)


def test_new_recordings_need_no_text_and_an_unknown_answer_is_refused(
    learned: Callable[[str], AnyTrained],
) -> None:
    samples = spelt(2, seed=7)
    subject = learned("ctc").subject(replace(samples, texts=None))
    assert subject.losses() is None
    with pytest.raises(ls.ConfigError, match="answer: 'whole text', or the number of a written ch"):
        subject.question(0, "99")


def test_marks_stand_where_the_characters_do(learned: Callable[[str], AnyTrained]) -> None:
    run, samples = learned("ctc"), spelt(3, seed=7)
    look = heard(run, samples, methods=["gradient"]).question.look
    assert look is not None and look.image == "spectrum"
    assert "".join(mark.text or " " for mark in look.marks) == run.predict(samples).texts[0]
    firsts = [mark.first for mark in look.marks]
    assert firsts == sorted(firsts) and look.marks[-1].stop <= len(samples.items[0])


def test_a_recording_too_short_for_its_text_has_no_importance(
    learned: Callable[[str], AnyTrained],
) -> None:
    run, samples = learned("ctc"), spelt(4, seed=7)
    texts = samples.texts or []
    long = replace(samples, texts=[(texts[0] * 400)[:400], *texts[1:]])
    asked = Asked(is_global=True, methods=["gradient"])
    found = explain(run, long, asked).overall
    assert found is not None and found.importance is not None
    assert np.isfinite(found.importance).all()
    assert found.scored == found.rows - 1
