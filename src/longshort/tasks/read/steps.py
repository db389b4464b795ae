"""Sessions of a reader: one line at each step, on its own."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np

from longshort.data.given_rows import refuse_other_columns
from longshort.data.strokes.ink import Ink, ink_of_strokes
from longshort.errors import DataError
from longshort.runs.abilities import Context, Stepper
from longshort.tasks.read.encoder import encode
from longshort.tasks.read.inference import ReadModelOf, read
from longshort.tasks.read.ink import ink_of
from longshort.tasks.read.picture import Grey, grey_from, grey_of
from longshort.tasks.read.samples import Lines, lines_of_pictures

PICTURE, STROKES = "picture", "strokes"
_WHERE = "a step"


class ReadSteps(Stepper):
    """Reads a picture of a line, or the strokes of one, without memory of those before."""

    def __init__(self, model: ReadModelOf) -> None:
        self.model = model
        self.column = PICTURE if model.encoder.kind == "pictures" else STROKES

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        says = {
            "read": "the text",
            "confidence": "mean probability of its signs, null without any",
            "confidences": "probability of each sign",
        }
        shape = [-1, -1] if self.column == PICTURE else [-1, -1, 2]
        column = {"name": self.column, "type": "numbers", "role": "value", "shape": shape,
                  "optional": False}  # fmt: skip
        return {"kind": "features", "columns": [column], "answer": says, "remembers": 0}

    def begin(self) -> Context:
        """Return nothing."""
        return ()

    def advance(self, context: Context, x: Any) -> tuple[dict[str, Any], Context]:
        """Read a line: pixels from 0 to 255, a file of a picture in base64, or strokes."""
        if not isinstance(x, Mapping):
            raise DataError(f"a step: {{{self.column!r}: …}} is expected, got {type(x).__name__}")
        refuse_other_columns(x, [self.column], ())
        lines = self._line(x[self.column])
        found = read(self.model, encode(self.model.encoder, lines))
        sureness = [float(p) for p in found.sureness[0]]
        mean = float(np.mean(sureness)) if sureness else None
        answer = {"read": found.texts[0], "confidence": mean, "confidences": sureness}
        return answer, context

    def _line(self, given: Any) -> Lines:
        if self.column == STROKES:
            ink: Ink = ink_of_strokes(given if isinstance(given, list) else [], _WHERE)
            return Lines(_WHERE, "strokes", [ink], None, [_WHERE], [])
        grey = _from_text(given) if isinstance(given, str) else _from_numbers(given)
        return lines_of_pictures(_WHERE, [ink_of(grey)], None, [_WHERE])


def _from_text(given: str) -> Grey:
    try:
        return grey_from(base64.b64decode(given, validate=True), f"column {PICTURE!r}")
    except binascii.Error as error:
        raise DataError(
            f"column {PICTURE!r}: a text has to be a file of a picture in base64 ({error})"
        ) from None


def _from_numbers(given: Any) -> Grey:
    where = f"column {PICTURE!r}"
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{where}: rows of numbers of equal length are expected") from None
    if values.size and (not np.isfinite(values).all() or values.min() < 0 or values.max() > 255):
        raise DataError(f"{where}: numbers from 0 (black) to 255 (white) are expected")
    return grey_of(values / 255.0, where)
