"""Sessions of captions: the features of one image at each step, on their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from longshort.data.given_rows import refuse_other_columns
from longshort.errors import DataError
from longshort.runs.abilities import Context, Stepper
from longshort.runs.example_steps import first_row
from longshort.tasks.caption.features import Features, FeatureTable
from longshort.tasks.caption.samples import Captioned

PLACES, WHOLE = "features", "global_features"


class CaptionSteps(Stepper):
    """Captions of images by the features of their places and of the whole."""

    def __init__(self, task: Any, model: Any) -> None:
        self.task, self.model = task, model
        scales = {PLACES: model.encoder.places, WHOLE: model.encoder.whole}
        self.scales = {name: scale for name, scale in scales.items() if scale is not None}
        self.shapes = {name: tuple(scale.shape) for name, scale in self.scales.items()}

    @property
    def schema(self) -> dict[str, Any]:
        """What a step takes and answers."""
        columns = [
            {"name": name, "type": "numbers", "role": "value", "shape": list(shape),
             "optional": False}
            for name, shape in self.shapes.items()
        ]  # fmt: skip
        says = {"predicted": "the caption", "log_prob": "its log probability"}
        return {"kind": "features", "columns": columns, "answer": says, "remembers": 0}

    def begin(self) -> Context:
        """Return nothing."""
        return ()

    def advance(self, context: Context, x: Any) -> tuple[dict[str, Any], Context]:
        """Write a caption for an image."""
        if not isinstance(x, Mapping):
            raise DataError(
                f"a step: features by name ({', '.join(self.shapes)}) are expected, got "
                f"{type(x).__name__}"
            )
        refuse_other_columns(x, list(self.shapes), ())
        found = {name: _features(x[name], name, shape) for name, shape in self.shapes.items()}
        # Features come without a file that says of which network they are; they count as the run's.
        tables = {
            name: FeatureTable(["image"], values, encoder=self.scales[name].encoder)
            for name, values in found.items()
        }
        features = Features(tables.get(PLACES), tables.get(WHOLE))
        samples = Captioned("a step", ["image"], None, ["a step"], features)
        row = first_row(self.task, self.model, samples)
        return {"predicted": row["predicted"], "log_prob": row["log_prob"]}, context


def _features(values: Any, name: str, shape: tuple[int, ...]) -> Any:
    """Return the features [1, …] of one image."""
    try:
        found = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError(
            f"column {name!r}: numbers of the shape {list(shape)} are expected"
        ) from None
    if found.shape != shape:
        raise DataError(
            f"column {name!r}: numbers of the shape {list(shape)} are expected, got "
            f"{list(found.shape)}"
        )
    if not np.isfinite(found).all():
        raise DataError(f"column {name!r}: holds a number that is not finite")
    return found[None]
