"""A regression as code: from a sequence to its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longshort.runs.portable import Part, Portable
from longshort.runs.portable_sequences import (
    SAMPLES,
    sequence_arguments,
    sequence_name,
    sequence_page,
    sequence_trials,
)
from longshort.runs.portable_steps import step_parts
from longshort.runs.portable_values import Result, unscaled


def portable(model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
    """Return what becomes code; see `longshort.runs.abilities.Ports`."""
    encoder = model.encoder
    calls = [each.inputs for each in golden if each.function == "forward"]
    x, count, steps = sequence_arguments(encoder.reader, calls, steps)
    trials = sequence_trials(encoder.reader, calls, steps)
    answers = {"values": unscaled(Result(), encoder.mean, encoder.deviation)}
    whole = Part("run", "forward", (x, count), answers, trials)
    parts = (whole, *step_parts(model, encoder.reader, trials, answers))
    names = model.config.data.features
    page = sequence_page(encoder.reader, names, steps)
    outputs = len(encoder.mean)
    labels = ["value"] if outputs == 1 else [f"value {k}" for k in range(outputs)]
    says = (
        f"{sequence_name(encoder.reader)}: the sequence, {steps} steps at most; what lies past "
        "its end is not read",
        "count: the number of its steps, from 1",
        "values: in the data's units",
    )
    what = f"Give it {SAMPLES[page['reads']]}, and see what it predicts."
    return Portable(parts, {"kind": "values", "labels": labels, **page}, what, says)
