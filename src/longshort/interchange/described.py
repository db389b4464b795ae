"""The common form of layers for all conversions: a cell, its options, its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longshort.errors import ConfigError

Array = NDArray[Any]
Arrays = dict[str, Array]

ORDERS = {"LSTM": "ifgo", "GRU": "rzn", "RNN": "h"}
"""Order of the gates here, which is torch's; g and n are the candidates."""


def regated(value: Array, given: str, wanted: str) -> Array:
    """Reorder blocks of rows, one per gate.

    given, wanted: the orders, a letter per gate. A gate that is not wanted is dropped; one that is
    not given is zeros.
    """
    blocks = dict(zip(given, np.split(value, len(given)), strict=True))
    nothing = np.zeros_like(blocks[given[0]])
    return np.concatenate([blocks.get(gate, nothing) for gate in wanted])


def real(value: Array) -> Array:
    """Return the array in float32, or in float64 if it has that dtype."""
    return value if value.dtype in (np.float32, np.float64) else value.astype(np.float32)


def gates_of(kind: str, options: dict[str, Any]) -> str:
    """Return the letters of the gates in the order of the weights' rows; none for coupled gates."""
    coupled = str(options.get("couple", " "))[0]
    return ORDERS[kind].replace(coupled, "")


def activation_options(kind: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Return activations as options of the cell; an LSTM has three, a GRU two, an RNN one."""
    if kind == "LSTM":
        return {"activations": names}
    if kind == "GRU" and names[0] != "sigmoid":
        raise ConfigError(f"GRU: its gates have the activation sigmoid here, got {names[0]!r}")
    return {"activation": names[-1]}


@dataclass(frozen=True)
class Described:
    """One layer, in one or two directions, as plain data."""

    kind: str
    """"LSTM", "GRU" or "RNN"."""
    options: dict[str, Any]
    """Options of the cell: activations and `reset` always, others if they are not the default."""
    weights: tuple[Arrays, ...]
    """Weights of each direction: weight_ih [G·H, I], bias_ih [G·H] and so on."""
    batch_first: bool = False
    merge: str = "concat"
    """Merging of two directions' outputs: "concat" or "sum"."""

    @property
    def gates(self) -> str:
        """Letters of the gates, in the order of the weights' rows."""
        return gates_of(self.kind, self.options)

    @property
    def activations(self) -> tuple[str, ...]:
        """Activations of the gates, the candidate, and an LSTM's output; of an RNN the only one."""
        if self.kind == "LSTM":
            return tuple(self.options["activations"])
        own = str(self.options["activation"])
        return ("sigmoid", own) if self.kind == "GRU" else (own,)

    @property
    def input_size(self) -> int:
        """Input size, I."""
        return int(self.weights[0]["weight_ih"].shape[1])

    @property
    def hidden_size(self) -> int:
        """Hidden size, H."""
        return int(self.weights[0]["weight_ih"].shape[0]) // len(self.gates)
