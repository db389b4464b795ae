"""Tagged sentences in tables, and plain text to be tagged."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import longshort as ls
from longshort.tasks.tag.config import TagData
from longshort.tasks.tag.conll import Tagged
from longshort.tasks.tag.source import read_sentences, read_to_tag
from tests.commands import longshort

Write = Callable[[str, str | bytes], Path]

TOKENS = [["Thousands", "of", "NA"], ["London", '"', "null"]]
TAGS = [["O", "O", "B-geo"], ["B-geo", "O", "O"]]
KAGGLE = """Sentence #,Word,POS,Tag
Sentence: 1,Thousands,NNS,O
,of,IN,O
,NA,NNP,B-geo
Sentence: 2,London,NNP,B-geo
,\"\"\"\",``,O
,null,NN,O
"""
FRAME = pl.DataFrame({
    "sentence_id": [1, 1, 1, 2, 2, 2],
    "word": [token for row in TOKENS for token in row],
    "tag": [tag for row in TAGS for tag in row],
})  # fmt: skip


# Tables


def test_a_sentence_s_number_may_stand_in_its_first_row_alone(write: Write) -> None:
    found = read_sentences(write("ner.csv", KAGGLE), TagData())
    assert (found.tokens, found.tags) == (TOKENS, TAGS)
    assert found.places == ["line 2", "line 5"]


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "csv.gz", "polars", "pandas"])
def test_a_row_for_every_token(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"ner.{kind}"
    if kind == "parquet":
        FRAME.write_parquet(path)
    elif kind in ("csv", "tsv"):
        FRAME.write_csv(path, separator="\t" if kind == "tsv" else ",")
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(FRAME.write_csv().encode()))
    frames = {"polars": FRAME, "pandas": pd.DataFrame(FRAME.to_dict(as_series=False))}
    found = read_sentences(frames.get(kind, path), TagData())
    assert (found.tokens, found.tags) == (TOKENS, TAGS)


def test_columns_of_a_table_can_be_named(write: Write) -> None:
    path = write("t.txt", "who;what;kind\n1;a;X\n1;b;O\n")
    found = read_sentences(path, TagData(format="table", sentence="who", token="what", tag="kind"))
    assert found.tokens == [["a", "b"]] and found.tags == [["X", "O"]]


def test_a_table_to_be_tagged_needs_no_tags(write: Write) -> None:
    path = write("t.csv", "sentence_id,word\n1,a\n1,b\n2,c\n")
    assert read_sentences(path, TagData(), with_tags=False).tokens == [["a", "b"], ["c"]]


def test_columns_of_tokens_and_tags_with_tabs_are_no_table(write: Write) -> None:
    found = read_sentences(write("t.tsv", "Anna\tB-per\nleft\tO\n"), TagData())
    assert found.tokens == [["Anna", "left"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sent_id,word,tag\n1,a,O\n2,b,O\n1,c,O\n", "line 4, column 'sent_id': '1' stands further"),
        ("sent_id,word,tag\n1,a,O\n1,,O\n", "line 3, column 'word': the token is missing"),
        ("sent_id,word,tag\n1,a,O\n1,b,\n", "line 3, column 'tag': the tag is missing"),
        ("sent_id,word,tag\n,a,O\n1,b,O\n", "line 2, column 'sent_id': the sentence is missing"),
        ("sent_id,word,tag,label\n1,a,O,O\n", "which column is the tag.*data.tag=NAME"),
        ("sent_id,word,tag\n", "t.csv: has no rows"),
    ],
)
def test_tables_that_cannot_be_read(write: Write, content: str, message: str) -> None:
    with pytest.raises(ls.DataError, match=message):
        read_sentences(write("t.csv", content), TagData())


def test_a_frame_is_learned_and_its_columns_are_settings_of_tables_alone(tmp_path: Path) -> None:
    rows = [(i, word, tag) for i in range(30) for word, tag in
            (("mr", "O"), (f"Berg{i}", "B-per"), ("left", "O"))]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["sentence_id", "word", "tag"], orient="row")
    quick = {"train.max_epochs": 1, "model.hidden": 4, "evaluate.softmax": False}
    run = ls.Tagger(settings=quick).fit(frame, out=tmp_path / "run")
    assert run.evaluate(frame, include_training=True)["examples"] == 30
    sentences = [["mr", f"Berg{i}", "left"] for i in range(30)]
    with pytest.raises(ls.ConfigError, match=r"data\.tag.*is of tables"):
        ls.Tagger(settings={**quick, "data.tag": "tag"}).fit(sentences, [["O", "B-per", "O"]] * 30)


def test_lists_of_tokens_and_tags_in_a_row(tmp_path: Path) -> None:
    frame = pl.DataFrame({"tokens": TOKENS, "ner_tags": TAGS})
    frame.write_parquet(tmp_path / "t.parquet")
    found = read_sentences(tmp_path / "t.parquet", TagData())
    assert (found.tokens, found.tags, found.places) == (TOKENS, TAGS, ["row 0", "row 1"])
    numbers = frame.with_columns(ner_tags=pl.Series([[0, 0, 1], [1, 0, 0]]))
    with pytest.raises(
        ls.DataError, match=r"column 'ner_tags' holds .* write the names that its tag"
    ):
        read_sentences(numbers, TagData())
    torn = frame.with_columns(ner_tags=pl.Series([["O"], ["O", "O", "O"]]))
    with pytest.raises(ls.DataError, match="row 0: every token needs one tag"):
        read_sentences(torn, TagData())


def test_tags_in_json_lines_may_be_called_as_in_published_sets(write: Write) -> None:
    path = write("t.jsonl", '{"tokens": ["a"], "ner_tags": ["O"]}\n')
    assert read_sentences(path, TagData()).tags == [["O"]]
    with pytest.raises(ls.DataError, match="under 'ner_tags'; numbers are none"):
        read_sentences(write("n.jsonl", '{"tokens": ["a"], "ner_tags": [3]}\n'), TagData())


def test_names_of_columns_are_no_sentence(write: Write) -> None:
    found = read_sentences(write("t.tsv", "word\ttag\nAnna\tB-per\nleft\tO\n"), TagData())
    assert found.tokens == [["Anna", "left"]] and found.places == ["line 2"]
    with pytest.raises(ls.DataError, match=r"which column is the sentence's number\?"):
        read_sentences(write("t.csv", "word,tag\nAnna,B-per\n"), TagData())


def test_universal_dependencies_are_not_taken_for_tokens_and_tags(write: Write) -> None:
    rows = ["# text = im Haus", "1-2\tim" + "\t_" * 8, "1\tin\tin\tADP" + "\t_" * 6,
            "2\tdem\tder\tDET" + "\t_" * 6, "3\tHaus\tHaus\tNOUN" + "\t_" * 6]  # fmt: skip
    path = write("t.conllu", "\n".join(rows) + "\n\n")
    with pytest.raises(ls.DataError, match=r"line 2: is CoNLL-U .*data\.tag_column = 3"):
        read_sentences(path, TagData())
    found = read_sentences(path, TagData(token_column=1, tag_column=3))
    assert found.tokens == [["in", "dem", "Haus"]] and found.tags == [["ADP", "DET", "NOUN"]]


# Plain text


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger that has only begun to learn."""
    folder = tmp_path_factory.mktemp("tagger") / "run"
    tokens = [["mr", "Berg", "left", str(n)] for n in range(40)]
    tags = [["O", "B-per", "O", "O"] for _ in tokens]
    quick = {"train.max_epochs": 1, "model.hidden": 4, "evaluate.softmax": False}
    ls.Tagger(settings=quick).fit(tokens, tags, out=folder)
    return folder


def to_tag(path: Path, *, by_character: bool = False) -> Tagged:
    cut = list if by_character else str.split
    return read_to_tag(path, TagData(), cut, {"O", "B-per"}, by_character=by_character)


@pytest.mark.parametrize(
    ("content", "sentences"),
    [
        ("Anna left\n\nmr Berg came home\n", [["Anna", "left"], ["mr", "Berg", "came", "home"]]),
        ("Anna left\nmr Berg\n", [["Anna", "left"], ["mr", "Berg"]]),
        ("Anna lives in Berlin", [["Anna", "lives", "in", "Berlin"]]),
        ("Anna\tB-per\nleft\tO\n\nhome\tO\n", [["Anna", "left"], ["home"]]),
        ("Anna B-per\nleft O\n\nhome O\n", [["Anna", "left"], ["home"]]),
        ("Anna B-per\nleft O\n", [["Anna", "left"]]),
        ("Anna\nleft\n\nhome\n", [["Anna", "left"], ["home"]]),
        ('{"tokens": ["Anna", "left"]}\n', [["Anna", "left"]]),
    ],
)
def test_plain_text_is_told_from_columns(
    write: Write, content: str, sentences: list[list[str]]
) -> None:
    assert to_tag(write("new.txt", content)).tokens == sentences


def test_lines_of_a_script_without_spaces_are_sentences(write: Write) -> None:
    path = write("new.txt", "我在北京\n人大\n")
    assert to_tag(path, by_character=True).tokens == [list("我在北京"), list("人大")]
    columns = write("columns.txt", "我\n在\n\n人\n")
    assert to_tag(columns, by_character=True).tokens == [["我", "在"], ["人"]]


def test_what_may_be_columns_or_sentences_is_refused(write: Write) -> None:
    path = write("new.txt", "Anna NNP\nleft VBD\n\nBerg NNP\n")
    with pytest.raises(ls.DataError, match=r"new\.txt: every line has 2 words, so it may hold"):
        to_tag(path)


def test_columns_with_a_fault_are_no_text(write: Write) -> None:
    path = write("new.txt", "Anna B-per\n" * 19 + "New York B-per\n")
    with pytest.raises(ls.DataError, match="line 20: 3 columns, and 2 before"):
        to_tag(path)


def test_every_word_of_a_plain_text_is_tagged(run: Path, write: Write, tmp_path: Path) -> None:
    path, out = write("raw.txt", "mr Berg left\nAnna stayed at home\n"), tmp_path / "tags.csv"
    done = longshort("predict", str(run), "--data", str(path), "--out", str(out))
    assert "raw.txt: is plain text; every line is cut into tokens as a sentence" in done.stderr
    found = pl.read_csv(out)
    assert found["token"].to_list() == ["mr", "Berg", "left", "Anna", "stayed", "at", "home"]
    assert found["place"].to_list() == ["line 1"] * 3 + ["line 2"] * 4
