"""A language model in use: doctor, settings files, bad texts, from Python, writing to a pipe."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import longshort as ls
from longshort.data.findings import Finding
from longshort.runs import story
from longshort.runs.trained import load
from longshort.tasks.language.config import LanguageText
from longshort.tasks.language.encoder import LanguageEncoder
from longshort.tasks.language.running import read_running, split_running
from tests.commands import longshort
from tests.paths import ROOT
from tests.tasks.language.test_task import WORDS, prose, settings

# The data doctor


def findings(path: Path, **changes: Any) -> dict[str, Finding]:
    chosen = settings(path, **{"train__batch_size": 4, "text__tokens": "spaces", **changes})
    return {finding.code: finding for finding in ls.check(path, chosen)}


def different(count: int, words: int = 5) -> list[str]:
    """Lines of the ten words, none twice."""
    return [" ".join(WORDS[i // 10**k % 10] for k in range(words)) for i in range(count)]


def written(path: Path, lines: list[str], end: str = "\n") -> Path:
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def test_a_sound_text_has_no_findings(tmp_path: Path) -> None:
    assert findings(written(tmp_path / "t.txt", different(300))) == {}


def test_unknown_tokens_are_counted_by_part_and_named(tmp_path: Path) -> None:
    path = written(tmp_path / "t.txt", different(300))
    val = written(tmp_path / "v.txt", ["a dog sees Ada", "a cat"])
    test = written(tmp_path / "e.txt", ["Ada Bob Ada", "rain"])
    chosen = settings(path, text__tokens="spaces", train__batch_size=4)
    chosen["data"] |= {"val_path": str(val), "test_path": str(test)}
    first, second = ls.check(path, chosen)
    assert (first.severity, second.severity) == ("warning", "warning")
    assert "1 of 8 val tokens (12.50%) count as unknown" in first.message
    assert "training has none, so what it makes of them is chance" in first.message
    assert "4 of 6 test tokens (66.67%)" in second.message
    assert second.where == ("'Ada': 2", "'Bob': 1", "'rain': 1")


def test_lines_that_stand_in_two_parts_are_named(tmp_path: Path) -> None:
    lines = [f"a line that is long enough, number {i}" for i in range(100)]
    lines[92] = lines[3]  # of the validation split
    lines[96], lines[97] = lines[4], lines[92]  # of the test split
    path = written(tmp_path / "t.txt", lines)
    val, test = (
        finding
        for finding in ls.check(path, settings(path, train__batch_size=4))
        if finding.code == "duplicate"
    )
    assert "1 of 4 val passages" in val.message and val.where[0].startswith("line 93: 'a line")
    assert "2 of 5 test passages" in test.message
    assert [place.split(":")[0] for place in test.where] == ["line 97", "line 98"]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"split__val": 0.3}, r"split\.val: is the share of a split that has a file of its own"),
        ({"text__tokens": "bytes", "text__lowercase": True}, r"text\.lowercase: is not of bytes"),
    ],
)
def test_a_setting_that_could_not_act_is_refused(
    tmp_path: Path, chosen: dict[str, Any], message: str
) -> None:
    path = written(tmp_path / "t.txt", different(300))
    other = settings(path, data__val_path=str(path), **chosen)
    with pytest.raises(ls.ConfigError, match=message):
        ls.check(path, other)


def test_shares_of_parts_with_files_are_not_added_up(tmp_path: Path) -> None:
    path = written(tmp_path / "t.txt", different(300))
    found = split_running(read_running(path), read_running(path), None, shares=(0.6, 0.6))
    assert "the last 60% for test" in found.how


def test_short_lines_count_with_those_after_them(tmp_path: Path) -> None:
    draw = random.Random(0)
    poem = ["".join(draw.choices("山水風花雪月", k=12)) for _ in range(200)]
    path = written(tmp_path / "t.txt", [*poem[:150], "", *poem[150:]])
    val = written(tmp_path / "v.txt", ["不同的", *poem[7:9], "也不同"])
    test = written(tmp_path / "e.txt", [*poem[20:24], "這行不一樣"])
    chosen = settings(path, train__batch_size=4)
    chosen["data"] |= {"val_path": str(val), "test_path": str(test)}
    (found,) = (each for each in ls.check(path, chosen) if each.code == "duplicate")
    assert "2 of 3 test passages stand in the training" in found.message
    assert found.where[0].startswith(f"line 1: '{poem[20]}")


def test_characters_that_nobody_typed_are_named_by_line(tmp_path: Path) -> None:
    lines = different(300)
    lines[2] += "\x00"
    lines[290] += "\x1b \ufffd \u2028"
    found = ls.check(written(tmp_path / "t.txt", lines), settings(text__tokens="spaces"))
    named = {(finding.code, finding.where) for finding in found if finding.code != "unknown"}
    assert named == {
        ("control", ("line 3: U+0000",)),
        ("control", ("line 291: U+001B", "line 291: U+2028")),
        ("replaced", ("line 291: U+FFFD",)),
    }


def test_ends_of_lines_that_differ_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    whole = "\n".join(different(300)) + "\n"
    path.write_bytes(whole.replace("\n", "\r\n", 7).encode())
    assert "7 with CR LF and 293 with LF alone" in findings(path)["line-ends"].message
    assert "line-ends" not in findings(written(path, different(300), end="\r\n"))


def test_a_line_as_long_as_a_book_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "t.txt", [*different(50), " ".join(different(10_000))])
    found = findings(path)["giant-line"]
    assert found.severity == "note" and found.where[0].startswith("train split, line 51: ")


def test_a_text_in_one_line_is_cut_between_words(tmp_path: Path) -> None:
    whole = prose(300).replace("\n", " ")
    path = tmp_path / "t.txt"
    path.write_text(whole)
    chosen = settings(path, text__tokens="words", train__batch_size=4, train__max_epochs=1)
    scores = story.run(chosen, tmp_path / "run")
    assert scores["tokens"] == len(whole[-scores["characters"] :].split())
    stored = json.loads((tmp_path / "run" / "data.json").read_text())
    assert stored["split"] == "the last 5% for test, the 5% before for val"
    assert "Which tokens surprise it" in (tmp_path / "run" / "report.html").read_text()


def test_a_text_that_is_too_short_for_the_streams(tmp_path: Path) -> None:
    path = written(tmp_path / "t.txt", different(50))
    found = findings(path, train__batch_size=200)["short"]
    assert found.severity == "error"
    assert "training tokens are too few for 200 streams" in found.message
    assert "train.batch_size" in found.fix


@pytest.mark.parametrize("tokens", ["spaces", "characters", "bytes"])
def test_a_text_of_one_token_is_refused(tokens: str, tmp_path: Path) -> None:
    path = written(tmp_path / "t.txt", ["a"] * 300)
    found = findings(path, text__tokens=tokens)["one-token"]
    assert found.severity == "error" and "one token only" in found.message
    flags = ("--task", "lm", "--tokens", tokens, "--out", tmp_path / "run")
    assert longshort("run", path, *flags).returncode == 2
    assert not (tmp_path / "run").exists()


def test_check_tells_findings_by_its_exit_code(tmp_path: Path) -> None:
    path = written(tmp_path / "t.txt", different(300))
    flags = ("--task", "lm", "--tokens", "spaces")
    monotone = written(tmp_path / "u.txt", ["a"] * 300)
    done = longshort("check", path, *flags)
    assert done.returncode == 0 and "nothing found" in done.stdout
    done = longshort("check", monotone, *flags, "--json")
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)["findings"]
    assert (found["code"], found["severity"]) == ("one-token", "error")


def test_a_page_shows_control_characters(tmp_path: Path) -> None:
    lines = different(300)
    for place in (5, 290):
        lines[place] = "\x01" + lines[place]
    chosen = settings(written(tmp_path / "t.txt", lines), train__max_epochs=1)
    story.run(chosen, tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "line 291: U+0001" in page and "\x01" not in page
    assert ">\N{SYMBOL FOR START OF HEADING}</span>" in page


# Settings files


def test_init_writes_what_train_accepts(tmp_path: Path) -> None:
    path, chosen = tmp_path / "book.txt", tmp_path / "s.toml"
    path.write_text(prose(60))
    flags = ("--set", "train.max_epochs=1", "--set", "train.batch_size=4", "--set",
             "model.hidden=8", "--set", "model.embedding=8")  # fmt: skip
    asked = ("init", path, "--task", "lm", "--tokens", "words", *flags, "--out", chosen)
    assert longshort(*asked).returncode == 0
    text = chosen.read_text()
    assert 'task = "lm"' in text and 'tokens = "words"' in text and "eos = true" in text
    done = longshort("train", "--config", chosen, "--out", tmp_path / "run", "-q")
    assert done.returncode == 0, done.stderr
    assert isinstance(ls.load(tmp_path / "run"), ls.LanguageRun)


def test_the_example_of_a_play_is_running_text(tmp_path: Path) -> None:
    out = tmp_path / "s.toml"
    assert longshort("init", "--example", "shakespeare", "--out", out).returncode == 0
    assert 'task = "lm"' in out.read_text() and 'tokens = "characters"' in out.read_text()
    text = ls.example("shakespeare").read_text()
    assert text.isascii() and 100_000 < len(text) < 200_000
    assert text.startswith("SAMPSON:\n") and text.endswith("Than this of Juliet and her Romeo.\n")


# Bad texts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n\t\r\n" * 50, "has no text, only blank lines"),
        (b"fine\nb\xff\n", "line 2: byte 2 of the line (0xff) is not UTF-8"),
        ("fine\n".encode("utf-16") + b"\0", "is not utf-16"),
        (b"\x1f\x8b123", "damaged gzip file"),
        (b"abc\n", "4 characters are too few for three splits"),
        (b"a b c d\n" * 50 + b"\n" * 100, "the val split, from line "),
    ],
)
@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_bad_text_is_one_message(verb: str, content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(content)
    done = longshort(verb, path, "--task", "lm")
    assert done.returncode == 2 and message in done.stderr and "t.txt" in done.stderr


# From Python

SMALL: dict[str, Any] = {"train.max_epochs": 1, "train.batch_size": 4, "train.threads": 1}


def model(**more: Any) -> ls.LanguageModel:
    return ls.LanguageModel(tokens="words", num_layers=1, embedding=8, **more)


@pytest.fixture(scope="module")
def of_lines(tmp_path_factory: pytest.TempPathFactory) -> ls.LanguageRun:
    """A run on lines in memory."""
    out = tmp_path_factory.mktemp("lines") / "run"
    return model(settings=SMALL).fit(prose(120).splitlines(), out=out)


def test_a_file_and_its_lines_make_the_same_run(tmp_path: Path, of_lines: ls.LanguageRun) -> None:
    path = tmp_path / "book.txt"
    path.write_text(prose(120))
    of_file = model(settings=SMALL).fit(path, out=tmp_path / "run")
    assert of_file.scores == of_lines.scores
    assert of_file.generate("the", length=9) == of_lines.generate("the", length=9)
    assert of_file.report.is_file() and "perplexity" in of_file.verdict
    lines = prose(120).splitlines()
    for kind, given in (("column", pd.Series(lines)), ("iterator", iter(lines))):
        run = model(settings=SMALL).fit(given, out=tmp_path / kind)
        assert run.scores == of_lines.scores
        assert run.evaluate(pd.Series(lines), include_training=True)["test"]["model"]


def test_lines_may_have_their_ends(tmp_path: Path, of_lines: ls.LanguageRun) -> None:
    lines = prose(120).splitlines(keepends=True)
    assert model(settings=SMALL).fit(lines, out=tmp_path / "run").scores == of_lines.scores


def test_settings_reach_the_run(tmp_path: Path, of_lines: ls.LanguageRun) -> None:
    chosen = {**SMALL, "train.learning_rate": 0.01}
    other = model(cell="gru", seed=3, settings=chosen).fit(
        prose(120).splitlines(), out=tmp_path / "run"
    )
    written = (tmp_path / "run" / "config.toml").read_text()
    for line in ('cell = "gru"', "seed = 3", "learning_rate = 0.01", "embedding = 8"):
        assert line in written
    with pytest.raises(ls.ConfigError, match="did you mean 'learning_rate'"):
        model(settings={"train.lerning_rate": 1})
    assert other.verdict.startswith(("The GRU", "Too little"))


def test_writing_and_scoring(of_lines: ls.LanguageRun) -> None:
    how: dict[str, Any] = {"length": 12, "temperature": 0.9, "top_k": 5, "top_p": 0.9, "seed": 2}
    text = of_lines.generate("the cat", **how)
    assert "".join(of_lines.stream("the cat", **how)) == text
    assert set(text.split()) <= set(WORDS)
    found = of_lines.score("the cat sees\n")
    assert found["tokens"] == 4 and found["perplexity"] > 1
    with pytest.raises(ls.DataError, match="the text has no token"):
        of_lines.score("")


def test_a_run_on_lines_is_evaluated_while_they_are_there(of_lines: ls.LanguageRun) -> None:
    other = prose(20, seed=9).splitlines()
    found = of_lines.evaluate(other)
    assert set(found["test"]["baselines"]) == {"unigram", "kneser_ney"}
    assert found["characters"] == len(prose(20, seed=9))
    with pytest.raises(ls.DataError, match="the run was trained on this text"):
        of_lines.evaluate(prose(120).splitlines())
    again = ls.load(of_lines.path)
    assert isinstance(again, ls.LanguageRun) and again.scores == of_lines.scores
    assert again.generate(length=5) == of_lines.generate(length=5)
    with pytest.raises(ls.RunError, match="data in memory that is gone"):
        again.evaluate(other)


def test_tokens_are_counted_aloud_before_training(tmp_path: Path) -> None:
    said: list[str] = []
    run = model(settings=SMALL).fit(prose(120).splitlines(), out=tmp_path / "run", say=said.append)
    assert f"test: {run.scores['tokens']:,} tokens (words)" in said


def test_different_tokens_of_the_training_are_counted_aloud(tmp_path: Path) -> None:
    said: list[str] = []
    model(settings=SMALL).fit(prose(120).splitlines(), out=tmp_path / "run", say=said.append)
    (line,) = (each for each in said if each.endswith("different ones"))
    assert line.startswith("train: ") and "tokens (words), 12 different ones" in line


def test_tokens_of_an_evaluated_text_are_counted_aloud(of_lines: ls.LanguageRun) -> None:
    trained, said = load(of_lines.path).remember(prose(120).splitlines()), list[str]()
    found = trained.evaluate(prose(20, seed=9).splitlines(), say=said.append)
    assert f"lines: {found['tokens']:,} tokens (words)" in said


def test_a_file_of_training_and_test_is_the_run_s_own(tmp_path: Path) -> None:
    """The text that a test was cut from, although validation has a file of its own."""
    lines = different(400)
    path = written(tmp_path / "t.txt", lines)
    val = written(tmp_path / "v.txt", different(80)[::-1])
    chosen = {**SMALL, "split.test": 0.8, "train.batch_size": 2}
    run = model(settings=chosen).fit(path, val=val, out=tmp_path / "run")
    with pytest.raises(ls.DataError, match="the run was trained on this text"):
        run.evaluate(path)


@pytest.mark.parametrize("task", ["classify", "tag"])
def test_a_run_that_does_not_write_says_so(task: str, small_run: Callable[[str], Path]) -> None:
    done = longshort("generate", small_run(task))
    assert done.returncode == 2 and f"is a run of the task '{task}'" in done.stderr


def test_the_documented_python_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "language.md").read_text()
    (tmp_path / "book.txt").write_text(prose(150))
    (tmp_path / "other.txt").write_text(prose(20, seed=9))
    monkeypatch.chdir(tmp_path)
    exec(page.split("```python\n")[1].split("```")[0], {})
    said = capsys.readouterr().out
    assert said.count("perplexity") == 3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "lines: has no text"),
        (["", " "], "lines: has no text"),
        (["a b", 3], "a text file or a list of lines is expected, got list"),
        ({"text": 1}, "a text file or a list of lines is expected, got dict"),
        (["fine", "b\ud800"], r"line 2: character 1 \(U\+D800\) is half of a surrogate pair"),
        ("missing.txt", "no such file"),
    ],
)
def test_what_is_no_text_is_refused(data: Any, message: str) -> None:
    with pytest.raises(ls.DataError, match=message):
        model(settings=SMALL).fit(data)


# Writing to a pipe


def test_a_closed_pipe_ends_quietly(of_lines: ls.LanguageRun) -> None:
    command = [sys.executable, "-m", "longshort", "generate", str(of_lines.path)]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, "--length", "10000000"], **pipes) as process:
        assert process.stdout is not None and process.stderr is not None
        assert len(process.stdout.read(100)) == 100
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_prompt_that_is_no_text_is_one_message(of_lines: ls.LanguageRun) -> None:
    prompt = os.fsdecode(b"a \xff")  # as Python takes it from the shell
    done = longshort("generate", of_lines.path, "--prompt", prompt)
    assert done.returncode == 2
    assert "prompt: character 2 (U+DCFF) is half of a surrogate pair" in done.stderr


# A tokenizer's file


def byte_level(folder: Path, text: str) -> str:
    """A byte-level tokenizer in which every byte is a token, with a space before a word in it."""
    tokenizers = pytest.importorskip("tokenizers")
    pre = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    known = sorted({letter for word, _ in pre.pre_tokenize_str(text) for letter in word})
    made = tokenizers.Tokenizer(tokenizers.models.BPE({k: i for i, k in enumerate(known)}, []))
    made.pre_tokenizer, made.decoder = pre, tokenizers.decoders.ByteLevel()
    made.save(str(folder / "tok.json"))
    return "tokenizer:tok.json"


def test_a_tokenizer_s_text_is_put_together_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "der Bär äß süße Äpfel\n" * 3
    monkeypatch.chdir(tmp_path)
    config = LanguageText(tokens=byte_level(tmp_path, text), min_count=1)
    encoder = LanguageEncoder.fit(text, config)
    numbers = encoder.encode(text).tolist()
    pieces = list(encoder.stream(numbers))
    assert len(pieces) == len(numbers) and "".join(pieces) == text and encoder.restores(text)
    tail = encoder.encode(" Bär").tolist()
    assert "".join(encoder.stream(tail, "der")) == " Bär"


def test_a_language_model_keeps_its_tokenizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"süße Äpfel und {word} Birnen" for word in ("saure", "reife", "kleine")] * 60
    monkeypatch.chdir(tmp_path)
    tokens = byte_level(tmp_path, "\n".join(lines))
    chosen = {"train.max_epochs": 1, "train.batch_size": 4, "model.num_layers": 1}
    model = ls.LanguageModel(tokens=tokens, embedding=8, settings=chosen)
    run = model.fit(lines, out=tmp_path / "run")
    text = run.generate("süße", length=20, seed=1)
    (tmp_path / "tok.json").unlink()
    monkeypatch.chdir("/")
    assert ls.load(tmp_path / "run").generate("süße", length=20, seed=1) == text
