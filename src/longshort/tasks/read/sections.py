"""Report of reading: confusions, how sure the model is, the worst lines, and the looks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from longshort.metrics.edits import aligned
from longshort.report.sections import Note, Picture, Section, Table
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.read import scoring
from longshort.tasks.read.config import ReadConfig
from longshort.tasks.read.encoder import ReadEncoder
from longshort.tasks.read.inference import Readings
from longshort.tasks.read.looks import described
from longshort.tasks.read.pictures import lines_read
from longshort.tasks.read.samples import Lines

ReadResult = Result[ReadConfig, Lines, ReadEncoder, Readings]
_CONFUSED, _SHOWN = 20, 8
_BINS = (0.0, 0.5, 0.8, 0.95, 0.99, 1.0 + 1e-9)
"""Edges of the ranges of probabilities that are told apart."""


def sections(result: ReadResult) -> list[Section]:
    """Return where the model errs, how sure it is of what it read, and what the pictures are."""
    samples, found = result.scored.samples, result.scored.predictions[MODEL]
    encoder = result.model.encoder
    found_sections = [_confusions(samples, found, encoder), _sureness(samples, found, encoder)]
    found_sections.append(_worst(result))
    if encoder.looks is not None:
        rows = described(encoder.looks)
        note = Note("New pictures that leave these ranges are named by predict and evaluate.")
        found_sections.append(Section("What the training pictures look like", [Table(rows), note]))
    return found_sections


def _confusions(samples: Lines, found: Readings, encoder: ReadEncoder) -> Section:
    counts = scoring.confusions(samples, found, encoder)
    rows = [["stands there", "was read", "times"]]
    rows += [[_named(a), _named(b), f"{n:,}"] for (a, b), n in counts.most_common(_CONFUSED)]
    note = Note(f"{sum(counts.values()):,} errors in all, of {len(counts):,} kinds.")
    return Section("Confusions", [Table(rows), note])


def _named(sign: str) -> str:
    if not sign:
        return "nothing"
    return "space" if sign == " " else sign


def _sureness(samples: Lines, found: Readings, encoder: ReadEncoder) -> Section:
    """Compare the probabilities of signs with how many of them are right."""
    values, rights = judged_signs(samples, found, encoder)
    rows = [["confidence of a sign", "signs", "of these right"]]
    for low, high in pairwise(_BINS):
        inside = (values >= low) & (values < high)
        if inside.any():
            share = f"{rights[inside].mean():.1%}"
            rows.append([f"{low:g} to {min(high, 1.0):g}", f"{inside.sum():,}", share])
    note = Note(
        "A confidence is the model's probability of a sign on its own frames. It is no accuracy: "
        "the last column says how often signs of such confidence are right in the test lines."
    )
    return Section("How sure it is", [Table(rows), note])


def judged_signs(
    samples: Lines, found: Readings, encoder: ReadEncoder
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the probability of each sign that was read, and whether it stands there."""
    values, rights = [], []
    rows = zip(samples.texts or [], found.signs, found.sureness, strict=True)
    for text, signs, sureness in rows:
        pairs = [pair for pair in aligned(encoder.split(text), signs) if pair[1] is not None]
        values += sureness
        rights += [a == b for a, b in pairs]
    return np.array(values, dtype=np.float64), np.array(rights, dtype=np.bool_)


def _worst(result: ReadResult) -> Section:
    samples, found = result.scored.samples, result.scored.predictions[MODEL]
    each = result.scored.scores[MODEL].per_sample
    order = np.argsort(-each[:, :3].sum(1) / np.maximum(each[:, 3], 1), kind="stable")
    chosen = order[:_SHOWN].tolist()
    figure = lines_read(
        [samples.inputs[i] for i in chosen],
        [(samples.texts or [])[i] for i in chosen],
        [found.texts[i] for i in chosen],
    )
    places = "; ".join(samples.places[i] for i in chosen)
    note = Note(f"The test lines with the highest CER, above what stands there, below what was "
                f"read. From the top: {places}")  # fmt: skip
    return Section("The worst lines", [Picture("worst", figure, 900), note])
