"""What every foreign format is read into and written from: a cell, its options, its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError

Array = NDArray[Any]
Arrays = dict[str, Array]

ORDERS = {"LSTM": "ifgo", "GRU": "rzn", "RNN": "h"}
"""Our order of the gates, which is torch's; g and n are the candidates."""


def regated(value: Array, given: str, wanted: str) -> Array:
    """Rows in blocks, one a gate, brought into another order.

    `given` and `wanted` have a letter a gate; a gate that is not wanted is left out, one that is
    not given is zeros.
    """
    blocks = dict(zip(given, np.split(value, len(given)), strict=True))
    nothing = np.zeros_like(blocks[given[0]])
    return np.concatenate([blocks.get(gate, nothing) for gate in wanted])


def real(value: Array) -> Array:
    """The numbers in float32, or in float64 where they are."""
    return value if value.dtype in (np.float32, np.float64) else value.astype(np.float32)


def gates_of(kind: str, options: dict[str, Any]) -> str:
    """Letters of the gates in the order of the weights' rows; a coupled gate has none."""
    coupled = str(options.get("couple", " "))[0]
    return ORDERS[kind].replace(coupled, "")


def activation_options(kind: str, names: tuple[str, ...]) -> dict[str, Any]:
    """The activations as fields of the cell; an LSTM has three, a GRU two, an RNN one."""
    if kind == "LSTM":
        return {"activations": names}
    if kind == "GRU" and names[0] != "sigmoid":
        raise ConfigError(f"GRU: its gates have the activation sigmoid here, got {names[0]!r}")
    return {"activation": names[-1]}


@dataclass(frozen=True)
class Described:
    """One layer in one or two directions, as plain data."""

    kind: str
    """"LSTM", "GRU" or "RNN"."""
    options: dict[str, Any]
    """Fields of the cell: activations and `reset` always, others where they are not the default."""
    weights: tuple[Arrays, ...]
    """By direction: weight_ih [G·H, I], bias_ih [G·H] and so on."""
    batch_first: bool = False
    merge: str = "concat"
    """How outputs of two directions are joined: "concat" or "sum"."""

    @property
    def gates(self) -> str:
        """Letters of the gates in the order of the weights' rows."""
        return gates_of(self.kind, self.options)

    @property
    def activations(self) -> tuple[str, ...]:
        """Of the gates, the candidate, and an LSTM's output; of the only one in an RNN."""
        if self.kind == "LSTM":
            return tuple(self.options["activations"])
        own = str(self.options["activation"])
        return ("sigmoid", own) if self.kind == "GRU" else (own,)

    @property
    def input_size(self) -> int:
        """I."""
        return int(self.weights[0]["weight_ih"].shape[1])

    @property
    def hidden_size(self) -> int:
        """H."""
        return int(self.weights[0]["weight_ih"].shape[0]) // len(self.gates)
