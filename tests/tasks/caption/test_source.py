"""Tables of captions and files of features: what is read, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.errors import DataError
from longshort.tasks.caption.config import CaptionData
from longshort.tasks.caption.features import PLACES, WHOLE, read_table
from longshort.tasks.caption.samples import captioned_of
from longshort.tasks.caption.source import read_captions

NAMES = [f"{i}.jpg" for i in range(4)]
GRID = np.arange(4 * 3 * 2, dtype=np.int8).reshape(4, 3, 2)


@pytest.fixture
def grid(tmp_path: Path) -> str:
    path = tmp_path / "grid.npz"
    np.savez(path, names=np.array(NAMES), grid=GRID, scale=np.array([0.5, 2.0], np.float32))
    return str(path)


def read(path: Path, grid: str, **more: object) -> object:
    return read_captions(path, CaptionData.model_validate({"features": grid, **more}))


ROWS = [("train", "0.jpg", 'A "good" dog .'), ("train", "0.jpg", "Dog"), ("dev", "1.jpg", "Cat"),
        ("test", "2.jpg", "Car")]  # fmt: skip


def write_table(path: Path, heading: bool, delimiter: str) -> None:
    rows = [("split", "image", "caption"), *ROWS] if heading else ROWS
    text = "".join(delimiter.join(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz", "a.txt"])
@pytest.mark.parametrize("heading", [True, False])
def test_lines_with_tabs(name: str, heading: bool, tmp_path: Path, grid: str) -> None:
    write_table(tmp_path / name, heading, "\t")
    found = read_captions(tmp_path / name, CaptionData(features=grid))
    assert found.images == ["0.jpg", "1.jpg", "2.jpg"]
    assert found.references == [('A "good" dog .', "Dog"), ("Cat",), ("Car",)]
    assert found.splits == ["train", "val", "test"]
    assert found.places[1] == f"line {3 + heading}"


def test_csv_json_lines_and_frames_say_the_same(tmp_path: Path, grid: str) -> None:
    frame = pl.DataFrame({"image": ["0.jpg", "1.jpg"], "caption": ["a dog", "a cat"]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_ndjson(tmp_path / "a.jsonl")
    config = CaptionData(features=grid)
    sources = [frame, tmp_path / "a.csv", tmp_path / "a.jsonl"]
    digests = {read_captions(source, config).digest() for source in sources}
    assert len(digests) == 1


def test_json_lines_with_a_list_of_captions(tmp_path: Path, grid: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"image": "0.jpg", "sentences": ["a dog", "", "dogs"]}\n')
    found = read_captions(path, CaptionData(features=grid))
    assert found.references == [("a dog", "dogs")]


def test_numbered_names_of_the_flickr_lists(tmp_path: Path, grid: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0.jpg#0\ta dog\n0.jpg#1\tdogs\n")
    assert read_captions(path, CaptionData(features=grid)).images == ["0.jpg"]


def test_features_are_scaled(grid: str) -> None:
    table = read_table(Path(grid), PLACES)
    np.testing.assert_array_equal(table.take(["3.jpg"])[0], GRID[3] * np.array([0.5, 2.0]))


def test_features_as_an_array_for_each_image(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"x.jpg": np.ones(3), "y.jpg": np.zeros(3)})
    assert read_table(tmp_path / "a.npz", WHOLE).take(["y.jpg", "x.jpg"]).tolist() == [
        [0, 0, 0],
        [1, 1, 1],
    ]


def test_the_fingerprint_is_of_the_network_and_not_of_the_images(tmp_path: Path) -> None:
    found = []
    for name, values, basis in (("a", 0, 1), ("b", 1, 1), ("c", 0, 2)):
        path = tmp_path / f"{name}.npz"
        np.savez(path, names=["x"], feat=np.full((1, 2), values), basis=np.array(basis))
        found.append(read_table(path, WHOLE).encoder)
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("image\tcaption\n9.jpg\ta dog\n", r"line 2: the image '9\.jpg' is not in .*grid\.npz"),
        ("image\twords\n0.jpg\ta dog\n", r"which column is the caption\? Say --set data\.caption"),
        ("image\tcaption\n0.jpg\n", r"line 2: 2 cells with tabs .* got 1: '0\.jpg'"),
        ("split\timage\tcaption\nfoo\t0.jpg\tx\n", r"line 2: the split 'foo' is not known"),
        ("train\t0.jpg\ta\ntest\t0.jpg\tb\n", r"line 2: the image '0\.jpg' is in the split 'test'"),
        ("image\tcaption\n\ta dog\n", r"line 2: names no image"),
        ("image\tcaption\n0.jpg\t \n", r"no image has a caption"),
    ],
)
def test_faults_are_named(lines: str, message: str, tmp_path: Path, grid: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(lines)
    with pytest.raises(DataError, match=message):
        read_captions(path, CaptionData(features=grid))


def test_images_without_features_are_left_out_where_that_is_asked_for(
    tmp_path: Path, grid: str
) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("0.jpg\ta dog\n9.jpg\ta cat\n")
    found = read_captions(path, CaptionData(features=grid, drop_missing=True))
    assert found.images == ["0.jpg"]
    assert found.findings[0].where == ("line 2: 9.jpg",)


def test_features_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("0.jpg\ta dog\n")
    with pytest.raises(DataError, match=r"name a file with --features .* --global"):
        read_captions(tmp_path / "a.tsv", CaptionData())


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"names": ["x"], "grid": np.zeros((1, 4))}, r"\[images, places, size\].*got \[1, 4\]"),
        ({"names": ["x"], "other": np.zeros((1, 2, 2))}, r"one of the arrays grid, features"),
        ({"names": ["x", "x"], "grid": np.zeros((2, 2, 2))}, r"'x' has features twice"),
        ({"names": ["x"], "grid": np.full((1, 2, 2), np.nan)}, r"finite numbers"),
        ({"x": np.zeros((2, 2)), "y": np.zeros((3, 2))}, r"'x' has the shape \(2, 2\), 'y'"),
    ],
)
def test_what_are_no_features(arrays: dict[str, object], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{name: np.asarray(each) for name, each in arrays.items()})
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "a.npz", PLACES)


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_file_that_is_no_archive(is_cut: bool, tmp_path: Path, grid: str) -> None:
    content = Path(grid).read_bytes()[:-30] if is_cut else b"nothing"
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"no \.npz file of features"):
        read_table(tmp_path / "a.npz", PLACES)


def test_arrays_in_memory() -> None:
    found = captioned_of(np.zeros((2, 3, 4)), ["a dog", ["a cat", "cats"]])
    assert found.references == [("a dog",), ("a cat", "cats")]
    assert found.features.vectors(found.images).shape == (2, 4)
    with pytest.raises(DataError, match=r"for each of 2 images is expected, got 1"):
        captioned_of(np.zeros((2, 3, 4)), ["a dog"])
    with pytest.raises(DataError, match=r"captions of 'image 1': all are empty"):
        captioned_of(np.zeros((2, 3, 4)), ["a dog", [""]])
