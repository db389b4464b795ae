"""Tables, manifests and folders of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshort.data.audio.listing import names_sound, read_listing
from longshort.errors import DataError
from tests.data.audio.sounds import save


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of two recordings."""
    for name in ("no/a.wav", "no/b.wav", "yes/a.wav", "yes/deep/c.wav"):
        save(tmp_path / "words" / name)
    return tmp_path / "words"


def test_folders_are_classes(folder: Path) -> None:
    found = read_listing(folder)
    assert names_sound(folder)
    assert found.columns == {"class": ["no", "no", "yes", "yes"]}
    assert found.places == ["no/a.wav", "no/b.wav", "yes/a.wav", "yes/deep/c.wav"]


@pytest.mark.parametrize(("name", "text"), [
    ("t.csv", "path,label\nno/a.wav,n\nyes/a.wav,y\n"),
    ("t.tsv", "file\tlabel\nno/a.wav\tn\nyes/a.wav\ty\n"),
    ("t.jsonl", '{"audio_filepath": "no/a.wav", "label": "n"}\n'
                '{"audio_filepath": "yes/a.wav", "label": "y"}\n'),
])  # fmt: skip
def test_tables_and_manifests_name_files(name: str, text: str, folder: Path) -> None:
    (folder / name).write_text(text)
    for data in (folder / name, folder):
        found = read_listing(data)
        assert names_sound(data)
        assert [each.name for each in found.files] == ["a.wav", "a.wav"]
        assert found.columns == {"label": ["n", "y"]}


def test_files_are_recordings(folder: Path) -> None:
    files = [folder / "no" / "a.wav", str(folder / "yes" / "a.wav")]
    assert names_sound(files) and names_sound(files[0])
    assert len(read_listing(files)) == 2 and len(read_listing(files[0])) == 1
    assert read_listing(folder / "no").columns == {}


def test_other_tables_name_no_sound(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path,label\na.png,x\n")
    (tmp_path / "b.csv").write_text("text,label\na.wav is a file,x\n")
    assert not any(names_sound(tmp_path / name) for name in ("a.csv", "b.csv", "c.csv"))
    assert not names_sound(3) and not names_sound([]) and not names_sound(["a text"])


@pytest.mark.parametrize(("text", "said"), [
    ("path,label\nno/a.wav,n\nno/z.wav,y\n", r"line 3: there is no file .*no/z\.wav"),
    ("path,label\n,n\n", "line 2, column 'path': names no file"),
    ("where,label\nno/a.wav,n\n", "which column names the files.*'where', 'label'"),
])  # fmt: skip
def test_faults_of_a_table_are_named(text: str, said: str, folder: Path) -> None:
    (folder / "t.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read_listing(folder / "t.csv")


def test_a_recording_outside_of_the_classes_is_refused(folder: Path) -> None:
    save(folder / "stray.wav")
    with pytest.raises(DataError, match=r"stray\.wav is not; put each into the folder"):
        read_listing(folder)


def test_folders_without_sound_and_with_two_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no sound; allowed: \.wav"):
        read_listing(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("path\n")
    with pytest.raises(DataError, match=r"holds 2 tables \(a.csv, b.csv\)"):
        read_listing(tmp_path)


def test_columns_are_found_and_refused(folder: Path) -> None:
    (folder / "t.csv").write_text("path,Label\nno/a.wav,n\n")
    found = read_listing(folder / "t.csv")
    assert found.column(None, ("label",), "label", "--label") == "Label"
    assert found.column(None, ("speaker",), "speaker", "--speaker") is None
    with pytest.raises(DataError, match=r"no column 'labl'.*did you mean 'Label'"):
        found.column("labl", (), "label", "--label")
