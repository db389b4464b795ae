"""Reads the handwritten mathematics of the CROHME competitions in the folder `LONGSHORT_DATA`.

`PART.npz` has the differences of all points (dx, dy), the lengths of the strokes, and the number of
strokes of each expression; `PART.jsonl.gz` its LaTeX, writer, and symbols with their strokes.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from longshort.data.strokes.ink import Ink, Inks

SAME = {"<": r"\lt", ">": r"\gt"}
"""Names of symbols in some files of 2016, and in all others."""
PARTS = ("train", "test2013", "test2014", "test2016")


def expressions(folder: Path, part: str) -> Inks:
    """Return whole expressions, labelled by their LaTeX."""
    rows = [*_rows(folder, part)]
    return Inks(
        f"CROHME {part}",
        [ink_of(strokes) for strokes, _ in rows],
        [row["latex"] for _, row in rows],
        [row["ui"] for _, row in rows],
        writers=[row["writer"] or "unknown" for _, row in rows],
    )


def symbols(folder: Path, part: str) -> Inks:
    """Return isolated symbols with their labels, in the order of the expressions."""
    items, labels, places, writers = [], [], [], []
    for strokes, row in _rows(folder, part):
        for number, (label, chosen) in enumerate(row["symbols"]):
            if not chosen:  # a symbol of a few damaged files
                continue
            items.append(ink_of([strokes[i] for i in sorted(chosen)]))
            labels.append(SAME.get(label, label))
            places.append(f"{row['ui']}, symbol {number}")
            writers.append(row["writer"] or "unknown")
    return Inks(f"CROHME {part}", items, labels, places, writers=writers)


def ink_of(strokes: list[Any]) -> Ink:
    """Return strokes [n, 2] as ink."""
    lifts = np.zeros(sum(map(len, strokes)), dtype=np.bool_)
    lifts[np.cumsum([len(stroke) for stroke in strokes]) - 1] = True
    return Ink(np.concatenate(strokes), lifts)


def _rows(folder: Path, part: str) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Yield the strokes of each expression, and its line."""
    with np.load(folder / "crohme" / f"{part}.npz") as file:
        points = np.cumsum(np.column_stack([file["dx"], file["dy"]]).astype(np.float64), axis=0)
        strokes = np.split(points, np.cumsum(file["stroke_len"])[:-1])
        counts = file["n_strokes"].tolist()
    with gzip.open(folder / "crohme" / f"{part}.jsonl.gz", "rt") as lines:
        begin = 0
        for count, line in zip(counts, lines, strict=True):
            yield strokes[begin : begin + count], json.loads(line)
            begin += count
