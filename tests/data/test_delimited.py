"""Blank lines, headers and encodings of delimited text: read and said, or explained."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longshort.config import DataConfig
from longshort.config.sequences import SequenceData
from longshort.data.dataset import Dataset, read_dataset
from longshort.data.labelled_source import read_examples
from longshort.errors import DataError

Write = Callable[[str, str | bytes], Path]

ROWS = ["ds,y", *(f"2024-01-{day:02d},{day}" for day in range(1, 11))]


def read(data: object, **settings: object) -> Dataset:
    return read_dataset(data, DataConfig.model_validate(settings))


def days(dataset: Dataset) -> list[float]:
    return dataset.panel.target[:, 0].tolist()


TEN = [float(day) for day in range(1, 11)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("blank", ["", "   ", ",", " , ", '""'])
def test_blank_lines_are_skipped_and_counted(blank: str, end: str, write: Write) -> None:
    lines = [blank, *ROWS[:3], blank, blank, *ROWS[3:], blank]
    dataset = read(write("x.csv", end.join(lines) + end))
    assert days(dataset) == TEN
    assert [finding.message for finding in dataset.findings] == ["3 lines are blank; skipped"]
    assert dataset.findings[0].where == ("line 5", "line 6", f"line {len(lines)}")


def test_lines_are_counted_over_blank_ones(write: Write) -> None:
    path = write("x.csv", "\n\nds,y\n2024-01-01,1\n\n2024-01-02,oops\n")
    with pytest.raises(DataError, match="line 6, column 'y': 'oops' is not a number"):
        read(path, target="y")


def test_a_blank_line_in_quotes_is_text(write: Write) -> None:
    path = write("x.csv", 'ds,y,note\n2024-01-01,1,"a\n\nb"\n2024-01-02,2,c\n2024-01-03,x,d\n')
    with pytest.raises(DataError, match="line 6, column 'y': 'x' is not a number"):
        read(path, target="y")


def test_a_blank_line_of_a_single_column_is_a_missing_value(write: Write) -> None:
    values = read(write("x.csv", "y\n1\n\n3\n")).panel.target[:, 0]
    assert np.array_equal(values, [1.0, np.nan, 3.0], equal_nan=True)


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_a_file_without_names_is_read_and_said(mark: bytes, write: Write) -> None:
    dataset = read(write("x.csv", mark + "\n".join(ROWS[1:]).encode()))
    assert days(dataset) == TEN
    assert (dataset.schema.time, dataset.schema.target) == ("column_1", ("column_2",))
    assert dataset.findings[0].message == (
        "line 1 holds data and no names, so the columns are called column_1 to column_2"
    )


def test_a_label_of_1_is_no_name(write: Write) -> None:
    path = write("x.tsv", "good\t1\nbad\t0\nfine\t1\n")
    found = read_examples(path, SequenceData(text="column_1", label="column_2"))
    assert (found.items, found.labels) == (["good", "bad", "fine"], ["1", "0", "1"])
    assert [finding.code for finding in found.findings] == ["no-header"]


def test_whether_there_are_names_may_be_said(write: Write) -> None:
    named = write("x.csv", "2024-01-01,5.5\n2024-01-02,6\n2024-01-03,7\n")
    assert read(named, header=True, time="2024-01-01", target="5.5").panel.num_rows == 2
    assert read(write("y.csv", "a,b\n1,c\n"), header=False, target="column_1", missing="a")


@pytest.mark.parametrize(
    "first",
    ["id,2020-01,2020-02,2020-03", "country,1960,1961,1962", "0,1,2,3", ",a,b,c", "1,2,3,4"],
)
def test_names_that_are_dates_or_count_on_are_names(first: str, write: Write) -> None:
    path = write("x.csv", f"{first}\nx,5,6,7\ny,8,9,10\n")
    assert read(path, target="all").schema.target


@pytest.mark.parametrize("first", ["Sales of 2024", "ds"])
def test_a_short_first_line_is_explained(first: str, write: Write) -> None:
    with pytest.raises(DataError) as caught:
        read(write("x.csv", "\n".join([first, *ROWS[1:]])))
    assert "line 1 has 1 cells and the rows below have 2; remove it if it is a title" in str(
        caught.value
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "gb18030"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_tables_in_other_encodings_are_read_and_said(
    encoding: str, suffix: str, write: Write
) -> None:
    group = {"cp1252": "Köln", "gb18030": "北京的"}.get(encoding, "Łódź 北京")
    text = "id,ds,y\n" + "".join(f"{group},2024-01-{day:02d},{day}\n" for day in range(1, 11))
    raw = text.encode(encoding)
    path = write(f"x.csv{suffix}", gzip.compress(raw) if suffix else raw)
    dataset = read(path, group="id", target="y")
    assert dataset.panel.groups == ((group,),)
    assert days(dataset) == TEN
    assert [finding.code for finding in dataset.findings] == ["encoding"]
    assert dataset.findings[0].message.startswith("read as ")


def test_json_lines_in_utf_16_are_read(write: Write) -> None:
    text = "".join(f'{{"ds": "2024-01-{day:02d}", "y": {day}}}\n' for day in range(1, 11))
    assert days(read(write("x.jsonl", text.encode("utf-16")))) == TEN


def test_the_encoding_may_be_set(write: Write) -> None:
    path = write("x.csv", "id,ds,y\nCrème,2024-01-01,1\nCrème,2024-01-02,2\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"line 2: byte 3 of the line \(0xe8\).*--encoding cp1252"):
        read(path, group="id", target="y")
    assert read(path, group="id", target="y", encoding="cp1252").panel.groups == (("Crème",),)


def test_the_delimiter_that_makes_most_columns_is_taken(write: Write) -> None:
    path = write("x.csv", "ds;y;z\n2024-01-01;1,5;2\n2024-01-02;2,5;3\n")
    assert read(path, target="y").panel.target[:, 0].tolist() == [1.5, 2.5]
