"""Reading lines with their texts: a folder of pairs, a table, pictures alone, or pen strokes.

A folder, or an archive of one, holds `NAME.png` (any suffix of a picture, also `NAME.bin.png` and
the like) beside `NAME.gt.txt` or `NAME.txt`, in folders of any depth. A table names a picture and
its text in each row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from longshort.data.encodings import decoded_text, find_encoding
from longshort.data.findings import Finding
from longshort.data.strokes.ink import Inks
from longshort.data.strokes.reading import is_strokes, read_parts
from longshort.data.textfiles import name_of
from longshort.errors import DataError, are, counted
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.encoder import Form, normalised
from longshort.tasks.read.ink import Line, ink_of
from longshort.tasks.read.kinds import refuse_file_of_other_kind
from longshort.tasks.read.picture import KINDS, DamagedPicture, grey_from, grey_of
from longshort.tasks.read.samples import Lines, lines_of_pictures
from longshort.tasks.read.store import Folder, Store, is_archive, store_at
from longshort.tasks.read.table import Rows, is_table, read_table

_TEXTS = (".gt.txt", ".txt")
_PROCESSED = (".bin", ".nrm", ".dew")
"""Endings by which OCRopus names what it made of a picture."""
_SHOWN = 5


@dataclass
class Dropped:
    """Lines that are refused, or left out where `data.drop_bad` is set; by reason."""

    is_allowed: bool
    name: str
    reasons: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, message: str, place: str) -> None:
        """Leave a line out; raises `DataError` with the message where that is not allowed."""
        if not self.is_allowed:
            raise DataError(f"{message}; or leave such lines out with --set data.drop_bad=true")
        self.reasons.setdefault(reason, []).append(place)

    def findings(self) -> tuple[Finding, ...]:
        """Return a warning for each reason."""
        return tuple(
            Finding(
                "left-out", "warning",
                f"{self.name}: {counted(len(places), 'line')} {are(len(places))} left out: "
                f"{reason}",
                tuple(places[:_SHOWN]),
            )
            for reason, places in self.reasons.items()
        )  # fmt: skip


def read_lines(data: object, config: ReadConfig, *, labelled: bool = True) -> Lines:
    """Read lines with their texts; without `labelled` texts are not needed, and not read.

    data: a folder, a table as a file or frame, a picture or a list of them, a file of pen strokes,
    or `Lines`. Raises `DataError` with the path, and what to do.
    """
    if isinstance(data, Lines):
        return data if labelled else replace(data, texts=None)
    if isinstance(data, Inks):
        return of_strokes(data, config, labelled)
    is_ink = isinstance(data, (str, Path)) and _are_strokes(Path(data), config)
    if not labelled and not is_ink and (files := picture_files(data)):
        refuse_file_of_other_kind(files[0], config.data)
        name = files[0].name if len(files) == 1 else f"{len(files):,} pictures"
        return _read(Folder(Path()), [str(file) for file in files], None, config, name=name)
    if isinstance(data, (str, Path)):
        return _of_path(Path(data), config, labelled)
    if is_table(data):
        return _of_rows(read_table(data, config.data, labelled), config)
    raise DataError(
        "data: a folder of pictures with their texts, a table of both, a file of pen strokes, or "
        f"lines made by lines_of(pictures, texts) are expected, got {type(data).__name__}"
    )


def lines_of(
    pictures: Sequence[Any], texts: Sequence[str] | None = None, form: Form = "NFC"
) -> Lines:
    """Make lines of pictures in memory, arrays [height, width] or with colours, and their texts.

    Raises `DataError`.
    """
    places = [f"item {i}" for i in range(len(pictures))]
    found = [ink_of(grey_of(each, place)) for each, place in zip(pictures, places, strict=True)]
    if texts is not None and len(texts) != len(found):
        raise DataError(f"texts: {len(found):,} are expected, one a picture, got {len(texts):,}")
    clean = None if texts is None else [normalised(text, form) for text in texts]
    return lines_of_pictures("data", found, clean, places)


def of_strokes(inks: Inks, config: ReadConfig, labelled: bool) -> Lines:
    """Return pen strokes as lines."""
    if labelled and inks.labels is None:
        raise DataError(f"{inks.name}: has no texts; reading is learned from them")
    form = config.text.normalise
    texts = [normalised(text, form) for text in inks.labels or []] if labelled else None
    return Lines(
        inks.name, "strokes", inks.items, texts, inks.places, [], groups=inks.writers,
        path=inks.path, sha256=inks.sha256, findings=inks.findings,
    )  # fmt: skip


def read_given(
    given: Mapping[str, object], config: ReadConfig, read: Callable[[object], Lines]
) -> dict[str, Lines]:
    """Read the source of each split; an archive of strokes may hold several splits."""
    whole = given["train"]
    if (
        isinstance(whole, (str, Path))
        and Path(whole).is_file()
        and _are_strokes(Path(whole), config)
    ):
        parts = {n: of_strokes(each, config, True) for n, each in read_parts(Path(whole)).items()}
        others = {name: read(each) for name, each in given.items() if name != "train"}
        return parts | others
    return {name: read(each) for name, each in given.items()}


def picture_files(data: object) -> list[Path]:
    """Return the pictures that data name: a file, a folder, or a list of these; none for others."""
    if isinstance(data, (list, tuple)):
        paths = [Path(each) for each in data if isinstance(each, (str, Path))]
        if len(paths) != len(data):
            return []
        lost = next((path for path in paths if not path.exists()), None)
        if lost is not None:
            raise DataError(f"{lost}: no such file; check the path")
        return [file for path in paths for file in picture_files(path) or [path]]
    if not isinstance(data, (str, Path)):
        return []
    path = Path(data)
    if path.is_dir():
        return [path / name for name in Folder(path).names() if _is_picture(name)]
    return [path] if _is_picture(path.name) and path.is_file() else []


def _of_path(path: Path, config: ReadConfig, labelled: bool) -> Lines:
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; check the path")
    refuse_file_of_other_kind(path, config.data)
    if _are_strokes(path, config):
        inks = read_parts(path)
        return of_strokes(next(iter(inks.values())), config, labelled)
    if path.is_dir() or is_archive(path):
        if labelled:
            return _of_pairs(store_at(path), config)
        store = store_at(path)
        return _read(store, [name for name in store.names() if _is_picture(name)], None, config)
    if _is_picture(path.name):
        raise DataError(
            f"{path}: is a single picture; to learn, give a folder of pictures with their texts "
            f"beside them ({path.stem}.gt.txt), or a table of both"
        )
    return _of_rows(read_table(path, config.data, labelled), config)


def _are_strokes(path: Path, config: ReadConfig) -> bool:
    asked = config.data.kind
    has_name = path.suffix.lower() in (".npz", ".inkml")
    return asked == "strokes" or (asked is None and (has_name or is_strokes(path)))


def _of_pairs(store: Store, config: ReadConfig) -> Lines:
    """Read pictures with their texts beside them."""
    dropped = Dropped(config.data.drop_bad, name_of(store.path))
    names = store.names()
    pictures = {_stem(name): name for name in names if _is_picture(name)}
    texts = {_stem(n): n for end in reversed(_TEXTS) for n in names if n.lower().endswith(end)}
    if not pictures or not texts:
        what = "picture" if not pictures else "text (NAME.gt.txt or NAME.txt beside NAME.png)"
        raise DataError(f"{store.path}: holds no {what}; give pictures with their texts")
    for stem in sorted(pictures.keys() - texts.keys()):
        place = str(store.place(pictures[stem]))
        dropped.add(
            "pictures without a text",
            f"{place}: the picture has no text; write {Path(stem).name}.gt.txt beside it, or "
            "remove it",
            place,
        )
    for stem in sorted(texts.keys() - pictures.keys()):
        place = str(store.place(texts[stem]))
        dropped.add(
            "texts without a picture",
            f"{place}: the text has no picture; put {Path(stem).name}.png beside it, or remove it",
            place,
        )
    both = sorted(pictures.keys() & texts.keys())
    if not both:
        raise DataError(f"{store.path}: no picture has a text of its name beside it")
    words = [_text(store, texts[stem], config.data.encoding) for stem in both]
    return _read(
        store, [pictures[stem] for stem in both], words, config, dropped, path=str(store.path)
    )


def _text(store: Store, name: str, encoding: str | None) -> str:
    path, content = store.place(name), store.content(name) or b""
    return decoded_text(path, content, find_encoding(path, content, encoding)) if content else ""


def _brings_pictures(rows: Rows, config: ReadConfig) -> bool:
    """Whether a table is none of the run's own, and has pictures beside it."""
    if rows.path is None:
        return False
    data = config.data
    own = {Path(each).resolve() for each in (data.path, data.val_path, data.test_path) if each}
    if Path(rows.path).resolve() in own:
        return False
    return any((rows.folder / name).is_file() for name in rows.files)


def _of_rows(rows: Rows, config: ReadConfig) -> Lines:
    dropped = Dropped(config.data.drop_bad, rows.name)
    images = config.data.images
    is_apart = images is not None and not _brings_pictures(rows, config)
    store = store_at(Path(images) if images is not None and is_apart else rows.folder)
    more: dict[str, Any] = {
        "groups": rows.groups,
        "splits": rows.splits,
        "path": rows.path,
        "sha256": rows.sha256,
    }
    found = _read(store, rows.files, rows.texts, config, dropped, **more)
    return replace(found, name=Path(rows.name).name, findings=(*rows.findings, *found.findings))


def _read(
    store: Store,
    names: Sequence[str],
    texts: Sequence[str] | None,
    config: ReadConfig,
    dropped: Dropped | None = None,
    name: str | None = None,
    **more: Any,
) -> Lines:
    """Read pictures; those that cannot be learned are refused, or left out."""
    owner = name or name_of(store.path)
    dropped = dropped or Dropped(config.data.drop_bad, owner)
    kept, found, words = [], [], []
    for number, file in enumerate(names):
        text = "" if texts is None else normalised(texts[number], config.text.normalise)
        place = str(store.place(file))
        line = _line(store.content(file), place, dropped)
        if line is None or (texts is not None and _is_bad(place, line, text, dropped)):
            continue
        kept.append(number)
        found.append(line)
        words.append(text)
    if not kept:
        raise DataError(f"{owner}: no line is left")
    lists = {key: more[key] for key in ("groups", "splits") if more.get(key) is not None}
    chosen = {key: [values[i] for i in kept] for key, values in lists.items()}
    places = [str(store.place(names[i])) for i in kept]
    lines = lines_of_pictures(
        owner, found, None if texts is None else words, places, **{**more, **chosen}
    )
    return replace(lines, findings=dropped.findings())


def _line(content: bytes | None, place: str, dropped: Dropped) -> Line | None:
    if content is None:
        message = f"{place}: no such picture; restore it, or remove its text"
        dropped.add("pictures that are not there", message, place)
        return None
    try:
        return ink_of(grey_from(content, place))
    except DamagedPicture as error:
        dropped.add("damaged pictures", str(error), place)
        return None


def _is_bad(place: str, line: Line, text: str, dropped: Dropped) -> bool:
    """Whether a line cannot be learned because its picture or its text is empty."""
    if not text:
        dropped.add("empty texts", f"{place}: its text is empty; write it, or remove both", place)
        return True
    if not line.pixels.any():
        dropped.add(
            "pictures of one colour",
            f"{place}: the picture is of one colour, and its text is {text[:40]!r}; restore it, or "
            "remove both",
            place,
        )
        return True
    return False


def _is_picture(name: str) -> bool:
    return name.lower().endswith(KINDS)


def _stem(name: str) -> str:
    """Return a name without its suffixes, which pairs a picture with its text.

    Only known suffixes are taken off, for a name may hold dots.
    """
    for end in (*_TEXTS, *KINDS):
        if name.lower().endswith(end):
            name = name[: -len(end)]
            break
    for kind in _PROCESSED:
        name = name.removesuffix(kind)
    return name
