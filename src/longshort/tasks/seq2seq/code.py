"""A translation or summary as code: a source is read once, a target written token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError
from longshort.runs.portable import Portable
from longshort.runs.portable_sequences import SPACED
from longshort.runs.portable_values import Given
from longshort.runs.portable_writing import writing_page, writing_parts, writing_says

Array = NDArray[Any]

_STEPS, _EXAMPLES = 32, 8
"""Tokens of a source that code reads at least, and number of sources on a page."""


def portable(model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
    """Return what becomes code; see `longshort.runs.abilities.Ports`."""
    coder, settings = model.encoder.coder, model.config.model
    recorded = [each.inputs for each in golden if each.function == "begin"]
    longest = max(len(source) for source, _ in recorded)
    steps = min(coder.max_length, max(_STEPS, longest)) if steps is None else steps
    if not 1 <= steps <= coder.max_length:
        raise ConfigError(
            f"--steps: a number from 1 to {coder.max_length} (text.max_length) is expected, got "
            f"{steps}"
        )
    sources = [row[:steps] for each in recorded for row in _rows(*each)]
    source, lengths = np.zeros((steps, 1), np.int64), np.array([len(sources[0])])
    source[: len(sources[0]), 0] = sources[0]
    tokens = Given("tokens", np.zeros_like(source), ("places", "batch"))
    count = Given("count", np.array([steps]), ("batch",))
    parts = writing_parts(
        model,
        (tokens, count),
        (source, lengths),
        {"tokens": source, "count": lengths},
        Given("source", np.zeros_like(source), ("places", "batch")) if settings.copying else None,
    )
    return Portable(parts, _page(model, sources, steps), _WHAT, _says(model, steps))


_WHAT = "Give it a text, and see what it writes."


def _rows(source: Array, lengths: Array) -> list[list[int]]:
    """Return recorded sources; those that are not empty."""
    pairs = zip(source.T.tolist(), lengths.tolist(), strict=True)
    return [row[:length] for row, length in pairs if length]


def _page(model: Any, sources: list[list[int]], steps: int) -> dict[str, Any]:
    coder, write = model.encoder.coder, model.config.write
    return {
        "kind": "rewrite",
        "reads": "text",
        "tokens": SPACED if coder.source.kind == "words" else coder.source.kind,
        "lowercase": False,
        "vocabulary": coder.source.vocabulary,
        "steps": steps,
        "examples": sources[:_EXAMPLES],
        "copies": model.config.model.copying,
        "most": [write.max_ratio, write.max_more],
        **writing_page(coder.target, model),
    }


def _says(model: Any, steps: int) -> tuple[str, ...]:
    copied = "source: the same tokens once more, since the network copies some of them"
    return (
        "Read a text with begin, and write with step until next is the end.",
        f"tokens: of the text, {steps} at most; what lies past its end is not read",
        "count: the number of its tokens, from 1",
        *([copied] if model.config.model.copying else []),
        *writing_says(model),
    )
