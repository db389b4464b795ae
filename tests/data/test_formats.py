"""Numeric sequences from files: what is read, and how what cannot be read is explained."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort.config.sequences import SequenceData
from longshort.data.labelled import Examples, examples_of
from longshort.data.labelled_source import read_examples
from longshort.errors import DataError
from longshort.tasks.classify.config import ClassifyConfig
from longshort.tasks.classify.encoder import ClassifyEncoder
from longshort.tasks.classify.task import ClassifyTask

HEAD = "# a comment\n@problemName t\n@dimensions 2\n@classLabel true up down\n@data\n"


def read(path: Path, *, with_labels: bool = True, **settings: Any) -> Examples:
    return read_examples(path, SequenceData.model_validate(settings), with_labels=with_labels)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# .ts


def test_cases_of_different_lengths(tmp_path: Path) -> None:
    found = read(write(tmp_path / "x.ts", HEAD + "1,2,3:4,5,6:up\n\n7,8:9,1e-1:down\n"))
    assert found.labels == ["up", "down"] and found.places == ["line 6", "line 8"]
    assert [np.asarray(item).tolist() for item in found.items] == [
        [[1, 4], [2, 5], [3, 6]],
        [[7, 9], [8, pytest.approx(0.1)]],
    ]


def test_a_file_without_labels_has_none(tmp_path: Path) -> None:
    found = read(write(tmp_path / "x.ts", "@classLabel false\n@data\n1,2\n3\n"))
    assert found.labels is None and len(found) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD + "1,2:3,4:up\n1,2:x,4:up\n", "line 7: channel 2, value 1 'x' is no number"),
        (HEAD + "1,2:?,NaN:up\n", "line 6, channel 1: no value of the channel is known; fill it"),
        (HEAD + "1,2:3,-inf:up\n", "line 6: channel 2, value 2 '-inf' is no number"),
        (HEAD + "1,2:3:up\n", "line 6: channel 2 has 1 values, 2 are expected"),
        (HEAD + "1,2:up\n", "line 6: 1 channels divided by colons, 2 are expected"),
        (HEAD + "1,2:3,4:left\n", "line 6: the label 'left' is not among.*up, down"),
        (HEAD + "1,2:3,4:\n", "line 6: the label behind the last colon is missing"),
        (HEAD, "holds no case below @data"),
        ("@classLabel true a\n1,2:a\n", "line 2: a tag such as @classLabel is expected"),
        ("@classLabel true a\n", "has no line @data"),
        ("@timeStamps true\n@data\n", "line 1: values with time stamps are not read"),
        ("@targetLabel true\n@data\n", "line 1: @targetLabel.*needs @classLabel"),
        ("@dimensions two\n@data\n", "line 1: @dimensions needs a whole number above 0, got 'two'"),
        ("@seriesLength 3\n@classLabel true a\n@data\n1,2:a\n", "has 2 values, 3 are expected"),
    ],
)
def test_ts_files_that_break_their_word(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path / "x.ts", content))


def test_real_ts_files(real_data: Path) -> None:
    vowels = read(real_data / "ucr" / "JapaneseVowels_TRAIN.ts")
    assert len(vowels) == 270 and vowels.width == 12 and len(set(vowels.labels or [])) == 9
    lengths = [len(item) for item in vowels.items]
    assert min(lengths) == 7 and max(lengths) <= 29
    motions = read(real_data / "ucr" / "BasicMotions_TEST.ts")
    assert {np.shape(item) for item in motions.items} == {(100, 6)} and len(motions) == 40


# IDX


def idx(array: np.ndarray, kind: int = 0x08) -> bytes:
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + (
        array.tobytes()
    )  # fmt: skip


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two images of 3 rows and 2 columns, their labels beside them."""
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 3, 2)
    write(tmp_path / "a-labels-idx1-ubyte", idx(np.array([7, 3], dtype=np.uint8)))
    return write(tmp_path / "a-images-idx3-ubyte.gz", gzip.compress(idx(pixels)))


def test_images_as_rows_or_pixels(images: Path) -> None:
    rows, pixels = read(images), read(images, pixels="pixels")
    assert rows.labels == ["7", "3"] and rows.places == ["image 0", "image 1"]
    assert np.asarray(rows.items[1]).tolist() == [[6, 7], [8, 9], [10, 11]]
    assert np.asarray(pixels.items[0]).tolist() == [[0], [1], [2], [3], [4], [5]]


def test_other_types_are_big_endian(tmp_path: Path) -> None:
    values = np.array([[[1.5, -2.0]]], dtype=">f4")
    path = write(tmp_path / "x-images-idx3", idx(values, 0x0D))
    assert np.asarray(read(path, with_labels=False).items[0]).tolist() == [[1.5, -2.0]]


def test_images_alone_can_be_predicted(images: Path) -> None:
    (images.parent / "a-labels-idx1-ubyte").unlink()
    assert read(images, with_labels=False).labels is None
    with pytest.raises(DataError, match=r"no file of labels beside it.*NAME-labels-idx1-ubyte"):
        read(images)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(np.zeros((2, 2, 2), np.uint8))[:-1], "23 bytes, but 24 are needed.*2 x 2 x 2"),
        (b"\0\0\x08\x03\0\0", "is cut off: 6 bytes, and the head alone has 16"),
        (idx(np.zeros(4, np.uint8)), r"images \[N, rows, columns\] are expected, got 1 dim"),
        (b"hello", "is no IDX file: its first bytes are 68 65 6c 6c"),
    ],
)
def test_damaged_images(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path / "x-images", content), format="idx")


def test_as_many_labels_as_images(images: Path) -> None:
    write(images.parent / "a-labels-idx1-ubyte", idx(np.zeros(3, np.uint8)))
    with pytest.raises(DataError, match=r"2 labels are expected, one for each image, got .* 3"):
        read(images)


# NumPy


def test_arrays_with_labels_within_or_beside(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(2, 3, 2)
    np.savez(tmp_path / "a.npz", x=values, y=np.array(["b", "a"]))
    np.save(tmp_path / "b.npy", values[..., 0])
    np.save(tmp_path / "b_labels.npy", np.array([1.0, 0.0]))
    inside, beside = read(tmp_path / "a.npz"), read(tmp_path / "b.npy")
    assert inside.labels == ["b", "a"] and np.array_equal(inside.items[1], values[1])
    assert beside.labels == ["1", "0"] and np.shape(beside.items[0]) == (3, 1)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 3, 1)), "y": np.zeros(3)}, "2 labels are expected.*got the shape 3"),
        ({"x": np.zeros((2, 3, 1))}, "one array named 'y' is expected.*there are x"),
        ({"x": np.zeros(5), "y": np.zeros(5)}, r"sequences \[N, T, F\] are expected.*shape 5"),
        ({"x": np.array([["a"]]), "y": np.zeros(1)}, "numbers are expected, got <U1"),
        (
            {"x": np.array([[[1.0], [-np.inf]]]), "y": np.zeros(1)},
            "a.npz: sequence 0, step 1, channel 0: -inf is not a finite number",
        ),
        ({"x": np.array([[None]]), "y": np.zeros(1)}, "holds Python objects"),
    ],
)
def test_arrays_that_are_no_examples(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.npz")


def test_damaged_and_lone_arrays(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a readable NumPy file"):
        read(write(tmp_path / "a.npz", b"PK\x03\x04 cut off"))
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 1)))
    raw = (tmp_path / "a.npy").read_bytes()
    with pytest.raises(DataError, match="not a readable NumPy file"):
        read(write(tmp_path / "a.npy", raw.replace(b", }", b",  ")), with_labels=False)
    np.save(tmp_path / "b.npy", np.zeros((2, 3, 1)))
    assert read(tmp_path / "b.npy", with_labels=False).labels is None
    with pytest.raises(DataError, match=r"labels are missing: b_labels\.npy is expected"):
        read(tmp_path / "b.npy")


# Long tables

LONG = "id,time,a,b,label\nu,2,3,4,x\nu,1,1,2,x\nv,1,5,6,y\n"


def test_a_row_for_every_step(tmp_path: Path) -> None:
    found = read(write(tmp_path / "x.csv", LONG))
    assert [np.asarray(item).tolist() for item in found.items] == [[[1, 2], [3, 4]], [[5, 6]]]
    assert found.labels == ["x", "y"] and found.features == ("a", "b")
    assert found.places == ["id 'u' (line 2)", "id 'v' (line 4)"]


def test_steps_in_order_of_time_are_a_long_table(tmp_path: Path) -> None:
    rows = [f"{i},{t},{i + t},x" for t in range(2) for i in range(1500)]
    found = read(write(tmp_path / "x.csv", "\n".join(["id,time,a,label", *rows])))
    assert len(found) == 1500 and np.asarray(found.items[7]).tolist() == [[7], [8]]


def test_columns_of_a_long_table_can_be_named(tmp_path: Path) -> None:
    frame = pl.DataFrame({"who": [1, 1], "when": ["2024-01-02", "2024-01-01"], "v": [2.0, 1.0],
                          "w": [0, 0], "kind": [3, 3]})  # fmt: skip
    frame.write_parquet(tmp_path / "x.parquet")
    found = read(tmp_path / "x.parquet", id="who", time="when", features="v", label="kind")
    assert np.asarray(found.items[0]).tolist() == [[1], [2]] and found.labels == ["3"]


def test_a_text_column_makes_a_row_an_example(tmp_path: Path) -> None:
    found = read(write(tmp_path / "x.csv", "id,time,text,label\n1,1,hello,x\n2,1,there,y\n"))
    assert found.items == ["hello", "there"]


def test_a_long_table_without_labels(tmp_path: Path) -> None:
    frame = write(tmp_path / "x.csv", "id,time,a\nu,1,3\nu,2,4\n")
    found = read(frame, with_labels=False)
    assert found.labels is None and found.features == ("a",)


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        (LONG.replace("v,1,5,6", "v,1,5,six"), {}, "line 4, column 'b': 'six' is not a number"),
        (
            LONG.replace("v,1,5,6", "v,1,,6"),
            {},
            r"id 'v' \(line 4\), channel 'a': no value of the ch",
        ),
        (LONG.replace("v,1,5,6,y", "v,1,5,6,"), {}, "line 4, column 'label': the value is missing"),
        (LONG.replace("u,1,1,2,x", "u,1,1,2,y"), {}, "line 2.*id 'u' has the labels 'y' and 'x'"),
        (LONG.replace("u,1,1", "u,2,1"), {}, "line 3, column 'time': id 'u' has this time twice"),
        (LONG, {"features": "a,c"}, "has no column 'c'"),
        (LONG.replace("label", "other"), {}, "which column is the label.*--label"),
        ("id,time,label\nu,1,x\nu,2,x\n", {}, "no column of numbers beside 'id'.*--text"),
        ("id,time,a,label\n", {"format": "long"}, "has no"),
    ],
)
def test_long_tables_that_cannot_be_read(
    tmp_path: Path, content: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path / "x.csv", content), **settings)


def test_a_long_table_may_have_decimal_commas(tmp_path: Path) -> None:
    content = "id;step;x;label\na;0;0,5;up\na;1;1,25;up\nb;0;-2,0;down\nb;1;3,5;down\n"
    found = read(write(tmp_path / "x.csv", content))
    assert [np.asarray(item).ravel().tolist() for item in found.items] == [[0.5, 1.25], [-2, 3.5]]
    assert [finding.code for finding in found.findings] == ["notation"]
    assert "decimal comma" in found.findings[0].message


def test_wide_tables_of_numbers_are_told_how_they_can_be_read(tmp_path: Path) -> None:
    rows = "".join(f"{i}.5,{i}.25,{i % 2}\n" for i in range(20))
    with pytest.raises(DataError, match=r"data\.format=long .* rows where it is a whole sequence"):
        read(write(tmp_path / "x.csv", "v0,v1,class\n" + rows))


@pytest.mark.parametrize(
    "content",
    [
        "id,date,rating,remark,category\n1,2024-01-01,3,it broke,bad\n2,2024-01-02,5,a,good\n",
        "id,date,rating,notes,label\n1,2024-01-01,3,it broke,bad\n1,2024-01-02,5,all fine,good\n",
    ],
    ids=["ids do not repeat", "a column of prose"],
)
def test_a_table_of_texts_is_not_taken_for_steps(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError, match=r"which column is the text\? Name it with --text.*long"):
        read(write(tmp_path / "x.csv", content))


# Any format


def infinite(kind: str, folder: Path) -> Path:
    """A file with one value that is not finite: in the second sequence, step 1, channel 0."""
    values = np.ones((2, 2, 1))
    values[1, 1, 0] = np.inf
    if kind == "npz":
        np.savez(folder / "x.npz", x=values, y=np.arange(2))
        return folder / "x.npz"
    if kind == "idx":
        write(folder / "x-labels-idx1", idx(np.arange(2, dtype=np.uint8)))
        return write(folder / "x-images-idx3", idx(values.astype(">f8"), 0x0E))
    rows = {"id": [0, 0, 1, 1], "t": [0, 1, 0, 1], "a": values.ravel(), "label": ["x"] * 4}
    path = folder / f"x.{kind}"
    frame = pl.DataFrame(rows)
    frame.write_csv(path) if kind == "csv" else frame.write_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["npz", "idx", "csv", "parquet"])
def test_a_value_that_is_not_finite_is_named_in_every_format(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r" '?1.*, step 1, channel '?[0a]'?: inf is not a finite"):
        read(infinite(kind, tmp_path))


@pytest.mark.parametrize("values", [[1e39, 2e39], [1e9, 1e9 + 1]], ids=["large", "far from 0"])
def test_numbers_are_scaled_before_they_become_small_floats(values: list[float]) -> None:
    items = [np.array([[value]]) for value in values]
    train = Examples("t", items, ["a", "b"], ["0", "1"])
    fitted = ClassifyEncoder.fit(train, ClassifyConfig())
    scaled = [np.asarray(item).item() for item in fitted.encode(train).items]
    assert scaled == pytest.approx([-1.0, 1.0])


def test_a_constant_channel_far_from_zero_is_not_blown_up() -> None:
    train = Examples("t", [np.full((3, 1), 1e15 + 0.1)] * 2, ["a", "b"], ["0", "1"])
    fitted = ClassifyEncoder.fit(train, ClassifyConfig())
    assert fitted.reader.deviation == (1.0,)
    with pytest.raises(DataError, match=r"t: 0, step 0, channel 0: the value is 1e\+300 dev"):
        fitted.encode(Examples("t", [np.full((1, 1), 1e300)], None, ["0"]))


def test_a_fraction_is_a_value_and_no_class(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3, 1)), y=np.array([0.5, 1.0]))
    assert read(tmp_path / "a.npz").labels == ["0.5", "1"]
    with pytest.raises(DataError, match=r"sequence 0: the label 0\.5 is a fraction; .* regress"):
        ClassifyTask().read(tmp_path / "a.npz", ClassifyConfig())


@pytest.mark.parametrize("label", ["", " ", "nan", "NaN", "null"])
def test_a_missing_label_is_no_class(tmp_path: Path, label: str) -> None:
    content = f"text,label\nhello,x\nthere,{label}\n"
    with pytest.raises(DataError, match=r"x\.csv: line 3, column 'label': the label is missing"):
        read(write(tmp_path / "x.csv", content))


def test_labels_are_written_in_one_way(tmp_path: Path) -> None:
    found = read(write(tmp_path / "x.csv", "text,label\nhello,good \nthere,good\n"))
    assert found.labels == ["good", "good"]
    assert examples_of(["a", "b", "c"], [1, 1.0, np.int8(1)]).labels == ["1", "1", "1"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"text": ["a", "b"], "label": "x"}', "column 'text' holds List.*one text for each"),
        ('{"text": {"a": "b"}, "label": "x"}', "column 'text' holds Struct"),
        ('{"text": "a", "label": ["x", "y"]}', "line 1, column 'label': a label is a name"),
    ],
)
def test_json_lines_that_hold_more_than_a_text_and_a_label(
    tmp_path: Path, row: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path / "x.jsonl", row + "\n"))


@pytest.mark.parametrize("name", ["x.json", "x.unknown"])
def test_objects_on_lines_are_json_whatever_the_name(tmp_path: Path, name: str) -> None:
    found = read(write(tmp_path / name, '{"text": "hi there", "label": "x"}\n'))
    assert (found.items, found.labels) == (["hi there"], ["x"])


def test_an_unlabelled_ts_file_can_be_predicted(tmp_path: Path) -> None:
    found = read(write(tmp_path / "x.ts", HEAD + "1,2:3,4:?\n"), with_labels=False)
    assert found.labels is None and found.width == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("@dimensions ²\n@data\n", "line 1: @dimensions needs a whole number above 0, got '²'"),
        (f"@seriesLength {'9' * 5000}\n@data\n", "line 1: @serieslength needs a whole number"),
    ],
)
def test_counts_in_a_ts_head_are_plain_numbers(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path / "x.ts", content))


def test_damaged_compressed_arrays_are_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", x=np.arange(4000.0).reshape(20, 100, 2), y=np.zeros(20))
    raw = bytearray((tmp_path / "x.npz").read_bytes())
    raw[200:260] = b"\xff" * 60
    with pytest.raises(DataError, match="not a readable NumPy file"):
        read(write(tmp_path / "x.npz", bytes(raw)))


def test_a_head_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((10, 3)))
    raw = (
        (tmp_path / "x.npy")
        .read_bytes()
        .replace(b"(10, 3), }" + b" " * 12, b"(1000000000000, 3), }" + b" ")
    )
    with pytest.raises(DataError, match="not a readable NumPy file"):
        read(write(tmp_path / "x.npy", raw), with_labels=False)


def test_a_table_without_rows_holds_no_example(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.csv: holds no example"):
        read(write(tmp_path / "x.csv", "text,label\n"))


def test_a_book_fits_into_a_cell(tmp_path: Path) -> None:
    found = read(write(tmp_path / "x.csv", f"text,label\n{'word ' * 400_000},x\n"))
    assert len(str(found.items[0])) == 2_000_000


def test_lines_are_counted_where_quotes_hold_breaks(tmp_path: Path) -> None:
    content = 'text,label\n"one\ntwo",x\nthree,y\n'
    assert read(write(tmp_path / "x.csv", content)).places == ["line 2", "line 4"]


def test_a_cell_too_many_behind_a_long_one_is_named(tmp_path: Path) -> None:
    content = f'text,label\n"{"a, " * 70_000}",x\nb,y,z\n'
    with pytest.raises(DataError, match="line 3 has 3 cells, more cells than the header's 2"):
        read(write(tmp_path / "x.csv", content))


def test_a_bad_byte_in_a_last_line_without_an_end_is_named(tmp_path: Path) -> None:
    content = b"text,label\n" + b"a,x\n" * 30 + b"caf\x81,y"
    with pytest.raises(DataError, match=r"line 32: byte 4 of the line \(0x81\) is not UTF-8"):
        read(write(tmp_path / "x.csv", content))
