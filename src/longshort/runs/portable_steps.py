"""A step of a network that goes on from its state, as a function of code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.sequences import SequenceReader
from longshort.runs.portable import Part
from longshort.runs.portable_values import Given, Held, Value, new_states, scaled
from longshort.runs.state_steps import ADVANCE, FIRST
from longshort.runtime.tree import mapped

_TRIALS = 64


def step_parts(
    model: Any,
    reader: SequenceReader,
    sequences: Sequence[dict[str, NDArray[Any]]],
    answers: Mapping[str, Value],
) -> tuple[Part, ...]:
    """Return the step of a model of rows of numbers; none where a network has none.

    sequences: whole sequences in the user's units, whose first one proves the step.
    """
    if reader.vocabulary is not None or not model.callee.steps:
        return ()
    state = mapped(lambda name, each: Held(each, _axes(name, each.ndim)), model.call(FIRST))
    x = Given("x", np.zeros((1, len(reader.mean)), np.float32), ("batch", None))
    longest = max(sequences, key=lambda each: int(each["count"][0]))
    rows = longest["x"][: int(longest["count"][0])][:_TRIALS]
    trials = [{"x": row} for row in rows]
    given = scaled(x, reader.mean, reader.deviation)
    return (Part("step", ADVANCE, (given, state), answers, trials, new_states(state)),)


def _axes(name: str, rank: int) -> tuple[str | None, ...]:
    """Return which axis of a part of the state is that of the batch; see `runs.state_steps`."""
    batch = 1 if name == "layers" else 0
    return tuple("batch" if axis == batch else None for axis in range(rank))
