"""Folders, archives and tables of lines, and what is said of broken ones."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from longshort.config import build_as
from longshort.errors import DataError
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.samples import Lines
from longshort.tasks.read.source import lines_of, read_lines
from tests.drawn_lines import penned, pictures, put, texts_of


def config(**data: Any) -> ReadConfig:
    return build_as(ReadConfig, {"task": "read", "data": data})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path / "lines", 6)


def same(one: Lines, other: Lines) -> bool:
    return one.texts == other.texts and one.keys() == other.keys()


def test_a_folder_an_archive_and_tables_hold_the_same(folder: Path, tmp_path: Path) -> None:
    whole = read_lines(folder, config())
    assert whole.texts == texts_of(6, 3) and whole.places[0] == str(folder / "line000.png")
    shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    with tarfile.open(tmp_path / "packed.tar.gz", "w:gz") as tar:
        tar.add(folder, "deep/lines")
    for name in ("packed.zip", "packed.tar.gz"):
        assert same(read_lines(tmp_path / name, config()), whole)
    names = [f"line{i:03}.png" for i in range(6)]
    table = pl.DataFrame({"file": names, "text": whole.texts})
    table.write_csv(folder / "t.csv")
    table.write_csv(folder / "t.tsv", separator="\t")
    table.write_ndjson(folder / "t.jsonl")
    table.write_parquet(folder / "t.parquet")
    for name in ("t.csv", "t.tsv", "t.jsonl", "t.parquet"):
        assert same(read_lines(folder / name, config()), whole), name
    elsewhere = config(images=str(folder))
    assert same(read_lines(table, elsewhere), whole)
    assert same(read_lines(pd.DataFrame(table.to_dict(as_series=False)), elsewhere), whole)
    assert same(lines_of(pictures(6), texts_of(6, 3)), whole)


def test_texts_are_in_one_normal_form(folder: Path) -> None:
    (folder / "line000.gt.txt").write_text("  cafe\u0301 \n ﬁn  ", encoding="utf-8")
    assert (read_lines(folder, config()).texts or [])[0] == "caf\u00e9 ﬁn"
    plain = build_as(ReadConfig, {"task": "read", "text": {"normalise": "NFKC"}})
    assert (read_lines(folder, plain).texts or [])[0] == "caf\u00e9 fin"


def test_names_of_processed_pictures_pair_with_their_texts(folder: Path) -> None:
    for number in range(6):
        (folder / f"line{number:03}.png").rename(folder / f"line{number:03}.bin.png")
    assert len(read_lines(folder, config())) == 6


def broken(folder: Path, what: str) -> str:
    """Damage the folder; returns the file that is to be named."""
    first = folder / "line000.png"
    if what == "no text":
        (folder / "line000.gt.txt").unlink()
    elif what == "no picture":
        first.unlink()
        return "line000.gt.txt"
    elif what == "empty file":
        first.write_bytes(b"")
    elif what == "corrupt":
        first.write_bytes(first.read_bytes()[:60])
    elif what == "one colour":
        Image.fromarray(np.full((30, 200), 200, np.uint8)).save(first)
    elif what == "empty text":
        (folder / "line000.gt.txt").write_text("\n")
    return "line000.png"


BROKEN = {
    "no text": "the picture has no text; write line000.gt.txt beside it",
    "no picture": "the text has no picture; put line000.png beside it",
    "empty file": "cannot be read as a picture .the file is empty",
    "corrupt": "cannot be read as a picture",
    "one colour": "the picture is of one colour, and its text is ",
    "empty text": "its text is empty",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_line_that_cannot_be_learned_is_named_or_left_out(folder: Path, what: str) -> None:
    name = broken(folder, what)
    with pytest.raises(DataError, match=f"{name}: {BROKEN[what]}.*--set data.drop_bad=true"):
        read_lines(folder, config())
    found = read_lines(folder, config(drop_bad=True))
    assert len(found) == 5
    (finding,) = found.findings
    assert "1 line is left out" in finding.message and name in finding.where[0]


def test_splits_and_groups_of_a_table(folder: Path) -> None:
    names = [f"line{i:03}.png" for i in range(6)]
    parts = ["train", "training", "dev", "test", "train", "test"]
    table = pl.DataFrame({"image": names, "transcription": texts_of(6, 3), "set": parts,
                          "hand": list("aabbcc")})  # fmt: skip
    table.write_csv(folder / "t.csv")
    found = read_lines(folder / "t.csv", config(group="hand"))
    assert {name: len(each) for name, each in found.by_split().items()} == {
        "train": 3, "val": 1, "test": 2,
    }  # fmt: skip
    assert found.groups == list("aabbcc")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\nx.png,y\n", "which column is the picture's file"),
        ("file,b\nx.png,y\n", "which column is the text"),
        ("file,text\nx.png\n", "row 2: 2 cells are expected"),
        ("file,text\n", "holds no row"),
        ("file,text,split\nx.png,y,z\n", "the split 'z' is not known"),
        ("file,text\nnone.png,y\n", "none.png: no such picture"),
        ("file,text\n,y\n", "row 1 names no picture"),
    ],
)
def test_broken_tables(folder: Path, text: str, message: str) -> None:
    (folder / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_lines(folder / "t.csv", config())


def test_a_column_that_is_not_there(folder: Path) -> None:
    (folder / "t.csv").write_text("file,text\nline000.png,y\n")
    with pytest.raises(DataError, match=r"data\.text: there is no column 'txt'.*'text'"):
        read_lines(folder / "t.csv", config(text="txt"))


def test_sources_that_hold_no_lines(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no picture"):
        read_lines(tmp_path / "empty", config())
    with pytest.raises(DataError, match="is a single picture; to learn, give a folder"):
        read_lines(folder / "line000.png", config())
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"x\.zip: cannot be read as an archive"):
        read_lines(tmp_path / "x.zip", config())
    with pytest.raises(DataError, match="no such file or folder"):
        read_lines(tmp_path / "none", config())
    with pytest.raises(DataError, match="got int"):
        read_lines(3, config())


def test_new_pictures_need_no_texts(folder: Path) -> None:
    for data in (folder, str(folder / "line000.png"), [folder / "line001.png", folder]):
        assert read_lines(data, config(), labelled=False).texts is None
    with pytest.raises(DataError, match=r"none\.png: no such file"):
        read_lines([folder / "line000.png", folder / "none.png"], config(), labelled=False)


def test_strokes_are_read_by_their_file(tmp_path: Path) -> None:
    inks = penned(4)
    rows = [{"strokes": [s.tolist() for s in ink.strokes], "text": text}
            for ink, text in zip(inks.items, inks.labels or [], strict=True)]  # fmt: skip
    path = tmp_path / "lines.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = read_lines(path, config())
    assert found.kind == "strokes" and found.texts == inks.labels and not found.looks
    assert same(read_lines(inks, config()), found)


def test_new_pictures_that_are_damaged_are_left_out_where_that_is_asked(folder: Path) -> None:
    (folder / "line002.png").write_bytes(b"none")
    with pytest.raises(DataError, match=r"line002\.png.*--set data\.drop_bad=true"):
        read_lines(folder, config(), labelled=False)
    found = read_lines(folder, config(drop_bad=True), labelled=False)
    assert len(found) == 5 and found.findings[0].message.startswith("6 pictures: 1 line is left")


def test_strokes_are_refused_where_pictures_are_read(tmp_path: Path) -> None:
    ink = tmp_path / "ink.jsonl"
    ink.write_text(json.dumps({"label": "a", "strokes": [[[0, 0], [1, 1]]]}) + "\n")
    for labelled in (True, False):
        with pytest.raises(DataError, match=r"ink\.jsonl: holds pen strokes.*reads pictures"):
            read_lines(ink, config(kind="pictures"), labelled=labelled)


def test_pictures_are_refused_where_strokes_are_read(folder: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    (tmp_path / "t.csv").write_text("file,text\nline000.png,a\n")
    for name, said in (
        ("lines", "holds pictures"),
        ("lines/line000.png", "is a picture"),
        ("packed.zip", "holds pictures"),
        ("t.csv", "is a table"),
    ):
        with pytest.raises(DataError, match=f"{said}.*, and the run reads pen strokes"):
            read_lines(tmp_path / name, config(kind="strokes"))


def test_lines_have_the_name_of_their_source(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = folder / "t.csv"
    table.write_text("file,text\nline000.png,a\n")
    monkeypatch.chdir(folder)
    single = read_lines("line000.png", config(), labelled=False)
    names = [each.name for each in (read_lines(table, config()), read_lines(".", config()), single)]
    assert names == ["t.csv", "lines", "line000.png"]


INK = (
    '<ink xmlns="http://www.w3.org/2003/InkML"><annotation type="truth">ab</annotation>'
    "<trace>0 0, 1 1, 2 0, 3 2</trace><trace>4 0, 5 1, 6 0</trace></ink>"
)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_folder_of_strokes_may_hold_a_picture(labelled: bool, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.inkml").write_text(INK)
    Image.new("L", (40, 10), 255).save(tmp_path / "preview.png")
    for kind in (None, "strokes"):
        found = read_lines(tmp_path, config(kind=kind), labelled=labelled)
        assert (found.kind, len(found)) == ("strokes", 2)
    with pytest.raises(DataError, match="holds pen strokes, and the run reads pictures"):
        read_lines(tmp_path, config(kind="pictures"))
