"""What the similarity of a voice rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import longshort as ls
from longshort.explanation.story import Asked, explain
from longshort.runs import trained
from longshort.runs.trained import AnyTrained
from tests.tiny_runs import small


@pytest.fixture
def run(small_run: Callable[[str], Path]) -> AnyTrained:
    return trained.load(small_run("speaker")).remember(small("speaker")[1])


def test_the_answer_is_the_similarity_of_the_model(run: AnyTrained) -> None:
    """To a speaker it is that to the mean of the speaker's other recordings."""
    samples = run.own_splits().test
    heard = run.predict(samples).whole.heard
    labels = samples.labels or []
    others = [n for n in range(1, len(labels)) if labels[n] == labels[0]]
    mean = heard[others].mean(0)
    (own,) = explain(run, None, Asked(methods=["gradient"])).rows
    expected = heard[0] @ mean / np.linalg.norm(mean)
    assert own.attributions["gradient"].score == pytest.approx(expected, abs=1e-5)
    (one,) = explain(run, None, Asked(methods=["gradient"], answer="recording 3")).rows
    assert one.attributions["gradient"].score == pytest.approx(heard[0] @ heard[2], abs=1e-5)


def test_recordings_of_nobody_known_are_compared_with_each_other(run: AnyTrained) -> None:
    samples = replace(run.own_splits().test, labels=None)
    subject = run.subject(samples)
    assert subject.losses() is None
    assert all(answer.startswith("recording") for answer in subject.answers(0))
    heard = run.predict(samples).whole.heard
    similarity = heard[1:] @ heard[0]
    assert f"to recording {int(similarity.argmax()) + 2}" in subject.question(0, None).name


def test_a_recording_alone_and_an_unknown_voice_are_refused(run: AnyTrained) -> None:
    samples = run.own_splits().test
    with pytest.raises(ls.DataError, match=r"holds one recording.*give two or more"):
        run.subject(samples.take([0]))
    with pytest.raises(ls.ConfigError, match="'nobody' is neither a speaker nor another recording"):
        run.subject(samples).question(0, "nobody")


def test_the_loss_is_the_lead_of_another_speaker(run: AnyTrained) -> None:
    losses = run.subject().losses()
    assert losses is not None and np.isfinite(losses).all() and np.abs(losses).max() <= 2
