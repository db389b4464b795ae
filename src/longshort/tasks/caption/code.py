"""A caption as code: an image's features are read once, its caption is written token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError
from longshort.runs.portable import Portable
from longshort.runs.portable_values import Computed, Given, computed, scaled
from longshort.runs.portable_writing import writing_page, writing_parts, writing_says
from longshort.tasks.caption.encoder import CLIP, Batch, Scale

Array = NDArray[Any]

_NAMES = {"places": "features", "whole": "global_features"}
"""Names of the arguments, as a session has them."""
_EXAMPLES = 8


def portable(model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
    """Return what becomes code; see `longshort.runs.abilities.Ports`."""
    if steps is not None:
        raise ConfigError("--steps: an image's features have a fixed size; leave it out")
    scales = {name: getattr(model.encoder, name) for name in _NAMES}
    recorded = [each.inputs[0] for each in golden if each.function == "begin"]
    arguments = {
        name: None if scale is None else _argument(_NAMES[name], scale)
        for name, scale in scales.items()
    }
    one = {name: None if scale is None else getattr(recorded[0], name)[:1]
           for name, scale in scales.items()}  # fmt: skip
    examples = [each for batch in recorded for each in _images(batch, scales)]
    parts = writing_parts(model, (Batch(**arguments),), (Batch(**one),), examples[0])
    page = {
        "kind": "caption",
        "reads": "features",
        "shapes": {_NAMES[n]: list(s.shape) for n, s in scales.items() if s is not None},
        "examples": [_listed(each) for each in examples[:_EXAMPLES]],
        "most": model.config.write.max_length,
        **writing_page(model.encoder.coder, model),
    }
    what = "Give it an image's features, and see which caption it writes."
    return Portable(parts, page, what, _says(model, page["shapes"]))


def _argument(name: str, scale: Scale) -> Computed:
    """Return features as the network takes them: scaled and clipped."""
    given = Given(
        name, np.zeros((1, *scale.shape), np.float32), ("batch", *[None] * len(scale.shape))
    )
    return computed("clamp", scaled(given, scale.mean, scale.spread), -CLIP, CLIP)


def _plain(values: Array, scale: Scale) -> Array:
    found: Array = (values * scale.spread + scale.mean).astype(np.float32)
    return found


def _images(batch: Any, scales: dict[str, Scale | None]) -> list[dict[str, Array]]:
    """Return the features of recorded images in the user's units."""
    found = {
        _NAMES[name]: _plain(getattr(batch, name), scale)
        for name, scale in scales.items()
        if scale is not None
    }
    count = len(next(iter(found.values())))
    return [{name: each[row : row + 1] for name, each in found.items()} for row in range(count)]


def _listed(example: dict[str, Array]) -> dict[str, list[float]]:
    return {n: [float(f"{v:.6g}") for v in e.reshape(-1).tolist()] for n, e in example.items()}


def _says(model: Any, shapes: dict[str, list[int]]) -> tuple[str, ...]:
    sizes = {name: " x ".join(map(str, shape)) for name, shape in shapes.items()}
    return (
        "Read an image with begin, and write with step until next is the end.",
        *(
            f"{name}: {size} numbers, as the run's features were made"
            for name, size in sizes.items()
        ),
        *writing_says(model),
    )
