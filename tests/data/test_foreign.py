"""Files of other programs are called what they are, by every reader."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from longshort.errors import DataError
from longshort.runs import story

TASKS = ["forecast", "classify", "tag", "lm"]


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return content.getvalue()


def array() -> bytes:
    content = io.BytesIO()
    np.save(content, np.zeros((3, 2)))
    return content.getvalue()


FILES = {
    "book.xlsx": (zipped(xl__workbook="x"), r"is an Excel workbook \(\.xlsx\); save .* as CSV"),
    "old.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an old Excel .* as CSV"),
    "table.ods": (
        zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
        r"is an OpenDocument table \(\.ods\); save .* as CSV",
    ),
    "letter.docx": (zipped(word__document="x"), r"is a Word document \(\.docx\); .*plain text"),
    "paper.pdf": (b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n", "is a PDF file; copy its text"),
    "data.zip": (zipped(train="x"), "is a ZIP archive; unpack it"),
    "broken.zip": (zipped(train="x")[:20], "is a ZIP archive; unpack it"),
    "x.csv": (zipped(xl__workbook="x"), "is an Excel workbook"),
    "x.txt": (zipped(xl__workbook="x"), "is an Excel workbook"),
    "x.tsv": (b"BZh91AY&SY" + bytes(50), "is a bzip2 archive; unpack it"),
    "x.json": (b"SQLite format 3\0" + bytes(50), "is an SQLite database; write its table"),
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_program_is_named(task: str, name: str, tmp_path: Path) -> None:
    content, message = FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        story.check({"task": task, "data": {"path": str(path)}})


@pytest.mark.parametrize("task", ["forecast", "tag", "lm"])
def test_an_array_where_text_is_expected(task: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(array())
    with pytest.raises(DataError, match=r"is a NumPy array \(\.npy\); arrays are read by --task"):
        story.check({"task": task, "data": {"path": str(path)}})
