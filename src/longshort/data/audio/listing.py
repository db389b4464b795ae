"""Lists of recordings: a table or manifest of files, or a folder of them.

A table names a file in each row, relative to its own folder. A folder holds one table beside the
files, or a folder for each class (`class/file.wav`), or files alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from longshort.config import DataConfig
from longshort.data.audio.files import KINDS, is_sound
from longshort.data.findings import Finding
from longshort.data.sources import is_frame, open_source, polars_errors
from longshort.data.textfiles import name_of
from longshort.errors import DataError, nearest

FILES = ("path", "file", "filename", "file_name", "audio", "audio_path", "audio_filepath", "wav",
         "recording")  # fmt: skip
"""Usual names of the column of files; `audio_filepath` is that of NeMo's manifests."""
CLASS = "class"
"""Column of the folders' names, where folders are classes."""
_TABLES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
_LONGEST_LINE, _SHOWN, _LOOKED_AT = 1 << 24, 5, 100


@dataclass(frozen=True)
class Listing:
    """Recordings by file, with what else a table says of them.

    columns: further columns by name, a text for each recording, "" where a cell is empty.
    """

    name: str
    files: list[Path]
    places: list[str]
    columns: Mapping[str, list[str]]
    path: str | None = None
    sha256: str | None = None
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.files)

    def column(self, asked: str | None, usual: Sequence[str], role: str, flag: str) -> str | None:
        """Return the column that was asked for, or the one with a usual name, or None.

        Raises `DataError` if there is no column of the name that was asked for.
        """
        if asked is not None and asked not in self.columns:
            raise DataError(
                f"{self.name}: there is no column {asked!r} for the {role} ({flag}); "
                f"{nearest(asked, self.columns)}"
            )
        by_name = {name.strip().lower(): name for name in reversed(list(self.columns))}
        return asked or next((by_name[name] for name in usual if name in by_name), None)


def names_sound(data: object) -> bool:
    """Whether data are recordings: files, a folder of them, or a table that names them."""
    if isinstance(data, (list, tuple)):
        return bool(data) and all(isinstance(e, (str, Path)) and is_sound(Path(e)) for e in data)
    if is_frame(data):
        return False
    if not isinstance(data, (str, Path)):
        return False
    path = Path(data)
    if path.is_dir():
        return bool(_sounds_in(path, limit=1))
    return is_sound(path) or (path.suffix.lower() in _TABLES and _table_names_sound(path))


def _table_names_sound(path: Path) -> bool:
    """Whether a table has a column of files, which end like sound."""
    try:
        sample = open_source(path, DataConfig(), _LONGEST_LINE).sample.head(_LOOKED_AT)
    except DataError:
        return False
    named = [name for name in sample.columns if name.strip().lower() in FILES]
    cells = [str(cell) for cell in sample[named[0]].to_list() if cell] if named else []
    return bool(cells) and all(is_sound(Path(cell)) for cell in cells)


def read_listing(
    data: object,
    file: str | None = None,
    root: Path | None = None,
    *,
    encoding: str | None = None,
    on_disk: bool = True,
) -> Listing:
    """Return the recordings that data name: a table, a folder, a file, or a list of files.

    file: column of the files; by its name when absent. root: folder to which a table's names are
    relative; None: its own. encoding: of a table; None: it is found. on_disk: refuse names of
    files that are not there. Raises `DataError` with the place.
    """
    found = _read(data, file, root, encoding)
    if not len(found):
        raise DataError(f"{found.name}: names no recording")
    return _checked(found) if on_disk else found


def _read(data: object, file: str | None, root: Path | None, encoding: str | None) -> Listing:
    if isinstance(data, (list, tuple)):
        return listing_of([Path(each) for each in data])
    if isinstance(data, (str, Path)):
        path = Path(data)
        if path.is_dir():
            return _folder(path, file, encoding)
        if is_sound(path):
            return listing_of([path])
        return _table(path, root or path.parent, file, encoding)
    if is_frame(data):
        return _table(data, root or Path.cwd(), file, encoding)
    raise DataError(
        "data: recordings are expected: a table of files, a folder, or a list of files, got "
        f"{type(data).__name__}"
    )


def listing_of(files: Sequence[Path]) -> Listing:
    """Return a listing of files that are given by name.

    Raises `DataError` for one that is missing, or is a folder.
    """
    for file in files:
        if file.is_dir():
            raise DataError(f"{file}: is a folder; give one folder alone, or the files in it")
        if not file.is_file():
            raise DataError(f"{file}: no such file; check the path")
    name = files[0].name if len(files) == 1 else "files"
    return Listing(name, list(files), [str(file) for file in files], {})


def _folder(folder: Path, file: str | None, encoding: str | None) -> Listing:
    tables = sorted(e for e in folder.iterdir() if e.is_file() and e.suffix.lower() in _TABLES)
    if len(tables) == 1:
        return _table(tables[0], folder, file, encoding)
    if tables:
        shown = ", ".join(each.name for each in tables[:_SHOWN])
        raise DataError(f"{folder}: holds {len(tables)} tables ({shown}); give the one to read")
    files = _sounds_in(folder)
    if not files:
        raise DataError(f"{folder}: holds no sound; allowed: {', '.join(KINDS)}")
    places = [str(each.relative_to(folder)) for each in files]
    inside = [each for each in files if each.parent != folder]
    if inside and len(inside) < len(files):
        stray = next(each for each in files if each.parent == folder)
        raise DataError(
            f"{folder}: some recordings are in folders, and {stray.name} is not; put each into the "
            "folder of its class, or give a table of the files"
        )
    classes = [each.relative_to(folder).parts[0] for each in inside]
    return Listing(name_of(folder), files, places, {CLASS: classes} if inside else {}, str(folder))


def _sounds_in(folder: Path, limit: int | None = None) -> list[Path]:
    """Return the files of sound in a folder and the folders in it, sorted; at most `limit`."""
    found = []
    for each in folder.rglob("*"):
        if is_sound(each) and each.is_file() and not each.name.startswith("."):
            found.append(each)
            if len(found) == limit:
                break
    return sorted(found)


def _table(data: object, folder: Path, file: str | None, encoding: str | None) -> Listing:
    source = open_source(data, DataConfig(encoding=encoding), _LONGEST_LINE)
    try:
        frame = source.lazy.collect()
    except polars_errors() as error:
        raise DataError(source.explain(error)) from None
    columns = {
        name: ["" if cell is None else str(cell) for cell in frame[name].to_list()]
        for name in frame.columns
    }
    places = [source.row(i) for i in range(frame.height)]
    found = Listing(source.name, [], places, columns, source.path, source.sha256, source.findings)
    named = found.column(file, FILES, "files", "data.file")
    if named is None:
        raise DataError(
            f"{source.name}: which column names the files? Say --set data.file=NAME; there are "
            f"{', '.join(map(repr, columns))}"
        )
    cells = columns.pop(named)
    empty = next((i for i, cell in enumerate(cells) if not cell.strip()), None)
    if empty is not None:
        raise DataError(f"{source.name}: {places[empty]}, column {named!r}: names no file")
    files = [folder / cell for cell in cells]
    return Listing(found.name, files, places, columns, found.path, found.sha256, found.findings)


def _checked(listing: Listing) -> Listing:
    """Return a listing that names no file that is missing."""
    lost = [i for i, each in enumerate(listing.files) if not each.is_file()]
    if lost:
        first = lost[0]
        count = f"{len(lost):,} of {len(listing):,} files are missing; " if len(lost) > 1 else ""
        raise DataError(
            f"{listing.name}: {listing.places[first]}: there is no file {listing.files[first]}; "
            f"{count}files are named relative to the table's folder"
        )
    return listing
