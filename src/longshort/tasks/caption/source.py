"""Reading tables of captions: rows of an image's name and a caption, with or without a split."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from longshort.config import DataConfig
from longshort.data.findings import Finding
from longshort.data.sources import is_frame, open_source, polars_errors
from longshort.data.textfiles import read_text, well_formed
from longshort.errors import DataError, nearest
from longshort.lazy import polars as pl
from longshort.tasks.caption.config import CaptionData
from longshort.tasks.caption.features import Features, read_features
from longshort.tasks.caption.made import made_features
from longshort.tasks.caption.networks import image_network
from longshort.tasks.caption.samples import Captioned

IMAGES = ("image", "images", "image_id", "image_name", "img", "file", "filename", "file_name",
          "path", "name")  # fmt: skip
CAPTIONS = ("caption", "captions", "sentence", "sentences", "text", "comment", "raw")
SPLIT_COLUMNS = ("split", "set", "subset", "part", "fold")
SPLITS = {
    "train": "train", "training": "train", "restval": "train",
    "val": "val", "dev": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
_NUMBERED = re.compile(r"#\d+$")
"""End of the names in Flickr8k.token.txt, where captions of an image are numbered."""
_LONGEST_LINE, _SHOWN = 1 << 24, 5
_TABBED = (".tsv", ".tab", ".txt")


@dataclass(frozen=True)
class Rows:
    """Rows of a table: the image, its captions and its split, with the row's place."""

    name: str
    images: list[str]
    captions: list[tuple[str, ...]] | None
    splits: list[str] | None
    places: list[str]
    path: str | None = None
    sha256: str | None = None
    findings: tuple[Finding, ...] = ()


def read_captions(data: object, config: CaptionData, *, labelled: bool = True) -> Captioned:
    """Read images with captions, and their features; without `labelled` the images alone.

    Raises `DataError` with place and remedy.
    """
    return read_all({"data": data}, config, labelled=labelled)["data"]


def read_all(
    given: Mapping[str, object], config: CaptionData, *, labelled: bool = True
) -> dict[str, Captioned]:
    """Read the source of each split; features of all of them are read, or made, at once."""
    rows = {
        name: _rows(_table_in(each), config, labelled)
        for name, each in given.items()
        if not isinstance(each, Captioned)
    }
    found = {name: each for name, each in given.items() if isinstance(each, Captioned)}
    if not rows:
        return found
    features = _features([image for each in rows.values() for image in each.images], given, config)
    found |= {name: _with_features(_merged(each, features), config) for name, each in rows.items()}
    return {name: found[name] for name in given}


def _features(images: Sequence[str], given: Mapping[str, object], config: CaptionData) -> Features:
    """Return the features of the files of features; without these, make them of the images."""
    own = next((str(each) for each in given.values() if _is_folder(each)), None)
    folder = config.images or own
    has_files = config.features is not None or config.global_features is not None
    if has_files or folder is None or config.encoder is None:
        return read_features(config.features, config.global_features)
    return made_features(list(dict.fromkeys(images)), Path(folder), image_network(config.encoder))


def _table_in(data: object) -> object:
    """Return the only table in a folder of images; other data as they are."""
    if not _is_folder(data):
        return data
    folder = Path(str(data))
    tables = sorted(each for each in folder.iterdir() if _is_table_name(each))
    if len(tables) != 1:
        names = ", ".join(each.name for each in tables[:_SHOWN]) or "none"
        raise DataError(
            f"{folder}: a folder of images holds one table of captions beside them, such as "
            f"captions.tsv, got {names}; or give the table and --images {folder}"
        )
    return tables[0]


def _is_folder(data: object) -> bool:
    return isinstance(data, (str, Path)) and Path(data).is_dir()


def _is_table_name(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return path.is_file() and Path(name).suffix in (*_TABBED, ".csv", ".jsonl", ".parquet")


def _rows(data: object, config: CaptionData, labelled: bool) -> Rows:
    if isinstance(data, (list, tuple)) and all(isinstance(each, str) for each in data):
        places = [f"item {i}" for i in range(len(data))]
        return Rows("data", list(data), None, None, places)
    if isinstance(data, (str, Path)) and _is_tabbed(Path(data), config):
        return _tabbed(Path(data), config, labelled)
    if not isinstance(data, (str, Path)) and not is_frame(data):
        raise DataError(
            "data: a table of captions as a file or frame is expected, or images made by "
            f"captioned_of(features, captions), got {type(data).__name__}"
        )
    return _table(data, config, labelled)


def _is_tabbed(path: Path, config: CaptionData) -> bool:
    suffixes = [each.lower() for each in path.suffixes if each.lower() != ".gz"]
    if config.format is not None:
        return config.format == "tsv"
    return bool(suffixes) and suffixes[-1] in _TABBED


def _tabbed(path: Path, config: CaptionData, labelled: bool) -> Rows:
    """Read lines of cells with tabs between them; quotes are part of a caption."""
    file = read_text(path, config.encoding)
    lines = [(n, line.split("\t")) for n, line in enumerate(file.lines, 1) if line.strip()]
    if not lines:
        raise DataError(f"{path}: holds no line; an image and a caption with a tab are expected")
    first = [cell.strip() for cell in lines[0][1]]
    names = first if _is_heading(first, config) else _by_position(str(path), lines, labelled)
    lines = lines[1:] if names is first else lines
    for number, cells in lines:
        if len(cells) != len(names):
            raise DataError(
                f"{path}: line {number}: {len(names)} cells with tabs between them are expected "
                f"({', '.join(names)}), got {len(cells)}: {cells[0][:40]!r}"
            )
    columns = {name: [cells[i] for _, cells in lines] for i, name in enumerate(names)}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    places = [f"line {number}" for number, _ in lines]
    found = _arranged(path.name, frame, places, config, labelled)
    return replace(found, path=str(path), sha256=file.sha256, findings=file.encoding.findings())


def _table(data: object, config: CaptionData, labelled: bool) -> Rows:
    kind = None if config.format == "tsv" else config.format
    asked = DataConfig(format=kind, encoding=config.encoding, header=config.header is not False)
    source = open_source(data, asked, _LONGEST_LINE)
    try:
        frame = source.lazy.collect()
    except polars_errors() as error:
        raise DataError(source.explain(error)) from None
    places = [source.row(i) for i in range(frame.height)]
    found = _arranged(source.name, frame, places, config, labelled)
    return replace(found, path=source.path, sha256=source.sha256, findings=source.findings)


def _is_heading(cells: Sequence[str], config: CaptionData) -> bool:
    if config.header is not None:
        return config.header
    named = {config.image, config.caption, config.split} & set(cells)
    return bool(named) or cells[0].lower() in (*IMAGES, *SPLIT_COLUMNS)


def _by_position(path: str, lines: list[tuple[int, list[str]]], labelled: bool) -> list[str]:
    """Names of the columns of a table without a heading."""
    width = len(lines[0][1])
    if width == 3 and all(cells[0].strip().lower() in SPLITS for _, cells in lines[:100]):
        return ["split", "image", "caption"]
    if width == 2:
        return ["image", "caption"]
    if width == 1 and not labelled:
        return ["image"]
    raise DataError(
        f"{path}: line {lines[0][0]}: a heading, or the cells image and caption (before them the "
        f"split if there are three) are expected, got {width} cells: {lines[0][1][0][:40]!r}"
    )


def _arranged(
    name: str, frame: pl.DataFrame, places: list[str], config: CaptionData, labelled: bool
) -> Rows:
    """Return the rows of a table by the meaning of its columns."""
    columns = frame.columns
    image = _column(name, columns, config.image, IMAGES, "image")
    if image is None:
        raise DataError(_lost(name, columns, "image"))
    caption = _column(name, columns, config.caption, CAPTIONS, "caption") if labelled else None
    if labelled and caption is None:
        raise DataError(_lost(name, columns, "caption"))
    split = _column(name, columns, config.split, SPLIT_COLUMNS, "split")
    images = [_NUMBERED.sub("", str(cell or "").strip()) for cell in frame[image].to_list()]
    texts = None if caption is None else [_texts(cell) for cell in frame[caption].to_list()]
    parts = None if split is None else _parts(name, frame[split].to_list(), places)
    empty = next((i for i, each in enumerate(images) if not each), None)
    if empty is not None or not images:
        where = "holds no row" if empty is None else f"{places[empty]}: names no image"
        raise DataError(f"{name}: {where}; every row needs the name of an image")
    return Rows(name, images, texts, parts, places)


def _column(
    name: str, columns: Sequence[str], asked: str | None, usual: Sequence[str], role: str
) -> str | None:
    if asked is not None:
        if asked not in columns:
            raise DataError(
                f"{name}: data.{role}: there is no column {asked!r}; {nearest(asked, columns)}"
            )
        return asked
    by_name = {column.strip().lower(): column for column in reversed(columns)}
    return next((by_name[each] for each in usual if each in by_name), None)


def _lost(name: str, columns: Sequence[str], role: str) -> str:
    shown = ", ".join(map(repr, columns[:20]))
    return f"{name}: which column is the {role}? Say --set data.{role}=NAME; there are {shown}"


def _texts(cell: Any) -> tuple[str, ...]:
    given = cell if isinstance(cell, list) else [cell]
    return tuple(str(text) for text in given if text is not None and str(text).strip())


def _parts(name: str, cells: Sequence[object], places: Sequence[str]) -> list[str]:
    found = []
    for cell, place in zip(cells, places, strict=True):
        part = SPLITS.get(str(cell or "").strip().lower())
        if part is None:
            raise DataError(
                f"{name}: {place}: the split {cell!r} is not known; allowed: "
                f"{', '.join(SPLITS)} (the column is data.split)"
            )
        found.append(part)
    return found


def _merged(rows: Rows, features: Features) -> Captioned:
    """Return each image once, with the captions of all its rows."""
    at: dict[str, int] = {}
    for row, image in enumerate(rows.images):
        first = at.setdefault(image, row)
        if rows.splits is not None and rows.splits[first] != rows.splits[row]:
            raise DataError(
                f"{rows.name}: {rows.places[row]}: the image {image!r} is in the split "
                f"{rows.splits[row]!r}, and at {rows.places[first]} in {rows.splits[first]!r}; "
                "an image belongs to one split"
            )
    texts: dict[str, list[str]] = {image: [] for image in at}
    for image, each, place in zip(
        rows.images, rows.captions or [], rows.places, strict=rows.captions is not None
    ):
        texts[image] += [well_formed(text, f"{rows.name}: {place}") for text in each]
    firsts = list(at.values())
    splits = None if rows.splits is None else [rows.splits[row] for row in firsts]
    found = Captioned(
        rows.name,
        list(at),
        None if rows.captions is None else [tuple(each) for each in texts.values()],
        [rows.places[row] for row in firsts],
        features,
        splits,
        rows.path,
        rows.sha256,
        rows.findings,
    )
    return _without_empty(found)


def _without_empty(found: Captioned) -> Captioned:
    """Leave out images without any caption, and say which."""
    if found.references is None:
        return found
    empty = [i for i, texts in enumerate(found.references) if not texts]
    if len(empty) == len(found):
        raise DataError(f"{found.name}: no image has a caption")
    return _left_out(found, empty, "have no caption", "empty", "fill them in, or remove the rows")


def _with_features(found: Captioned, config: CaptionData) -> Captioned:
    """Refuse, or leave out, images without features."""
    lost = [i for i, image in enumerate(found.images) if found.features.lacks(image)]
    if not lost:
        return found
    first = found.images[lost[0]]
    owner = found.features.lacks(first)
    if not config.drop_missing or len(lost) == len(found):
        raise DataError(
            f"{found.name}: {found.places[lost[0]]}: the image {first!r} is not in {owner} "
            f"({len(lost):,} of {len(found):,} images are not); make features of all images, or "
            "leave these out with --set data.drop_missing=true"
        )
    return _left_out(found, lost, f"are not in {owner}", "features", "make their features")


def _left_out(found: Captioned, rows: list[int], why: str, code: str, fix: str) -> Captioned:
    if not rows:
        return found
    where = tuple(f"{found.places[i]}: {found.images[i]}" for i in rows[:_SHOWN])
    message = f"{found.name}: {len(rows):,} of {len(found):,} images {why}; they are left out"
    gone = set(rows)
    kept = found.take([i for i in range(len(found)) if i not in gone])
    note = Finding(code, "warning", message, where, fix)
    return replace(kept, findings=(*found.findings, note))
