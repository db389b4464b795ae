"""A translator in use: from the command line and from Python."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import polars as pl
import pytest

import longshort as ls
from longshort.cli import write as command
from longshort.cli.attention import put_attention
from longshort.errors import ConfigError, DataError
from longshort.runs.writing import Attended
from tests.commands import longshort, refused
from tests.tasks.seq2seq.toys import QUICK, reversed_words

BRIEF = QUICK | {"train.max_epochs": 6}
SOURCES = ["red dog sees", "old cat hears now"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on two files, and two others to use it on."""
    found = tmp_path_factory.mktemp("use")
    for name, data in (("train", reversed_words(200)), ("test", reversed_words(20, seed=5))):
        for path, lines in zip((found / f"{name}.en", found / f"{name}.de"), data, strict=True):
            path.write_text("".join(f"{line}\n" for line in lines))
    ls.Translator(settings=BRIEF).fit(found / "train.en", found / "train.de", out=found / "run")
    return found


@pytest.fixture(scope="module")
def run(folder: Path) -> ls.WriterRun:
    found = ls.load(folder / "run")
    assert isinstance(found, ls.WriterRun)
    return found


# From the command line


def test_piped_lines_are_translated(folder: Path, run: ls.WriterRun) -> None:
    done = longshort("write", folder / "run", given="".join(f"{s}\n" for s in SOURCES))
    assert done.returncode == 0 and done.stdout.splitlines() == run.predict(SOURCES)


def test_a_file_is_translated_line_by_line_packed_or_not(
    folder: Path, run: ls.WriterRun, tmp_path: Path
) -> None:
    packed = tmp_path / "test.en.gz"
    packed.write_bytes(gzip.compress((folder / "test.en").read_bytes()))
    for source, out in ((folder / "test.en", "a.txt"), (packed, "b.txt")):
        done = longshort("write", folder / "run", "--data", source, "--out", tmp_path / out)
        assert done.stdout == f"wrote 20 texts to {tmp_path / out}\n"
        written = (tmp_path / out).read_text().splitlines()
        assert written == run.predict(folder / "test.en")


def test_a_terminal_is_prompted(
    folder: Path, run: ls.WriterRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_is_terminal", lambda: True)
    done = longshort("write", folder / "run", given="red dog sees\nold cat hears now\n")
    assert done.stdout.splitlines() == run.predict(SOURCES)
    assert done.stderr.count("> ") == 3


def test_several_texts_are_written_with_their_log_probabilities(
    folder: Path, run: ls.WriterRun, tmp_path: Path
) -> None:
    given = "".join(f"{s}\n" for s in SOURCES)
    flags = ("--n-best", 3, "--beam", 4, "--length-penalty", 0.5)
    done = longshort("write", folder / "run", *flags, given=given)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    found = run.predict(SOURCES, n_best=3, beam=4, length_penalty=0.5)
    assert [row[0] for row in rows] == ["1"] * 3 + ["2"] * 3
    assert [row[2] for row in rows] == [text for best in found for text, _ in best]
    assert [float(row[1]) for row in rows] == pytest.approx(
        [p for best in found for _, p in best], abs=1e-3
    )
    out = tmp_path / "best.csv"
    longshort("write", folder / "run", *flags, "--out", out, given=given)
    assert pl.read_csv(out)["rank"].to_list() == [1, 2, 3] * 2


def test_json_has_texts_by_source(folder: Path, run: ls.WriterRun) -> None:
    done = longshort("write", folder / "run", "--json", given="red dog sees\n")
    found = json.loads(done.stdout)
    assert found["texts"] == 1 and found["written"][0]["text"] == run.predict(SOURCES)[0]
    assert found["written"][0]["place"] == "line 1"


@pytest.mark.parametrize("verb", ["write", "predict"])
def test_attention_is_written_by_name(folder: Path, tmp_path: Path, verb: str) -> None:
    used = (verb, folder / "run", "--data", folder / "test.en", "--attention")
    assert longshort(*used, tmp_path / "all.json").returncode == 0
    found = json.loads((tmp_path / "all.json").read_text())
    assert len(found) == 20 and found[3]["place"] == "line 4"
    for each in found:
        weights = np.array(each["weights"])
        assert weights.shape == (len(each["target"]), len(each["source"]))
        np.testing.assert_allclose(weights.sum(1), 1.0, atol=1e-4)
    assert longshort(*used, tmp_path / "pictures").returncode == 0
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 20
    assert "a picture shows one text, and there are 20" in refused(*used, tmp_path / "one.png")
    assert "ends in .json or .png" in refused(*used, tmp_path / "one.pdf")


def test_a_single_text_has_a_picture(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "one.png"
    longshort("write", folder / "run", "--attention", place, given="red dog sees\n")
    assert matplotlib.image.imread(place).shape[2] == 4


def test_letters_that_no_picture_has_are_noted(tmp_path: Path) -> None:
    said: list[str] = []
    found = Attended(["▁小", "猫"], ["▁cat"], np.array([[0.5, 0.5]]))
    put_attention(tmp_path / "one.png", ["line 1"], [found], said.append)
    assert (tmp_path / "one.png").is_file() and said[0].startswith("note: the font")
    put_attention(tmp_path / "one.json", ["line 1"], [found], said.append)
    assert json.loads((tmp_path / "one.json").read_text())[0]["source"] == ["▁小", "猫"]


def test_given_texts_are_scored(folder: Path, run: ls.WriterRun, tmp_path: Path) -> None:
    used = ("write", folder / "run", "--data", folder / "test.en", "--score")
    done = longshort(*used, folder / "test.de", "--json")
    found, scores = json.loads(done.stdout), run.evaluate(folder / "test.en", folder / "test.de")
    assert found["perplexity"] == pytest.approx(scores["test"]["model"]["perplexity"], rel=1e-4)
    first = found["targets"][0]
    logs = [log for _, log in first["token_log_probs"]]
    assert first["log_prob"] == pytest.approx(sum(logs)) and first["tokens"] == len(logs)
    assert first["token_log_probs"][-1][0] == "</s>"
    out = tmp_path / "scores.csv"
    done = longshort(*used, folder / "test.de", "--out", out)
    assert "perplexity" in done.stdout and pl.read_csv(out).height == 20
    assert "has 20 sources, and" in refused(*used, folder / "train.de")
    assert "--beam: without effect" in refused(*used, folder / "test.de", "--beam", 3)


def test_a_run_is_evaluated_on_two_other_files(folder: Path) -> None:
    used = ("evaluate", folder / "run", "--data", folder / "test.en", "--json")
    one = longshort(*used, "--target-file", folder / "test.de")
    other = longshort(*used, "--set", f"data.target_path={folder / 'test.de'}")
    assert json.loads(one.stdout)["test"] == json.loads(other.stdout)["test"]
    assert "name the file of the targets (with --target-file" in refused(*used)


def test_other_tasks_do_not_write(small_run: Callable[[str], Path]) -> None:
    found = refused("write", small_run("classify"))
    assert "the task 'classify' does not write a text for a text" in found
    assert "translate, summarise" in found
    assert "does not give it" in refused("predict", small_run("lm"), "--attention", "x.json")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--beam", 0), "beam: a whole number from 1 on"),
        (("--beam", 2, "--n-best", 3), "n_best: a beam of 2 gives at most so many"),
        (("--beam", 1, "--length-penalty", 0.5), "length_penalty: has no effect on a beam of 1"),
        (("--sample", "--beam", 3), "beam: is of a beam search, and sampling draws texts"),
        (("--sample", "--length-penalty", 1), "length_penalty: is of a beam search"),
        (("--temperature", 0.5, "--top-k", 3), "--temperature, --top-k: of texts that are drawn"),
        (("--sample", "--top-p", 2), "top_p: a probability above 0 and up to 1"),
        (("--sample", "--seed", -1), "seed: a number from 0"),
        (("--out", "nowhere/x.txt"), "the folder nowhere does not exist"),
    ],
)
def test_flags_that_do_not_fit_are_refused(
    folder: Path, flags: tuple[Any, ...], message: str
) -> None:
    assert message in refused("write", folder / "run", "--data", folder / "test.en", *flags)


# Drawn texts


def test_the_command_draws_as_python_does(folder: Path, run: ls.WriterRun) -> None:
    given = "".join(f"{s}\n" for s in SOURCES)
    flags = ("--sample", "--temperature", 1.5, "--top-k", 9, "--top-p", 0.9, "--seed", 3)
    found = run.sample(SOURCES, 2, temperature=1.5, top_k=9, top_p=0.9, seed=3)
    done = longshort("write", folder / "run", *flags, "--n-best", 2, given=given)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[2] for line in lines] == [text for drawn in found for text, _ in drawn]
    one = longshort("write", folder / "run", *flags, given=given)
    assert one.stdout.splitlines() == [drawn[0][0] for drawn in found]
    assert "--sample: without effect" in refused(
        "write", folder / "run", "--sample", "--score", folder / "test.de",
        "--data", folder / "test.en",
    )  # fmt: skip


def test_a_seed_gives_its_texts_and_another_seed_others(run: ls.WriterRun) -> None:
    once = run.sample(SOURCES, 5, temperature=3.0)
    assert once == run.sample(SOURCES, 5, temperature=3.0)
    assert once != run.sample(SOURCES, 5, temperature=3.0, seed=1)
    assert all(len({text for text, _ in drawn}) > 1 for drawn in once)


def test_drawn_texts_do_not_depend_on_what_is_drawn_with_them(run: ls.WriterRun) -> None:
    together = run.sample([*reversed_words(20, seed=5)[0], *SOURCES], 2, temperature=3.0)[-2:]
    for source, expected in zip(SOURCES, together, strict=True):
        (alone,) = run.sample([source], 3, temperature=3.0)
        assert [text for text, _ in alone[:2]] == [text for text, _ in expected]
        assert [p for _, p in alone[:2]] == pytest.approx([p for _, p in expected], abs=1e-4)


def test_temperature_0_is_greedy(run: ls.WriterRun) -> None:
    drawn = run.sample(SOURCES, temperature=0.0)
    assert [each[0][0] for each in drawn] == run.predict(SOURCES, beam=1)


# From Python


def test_two_files_a_frame_and_lists_give_the_same_run(folder: Path, run: ls.WriterRun) -> None:
    sources, targets = reversed_words(200)
    frame = pl.DataFrame({"english": sources, "german": targets})
    model = ls.Translator(settings=BRIEF)
    for found in (model.fit(sources, targets), model.fit(frame, source="english", target="german")):
        assert found.predict(SOURCES) == run.predict(SOURCES)
        assert found.scores["test"] == run.scores["test"]


def test_splits_are_given_as_lists_and_as_files(folder: Path) -> None:
    val, test = reversed_words(20, seed=3), (folder / "test.en", folder / "test.de")
    model = ls.Translator(settings=BRIEF | {"train.max_epochs": 1})
    found = model.fit(*reversed_words(60), val=val, test=test)
    assert found.config.data.test_target_path == str(folder / "test.de")
    assert found.predictions.height == 20
    assert found.evaluate(test, include_training=True)["test"]["model"]["bleu"] >= 0


def test_the_estimator_scores_by_the_deciding_metric(run: ls.WriterRun) -> None:
    pairs = reversed_words(20, seed=5)
    model = ls.Translator(settings=BRIEF)
    model.run_ = run
    assert model.score(*pairs) == run.quality(*pairs)["bleu"]
    assert model.predict(SOURCES) == run.predict(SOURCES)


def test_a_given_text_has_log_probabilities(run: ls.WriterRun) -> None:
    text = run.predict(["red dog sees"])[0]
    (found,) = run.score(["red dog sees"], [text])
    ((_, log_prob),) = run.predict(["red dog sees"], n_best=1)[0]
    assert found.log_prob == pytest.approx(log_prob, abs=1e-3)


def test_what_does_not_fit_is_refused(run: ls.WriterRun) -> None:
    sources, targets = reversed_words(20)
    frame = pl.DataFrame({"english": sources, "german": targets})
    model = ls.Translator(settings=BRIEF)
    with pytest.raises(DataError, match="targets: one for each source is needed"):
        model.fit(sources)
    with pytest.raises(DataError, match="stand in the file or frame"):
        model.fit(frame, targets)
    with pytest.raises(DataError, match="20 sources and 19 targets"):
        model.fit(sources, targets[1:])
    with pytest.raises(DataError, match="no such file; texts are given as a list"):
        run.predict("red dog sees")
    with pytest.raises(ConfigError, match="beam"):
        run.predict(sources, beam=True)


def test_a_run_without_attention_says_so() -> None:
    plain = {k: v for k, v in BRIEF.items() if k not in ("model.attention", "model.placement")}
    model = ls.Translator(attention="none", settings=plain | {"train.max_epochs": 1})
    found = model.fit(*reversed_words(60))
    with pytest.raises(ConfigError, match="attention: the run has none"):
        found.attention(SOURCES)
