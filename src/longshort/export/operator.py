"""ONNX's operators LSTM, GRU and RNN: which cells they can express, and their nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from longshort.engine.executors.onnx import Code
from longshort.interchange.described import Array, Arrays, Described, regated
from longshort.interchange.onnx import ACTIVATIONS, GATES, PEEPHOLES
from longshort.interchange.stack import Stack

TAKES = {
    "LSTM": {"activations", "peephole", "couple", "preactivation_clip"},
    "GRU": {"activation", "reset", "preactivation_clip"},
    "RNN": {"activation", "preactivation_clip"},
}
"""Options of our cells that the operators also have."""


def why_no_operator(stack: Stack) -> str | None:
    """Return what the operator cannot express; None if it expresses all."""
    if stack.kind is None:
        return f"ONNX has no operator with the equations of {stack.cell.name}"
    one = stack.described(0)
    foreign = sorted(one.options.keys() - TAKES[one.kind])
    foreign += ["zoneout"] if stack.zoneout else []
    if foreign:
        return f"ONNX' {one.kind} has no {', '.join(foreign)}"
    if one.options.get("couple") == "i=1-f":
        return "ONNX' LSTM couples its gates as f=1-i, the layer as i=1-f"
    if stack.dtype != np.float32:
        return f"ONNX Runtime has the operator in float32 only, the layer is {stack.dtype}"
    return None


def operator_node(
    code: Code, one: Described, x: str, lengths: str, state: list[str], name: str
) -> tuple[str, list[str]]:
    """Write the node of one layer with all its directions.

    state: names of the initial states [D, B, H], "" for zeros; lengths: "" for whole sequences.
    Returns Y [T, D, B, H] and the final states [D, B, H].
    """
    inputs = [x, *_weights(code, one, name), lengths, *state]
    if one.options.get("peephole"):
        peepholes = [_peepholes(part) for part in one.weights]
        inputs.append(code.tensor(f"{name}P", np.stack(peepholes)))
    results = [code.fresh(f"{name}{result}") for result in ("Y", "Y_h", "Y_c")]
    results = results[: 1 + len(state)]
    code.call(one.kind, inputs, results, **_attributes(one))
    return results[0], results[1:]


def _weights(code: Code, one: Described, name: str) -> list[str]:
    def theirs(value: Array) -> Array:
        return regated(value, one.gates, GATES[one.kind])

    parts: dict[str, list[Array]] = {"W": [], "R": [], "B": []}
    for part in one.weights:
        parts["W"].append(theirs(part["weight_ih"]))
        parts["R"].append(theirs(part["weight_hh"]))
        if "bias_ih" in part:
            input_bias = theirs(part["bias_ih"])
            recurrent = theirs(part["bias_hh"]) if "bias_hh" in part else np.zeros_like(input_bias)
            parts["B"].append(np.concatenate([input_bias, recurrent]))
    return [code.tensor(name + key, np.stack(rows)) if rows else "" for key, rows in parts.items()]


def _peepholes(part: Arrays) -> Array:
    nothing = np.zeros_like(part["peephole_i"])
    return np.concatenate([part.get(f"peephole_{gate}", nothing) for gate in PEEPHOLES])


def _attributes(one: Described) -> dict[str, Any]:
    directions = len(one.weights)
    found: dict[str, Any] = {
        "hidden_size": one.hidden_size,
        "direction": "bidirectional" if directions == 2 else "forward",
    }
    options = one.options
    forms = [ACTIVATIONS[name] for name in one.activations] * directions
    found["activations"] = [theirs for theirs, _ in forms]
    numbers = [fixed for _, fixed in forms if fixed is not None]
    if numbers:
        found["activation_alpha"] = [alpha for alpha, _ in numbers]
        found["activation_beta"] = [beta for _, beta in numbers]
    if "preactivation_clip" in options:
        found["clip"] = float(options["preactivation_clip"])
    if "couple" in options:
        found["input_forget"] = 1
    if one.kind == "GRU":
        found["linear_before_reset"] = int(options["reset"] == "after")
    return found
