"""Ordinary tables of texts: which column is which, and parts given in Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import longshort as ls
from longshort.config.sequences import SequenceData
from longshort.data.labelled import Examples
from longshort.data.labelled_source import read_examples
from longshort.runs import story

Write = Callable[[str, str | bytes], Path]
SMALL = {"model.hidden": 4, "model.members": 1, "train.max_epochs": 1, "train.threads": 1}
QUOTED = '"a {} day, number {}"'


def table(header: str, row: str, count: int = 30) -> str:
    """Rows of which {text} is a sentence, {label} one of two words, {n} the number."""
    lines = [
        row.format(text=QUOTED.format(("fine", "bad")[n % 2], n), label=("ham", "spam")[n % 2], n=n)
        for n in range(count)
    ]
    return "\n".join([header, *lines]) + "\n"


def read(path: Path, **settings: Any) -> Examples:
    return read_examples(path, SequenceData.model_validate(settings))


@pytest.mark.parametrize(
    ("header", "row", "text", "label"),
    [
        ("sentence,label", "{text},{label}", "sentence", "label"),
        ("Text,Sentiment", "{text},{label}", "Text", "Sentiment"),
        ("tweet;emotion", "{text};{label}", "tweet", "emotion"),
        ("v1,v2", "{label},{text}", "v2", "v1"),
        ("v1,v2,,,", "{label},{text},,,", "v2", "v1"),
        (",verified_reviews,feedback", "{n},{text},{label}", "verified_reviews", "feedback"),
        ("id,what they said,verdict of us", "{n},{text},{label}", "what they said",
         "verdict of us"),
        ("date,message,answer", "2024-01-01,{text},{label}", "message", "answer"),
    ],
)  # fmt: skip
def test_columns_are_known_by_name_or_by_what_stands_in_them(
    write: Write, header: str, row: str, text: str, label: str
) -> None:
    found = read(write("t.csv", table(header, row)))
    assert (found.read_as["text"], found.read_as["label"]) == (text, label)
    assert found.items[0] == "a fine day, number 0" and found.labels == ["ham", "spam"] * 15


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_a_first_line_that_is_an_example_is_no_header(
    name: str, write: Write, tmp_path: Path
) -> None:
    mark = "," if name == "t.csv" else "\t"
    rows = table("", f"{{text}}{mark}{{label}}", 60).lstrip()
    found = read(write(name, rows))
    assert len(found) == 60 and found.items[0] == "a fine day, number 0"
    assert found.labels == ["ham", "spam"] * 30 and found.read_as["header"] is False
    run = ls.Classifier(settings=SMALL).fit(tmp_path / name, out=tmp_path / "run")
    new = write(f"new{name[1:]}", f"a fine day{mark}ham\na bad day{mark}spam\n")
    assert run.evaluate(new)["examples"] == 2 and len(run.predict(new)) == 2


def test_columns_with_spaces_can_be_named(write: Write) -> None:
    path = write("t.csv", table("my text,the label,label", "{text},{label},{n}"))
    assert read(path, text="my text", label="the label").labels == ["ham", "spam"] * 15


def test_several_columns_that_may_be_labels_are_shown(write: Write) -> None:
    path = write("t.csv", table("text,stars,feedback", "{text},5,{label}").replace("5,h", "4,h"))
    message = (
        r"which column is the label\? Name it with --label; likely ones are 'stars' \(2 values"
    )
    with pytest.raises(ls.DataError, match=message + r"\), 'feedback' \(2 values\)"):
        read(path)


def test_two_columns_of_texts_are_asked(write: Write) -> None:
    path = write("t.csv", table("said,meant,label", "{text},{text},{label}"))
    with pytest.raises(ls.DataError, match=r"which column is the text\? Name it with --text"):
        read(path)


def test_a_table_of_reviews_names_what_may_be_its_label(real_data: Path) -> None:
    path = real_data / "amazon_reviews" / "amazon_alexa.tsv.gz"
    with pytest.raises(ls.DataError, match=r"likely ones are 'rating' \(5 values\), .*'feedback'"):
        read(path)
    found = read(path, label="feedback")
    assert found.read_as["text"] == "verified_reviews" and len(found) == 3150


def test_a_table_in_a_legacy_encoding_is_read_and_said(write: Write) -> None:
    content = table("text,label", "Das Frühstück war schön und übel {n} für die Gäste,{label}")
    found = read(write("t.csv", content.encode("cp1252")))
    assert found.items[1] == "Das Frühstück war schön und übel 1 für die Gäste"
    assert [finding.code for finding in found.findings] == ["encoding"]


# Splits in Python


def reviews(count: int, first: int = 0) -> pl.DataFrame:
    numbers = range(first, first + count)
    texts = [f"a {('fine', 'awful')[i % 2]} day {i}" for i in numbers]
    return pl.DataFrame({"text": texts, "label": [("good", "bad")[i % 2] for i in numbers]})


@pytest.mark.parametrize("kind", ["polars", "pandas", "pairs", "files"])
def test_parts_of_any_kind(kind: str, tmp_path: Path) -> None:
    frames = {"val": reviews(12, 60), "test": reviews(10, 80)}
    parts: dict[str, Any] = {}
    for name, frame in frames.items():
        frame.write_csv(tmp_path / f"{name}.csv")
        parts[name] = {
            "polars": frame,
            "pandas": pd.DataFrame(frame.to_dict(as_series=False)),
            "pairs": (frame["text"].to_list(), frame["label"].to_list()),
            "files": tmp_path / f"{name}.csv",
        }[kind]
    run = ls.Classifier(settings=SMALL).fit(reviews(60), out=tmp_path / "run", **parts)
    assert run.scores["examples"] == 10
    tested = pl.read_csv(tmp_path / "run" / "predictions.csv")["text"]
    assert sorted(tested) == sorted(frames["test"]["text"])
    assert run.evaluate(frames["test"])["examples"] == 10


def test_pairs_of_arrays_are_parts_and_the_training_part_may_be_a_file(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(40, 5)), np.arange(40) % 2
    np.savez(tmp_path / "x.npz", x=x[:20], y=y[:20])
    run = ls.Classifier(settings=SMALL).fit(
        tmp_path / "x.npz", val=(x[20:30], y[20:30]), test=(x[30:], y[30:]), out=tmp_path / "run"
    )
    assert run.scores["examples"] == 10 and run.labels == (0, 1)


def test_parts_of_sentences(tmp_path: Path) -> None:
    tokens = [["mr", f"Berg{n}", "left"] for n in range(60)]
    tags = [["O", "B-per", "O"]] * 60
    quick = {"train.max_epochs": 1, "model.hidden": 4, "evaluate.softmax": False}
    run = ls.Tagger(settings=quick).fit(
        tokens[:40], tags[:40], val=(tokens[40:50], tags[40:50]), test=(tokens[50:], tags[50:]),
        out=tmp_path / "run",
    )  # fmt: skip
    assert run.scores["examples"] == 10


def test_decisions_are_told(write: Write, tmp_path: Path) -> None:
    path, said = write("t.csv", table("v1,v2", "{label},{text}", 60)), list[str]()
    settings = {"task": "classify", "data": {"path": str(path)},
                "model": {"hidden": 4, "members": 1}, "train": {"max_epochs": 1}}  # fmt: skip
    story.run(settings, tmp_path / "run", say=said.append)
    (told,) = [line for line in said if line.startswith("decided:")]
    assert "data.text = v2" in told and "data.label = v1" in told


def test_texts_with_numbers_are_no_series_unless_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("".join(f"a fine day, number {n}\t{n % 2}\n" for n in range(40)))
    with pytest.raises(ls.LongshortError, match="say --task classify if the numbers are labels"):
        story.check({"data": {"path": str(path)}})
    story.check({"data": {"path": str(path), "target": ["column_2"]}})
    story.check({"task": "classify", "data": {"path": str(path)}})
