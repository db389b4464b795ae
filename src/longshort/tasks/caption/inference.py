"""The way from encoded images to captions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from longshort.data.coding import BEGIN, END, PADDING, UNKNOWN
from longshort.decoding.beam import beam_search
from longshort.decoding.greedy import greedy
from longshort.decoding.hypothesis import Hypothesis
from longshort.decoding.options import Beam, Limits
from longshort.errors import ConfigError
from longshort.runs.task import Model
from longshort.runs.writing import Attended, Target, Written
from longshort.tasks.caption.config import CaptionConfig, CaptionWrite
from longshort.tasks.caption.encoder import CaptionArrays, CaptionEncoder

CaptionModelOf = Model[CaptionConfig, CaptionEncoder]
TOGETHER = 64
"""Images that are captioned together."""


def write(
    model: CaptionModelOf,
    arrays: CaptionArrays,
    *,
    width: int | None = None,
    n_best: int = 1,
    first: int | None = None,
) -> Written:
    """Write captions of encoded images by beam search; the given captions are never seen.

    width: of the beam, the settings' own when None; 1 is greedy. first: number of images, all when
    None.
    """
    model.network.eval()
    how, found = model.config.write, []
    rows = np.arange(min(len(arrays.images), first or len(arrays.images)))
    for begin in range(0, len(rows), TOGETHER):
        together = rows[begin : begin + TOGETHER]
        stepper = _begun(model, arrays, together)
        best = _decoded(how, stepper, len(together), width or how.beam, n_best)
        found += [[_target(model.encoder, one) for one in each] for each in best]
    return Written(found)


def _begun(model: CaptionModelOf, arrays: CaptionArrays, rows: Any) -> Any:
    """Return the state of these images before their first token."""
    import torch

    from longshort.nn.blocks.stepper import TorchStepper
    from longshort.runs.tensors import on_device

    with torch.no_grad():
        state = model.network.begin(on_device(arrays.inputs(rows), model.device))
    return TorchStepper(model.network.decoder, state)


def _decoded(
    how: CaptionWrite, stepper: Any, count: int, width: int, n_best: int
) -> Sequence[Sequence[Hypothesis]]:
    limits: dict[str, Any] = {
        "min_length": how.min_length,
        "max_length": max(how.max_length, how.min_length),
        "no_repeat": how.no_repeat,
        "banned": (PADDING, UNKNOWN, BEGIN),
    }
    marks: dict[str, Any] = {"batch": count, "begin": BEGIN, "end": END}
    if max(width, n_best) == 1:
        return [[each] for each in greedy(stepper, options=Limits(**limits), **marks)]
    beam = Beam(
        **limits, width=max(width, n_best), n_best=n_best, length_penalty=how.length_penalty
    )
    return beam_search(stepper, options=beam, **marks)


def _target(encoder: CaptionEncoder, found: Hypothesis) -> Target:
    coder = encoder.coder
    tokens = tuple(token.replace("▁", "") for token in coder.tokens(found.tokens))
    text = coder.decode(found.tokens)
    return Target(text, tokens, found.log_prob, found.attention, found.is_cut)


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
    names = _place_names(places.shape[0])
    found = []
    for best, *_ in written.targets:
        weights = np.zeros((0, len(names))) if best.attention is None else best.attention
        found.append(Attended(names, list(best.tokens), weights))
    return found


def _place_names(count: int) -> list[str]:
    """Names of the places of a square, row by row; of others their numbers."""
    side = math.isqrt(count)
    if side * side != count:
        return [str(place) for place in range(count)]
    return [f"{place // side},{place % side}" for place in range(count)]
