"""Reading: what is learned from pictures and strokes, and what is said about it."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import longshort as ls
from longshort.config import build_as
from longshort.errors import ConfigError, DataError
from longshort.runs import story, trained
from longshort.runs.task import Encoded
from longshort.tasks.read import scoring
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.doctor import examine
from longshort.tasks.read.encoder import ReadEncoder, encode
from longshort.tasks.read.inference import Readings, frames, read, readings_of, spelled_lines
from longshort.tasks.read.language import gram_scorer
from longshort.tasks.read.samples import Lines
from tests.commands import longshort
from tests.drawn_lines import FEW, drawn, penned, pictures, put, texts_of

BRIEF: dict[str, Any] = {"threads": 1, "batch_size": 4, "augment": 0.2, "ema": 0.97}
SETTINGS: dict[str, Any] = {
    "task": "read",
    "image": {"height": 20},
    "model": {"hidden": 32, "channels": [8, 16, 24], "dropout": 0.1},
    "train": {**BRIEF, "max_epochs": 10, "learning_rate": 0.01},
}
PEN: dict[str, Any] = {
    "task": "read",
    "model": {"hidden": 32, "dropout": 0.1},
    "train": {**BRIEF, "max_epochs": 12, "learning_rate": 0.005},
}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("read") / "run"
    story.run(SETTINGS, folder, data=drawn(200, words=4, of=FEW))
    return folder


def scores_of(folder: Path) -> Any:
    return json.loads((folder / "scores.json").read_text())


def test_lines_are_learned(learned: Path) -> None:
    scores = scores_of(learned)
    model, baselines = scores["test"]["model"], scores["test"]["baselines"]
    assert baselines.keys() == {"empty", "frequent", "nearest"}
    assert baselines["empty"]["cer"] == baselines["empty"]["deleted"] == 100
    assert model["cer"] < 0.5 * baselines["nearest"]["cer"]
    parts = model["substituted"] + model["deleted"] + model["inserted"]
    assert model["cer"] == pytest.approx(parts)


def test_the_report_shows_the_worst_lines_and_how_sure_it_is(learned: Path) -> None:
    page = html.unescape((learned / "report.html").read_text())
    for title in ("Confusions", "How sure it is", "The worst lines", "training pictures look like"):
        assert title in page


def test_confidences_are_probabilities_of_the_signs(learned: Path) -> None:
    run = trained.load(learned)
    found = run.predict(drawn(20, words=4, seed=7, of=FEW))
    assert [len(each) for each in found.sureness] == [len(each) for each in found.signs]
    assert all(0 < p <= 1 for each in found.sureness for p in each)


def test_pictures_of_another_look_are_told(learned: Path) -> None:
    run, said = ls.load(learned), []
    grey = pictures(4, words=4, seed=7, of=FEW)
    samples = [255 - each for each in grey]
    trained.load(learned).read(samples_of(samples), said.append)
    assert any("light ink on dark paper" in line for line in said)
    assert run.predict(samples) == run.predict(grey)


def samples_of(given: list[Any]) -> Lines:
    from longshort.tasks.read.source import lines_of

    return lines_of(given)


def test_the_n_gram_is_weighed_on_validation_lines_and_joins_the_search(learned: Path) -> None:
    run = trained.load(learned)
    assert "gram_weight" in run.model.kept and run.encoder.grams is not None
    arrays = replace(encode(run.encoder, drawn(20, words=4, seed=7, of=FEW)), labels=None)
    logs = frames(run.model, arrays)
    scorer = gram_scorer(run.encoder.grams, 1.0, 0.0)
    alone = spelled_lines(run.model, logs, 8, None).texts
    assert spelled_lines(run.model, logs, 8, scorer).texts != alone


def test_strokes_are_read_in_order(tmp_path: Path) -> None:
    scores = story.run(PEN, tmp_path / "run", data=penned(200, words=4, of=FEW))
    assert scores["test"]["model"]["cer"] < 20
    run = trained.load(tmp_path / "run")
    assert run.config.data.kind == "strokes" and run.encoder.looks is None
    with pytest.raises(DataError, match="holds pictures, and the run reads strokes"):
        run.read(drawn(3))


def backwards(count: int) -> tuple[Any, dict[str, Any]]:
    """Strokes of words with their letters from the last to the first, which CTC cannot learn."""
    inks = penned(count, words=1)
    labels = [" ".join(text[::-1]) for text in inks.labels or []]
    settings = {
        **PEN,
        "text": {"tokens": "symbols"},
        "model": {**PEN["model"], "head": "attention"},
        "write": {"beam": 2, "length_penalty": 1.0, "max_length": 8},
    }
    return replace(inks, labels=labels), settings


def test_a_decoder_writes_signs_with_their_probabilities(tmp_path: Path) -> None:
    inks, settings = backwards(40)
    settings["train"] = {**BRIEF, "max_epochs": 1}
    scores = story.run(settings, tmp_path / "run", data=inks)
    assert np.isfinite(scores["test"]["model"]["cer"])
    run = trained.load(tmp_path / "run")
    found = run.predict(run.read(penned(3, words=1, seed=4)))
    assert [len(each) for each in found.sureness] == [len(each) for each in found.signs]
    alone = [run.predict(run.read(penned(3, words=1, seed=4)).take([i])).texts[0] for i in range(3)]
    assert alone == found.texts


@pytest.mark.slow
def test_a_decoder_reads_what_is_not_in_order(tmp_path: Path) -> None:
    inks, settings = backwards(400)
    settings["train"] = {**settings["train"], "max_epochs": 25}
    scores = story.run(settings, tmp_path / "run", data=inks)
    assert scores["test"]["model"]["cer"] < 5 < scores["test"]["baselines"]["frequent"]["cer"]


# -- findings ------------------------------------------------------------------------------------


def findings_of(lines: Lines, **more: Any) -> list[Any]:
    return story.check({**SETTINGS, **more}, lines)


def test_a_line_too_narrow_for_its_text_is_refused_and_named() -> None:
    lines = drawn(60, words=1)
    texts = list(lines.texts or [])
    texts[:30] = [text * 30 for text in texts[:30]]
    long = replace(lines, texts=texts)
    found = [each for each in findings_of(long) if each.code == "narrow"]
    assert found and found[0].severity == "error"
    assert found[0].where[0].startswith("item ") and "signs need" in found[0].message
    with pytest.raises(
        DataError, match=r"signs need \d+ steps, and the line has \d+.*--set data.drop_bad=true"
    ):
        story.prepare(SETTINGS, long)
    kept = story.prepare({**SETTINGS, "data": {"drop_bad": True}}, long)
    assert len(kept.splits.train) < 48
    assert any("too narrow" in each.message for each in kept.splits.findings)


def test_signs_that_training_lacks_are_listed() -> None:
    lines = drawn(60, words=1)
    prepared = story.prepare(SETTINGS, lines)
    odd = replace(prepared.splits.test, texts=["ÿ" + t for t in prepared.splits.test.texts or []])
    splits = replace(prepared.splits, test=odd, findings=())
    said = [e.message for e in examine(splits, prepared.config) if e.code == "alphabet"]
    assert any("the test lines have" in each and "'ÿ' (6)" in each for each in said)


def test_a_photo_that_is_no_line_is_told() -> None:
    lines = drawn(40, words=2)
    page = np.full((90, 60), 0, dtype=np.uint8)
    page[10:80:8, 5:55] = 255
    inputs: Any = [page, *lines.inputs[1:]]
    found = findings_of(replace(lines, inputs=inputs, texts=["four", *(lines.texts or [])[1:]]))
    (said,) = (each for each in found if each.code == "no-line")
    assert "higher than wide, the first 60 × 90 pixels" in said.message


def test_one_text_for_many_lines_is_told() -> None:
    lines = drawn(60, words=1)
    found = findings_of(replace(lines, texts=["same"] * 30 + (lines.texts or [])[30:]))
    assert "one-for-many" in [each.code for each in found]


def test_texts_that_stand_in_training_are_told() -> None:
    lines = drawn(90, words=2)
    splits = ["train"] * 50 + ["val"] * 20 + ["test"] * 20
    texts = list(lines.texts or [])
    texts[50:70] = texts[:20]
    (said,) = (
        each
        for each in findings_of(replace(lines, texts=texts, splits=splits))
        if each.code == "repeated-texts"
    )
    assert said.severity == "warning" and said.message.startswith(
        "100% of the val lines of several signs"
    )
    single = replace(lines, texts=[text[0] for text in texts], splits=splits)
    assert "repeated-texts" not in [each.code for each in findings_of(single)]


def test_groups_stay_together() -> None:
    lines = replace(drawn(60, words=1), groups=[str(i // 6) for i in range(60)])
    splits = story.prepare(SETTINGS, lines).splits
    parts = [set(each.groups or []) for each in splits.by_name().values()]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert "groups stay together" in splits.how


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"write": {"max_length": 9}}, r"write\.max_length: is of model\.head = attention"),
        ({"write": {"beam": 1, "order": 3}}, r"write\.order: is of a search"),
        ({"model": {"channels": [4]}}, r"model\.channels"),
        ({"image": {"height": 8}}, r"image\.height"),
    ],
)
def test_settings_without_effect_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        story.prepare({"task": "read", **settings}, drawn(20, words=1))


def test_settings_of_pictures_are_refused_for_strokes() -> None:
    with pytest.raises(ConfigError, match=r"image\.height: is of pictures"):
        story.prepare({"task": "read", "image": {"height": 32}}, penned(20, words=1))


# -- scores --------------------------------------------------------------------------------------


def test_errors_are_counted_by_signs() -> None:
    lines = replace(drawn(2, words=1), texts=["ab cd", "x"])
    config = build_as(ReadConfig, {"task": "read"})
    encoder = ReadEncoder.fit(lines, config)
    found = Readings(["ab ce", ""], [list("ab ce"), []])
    sums = scoring.statistics(lines, found, encoder)
    assert sums.tolist() == [[1, 0, 0, 5, 1, 2, 0], [0, 1, 0, 1, 1, 1, 0]]
    values = scoring.values(sums.sum(0), 2)
    assert values["cer"] == pytest.approx(200 / 6) and values["wer"] == pytest.approx(200 / 3)
    assert scoring.confusions(lines, found, encoder) == {("d", "e"): 1, ("x", ""): 1}


def test_symbols_are_signs_of_their_own() -> None:
    inks = penned(3, words=1)
    config = build_as(ReadConfig, {"task": "read", "text": {"tokens": "symbols"}})
    lines = replace(Lines("x", "strokes", inks.items, [], inks.places, []),
                    texts=[r"\phi ( x )", "x", r"\phi"])  # fmt: skip
    encoder = ReadEncoder.fit(lines, config)
    assert encoder.signs == ("(", ")", "\\phi", "x")
    assert encoder.text(encoder.encoded(r"\phi ( q x").tolist()) == r"\phi ( x"
    assert scoring.statistics(lines, readings_of(encoder, [r"\phi x )", "x", "x"]), encoder)[
        :, :4
    ].sum(0).tolist() == [1, 1, 0, 6]


def test_the_loss_decides_while_nothing_is_read(small_run: Callable[[str], Path]) -> None:
    run = trained.load(small_run("read"))
    val = drawn(8, words=1, seed=3)
    with torch.no_grad():
        found = run.task.validate(run.model, Encoded(val, encode(run.encoder, val)))
    assert 90 < found < 90.001


def test_batches_by_the_best_path_and_by_the_search_agree_where_it_is_sure(learned: Path) -> None:
    run = trained.load(learned)
    arrays = encode(run.encoder, drawn(20, words=4, seed=7, of=FEW))
    best, searched = read(run.model, arrays, greedy=True), read(run.model, arrays)
    sure = [i for i, each in enumerate(best.sureness) if each and min(each) > 0.95]
    assert all(best.texts[i] == searched.texts[i] for i in sure)


# -- use -----------------------------------------------------------------------------------------


def test_from_the_command_line(tmp_path: Path, learned: Path) -> None:
    folder = put(tmp_path / "new", 5, words=1, seed=11)
    files = [str(folder / f"line{i:03}.png") for i in range(2)]
    done = longshort("predict", learned, *files)
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert rows[0] == "line,read,confidence,confidences" and len(rows) == 3
    out = tmp_path / "read.csv"
    done = longshort("predict", learned, "--data", folder, "--out", out)
    assert done.returncode == 0 and pl.read_csv(out).height == 5
    done = longshort("predict", learned, *files, "--data", folder)
    assert done.returncode == 2 and "give one of the two" in done.stderr
    (folder / "line000.png").write_bytes(b"")
    done = longshort("predict", learned, *files)
    assert done.returncode == 2 and "line000.png: cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_new_lines_are_scored_beside_the_baselines(tmp_path: Path, learned: Path) -> None:
    run = trained.load(learned).remember(drawn(200, words=4, of=FEW))
    folder = put(tmp_path / "new", 5, words=1, seed=11)
    (folder / "line000.gt.txt").write_text("ÿ")
    said: list[str] = []
    scores = run.evaluate(folder, say=said.append)
    assert scores["examples"] == 5 and "nearest" in scores["test"]["baselines"]
    assert any("the new lines have" in line and "'ÿ' (1)" in line for line in said)


def test_from_python(tmp_path: Path) -> None:
    settings = {"model.channels": [4, 4], "train.max_epochs": 1, "train.threads": 1}
    reader = ls.Reader(hidden=4, height=16, beam=1, settings=settings)
    run = reader.fit(pictures(40, words=1), texts_of(40, 1),
                     out=tmp_path / "run")  # fmt: skip
    assert len(reader.predict(pictures(3, seed=5))) == 3
    assert run.read(pictures(3, seed=5)).texts == reader.predict(pictures(3, seed=5))
    assert ls.load(tmp_path / "run").predict(pictures(1, seed=5)) == run.predict(
        pictures(1, seed=5)
    )
    scores = run.evaluate(pictures(6, seed=5), ["a"] * 6)
    assert scores["examples"] == 6
    with pytest.raises(DataError, match="texts: 3 are expected"):
        run.evaluate(pictures(3), ["a"])


def test_steps_take_pictures_as_files_too(small_run: Callable[[str], Path]) -> None:
    import base64
    import io

    from PIL import Image

    session = trained.load(small_run("read")).session()
    grey = pictures(1, words=1)[0]
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")
    file = base64.b64encode(buffer.getvalue()).decode()
    assert session.step({"picture": file}) == session.step({"picture": grey.tolist()})
    for wrong, message in (
        ({"picture": "nonsense!"}, "in base64"),
        ({"picture": [[300.0]]}, "numbers from 0"),
        ({"picture": [[1], [1, 2]]}, "rows of numbers of equal length"),
    ):
        with pytest.raises(DataError, match=message):
            session.step(wrong)


def test_pictures_of_one_colour_are_told_and_not_learned(learned: Path) -> None:
    grey = pictures(40, words=1)
    grey[0] = np.full((30, 90), 200, dtype=np.uint8)
    said: list[str] = []
    run = trained.load(learned)
    found = run.predict(run.read(samples_of(grey[:1]), said.append))
    assert any("1 pictures are of one colour" in line for line in said) and len(found.texts) == 1
    blank = replace(samples_of([grey[0]] * 40), texts=texts_of(40, 1))
    with pytest.raises(DataError, match="are of one colour, so nothing stands there"):
        story.prepare(SETTINGS, replace(blank, inputs=[*blank.inputs[:30], *drawn(10).inputs]))


def test_a_step_has_as_many_columns_in_the_network_as_elsewhere() -> None:
    from longshort.nn.blocks.columns import STRIDE
    from longshort.tasks.read.encoder import STRIDES

    assert STRIDES["pictures"] == STRIDE
