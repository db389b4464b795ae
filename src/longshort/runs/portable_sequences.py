"""Whole texts or sequences of numbers as arguments of code, for tasks that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import SequenceReader
from longshort.errors import ConfigError
from longshort.runs.portable_values import Computed, Given, scaled

Array = NDArray[Any]

IN_SCRIPTS = ("words", "spaces", "characters", "bytes")
"""Tokenisers that the page has too."""
SPACED = "spaced"
"""Words with the space before them, which the page cuts too."""
SAMPLES = {"rows": "numbers over time", "text": "a text"}
"""What a page reads, in words."""
MOST_TRIALS = 8
"""Number of samples of a recorded batch that prove the code, and of all that do."""


def sequence_arguments(
    reader: SequenceReader, golden: Sequence[tuple[Array, Array]], steps: int | None
) -> tuple[Given | Computed, Given, int]:
    """Return the arguments for a padded sequence and its length, and the number of steps.

    golden: recorded batches, token numbers [T, B] or scaled values [T, B, F], and lengths [B].
    steps: None: as many as the run reads of a text, or as the longest recorded sequence has.
    """
    if steps is None and reader.vocabulary is not None:
        steps = reader.max_length
    elif steps is None:
        steps = max((x.shape[0] for x, _ in golden), default=1)
    if steps < 1:
        raise ConfigError(f"--steps: a whole number from 1 is expected, got {steps}")
    count = Given("count", np.array([steps]), axes=("batch",))
    if reader.vocabulary is not None:
        tokens = Given("tokens", np.zeros((steps, 1), np.int64), axes=("time", "batch"))
        return tokens, count, steps
    example = np.zeros((steps, 1, len(reader.mean)), np.float32)
    x = Given("x", example, ("time", "batch", None))
    return scaled(x, reader.mean, reader.deviation), count, steps


def sequence_name(reader: SequenceReader) -> str:
    """Return the name of the argument that is the sequence."""
    return "x" if reader.vocabulary is None else "tokens"


def sequence_trials(
    reader: SequenceReader, golden: Sequence[tuple[Array, Array]], steps: int
) -> list[dict[str, Array]]:
    """Return recorded samples as arguments in the user's units, padded or cut to the steps."""
    found = []
    for x, lengths in golden:
        for row in range(min(x.shape[1], MOST_TRIALS)):
            count = min(int(lengths[row]), steps)
            values = np.zeros((steps, *x.shape[2:]), x.dtype)
            values[:count] = x[:count, row]
            if reader.vocabulary is None:
                given = values * np.asarray(reader.deviation) + np.asarray(reader.mean)
                values = given.astype(np.float32)
            found.append({sequence_name(reader): values[:, None], "count": np.array([count])})
    return found[:MOST_TRIALS]


def sequence_page(reader: SequenceReader, names: Sequence[str], steps: int) -> dict[str, Any]:
    """Return what a page needs to read a text, or rows of numbers."""
    if reader.vocabulary is None:
        known = names if len(names) == len(reader.mean) else _numbered(len(reader.mean))
        return {"reads": "rows", "columns": list(known), "steps": steps}
    return {"reads": "text", "steps": steps, **text_page(reader)}


def _numbered(count: int) -> list[str]:
    return ["value"] if count == 1 else [f"channel {number + 1}" for number in range(count)]


def text_page(reader: Any) -> dict[str, Any]:
    """Return what a page needs to cut texts into tokens and to number these."""
    return {
        "tokens": reader.tokens,
        "lowercase": reader.lowercase,
        "vocabulary": reader.vocabulary.tokens,
    }


def refuse_tokens(page: Mapping[str, Any]) -> None:
    """Raise `ConfigError` where a page cannot cut texts as the run does, or join written tokens."""
    if page.get("tokens", "words") not in (*IN_SCRIPTS, SPACED):
        raise ConfigError(
            f"--to web: a page cannot cut texts by {page['tokens']!r}; it can by "
            f"{', '.join(IN_SCRIPTS)} (text.tokens); --to c and --to onnx take token numbers"
        )
    if "written" in page and page["written"] is None:
        raise ConfigError(
            "--to web: a page cannot join subwords (text.tokens, text.target_tokens); train with "
            "words or characters; --to c and --to onnx give token numbers"
        )
