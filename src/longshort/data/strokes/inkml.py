"""Pen strokes in W3C InkML files (2011): a sample is a file, or each of its labelled groups.

Of InkML are read: `trace` with points "x y, x y", the channels of `traceFormat`, `traceGroup` with
an annotation of type "truth" and `traceView`s, and the annotations "truth" and "writer" of the
file. Not read are differences (a `'` or `"` before a number) and brush properties.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from longshort.data.strokes.ink import Ink, Inks, ink_of_strokes
from longshort.data.textfiles import read_bytes
from longshort.errors import DataError

Of = Literal["files", "symbols"]
Element = ElementTree.Element


def read(path: Path, of: Of = "files") -> Inks:
    """Read an InkML file, or all of a folder in the order of their names.

    of: whether a sample is a file with its truth, or a group of strokes with its own; a file
    without groups is one all the same. Raises `DataError` with file and trace.
    """
    files = sorted(path.glob("*.inkml")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: the folder has no .inkml file")
    digest = hashlib.sha256()
    items, labels, writers, places = [], [], [], []
    for file in files:
        content, sha256 = read_bytes(file)
        digest.update(sha256.encode())
        root = _parsed(file, content)
        writer = _annotation(root, "writer")
        for place, label, ink in _samples(file, root, of):
            items.append(ink)
            labels.append(label)
            writers.append(writer)
            places.append(f"{file.name}{place}" if path.is_dir() else place.lstrip(", ") or "file")
    truths = [label for label in labels if label is not None]
    if truths and len(truths) < len(labels):
        raise DataError(f"{path}: {places[labels.index(None)]}: has no truth, and others have one")
    known = [writer for writer in writers if writer is not None]
    return Inks(
        path.name,
        items,
        truths or None,
        places,
        str(path),
        digest.hexdigest(),
        known if len(known) == len(items) else None,
    )


def _parsed(path: Path, content: bytes) -> Element:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise DataError(f"{path}: holds a document type, which is not read; remove it")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise DataError(f"{path}: line {error.position[0]}: not XML: {error}") from None
    for each in root.iter():
        each.tag = each.tag.rpartition("}")[2]
    if root.tag != "ink":
        raise DataError(f"{path}: not InkML: its first element is <{root.tag}>, <ink> is expected")
    return root


def _samples(path: Path, root: Element, of: Of) -> Iterator[tuple[str, str | None, Ink]]:
    """Yield place, truth and ink of each sample."""
    x, y = _channels(root)
    traces = {}
    for number, trace in enumerate(root.iter("trace")):
        name = trace.get("{http://www.w3.org/XML/1998/namespace}id") or trace.get("id")
        key = name if name is not None else f"#{number}"
        traces[key.removeprefix("#")] = _points(trace.text or "", x, y, f"{path}: trace {key}")
    if of == "files" or not any(True for _ in root.iter("traceView")):
        yield "", _annotation(root, "truth"), ink_of_strokes([*traces.values()], str(path))
        return
    for number, group in enumerate(root.iter("traceGroup")):
        names = [view.get("traceDataRef", "").removeprefix("#") for view in group.iter("traceView")]
        if any(True for _ in group.iter("traceGroup") if _ is not group) or not names:
            continue
        missing = [name for name in names if name not in traces]
        if missing:
            raise DataError(f"{path}: group {number}: there is no trace {missing[0]!r}")
        strokes = [traces[name] for name in names]
        place = f"{path}: group {number}"
        yield f", group {number}", _annotation(group, "truth"), ink_of_strokes(strokes, place)


def _channels(root: Element) -> tuple[int, int]:
    names = [(each.get("name") or "").upper() for each in root.iter("channel")]
    return (names.index("X"), names.index("Y")) if {"X", "Y"} <= {*names} else (0, 1)


def _annotation(parent: Element, kind: str) -> str | None:
    found = [each for each in parent.findall("annotation") if each.get("type") == kind]
    return (found[0].text or "").strip() if found else None


def _points(text: str, x: int, y: int, place: str) -> list[tuple[float, float]]:
    if not text.strip():
        raise DataError(f"{place}: has no point; leave it out")
    if "'" in text or '"' in text:
        raise DataError(f"{place}: has differences (' or \"), which are not read; write points")
    points = []
    for number, each in enumerate(text.strip().strip(",").split(",")):
        parts = each.split()
        try:
            points.append((float(parts[x]), float(parts[y])))
        except (ValueError, IndexError):
            raise DataError(
                f"{place}, point {number}: numbers x and y are expected, got {each.strip()[:40]!r}"
            ) from None
    return points
