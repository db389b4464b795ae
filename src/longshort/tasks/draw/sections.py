"""The report of a drawing run: real drawings beside the network's own, and the worst ones."""

from __future__ import annotations

import numpy as np

from longshort.data.strokes.ink import Ink, Inks
from longshort.report.sections import Note, Picture, Section, Table
from longshort.report.strokes import drawings as figure
from longshort.runs.pen import Pen
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.draw.config import DrawConfig
from longshort.tasks.draw.encoder import DrawEncoder
from longshort.tasks.draw.inference import DrawModelOf, Likelihoods, drawings

DrawResult = Result[DrawConfig, Inks, DrawEncoder, Likelihoods]
_SHOWN = 6
_BIASES = (0.0, 0.5, 1.0)
_LONG = 24
"""Letters of a title, at most."""


def sections(result: DrawResult) -> list[Section]:
    """Return drawings of the test split and of the network, and what it expected least."""
    return [
        Section("What it draws", [_drawn(result), _NOTE]),
        Section("What it expected least", [_worst(result), Table(_parts(result)), _PARTS]),
    ]


_NOTE = Note(
    "First row: the first drawings of the test split, as the network reads them. Below, its own, "
    "with the first seed and more and more bias, which makes them likelier and tidier; none was "
    "left out."
)
_PARTS = Note(
    "The drawings of the test split with the most nats per point. Nats of offsets are of a "
    "density, whose unit is stated with the scores; they may be negative. Nats of the pen are of "
    "its three states: down, lifted, and the end."
)


def _drawn(result: DrawResult) -> Picture:
    model, test = result.model, result.scored.samples
    real = [model.encoder.shaped(ink) for ink in test.items[:_SHOWN]]
    told = _titles(test, range(len(real)))
    rows = [("real", real, told)]
    for bias in _BIASES:
        own = [_one(model, bias, seed, test, seed) for seed in range(len(real))]
        rows.append((f"bias {bias:g}", own, []))
    return Picture("drawings", figure(rows))


def _one(model: DrawModelOf, bias: float, seed: int, test: Inks, number: int) -> Ink:
    """Return a drawing of what a test drawing is told."""
    is_told = model.encoder.condition != "nothing" and test.labels is not None
    told = test.labels[number] if is_told and test.labels is not None else None
    return drawings(model, Pen(bias=bias, seed=seed, told=told))[0]


def _titles(test: Inks, numbers: range | list[int]) -> list[str]:
    return [] if test.labels is None else [test.labels[i][:_LONG] for i in numbers]


def _worst(result: DrawResult) -> Picture:
    each, test = result.scored.predictions[MODEL].each, result.scored.samples
    chosen = np.argsort(-each, kind="stable")[:_SHOWN].tolist()
    inks = [result.model.encoder.shaped(test.items[i]) for i in chosen]
    return Picture("least expected", figure([("", inks, [f"{each[i]:.2f}" for i in chosen])]))


def _parts(result: DrawResult) -> list[list[str]]:
    rows = [["", "nats of offsets", "nats of the pen", "points"]]
    for name, one in result.scored.predictions.items():
        points = one.points.sum()
        values = one.moves.sum() / points, one.pens.sum() / points
        rows.append([name, *(f"{value:.3f}" for value in values), f"{int(points):,}"])
    return rows
