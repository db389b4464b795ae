"""Drawing from the command line and from Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest

import longshort as ls
from longshort.api.drawer import DrawRun
from longshort.data.examples.letters import letters, main
from longshort.data.strokes.ink import Ink
from longshort.data.strokes.reading import read_inks
from longshort.errors import DataError
from longshort.runs import story, trained
from longshort.runs.exporting import export_run
from tests.commands import longshort, refused

SMALL = {
    "model": {"hidden": 8, "mixtures": 2},
    "train": {"max_epochs": 1, "threads": 1, "batch_size": 100},
}


@pytest.fixture(scope="module")
def text_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is told texts."""
    folder = tmp_path_factory.mktemp("text") / "run"
    story.run({"task": "draw", **SMALL}, folder, data=letters(60))
    return folder


def test_drawings_are_written_as_a_picture_and_as_strokes(text_run: Path, tmp_path: Path) -> None:
    picture = tmp_path / "out.svg"
    flags = ["--prompt", "on", "--count", 3, "--bias", 0.5, "--length", 9, "--svg", picture]
    done = longshort("generate", text_run, *flags)
    assert done.returncode == 0 and f"written: {picture}" in done.stdout
    assert len(list(ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}path"))) == 3
    lines = longshort("generate", text_run, *flags[:-2]).stdout
    (tmp_path / "out.jsonl").write_text(lines)
    again = read_inks(tmp_path / "out.jsonl")
    assert again.labels == ["on"] * 3


def test_json_is_one_object(text_run: Path) -> None:
    done = longshort("generate", text_run, "--prompt", "a", "--length", 3, "--json")
    found = json.loads(done.stdout)
    assert len(found["drawings"]) == 1 and found["drawings"][0]["label"] == "a"


def test_a_hand_is_gone_on_with(text_run: Path, tmp_path: Path) -> None:
    main(tmp_path / "hand.jsonl")
    flags = ["--prompt", "a", "--length", 3, "--prime", tmp_path / "hand.jsonl"]
    assert longshort("generate", text_run, *flags).returncode == 0


def test_what_does_not_fit_is_refused(
    text_run: Path, small_run: Callable[[str], Path], tmp_path: Path
) -> None:
    assert "--top-k: is of text, and the run draws" in refused("generate", text_run, "--top-k", 3)
    said = refused("generate", small_run("lm"), "--svg", tmp_path / "x.svg")
    assert "--svg: is of drawings, and the run writes text" in said
    said = refused("generate", small_run("classify"))
    assert "does not generate text" in said
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    said = refused("generate", text_run, "--prompt", "a", "--svg", precious)
    assert "give a name that ends in .svg" in said and precious.read_text() == "mine"
    (tmp_path / "empty.jsonl").write_text('{"strokes": []}')
    said = refused("generate", text_run, "--prompt", "a", "--prime", tmp_path / "empty.jsonl")
    assert "line 1: has no stroke" in said


def test_an_exported_run_writes_texts(text_run: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "run.longshort"
    assert export_run(text_run, bundle, memory=letters(60)).is_equal
    flags = ["--prompt", "tea", "--length", 12, "--json"]
    own, other = (
        json.loads(longshort("generate", run, *flags).stdout)["drawings"]
        for run in (text_run, bundle)
    )
    assert len(own[0]["strokes"]) == len(other[0]["strokes"])
    first = [stroke for each in (own, other) for stroke in each[0]["strokes"][:1]]
    assert first[0] == pytest.approx(first[1], abs=0.1) if len(first[0]) == 1 else True
    expected, found = (trained.load(run).read(letters(3)) for run in (text_run, bundle))
    tables = [trained.load(r).table(s) for r, s in ((text_run, expected), (bundle, found))]
    nats = [table["nats_per_point"].to_list() for table in tables]
    assert nats[0] == pytest.approx(nats[1], abs=1e-4)


def test_a_file_of_strokes_is_run_and_predicted(tmp_path: Path) -> None:
    main(tmp_path / "words.jsonl")
    sets = ["model.hidden=8", "model.mixtures=2", "train.max_epochs=1", "train.batch_size=400"]
    flags = [part for each in sets for part in ("--set", each)]
    run = tmp_path / "run"
    done = longshort("run", tmp_path / "words.jsonl", "--task", "draw", "--out", run, *flags)
    assert done.returncode == 0, done.stderr
    assert "likelihoods are of offsets in multiples of" in done.stderr
    table = pl.read_csv(run / "predictions.csv")
    assert table.columns[:3] == ["place", "label", "points"]


def test_an_estimator_learns_lists_of_strokes() -> None:
    inks = letters(40)
    strokes = [ink.strokes for ink in inks.items]
    drawer = ls.Drawer(hidden=8, mixtures=2, settings={"train.max_epochs": 1, "train.threads": 1})
    run = drawer.fit(
        strokes, inks.labels, test=(strokes[:5], inks.labels[:5] if inks.labels else None)
    )
    assert run.scores["told"] == "text" and run.scores["drawings"] == 5
    assert isinstance(run.draw("on", most=4)[0], Ink)
    offsets = [ink.offsets() for ink in inks.items]
    assert drawer.fit(offsets).scores["told"] == "nothing"


@pytest.mark.parametrize(
    ("drawings", "labels", "said"),
    [
        (3, None, "a list of drawings is expected, got int"),
        ([3], None, "item 0: an Ink, a list of strokes"),
        ([[]], None, "item 0: has no stroke"),
        ([], None, "holds no drawing"),
        ([[[[0, 0]]]], ["a", "b"], "1 drawings and 2 labels"),
        ("x.jsonl", ["a"], "labels: stand in the file"),
    ],
)
def test_what_is_no_drawing_is_refused(drawings: object, labels: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        ls.Drawer().fit(drawings, labels)


def test_a_run_draws_from_python(text_run: Path) -> None:
    run = ls.load(text_run)
    assert isinstance(run, DrawRun)
    drawn = run.draw("tea", count=2, bias=0.5, most=5)
    assert len(drawn) == 2 and all(1 <= len(ink) <= 5 for ink in drawn)
