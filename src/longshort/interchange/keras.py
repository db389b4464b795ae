"""Conversion of Keras LSTM, GRU, SimpleRNN and Bidirectional layers to layers of ours, and back.

It needs only a layer's configuration and weights; Keras itself is not imported. Training settings
(dropout, regularisers) are not converted. For masked sequences, Keras repeats the last output past
a sequence's end; ours is 0 there, and the final state is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from longshort.errors import ConfigError
from longshort.interchange.described import (
    ORDERS,
    Array,
    Arrays,
    Described,
    activation_options,
    real,
    regated,
)
from longshort.interchange.stack import Stack, layer_of
from longshort.nn import Recurrent

MERGES = ("concat", "sum")
"""Ways of Keras to merge two directions that have the same name here."""
KINDS = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}
GATES = {"LSTM": "ifgo", "GRU": "zrn", "RNN": "h"}
"""Keras's order of the gates, in our letters."""
ACTIVATIONS = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "hard_sigmoid": "hard_sigmoid",
    "linear": "identity",
}
"""Activations of Keras and their names here.

hard_sigmoid of Keras 3 has slope 1/6, as ours; that of Keras 2 had 0.2.
"""


@dataclass(frozen=True)
class KerasLayer:
    """A Keras layer as plain data: class, configuration, and the result of `get_weights()`."""

    class_name: str
    config: Mapping[str, Any]
    weights: Sequence[Array]

    @classmethod
    def of(cls, layer: Any) -> KerasLayer:
        """Return the data of a Keras layer object."""
        if isinstance(layer, KerasLayer):
            return layer
        if not (hasattr(layer, "get_config") and hasattr(layer, "get_weights")):
            raise ConfigError(
                f"from_keras: a Keras layer or a KerasLayer is expected, got {type(layer).__name__}"
            )
        return cls(type(layer).__name__, layer.get_config(), layer.get_weights())

    def serialized(self) -> dict[str, Any]:
        """Return the argument of `keras.layers.deserialize`; set the weights after building."""
        return _serialized(self.class_name, self.config)


def _serialized(class_name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": class_name, "config": dict(config)}


def from_keras(
    layer: Any, *, flip_input: bool = False, hard_sigmoid_slope: float = 1 / 6
) -> Recurrent:
    """Return a layer that computes the same as a Keras layer; batch first, as in Keras.

    layer: a built Keras layer, or a `KerasLayer`. flip_input: for go_backwards=True, which has no
    counterpart: returns the forward layer, and you reverse x in time yourself; the output then has
    Keras's order. hard_sigmoid_slope: 0.2 for models of Keras 2.

    return_sequences and return_state are ignored: the layer returns the outputs of all steps, [B,
    T, H] or [B, T, 2H], and the final state, whose h is Keras's last output. Raises ConfigError for
    everything without a counterpart here.
    """
    given = KerasLayer.of(layer)
    if given.class_name == "Bidirectional":
        return _bidirectional(given, hard_sigmoid_slope)
    _check_backwards(given.config, flip_input)
    kind = _kind(given.class_name)
    options = _options(kind, given.config, hard_sigmoid_slope)
    return layer_of(Described(kind, options, (_weights(kind, given),), batch_first=True))


def _bidirectional(given: KerasLayer, slope: float) -> Recurrent:
    config = given.config
    merge = config.get("merge_mode", "concat")
    if merge not in MERGES:
        raise ConfigError(
            f"Bidirectional: merge_mode={merge!r} has no equal here, only {' and '.join(MERGES)}; "
            "import the two directions one by one and merge them yourself"
        )
    parts = [config["layer"], config.get("backward_layer") or config["layer"]]
    if parts[0]["config"].get("go_backwards"):
        raise ConfigError("Bidirectional: the first layer goes backwards; swap the two layers")
    half = len(given.weights) // 2
    halves = (given.weights[:half], given.weights[half:])
    layers = [
        KerasLayer(part["class_name"], part["config"], weights)
        for part, weights in zip(parts, halves, strict=True)
    ]
    kind = _kind(layers[0].class_name)
    options, other = (_options(_kind(one.class_name), one.config, slope) for one in layers)
    if _kind(layers[1].class_name) != kind or options != other:
        raise ConfigError("Bidirectional: the two directions are different cells; import each one")
    weights = tuple(_weights(kind, one) for one in layers)
    return layer_of(Described(kind, options, weights, batch_first=True, merge=merge))


def _kind(class_name: str) -> str:
    if class_name not in KINDS:
        known = ", ".join([*KINDS, "Bidirectional"])
        raise ConfigError(f"from_keras: {class_name} has no equal here; there are {known}")
    return KINDS[class_name]


def _check_backwards(config: Mapping[str, Any], flip_input: bool) -> None:
    backwards = bool(config.get("go_backwards"))
    if backwards != flip_input:
        raise ConfigError(
            "go_backwards=True: our layers run forward or in both directions; give flip_input=True "
            "and reverse x in time yourself"
            if backwards
            else "flip_input: the layer does not go backwards; leave flip_input away"
        )


def _options(kind: str, config: Mapping[str, Any], slope: float) -> dict[str, Any]:
    inner = _activation("activation", config.get("activation", "tanh"), slope)
    if kind == "RNN":
        return activation_options(kind, (inner,))
    gate = _activation("recurrent_activation", config.get("recurrent_activation"), slope)
    if kind == "LSTM":
        return activation_options(kind, (gate, inner, inner))
    reset = "after" if config.get("reset_after", True) else "before"
    return activation_options(kind, (gate, inner)) | {"reset": reset}


def _activation(setting: str, given: Any, slope: float) -> str:
    name = "linear" if given is None else given
    if not isinstance(name, str) or name not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise ConfigError(f"{setting}: {name!r} has no equal here; there are {known}")
    if name == "hard_sigmoid" and abs(slope - 1 / 6) > 1e-6:
        raise ConfigError(
            f"{setting}: Keras 2's hard_sigmoid with slope {slope} has no equal here; ours is that "
            "of Keras 3, with slope 1/6"
        )
    return ACTIVATIONS[name]


def _weights(kind: str, given: KerasLayer) -> Arrays:
    arrays = [real(np.asarray(value)) for value in given.weights]
    expected = 3 if given.config.get("use_bias", True) else 2
    if len(arrays) != expected:
        raise ConfigError(
            f"from_keras: {given.class_name} has {expected} weights, got {len(arrays)}; build the "
            "layer first, by calling it or loading its weights"
        )
    kernel, recurrent = (regated(a.T, GATES[kind], ORDERS[kind]) for a in arrays[:2])
    found = {"weight_ih": kernel, "weight_hh": recurrent}
    if expected == 3:
        rows = np.atleast_2d(arrays[2])
        biases = [regated(row, GATES[kind], ORDERS[kind]) for row in rows]
        found["bias_ih"] = biases[0]
        found["bias_hh"] = biases[1] if len(biases) > 1 else np.zeros_like(biases[0])
    return found


def to_keras(layer: Recurrent) -> list[KerasLayer]:
    """Return Keras layers, one for each layer of ours, that compute the same.

    `keras.layers.deserialize(one.serialized())` makes the Keras layer; build it on [B, T, I] and
    set `one.weights`. Raises ConfigError for options that Keras does not have.
    """
    stack = Stack.of(layer)
    foreign = {
        "residual": stack.residual,
        "learn_initial_state": stack.learned,
        "zoneout": stack.zoneout,
    }
    _refuse([name for name, present in foreign.items() if present])
    return [_to_keras(stack.described(place)) for place in range(stack.layers)]


def _refuse(options: list[str]) -> None:
    if options:
        raise ConfigError(f"to_keras: Keras has no {', '.join(options)}")


def _to_keras(one: Described) -> KerasLayer:
    class_name = next(theirs for theirs, ours in KINDS.items() if ours == one.kind)
    dtype = {"dtype": one.weights[0]["weight_ih"].dtype.name}
    config = {"units": one.hidden_size, "return_sequences": True} | dtype | _to_config(one)
    weights = [array for part in one.weights for array in _to_weights(one, part)]
    if len(one.weights) == 1:
        return KerasLayer(class_name, config, weights)
    both = {
        "layer": _serialized(class_name, config),
        "backward_layer": _serialized(class_name, config | {"go_backwards": True}),
        "merge_mode": one.merge,
    }
    return KerasLayer("Bidirectional", both | dtype, weights)


def _to_config(one: Described) -> dict[str, Any]:
    _refuse(sorted(one.options.keys() - {"activation", "activations", "reset"}))
    theirs = {ours: name for name, ours in ACTIVATIONS.items()}
    inner = one.activations[1:] or one.activations
    if len(set(inner)) > 1:
        raise ConfigError(
            f"to_keras: candidate and output have the activations {' and '.join(inner)}; in Keras "
            "they are the same"
        )
    config: dict[str, Any] = {"use_bias": "bias_ih" in one.weights[0]}
    config["activation"] = theirs[inner[0]]
    if one.kind != "RNN":
        config["recurrent_activation"] = theirs[one.activations[0]]
    if one.kind == "GRU":
        config["reset_after"] = one.options["reset"] == "after"
    return config


def _to_weights(one: Described, part: Arrays) -> list[Array]:
    def theirs(name: str) -> Array:
        return regated(part[name], ORDERS[one.kind], GATES[one.kind])

    weights = [theirs("weight_ih").T, theirs("weight_hh").T]
    if "bias_ih" in part:
        biases = [theirs(name) for name in ("bias_ih", "bias_hh") if name in part]
        after = one.options.get("reset") == "after"
        weights.append(np.stack(biases) if after else np.sum(biases, 0))
    return [np.ascontiguousarray(weight) for weight in weights]
