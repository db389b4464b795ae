"""Tables, transcriptions and folders of utterances, and what is said of broken ones."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longshort.config import build_as
from longshort.errors import DataError
from longshort.tasks.transcribe.config import TranscribeConfig
from longshort.tasks.transcribe.samples import Utterances, utterances_of
from longshort.tasks.transcribe.source import read_utterances
from tests.speech import recordings


def read(source: object, **data: str) -> Utterances:
    config = build_as(TranscribeConfig, {"task": "transcribe", "data": data})
    return read_utterances(source, config)


def frames(count: int = 9, width: int = 3) -> np.ndarray:
    return np.random.default_rng(count).normal(size=(count, width)).astype(np.float32)


def sphinx(path: Path, values: np.ndarray, order: str = ">") -> None:
    head = struct.pack(f"{order}i", values.size)
    path.write_bytes(head + values.astype(f"{order}f4").tobytes())


def test_a_table_of_recordings_has_texts_and_speakers(tmp_path: Path) -> None:
    rows = recordings(tmp_path, 4)
    table = tmp_path / "all.tsv"
    lines = [f"{name}\t{text}\t{'xy'[n % 2]}\n" for n, (name, text) in enumerate(rows)]
    table.write_text("path\ttext\tspeaker\n" + "".join(lines))
    found = read(table)
    assert found.texts == [text for _, text in rows]
    assert found.speakers == ["x", "y", "x", "y"]
    assert found.files == ["1.wav", "2.wav", "3.wav", "4.wav"]
    assert found.rate == 8000 and found.width == 40


def test_a_folder_has_texts_beside_its_recordings(tmp_path: Path) -> None:
    for name, text in recordings(tmp_path, 3):
        (tmp_path / name).with_suffix(".txt").write_text(f"{text}\n")
    assert read(tmp_path).texts == [text for _, text in sorted(recordings(tmp_path, 3))]
    (tmp_path / "2.txt").unlink()
    with pytest.raises(DataError, match=r"2\.txt: is missing; its recording has no text"):
        read(tmp_path)


@pytest.mark.parametrize("order", [">", "<"])
def test_transcriptions_of_sphinx_find_their_files(tmp_path: Path, order: str) -> None:
    (tmp_path / "feat" / "anna").mkdir(parents=True)
    (tmp_path / "feat" / "otto").mkdir()
    values = frames(6, 13)
    sphinx(tmp_path / "feat" / "anna" / "a1.mfc", values, order)
    sphinx(tmp_path / "feat" / "otto" / "a2.mfc", 2 * values, order)
    table = tmp_path / "x.transcription"
    table.write_text("<s> YES  NO </s> (a1)\nGO (otto/a2)\n")
    found = read(table, root=str(tmp_path / "feat"))
    assert found.texts == ["YES NO", "GO"]
    assert found.speakers == ["anna", "otto"]
    np.testing.assert_array_equal(found.items[0], values)
    table.write_text("YES (a1)\nGO (a3)\n")
    with pytest.raises(DataError, match=r"line 2: there is no file a3 below .*; name the folder"):
        read(table)
    table.write_text("YES\n")
    with pytest.raises(DataError, match="line 1: a text with the name of its file in brackets"):
        read(table)


def test_arrays_come_from_files_of_their_own_or_together(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", frames(5))
    np.save(tmp_path / "b.npy", frames(6))
    frame = pl.DataFrame({"path": ["a.npy", "b.npy"], "text": ["x", "y"]})
    found = read(frame, root=str(tmp_path))
    assert [len(item) for item in found.items] == [5, 6] and found.rate is None
    np.savez(tmp_path / "all.npz", a=frames(5), b=frames(6))
    together = pl.DataFrame({"path": ["a", "b"], "text": ["x", "y"]})
    again = read(together, features=str(tmp_path / "all.npz"))
    np.testing.assert_array_equal(again.items[1], found.items[1])
    with pytest.raises(DataError, match="names 'c', which is neither a file nor an array"):
        read(together.with_columns(path=pl.Series(["a", "c"])),
             features=str(tmp_path / "all.npz"))  # fmt: skip


def broken(folder: Path, name: str, content: bytes | None) -> pl.DataFrame:
    if content is not None:
        (folder / name).write_bytes(content)
    np.save(folder / "good.npy", frames(5))
    return pl.DataFrame({"path": ["good.npy", name], "text": ["x", "y"]})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.npy", None, r"there is no file .*gone\.npy"),
        ("empty.npy", b"", r"empty\.npy: the file is empty"),
        ("torn.npy", b"\x93NUMPY", r"torn\.npy: is no file of an array.*numpy\.save"),
        ("torn.mfc", b"\0\0\0\x09abc", r"torn\.mfc: is no file of Sphinx's features, or is"),
        ("odd.mfc", struct.pack(">i4f", 4, 1, 2, 3, 4), "holds 4 numbers, which are no frames of"),
        ("x.txt", b"hello", r"x\.txt: is neither sound nor features"),
    ],
)
def test_a_broken_file_is_named(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        read(broken(tmp_path, name, content), root=str(tmp_path))


def test_a_broken_recording_is_named(tmp_path: Path) -> None:
    recordings(tmp_path, 1)
    (tmp_path / "2.wav").write_bytes((tmp_path / "1.wav").read_bytes()[:30])
    frame = pl.DataFrame({"path": ["1.wav", "2.wav"], "text": ["x", "y"]})
    with pytest.raises(DataError, match=r"2\.wav"):
        read(frame, root=str(tmp_path))


def test_other_sizes_and_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="item 1: 4 numbers a frame, and item 0 has 3"):
        utterances_of([frames(5), frames(5, 4)], ["x", "y"])
    with pytest.raises(DataError, match=r"features\[0\]: frame 2 holds a number that is not"):
        values = frames(5)
        values[2, 1] = np.nan
        utterances_of([values])
    with pytest.raises(DataError, match=r"an array \[frames, size\] is expected, got the shape"):
        utterances_of([np.zeros(4)])
    with pytest.raises(DataError, match="a text for each of the 1 arrays is expected, got 2"):
        utterances_of([frames()], ["x", "y"])


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    recordings(tmp_path, 1)
    frame = pl.DataFrame({"path": ["1.wav"], "said": ["x"]})
    with pytest.raises(DataError, match=r"which column has the text.*there are: 'said'"):
        read(frame, root=str(tmp_path))
    found = read(frame, root=str(tmp_path), text="said")
    assert found.texts == ["x"]


@pytest.mark.parametrize("content", [b"no archive", None])
def test_a_file_that_is_no_npz_is_called_so(tmp_path: Path, content: bytes | None) -> None:
    table = pl.DataFrame({"file": ["a"], "text": ["yes"]})
    place = tmp_path / "x.npz"
    if content is None:
        np.save(tmp_path / "x.npy", frames())
        (tmp_path / "x.npy").rename(place)
    else:
        place.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.npz: is no file of named arrays.*numpy\.savez"):
        read(table, features=str(place))


def test_what_a_table_names_and_no_file_has_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=frames())
    table = tmp_path / "t.csv"
    table.write_text("file,text\nb,yes\n")
    said = r"t\.csv: names 'b', which is neither a file nor an array of .*--set data\.features="
    with pytest.raises(DataError, match=said):
        read(table, features=str(tmp_path / "x.npz"))


def test_a_file_that_no_table_names_is_missing_itself(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=frames())
    for name in ("missing.wav", "missing.npy"):
        with pytest.raises(DataError, match=rf"^{name}: no such file; check the path$"):
            read(name, features=str(tmp_path / "x.npz"))
    with pytest.raises(DataError, match=r"x\.npz: holds arrays, and a table says which"):
        read(tmp_path / "x.npz")
