"""Sessions of frames: one frame at each step, and those that follow it as the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from longshort.data.given_rows import refuse_other_columns
from longshort.errors import DataError
from longshort.runs.abilities import Context, Stepper
from longshort.tasks.frames.clips import Clip, Windows

FRAME, FRAMES = "frame", "frames"


class FrameSteps(Stepper):
    """Forecasts from the last frames, as many as the run reads; none before there are so many."""

    def __init__(self, task: Any, model: Any) -> None:
        self.task, self.model = task, model
        self.inputs = int(model.config.model.inputs)
        rows, columns, channels = model.encoder.shape
        self.shape = (rows, columns) if channels == 1 else (rows, columns, channels)

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        column = {"name": FRAME, "type": "numbers", "role": "value", "shape": list(self.shape),
                  "optional": False}  # fmt: skip
        says = {FRAMES: "the frames that follow, in the data's units; none before enough are known"}
        return {"kind": "features", "columns": [column], "answer": says, "remembers": self.inputs}

    def begin(self) -> Context:
        """Return no frames."""
        return ()

    def advance(self, context: Context, x: Any) -> tuple[dict[str, Any], Context]:
        """Take a frame; return what follows, and the last frames."""
        if not isinstance(x, Mapping):
            raise DataError(f"a step: {{{FRAME!r}: numbers}} is expected, got {type(x).__name__}")
        refuse_other_columns(x, [FRAME], ())
        known = (*context, self._frame(x[FRAME]))[-self.inputs :]
        if len(known) < self.inputs:
            return {FRAMES: []}, known
        clip = Clip("a session", np.stack(known))
        window = Windows("a session", (clip,), np.zeros((1, 2), np.int64), self.inputs, 0)
        encoder = self.model.encoder
        frames = self.task.predict(self.model, self.task.encode(encoder, window))[0]
        found = encoder.units(frames.astype(np.float64))
        return {FRAMES: found.reshape(len(found), *self.shape).tolist()}, known

    def _frame(self, values: Any) -> Any:
        """Return a frame [Y, X, C]; raises `DataError` for another shape or a number not finite."""
        expected = f"column {FRAME!r}: numbers of the shape {list(self.shape)} are expected"
        try:
            found = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(expected) from None
        if found.shape != self.shape:
            raise DataError(f"{expected}, got {list(found.shape)}")
        if not np.isfinite(found).all():
            raise DataError(f"column {FRAME!r}: holds a number that is not finite")
        return found.reshape(self.model.encoder.shape)
