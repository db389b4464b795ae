"""What a line that was read rests on: ink alone, and the points of a pen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import longshort as ls
from longshort.data.strokes.features import FEATURES
from longshort.explanation.page import row_sections
from longshort.explanation.story import Asked, explain
from longshort.report.sections import Picture
from longshort.runs import story, trained
from longshort.runs.tensors import on_device
from longshort.runs.trained import AnyTrained
from tests.drawn_lines import FEW, drawn, penned

TINY = {"max_epochs": 1, "threads": 1}


def run_of(folder: Path, data: Any, **model: Any) -> AnyTrained:
    settings = {"task": "read", "train": TINY, "model": model}
    story.run(settings, folder, data=data)
    return trained.load(folder).remember(data)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> AnyTrained:
    folder = tmp_path_factory.mktemp("pictures") / "run"
    return run_of(folder, drawn(40, words=1, of=FEW), hidden=4, channels=[4, 4])


@pytest.fixture(scope="module")
def strokes(tmp_path_factory: pytest.TempPathFactory) -> AnyTrained:
    folder = tmp_path_factory.mktemp("strokes") / "run"
    return run_of(folder, penned(40, words=1, of=FEW), hidden=4)


@pytest.mark.parametrize("method", ["ig", "lrp"])
def test_paper_has_exactly_nothing(method: str, pictures: AnyTrained) -> None:
    (row,) = explain(pictures, None, Asked(methods=[method])).rows
    values, ink = row.attributions[method].values, row.question.inputs
    assert 0 < (ink == 0).mean() < 1
    assert not values[ink == 0].any() and values.any()


def test_the_answer_is_that_of_the_network_alone(pictures: AnyTrained) -> None:
    """A width that is no whole number of steps is padded as in a batch."""
    run, samples = pictures, pictures.own_splits().test
    rows = [n for n, ink in enumerate(samples.inputs) if ink.shape[1] % 4]
    assert rows
    subject = run.subject(samples)
    losses = subject.losses()
    assert losses is not None
    alone = run.subject(samples.take([rows[0]])).losses()
    assert alone is not None and alone[0] == losses[rows[0]]
    batch = run.task.encode(run.model.encoder, samples).batch(np.array([rows[0]]))
    network: Any = run.model.network.eval()
    with torch.no_grad():
        nats = float(network.losses(on_device(batch, torch.device("cpu")))[0])
    assert losses[rows[0]] * float(batch.label_lengths[0]) == pytest.approx(nats, rel=1e-4)


def test_the_place_along_a_line_is_not_read(strokes: AnyTrained) -> None:
    (row,) = explain(strokes, None, Asked(methods=["ig", "lrp"])).rows
    place = FEATURES.index("x")
    assert not row.question.exists[:, place].any()
    for each in row.attributions.values():
        assert not each.values[:, place].any() and each.values.any()
    look = row.question.look
    assert look is not None and look.path is not None and look.lifts is not None
    assert len(look.path) == len(look.lifts) == len(row.question.inputs)


@pytest.mark.parametrize(
    ("kind", "names"), [("pictures", ["row-1"]), ("strokes", ["row-1", "row-1-path"])]
)
def test_a_page_shows_the_line_or_the_way_of_the_pen(
    kind: str, names: list[str], request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue(kind)
    (row,) = explain(run, None, Asked(methods=["gradient"])).rows
    blocks = row_sections(replace(row, inside=()))[0].blocks
    found = [each.name for each in blocks if isinstance(each, Picture)]
    assert found[: len(names)] == names
    assert ("row-1-features" in found) == (kind == "strokes")


def test_a_decoder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", drawn(30, words=1), hidden=4, channels=[4, 4], head="attention")
    with pytest.raises(ls.ConfigError, match=r"reads by a decoder.*train it with --head ctc"):
        explain(run, None, Asked())
