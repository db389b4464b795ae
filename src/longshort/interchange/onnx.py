"""Import of LSTM, GRU and RNN nodes from ONNX models; `longshort.export.onnx` exports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longshort.errors import BackendError, ConfigError
from longshort.interchange.described import (
    Array,
    Arrays,
    Described,
    activation_options,
    gates_of,
    real,
    regated,
)
from longshort.interchange.stack import layer_of
from longshort.nn import Recurrent

try:
    import onnx
    from onnx import ModelProto, NodeProto, helper, numpy_helper
except ImportError as error:
    raise BackendError("ONNX is not installed; do: pip install 'longshort[onnx]'") from error

DecodeError = import_module("google.protobuf.message").DecodeError
GATES = {"LSTM": "iofg", "GRU": "zrn", "RNN": "h"}
"""ONNX's order of the gates, in our letters."""
PEEPHOLES = "iof"
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
DEFAULTS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
ACTIVATIONS: dict[str, tuple[str, tuple[float, float] | None]] = {
    "sigmoid": ("Sigmoid", None),
    "tanh": ("Tanh", None),
    "relu": ("Relu", None),
    "hard_sigmoid": ("HardSigmoid", (1 / 6, 0.5)),
    "identity": ("Affine", (1.0, 0.0)),
}
"""Our activations: ONNX's name, and the alpha and beta that make it ours."""
ALPHA_BETA = {"HardSigmoid": (0.2, 0.5), "Affine": (1.0, 0.0)}
"""Default alpha and beta of ONNX's activations."""


@dataclass(frozen=True)
class Imported:
    """A node as a layer, with its initial state if the model stores it.

    The layer returns [T, B, D·H] where the node returns Y [T, D, B, H]. For a node with
    sequence_lens, pass them to the layer as lengths.
    """

    layer: Recurrent
    state: Tensor | tuple[Tensor, Tensor] | None


def from_onnx(
    source: ModelProto | str | Path, node: str | None = None, *, flip_input: bool = False
) -> Imported:
    """Import one LSTM, GRU or RNN node of a model.

    node: its name, or that of one of its outputs; needed if the model has several. flip_input: for
    a node with direction "reverse", which has no counterpart: returns a forward layer, and you
    reverse x and the output in time yourself. Raises ConfigError for everything without a
    counterpart here.
    """
    model = source if isinstance(source, ModelProto) else _load(source)
    found = _find(model, node)
    return _Reader(model, found, flip_input).read()


def _load(source: object) -> ModelProto:
    if not isinstance(source, (str, PathLike)):
        raise ConfigError(
            f"source: an ONNX model or the path of one is expected, got {type(source).__name__}"
        )
    path = Path(source)
    if not path.is_file():
        raise ConfigError(f"source: there is no file {path}")
    try:
        return onnx.load(path)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise ConfigError(f"source: {path} cannot be read as an ONNX model: {error}") from error


def _find(model: ModelProto, name: str | None) -> NodeProto:
    nodes: list[NodeProto] = [node for node in model.graph.node if node.op_type in GATES]
    chosen = [node for node in nodes if name is None or name in (node.name, *node.output)]
    if len(chosen) != 1:
        known = ", ".join(f"{node.name or node.output[0]} ({node.op_type})" for node in nodes)
        asked = "node: say which one" if name is None else f"node: there is no {name!r}"
        raise ConfigError(f"{asked}; the model's LSTM, GRU and RNN nodes: {known or 'none'}")
    return chosen[0]


class _Reader:
    def __init__(self, model: ModelProto, node: NodeProto, flip_input: bool) -> None:
        self.model, self.node, self.kind = model, node, node.op_type
        self.label = f"{node.op_type} node {node.name or node.output[0]!r}"
        self.attributes: dict[str, Any] = {
            one.name: helper.get_attribute_value(one) for one in node.attribute
        }
        self.names = {key: name for key, name in zip(INPUTS, node.input, strict=False) if name}
        self.directions = self._directions(flip_input)

    def read(self) -> Imported:
        options = self._options()
        weights = tuple(self._weights(place, options) for place in range(self.directions))
        first = bool(self.attributes.get("layout", 0))
        layer = layer_of(Described(self.kind, options, weights, batch_first=first))
        return Imported(layer, self._state(first, weights[0]["weight_hh"].dtype))

    def _directions(self, flip_input: bool) -> int:
        direction = self._text(self.attributes.get("direction", "forward"))
        if (direction == "reverse") != flip_input:
            raise ConfigError(
                f"{self.label}: direction 'reverse' has no equal; give flip_input=True and reverse "
                "x and the output in time yourself"
                if direction == "reverse"
                else f"flip_input: the {self.label} runs {direction}; leave flip_input away"
            )
        return 2 if direction == "bidirectional" else 1

    @staticmethod
    def _text(value: Any) -> str:
        return value.decode() if isinstance(value, bytes) else str(value)

    def _options(self) -> dict[str, Any]:
        options = activation_options(self.kind, self._activations())
        clip = float(self.attributes.get("clip", 0.0))
        if clip:
            options["preactivation_clip"] = clip
        if self.kind == "GRU":
            after = bool(self.attributes.get("linear_before_reset", 0))
            options["reset"] = "after" if after else "before"
        if self.attributes.get("input_forget", 0):
            options["couple"] = "f=1-i"
        if "P" in self.names:
            options["peephole"] = True
        return options

    def _activations(self) -> tuple[str, ...]:
        default = DEFAULTS[self.kind]
        given = [self._text(name) for name in self.attributes.get("activations", [])]
        names = given or [*default] * self.directions
        alphas = iter(self.attributes.get("activation_alpha", []))
        betas = iter(self.attributes.get("activation_beta", []))
        ours = tuple(self._activation(name, alphas, betas) for name in names)
        if ours[: len(default)] * self.directions != ours:
            raise ConfigError(f"{self.label}: the directions have different activations: {names}")
        return ours[: len(default)]

    def _activation(self, name: str, alphas: Iterator[float], betas: Iterator[float]) -> str:
        numbers = None
        if name in ALPHA_BETA:
            alpha, beta = ALPHA_BETA[name]
            numbers = (next(alphas, alpha), next(betas, beta))
        for ours, (theirs, wanted) in ACTIVATIONS.items():
            if theirs == name and (wanted is None or np.allclose(numbers or (), wanted)):
                return ours
        shown = name if numbers is None else f"{name}(alpha={numbers[0]:g}, beta={numbers[1]:g})"
        known = ", ".join(
            theirs if fixed is None else f"{theirs}(alpha={fixed[0]:.4g}, beta={fixed[1]:g})"
            for theirs, fixed in ACTIVATIONS.values()
        )
        raise ConfigError(f"{self.label}: activation {shown} has no equal here; there are {known}")

    def _weights(self, place: int, options: dict[str, Any]) -> Arrays:
        theirs = GATES[self.kind]
        ours = gates_of(self.kind, options)
        found = {
            f"weight_{name}": regated(self._stored(key)[place], theirs, ours)
            for name, key in (("ih", "W"), ("hh", "R"))
        }
        if "B" in self.names:
            both = np.split(self._stored("B")[place], 2)
            for name, bias in zip(("ih", "hh"), both, strict=True):
                found[f"bias_{name}"] = regated(bias, theirs, ours)
        if options.get("peephole"):
            parts = np.split(self._stored("P")[place], len(PEEPHOLES))
            peepholes = dict(zip(PEEPHOLES, parts, strict=True))
            found |= {f"peephole_{g}": part for g, part in peepholes.items() if g in ours}
        return found

    def _state(
        self, batch_first: bool, dtype: np.dtype[Any]
    ) -> Tensor | tuple[Tensor, Tensor] | None:
        keys = ["initial_h", "initial_c"] if self.kind == "LSTM" else ["initial_h"]
        stored = {key: self._value(self.names[key]) for key in keys if key in self.names}
        present = [value for value in stored.values() if value is not None]
        if not present:
            return None
        if len(present) < len(stored):
            raise ConfigError(f"{self.label}: one of the initial states is stored, one computed")
        arrays = [stored.get(key, np.zeros_like(present[0])) for key in keys]
        tensors = [torch.tensor(np.asarray(array, dtype)) for array in arrays]
        if batch_first:
            tensors = [tensor.transpose(0, 1).contiguous() for tensor in tensors]
        return (tensors[0], tensors[1]) if self.kind == "LSTM" else tensors[0]

    def _stored(self, key: str) -> Array:
        value = self._value(self.names[key])
        if value is None:
            raise ConfigError(
                f"{self.label}: its {key} is computed in the model, not stored; fold constants "
                "first (onnxsim, or torch.onnx's constant folding)"
            )
        return real(value)

    def _value(self, name: str) -> Array | None:
        for tensor in self.model.graph.initializer:
            if tensor.name == name:
                return numpy_helper.to_array(tensor)
        for node in self.model.graph.node:
            if name in node.output and node.op_type == "Identity":
                return self._value(node.input[0])
            if name in node.output and node.op_type == "Constant":
                return numpy_helper.to_array(helper.get_attribute_value(node.attribute[0]))
        return None
