"""Report of forecast frames: errors by frame, strips of frames, and a GIF."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from longshort.report.sections import Animation, Block, Note, Picture, Section, Table
from longshort.runs.result import Result
from longshort.runs.task import MODEL
from longshort.tasks.frames import files, pictures
from longshort.tasks.frames.clips import Windows
from longshort.tasks.frames.config import FramesConfig
from longshort.tasks.frames.encoder import Floats, FrameEncoder, encode
from longshort.tasks.frames.figures import by_frame, strip

FramesResult = Result[FramesConfig, Windows, FrameEncoder, Floats]


def sections(result: FramesResult) -> list[Section]:
    """Return errors by frame, windows from the best to the worst, a GIF, and hits of events."""
    return [_by_frame(result), *_events(result), _strips(result), *_moving(result)]


def _by_frame(result: FramesResult) -> Section:
    values = {name: each.values["by_frame"] for name, each in result.scored.scores.items()}
    blocks: list[Block] = [
        Picture("error_by_frame", by_frame({n: v["mse"] for n, v in values.items()}, "MSE"), 640)
    ]
    if len(values[MODEL]["ssim"]) > 1:
        figure = by_frame({n: v["ssim"] for n, v in values.items()}, "SSIM")
        blocks.append(Picture("ssim_by_frame", figure, 640))
    return Section("Frame by frame", blocks)


def _events(result: FramesResult) -> list[Section]:
    """Critical success index of each threshold."""
    scores = result.scored.scores
    events: dict[str, Any] = scores[MODEL].values.get("csi", {})
    if not events:
        return []
    rows = [["", *(f"above {threshold}" for threshold in events)]]
    for name, each in scores.items():
        found = [each.values["csi"][threshold]["all"] for threshold in events]
        rows.append([name, *("" if v is None else f"{v:.3f}" for v in found)])
    note = Note(
        "Critical success index: of the pixels above a threshold in the truth or in the forecast, "
        "the share that is above it in both."
    )
    return [Section("Events", [Table(rows), note])]


def _order(result: FramesResult) -> list[int]:
    """Windows of the best, a middling and the worst forecast, by the model's share of the loss."""
    own = result.scored.scores[MODEL].per_sample
    best = result.scored.scores[result.scored.best].per_sample
    order = np.argsort(own / np.maximum(best, 1e-12), kind="stable").tolist()
    return list(dict.fromkeys([order[0], order[len(order) // 2], order[-1]]))


def _strips(result: FramesResult) -> Section:
    samples, found = result.scored.samples, result.scored.predictions[MODEL]
    rows = _order(result)
    arrays = encode(result.model.encoder, samples.take(rows))
    given, truth = arrays.given(), arrays.truth()
    blocks: list[Block] = []
    for n, row in enumerate(rows):
        figure = strip(given[n], truth[n], found[row], samples.places[row])
        blocks.append(Picture(f"strip{n}", figure, 900))
    note = Note(
        "The windows with the best, a middling and the worst forecast beside the best baseline: "
        "what was read, what came, what was forecast, and the difference (red: too bright, blue: "
        "too dark)."
    )
    return Section("Truth, forecast and difference", [*blocks, note])


def _moving(result: FramesResult) -> list[Section]:
    """The same windows as a moving picture, where images can be written."""
    if not pictures.has_pillow():
        return []
    samples, found = result.scored.samples, result.scored.predictions[MODEL]
    image = files.gif(result.model.encoder, samples, found, _order(result))
    text = base64.b64encode(image).decode()
    note = Note("Above the truth, below what was read and then forecast.")
    return [Section("Moving", [Animation(text, "truth above, forecast below"), note])]
