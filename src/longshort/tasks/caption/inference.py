"""The way from encoded images to captions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from longshort.decoding.hypothesis import Hypothesis
from longshort.errors import ConfigError
from longshort.runs.decoded import decoded
from longshort.runs.stepping import NetworkStepper
from longshort.runs.task import Model
from longshort.runs.writing import Attended, Target, Writing, Written
from longshort.tasks.caption.config import CaptionConfig
from longshort.tasks.caption.encoder import CaptionArrays, CaptionEncoder, Ints

CaptionModelOf = Model[CaptionConfig, CaptionEncoder]
TOGETHER = 64
"""Images that are captioned together."""


def write(
    model: CaptionModelOf,
    arrays: CaptionArrays,
    how: Writing | None = None,
    *,
    rows: Ints | None = None,
) -> Written:
    """Write captions of encoded images; the given captions are never seen.

    how: as the settings say when None. rows: numbers of the images, all when None.
    """
    how, found = how or Writing(), []
    most = model.config.write.max_length
    rows = np.arange(len(arrays.images)) if rows is None else rows
    for begin in range(0, len(rows), TOGETHER):
        together = rows[begin : begin + TOGETHER]
        keys = [arrays.features.key(arrays.images[row]) for row in together.tolist()]
        longest = np.full(len(together), most)
        best = decoded(model, _begun(model, arrays, together), how, keys=keys, longest=longest)
        found += [[_target(model.encoder, one) for one in each] for each in best]
    return Written(found)


def _begun(model: CaptionModelOf, arrays: CaptionArrays, rows: Any) -> Any:
    """Return the state of these images before their first token."""
    return NetworkStepper(model.call, model.call("begin", arrays.inputs(rows)))


def _target(encoder: CaptionEncoder, found: Hypothesis) -> Target:
    coder = encoder.coder
    tokens = tuple(token.replace("▁", "") for token in coder.tokens(found.tokens))
    text = coder.decode(found.tokens)
    numbers = tuple(int(n) for n in found.tokens)
    return Target(text, tokens, found.log_prob, found.attention, found.is_cut, numbers)


def attended(model: CaptionModelOf, written: Written) -> list[Attended]:
    """Return where the network looked for each token; a place is called by row and column.

    Raises `ConfigError` for a run without attention.
    """
    places = model.encoder.places
    if model.config.model.attention == "none" or places is None:
        raise ConfigError(
            "attention: the run has none (model.attention is none); train one with features of "
            "places and model.attention = additive"
        )
    names = place_names(places.shape[0])
    found = []
    for best, *_ in written.targets:
        weights = np.zeros((0, len(names))) if best.attention is None else best.attention
        found.append(Attended(names, list(best.tokens), weights))
    return found


def place_names(count: int) -> list[str]:
    """Names of the places of a square, row by row; of others their numbers."""
    side = math.isqrt(count)
    if side * side != count:
        return [str(place) for place in range(count)]
    return [f"{place // side},{place % side}" for place in range(count)]
