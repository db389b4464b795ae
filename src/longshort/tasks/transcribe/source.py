"""Reading utterances: tables of files with their texts, transcriptions of Sphinx, and folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from longshort.data.audio.features import features_of
from longshort.data.audio.files import is_sound
from longshort.data.audio.listing import Listing, listing_of, read_listing
from longshort.data.audio.recordings import read_recordings
from longshort.data.findings import Finding
from longshort.data.textfiles import read_text, well_formed
from longshort.errors import DataError, are, counted
from longshort.tasks.transcribe.config import TranscribeConfig, TranscribeData
from longshort.tasks.transcribe.files import KINDS, is_features, read_features, read_named
from longshort.tasks.transcribe.samples import Floats, Utterances, of_one_width

TEXTS = ("text", "transcript", "transcription", "sentence", "words", "label")
SPEAKERS = ("speaker", "speaker_id", "client_id", "spk")
SPLIT_COLUMNS = ("split", "set", "subset", "part")
SPLITS = {
    "train": "train", "training": "train",
    "val": "val", "dev": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
_SPHINX = (".transcription", ".transcript")
_LINE = re.compile(r"(?:<s>)?\s*(?P<text>.*?)\s*(?:</s>)?\s*\((?P<id>[^()\s]+)\)\s*")


@dataclass(frozen=True)
class Spoken:
    """A list of files with what is said in each, before anything of them is read."""

    listing: Listing
    texts: list[str] | None
    speakers: list[str] | None = None
    splits: list[str] | None = None


def read_utterances(
    data: object, config: TranscribeConfig, *, labelled: bool = True, rate: int | None = None
) -> Utterances:
    """Read utterances with their texts; without `labelled` the texts may be missing.

    rate: samples a second to which recordings are resampled; None: as the settings say. Raises
    `DataError` with place and remedy.
    """
    if isinstance(data, Utterances):
        return data
    spoken = _spoken(data, config.data, labelled)
    listing, findings = spoken.listing, spoken.listing.findings
    items, rate, more = _items(listing, config, rate)
    found = Utterances(
        listing.name,
        items,
        [_short(file, listing.path) for file in listing.files],
        spoken.texts,
        listing.places,
        spoken.speakers,
        spoken.splits,
        rate,
        listing.path,
        listing.sha256,
        (*findings, *more),
    )
    return of_one_width(found)


def _spoken(data: object, config: TranscribeData, labelled: bool) -> Spoken:
    if isinstance(data, (str, Path)) and Path(data).suffix.lower() in _SPHINX:
        return _sphinx(Path(data), config)
    if isinstance(data, (str, Path)) and is_features(Path(data)):
        listing = listing_of([Path(data)])
    elif isinstance(data, (str, Path)) and Path(data).suffix.lower() == ".npz":
        raise DataError(
            f"{data}: holds arrays, and a table says which are read: give a table with a column "
            f"'file' of their names, and the arrays with --set data.features={data}"
        )
    else:
        on_disk, encoding = config.features is None, config.encoding
        listing = read_listing(data, config.file, _root(config), encoding=encoding, on_disk=on_disk)
    named = listing.column(config.text, TEXTS, "text", "data.text")
    texts = None if named is None else list(listing.columns[named])
    if texts is None:
        texts = _beside(listing.files) if labelled else None
    if labelled and texts is None:
        shown = ", ".join(map(repr, listing.columns)) or "none"
        raise DataError(
            f"{listing.name}: which column has the text? Say --set data.text=NAME; there are: "
            f"{shown}; or put a file NAME.txt beside each recording"
        )
    speaker = listing.column(config.speaker, SPEAKERS, "speaker", "data.speaker")
    split = listing.column(config.split, SPLIT_COLUMNS, "split", "data.split")
    return Spoken(
        listing,
        _cleaned(texts, listing),
        None if speaker is None else list(listing.columns[speaker]),
        None if split is None else _parts(listing, split),
    )


def _root(config: TranscribeData) -> Path | None:
    return None if config.root is None else Path(config.root)


def _sphinx(path: Path, config: TranscribeData) -> Spoken:
    """Read lines like "YES (an251-fash-b)"; the files of that name lie below the root."""
    file = read_text(path, config.encoding)
    root = _root(config) or path.parent
    by_name = {
        each.stem: each for each in sorted(root.rglob("*")) if is_features(each) or is_sound(each)
    }
    files, texts, places = [], [], []
    for number, line in enumerate(file.lines, 1):
        if not line.strip():
            continue
        found, place = _LINE.fullmatch(line), f"line {number}"
        if found is None:
            raise DataError(
                f"{path}: {place}: a text with the name of its file in brackets is expected, such "
                f"as YES (an251), got {line[:60]!r}"
            )
        name = found["id"].rpartition("/")[2]
        if name not in by_name:
            raise DataError(
                f"{path}: {place}: there is no file {name} below {root} (allowed: "
                f"{', '.join(KINDS)} and recordings); name the folder with --set "
                "data.root=FOLDER"
            )
        files.append(by_name[name])
        texts.append(found["text"])
        places.append(place)
    if not files:
        raise DataError(f"{path}: holds no line")
    named = Listing(path.name, files, places, {}, str(path), file.sha256, file.encoding.findings())
    folders = [each.parent.name for each in files]
    return Spoken(named, _cleaned(texts, named), folders if len(set(folders)) > 1 else None)


def _beside(files: Sequence[Path]) -> list[str] | None:
    """Return the texts in files beside the recordings, NAME.txt; None where there is none."""
    beside = [each.with_suffix(".txt") for each in files]
    if not any(each.is_file() for each in beside):
        return None
    lost = next((each for each in beside if not each.is_file()), None)
    if lost is not None:
        raise DataError(f"{lost}: is missing; its recording has no text; write it, or leave it out")
    return [" ".join(read_text(each).lines) for each in beside]


def _cleaned(texts: list[str] | None, listing: Listing) -> list[str] | None:
    """Return the texts with single spaces between words."""
    if texts is None:
        return None
    pairs = zip(texts, listing.places, strict=True)
    return [
        " ".join(well_formed(text, f"{listing.name}: {place}").split()) for text, place in pairs
    ]


def _parts(listing: Listing, column: str) -> list[str]:
    found = []
    for cell, place in zip(listing.columns[column], listing.places, strict=True):
        part = SPLITS.get(cell.strip().lower())
        if part is None:
            raise DataError(
                f"{listing.name}: {place}: the split {cell!r} is not known; allowed: "
                f"{', '.join(SPLITS)} (the column is data.split)"
            )
        found.append(part)
    return found


def _items(
    listing: Listing, config: TranscribeConfig, rate: int | None
) -> tuple[list[Floats], int | None, tuple[Finding, ...]]:
    """Return features of all files, the rate of recordings, and findings about them."""
    if config.data.features is not None and not all(file.is_file() for file in listing.files):
        names = [file.name for file in listing.files]
        return read_named(Path(config.data.features), names, listing.name), None, ()
    kinds = {is_sound(file) for file in listing.files}
    if kinds == {True}:
        asked = rate or config.audio.rate
        found = read_recordings(listing.files, asked, listing.name, with_silent=True)
        items = [features_of(clip, config.audio) for clip in found.clips]
        silent = [clip.place for clip in found.clips if clip.is_silent]
        return items, found.rate, (*found.findings, *_silent(silent, listing.name))
    strange = next((f for f in listing.files if not is_features(f) and not is_sound(f)), None)
    if strange is not None:
        raise DataError(
            f"{strange}: is neither sound nor features; allowed: {', '.join(KINDS)}, .wav, .flac, "
            ".ogg, .mp3"
        )
    if kinds == {True, False}:
        raise DataError(
            f"{listing.name}: names recordings and files of features; give one kind of them"
        )
    return [read_features(file, config.data.width) for file in listing.files], None, ()


def _silent(places: Sequence[str], name: str) -> tuple[Finding, ...]:
    if not places:
        return ()
    silent = f"{counted(len(places), 'recording')} {are(len(places))} silent"
    text = f"{name}: {silent}; whatever is transcribed there is wrong"
    return (Finding("silent", "warning", text, tuple(places[:5]), "leave them out"),)


def _short(file: Path, table: str | None) -> str:
    """Return the name of a file, from the folder of its table where it lies in that."""
    if table is not None and file.is_relative_to(Path(table).parent):
        return str(file.relative_to(Path(table).parent))
    return file.name


def normalised_text(utterances: Utterances, lowercase: bool) -> Utterances:
    """Return the utterances with their texts in lower case where that is asked for."""
    if not lowercase or utterances.texts is None:
        return utterances
    return replace(utterances, texts=[text.lower() for text in utterances.texts])
