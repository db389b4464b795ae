"""A language model as code: from a token, and the state before it, to what may come next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from longshort.errors import ConfigError
from longshort.runs.portable import Part, Portable
from longshort.runs.portable_sequences import text_page
from longshort.runs.portable_values import Given, Held, Result, new_states
from longshort.runtime.tree import mapped

_TRIALS = 64


def portable(model: Any, golden: Sequence[Any], steps: int | None) -> Portable:
    """Return what becomes code; see `longshort.runs.abilities.Ports`."""
    if steps is not None:
        raise ConfigError("--steps: a language model goes on token by token; leave it out")
    encoder = model.encoder
    _, states = model.call("step", np.array([encoder.begin]), None)
    zero = mapped(lambda _, each: Held(np.zeros_like(each), (None, "batch", None)), states)
    read = next(each.inputs[0] for each in golden if each.function == "forward")
    numbers = [encoder.begin, *read[:, 0].tolist()[: _TRIALS - 1]]
    trials = [{"token": np.array([number])} for number in numbers]
    arguments = (Given("token", np.array([encoder.begin]), axes=("batch",)), zero)
    answers = {"log_probabilities": Result()}
    part = Part("step", "step", arguments, answers, trials, new_states(zero))
    page = {"kind": "language", "reads": "text", "begin": encoder.begin, "eos": encoder.eos}
    says = (
        f"token: number of a token; {encoder.begin} begins a text",
        "log_probabilities: of the next token, that with number 1 first",
    )
    what = "It writes a text on: what it writes is likely, not true."
    return Portable((part,), page | text_page(encoder), what, says)
