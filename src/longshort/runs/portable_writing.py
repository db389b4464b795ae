"""Networks that read a sample once and write a text token by token, as two functions of code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.data.coding import BEGIN, END, PADDING, UNKNOWN, TextCoder
from longshort.runs.portable import Part
from longshort.runs.portable_values import Given, Held, Result, Value, computed, new_states
from longshort.runtime.tree import mapped

Array = NDArray[Any]

_BANNED = (PADDING, UNKNOWN, BEGIN)
_TRIALS = 16
"""Tokens of a text that prove the code."""
_PLACES = {"values", "keys", "real", "coverage"}
"""Parts of a decoder's state that have an entry for each place of what was read."""


def writing_parts(
    model: Any,
    arguments: tuple[Any, ...],
    plain: tuple[Any, ...],
    given: Mapping[str, Array],
    source: Given | None = None,
) -> tuple[Part, ...]:
    """Return a part that reads a sample, and one that takes a token and says what may come next.

    arguments: those of the network's function `begin`, with values. plain: the same for a recorded
    sample, as arrays. given: the sample in the user's units, by the names of arguments. source: the
    argument with numbers that can be copied, if any can.
    """
    state = mapped(_held, model.call("begin", *plain))
    begin = Part("begin", "begin", arguments, {}, [], new_states(state, 0))
    attends = _attends(model)
    token = Given("token", np.array([BEGIN]), ("batch",))
    answers: dict[str, Value] = {"log_probabilities": Result(), "next": _best(model, plain)}
    if attends:
        answers["attention"] = Result(1)
    copied = {} if source is None else {source.name: plain[0]}
    step = Part(
        "step",
        "step",
        (token, state, source),
        answers,
        [{"token": np.array([number]), **copied} for number in _greedy(model, plain)],
        new_states(state, 2 if attends else 1),
        [("begin", given)],
    )
    return begin, step


def _held(name: str, value: Array | None) -> Held | None:
    """Return a part of the decoder's state, with its axes."""
    if value is None:
        return None
    if name in _PLACES:
        return Held(np.zeros_like(value), ("batch", "places", None)[: value.ndim])
    return Held(np.zeros_like(value), (*(None,) * (value.ndim - 2), "batch", None))


def _best(model: Any, plain: tuple[Any, ...]) -> Value:
    """Return the most probable token that is one of a text, or its end."""
    state = model.call("begin", *plain)
    logs, *_ = model.call("step", np.array([BEGIN]), state, _copied(model, plain))
    barred = np.zeros((1, logs.shape[1]), np.float32)
    barred[:, list(_BANNED)] = -np.inf
    return computed("argmax", computed("add.Tensor", Result(), barred), -1)


def _copied(model: Any, plain: tuple[Any, ...]) -> Array | None:
    found: Array | None = plain[0] if getattr(model.config.model, "copying", False) else None
    return found


def _greedy(model: Any, plain: tuple[Any, ...]) -> list[int]:
    """Return the tokens of a sample's text, the begin mark first."""
    state, found = model.call("begin", *plain), [BEGIN]
    while len(found) < _TRIALS and found[-1] != END:
        token = np.array(found[-1:])
        logs, _, state = model.call("step", token, state, _copied(model, plain))
        logs = logs.copy()
        logs[:, list(_BANNED)] = -np.inf
        found.append(int(logs[0].argmax()))
    return found[: -1 if found[-1] == END else None]


def writing_page(coder: TextCoder, model: Any) -> dict[str, Any]:
    """Return what a page needs to write a text."""
    write = model.config.write
    return {
        "begin": BEGIN,
        "end": END,
        "written": coder.vocabulary,
        "no_repeat": write.no_repeat,
        "least": write.min_length,
        "beam": write.beam,
    }


def writing_says(model: Any) -> tuple[str, ...]:
    """Return lines about the arguments and answers of a step."""
    runs = model.config.write.no_repeat
    return (
        f"token: number of the token before, {BEGIN} at first",
        "log_probabilities: of all tokens that may come next, by number",
        f"next: the most probable one, {END} where the text ends"
        + (f"; that no run of {runs} tokens occurs twice is left to the caller" if runs else ""),
        *(["attention: to each place of what was read"] if _attends(model) else []),
    )


def _attends(model: Any) -> bool:
    return bool(model.config.model.attention != "none")
