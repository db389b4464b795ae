"""Recordings as sequences of features: a table of files, folders of classes, or files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from longshort.config.audio import AudioSettings
from longshort.data.audio.features import features_of
from longshort.data.audio.listing import CLASS, Listing, read_listing
from longshort.data.audio.recordings import read_recordings
from longshort.data.audio.samples import Sounds
from longshort.data.formats.table import LABELS
from longshort.data.labelled import Examples
from longshort.data.labels import label_names
from longshort.errors import DataError


class Columns(NamedTuple):
    """Columns of a table of recordings: those asked for, or None, and usual names of the label.

    encoding: of the table; None: it is found.
    """

    file: str | None = None
    label: str | None = None
    group: str | None = None
    usual: tuple[str, ...] = (*LABELS, "word", "command", "keyword", "digit")
    role: str = "label"
    encoding: str | None = None


def read(
    data: object, columns: Columns, audio: AudioSettings, *, with_labels: bool = True
) -> Examples:
    """Read recordings as features [T, F] with their labels; without `with_labels` without these.

    Raises `DataError` with the file, and with the row of the table.
    """
    listing = read_listing(data, columns.file, encoding=columns.encoding)
    label = _label(listing, columns) if with_labels else None
    found = read_recordings(listing.files, audio.rate, listing.name)
    settings = audio.model_copy(update={"rate": found.rate})
    read_as: dict[str, object] = {"format": "audio"}
    roles = ((columns.role, label), ("file", columns.file))
    read_as |= {role: name for role, name in roles if name}
    examples = Examples(
        listing.name,
        [features_of(clip, settings) for clip in found.clips],
        None,
        [_place(listing, file) for file in listing.files],
        listing.path,
        listing.sha256,
        read_as=read_as,
        findings=(*listing.findings, *found.findings),
        sounds=Sounds(tuple(listing.files), found.rate),
    )
    if label is None:
        return examples
    cells = [f"{place}, column {label!r}" for place in listing.places]
    names = label_names(listing.columns[label], cells, listing.name)
    return _grouped(replace(examples, labels=names), listing, columns.group)


def _label(listing: Listing, columns: Columns) -> str:
    role = columns.role
    found = listing.column(columns.label, (*columns.usual, CLASS), role, f"data.{role}")
    if found is None:
        have = ", ".join(map(repr, listing.columns)) or "none"
        raise DataError(
            f"{listing.name}: which column is the {role}? Say --set data.{role}=NAME; there are "
            f"{have}. Recordings may also lie in a folder for each {role}"
        )
    return found


def _grouped(examples: Examples, listing: Listing, asked: str | None) -> Examples:
    group = listing.column(asked, (), "group", "data.group")
    if group is None:
        return examples
    read_as = {**examples.read_as, "group": group}
    return replace(examples, groups=list(listing.columns[group]), read_as=read_as)


def _place(listing: Listing, file: Path) -> str:
    """Return a file for people: from the folder of the table or the folder that was given."""
    if listing.path is None:
        return str(file)
    folder = Path(listing.path)
    folder = folder if folder.is_dir() else folder.parent
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
