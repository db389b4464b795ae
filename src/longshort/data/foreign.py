"""Detection of files of other programs by their first bytes, for a clear error message."""

from __future__ import annotations

import zipfile
from pathlib import Path

from longshort.errors import DataError

_TABLE = "save the table as CSV there (Excel, LibreOffice: Save as, CSV UTF-8), and give that file"
_TEXT = "save it as plain text (UTF-8) there, and give that file"
_UNPACK = "unpack it, and give the file inside"
_ARRAYS = (
    "arrays are read by --task classify from .npz (x [N, T, F], y) or .npy; for other tasks write "
    "a table, such as polars.DataFrame(array).write_csv(FILE)"
)
_EXPORT = "write its table to CSV or Parquet, and give that file"

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel (.xls) or Word (.doc) file", _TABLE),
    (b"%PDF-", "a PDF file", "copy its text into a plain text file, or its table into a CSV file"),
    (b"{\\rtf", "a rich text (.rtf) file", _TEXT),
    (b"\x93NUMPY", "a NumPy array (.npy)", _ARRAYS),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _EXPORT),
    (b"SQLite format 3\0", "an SQLite database", _EXPORT),
    (b"ARROW1\0\0", "an Arrow (Feather) file", "write it as Parquet, and give that file"),
    (b"Obj\x01", "an Avro file", _EXPORT),
    (b"\x80\x04\x95", "a Python pickle", _EXPORT),
    (b"\x80\x05\x95", "a Python pickle", _EXPORT),
    (b"BZh91AY&SY", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\x89PNG\r\n\x1a\n", "a PNG image", "give a file of text or numbers"),
    (b"\xff\xd8\xff", "a JPEG image", "give a file of text or numbers"),
    (b"PAR1\x15", "a Parquet file", "give it the ending .parquet, or name data.format=parquet"),
)
"""First bytes of such files, what the files are, and what to do."""

_INSIDE: tuple[tuple[str, str, str], ...] = (
    ("xl/", "an Excel workbook (.xlsx)", _TABLE),
    ("word/", "a Word document (.docx)", _TEXT),
    ("ppt/", "a PowerPoint file (.pptx)", _TEXT),
)
"""Members of a ZIP archive, what the file then is, and what to do."""
_OPEN_DOCUMENTS = {
    b"spreadsheet": ("an OpenDocument table (.ods)", _TABLE),
    b"text": ("an OpenDocument text (.odt)", _TEXT),
}


def refuse_foreign(path: Path, head: bytes) -> None:
    """Raise `DataError` with the kind of file if the first bytes are not those of text."""
    for magic, what, remedy in _MAGIC:
        if head.startswith(magic):
            raise DataError(f"{path}: is {what}; {remedy}")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        what, remedy = _archive(path)
        raise DataError(f"{path}: is {what}; {remedy}")


def _archive(path: Path) -> tuple[str, str]:
    """Return what a ZIP archive is, and what to do."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype") if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return "a ZIP archive", _UNPACK
    for folder, what, remedy in _INSIDE:
        if any(name.startswith(folder) for name in names):
            return what, remedy
    for word, found in _OPEN_DOCUMENTS.items():
        if kind.startswith(b"application/vnd.oasis") and kind.endswith(word):
            return found
    if names and all(name.endswith(".npy") for name in names):
        return "an archive of NumPy arrays (.npz)", _ARRAYS
    return "a ZIP archive", _UNPACK
