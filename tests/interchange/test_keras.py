"""Layers of Keras, on its torch backend, and back."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
import torch

from longshort import cells, nn
from longshort.errors import ConfigError
from longshort.interchange.keras import KerasLayer, from_keras, to_keras

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="keras is not installed; it is in the extra 'test'")
# Keras' variables on torch do not take numpy 2's copy argument.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

B, T, IN, H = 4, 6, 3, 5
Array = np.ndarray[Any, Any]

LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {}),
    ("LSTM", {"activation": "relu", "recurrent_activation": "hard_sigmoid"}),
    ("LSTM", {"use_bias": False, "activation": None}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
    ("GRU", {"use_bias": False, "activation": "hard_sigmoid"}),
    ("GRU", {"reset_after": False, "use_bias": False, "activation": "linear"}),
    ("SimpleRNN", {}),
    ("SimpleRNN", {"activation": "relu", "use_bias": False}),
]


def randomly(*shape: int, seed: int = 0, dtype: str = "float64") -> Array:
    return 0.6 * np.random.default_rng(seed).normal(size=shape).astype(dtype)


def tolerance(kind: str, options: dict[str, Any], dtype: str) -> float:
    """Keras' own loop multiplies in single precision on torch, whatever the layer's."""
    loop = kind == "SimpleRNN" or not options.get("reset_after", True)
    return 1e-5 if dtype == "float32" or loop else 1e-10


def made(kind: str, both: bool, dtype: str, **options: Any) -> Any:
    """A Keras layer with random weights that gives all outputs and its states."""
    layer = getattr(keras.layers, kind)(
        H, return_sequences=True, return_state=True, dtype=dtype, **options
    )
    layer = keras.layers.Bidirectional(layer, dtype=dtype) if both else layer
    layer.build((None, None, IN))
    shapes = [weight.shape for weight in layer.get_weights()]
    layer.set_weights([randomly(*shape, seed=k, dtype=dtype) for k, shape in enumerate(shapes)])
    return layer


def numbers(values: Any) -> list[Array]:
    return [np.asarray(keras.ops.convert_to_numpy(value)) for value in values]


def keras_states(kind: str, both: bool, dtype: str) -> list[Array]:
    count = (2 if kind == "LSTM" else 1) * (2 if both else 1)
    return [randomly(B, H, seed=20 + k, dtype=dtype) for k in range(count)]


def our_state(kind: str, states: list[Array]) -> Any:
    """Keras lists h, c forward, then h, c backward."""
    width = 2 if kind == "LSTM" else 1
    parts = tuple(torch.tensor(np.stack(states[k::width])) for k in range(width))
    return parts if kind == "LSTM" else parts[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("both", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize(("kind", "options"), LAYERS, ids=str)
def test_keras_there_and_back(kind: str, options: dict[str, Any], both: bool, dtype: str) -> None:
    theirs = made(kind, both, dtype, **options)
    x, states = randomly(B, T, IN, seed=9, dtype=dtype), keras_states(kind, both, dtype)
    given = [torch.tensor(state) for state in states]
    wanted, *final = numbers(theirs(torch.tensor(x), initial_state=given))
    ours = from_keras(theirs)
    output, state = ours(torch.tensor(x), our_state(kind, states))
    allowed = tolerance(kind, options, dtype)
    np.testing.assert_allclose(output.detach().numpy(), wanted, rtol=0, atol=allowed)
    got = state if isinstance(state, tuple) else (state,)
    expected = our_state(kind, final)
    for a, b in zip(got, expected if isinstance(expected, tuple) else (expected,), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.numpy(), rtol=0, atol=allowed)

    (data,) = to_keras(ours)
    again = keras.layers.deserialize(data.serialized())
    again.build((None, None, IN))
    again.set_weights(data.weights)
    assert data.config["dtype"] == dtype
    (back,) = numbers([again(torch.tensor(x))])
    np.testing.assert_allclose(back, numbers(theirs(torch.tensor(x)))[0], rtol=0, atol=allowed)
    for one, other in zip(data.weights, theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-7)


def test_directions_are_summed_there_and_back() -> None:
    theirs = keras.layers.Bidirectional(
        keras.layers.LSTM(H, return_sequences=True), merge_mode="sum"
    )
    x = torch.tensor(randomly(B, T, IN, dtype="float32"))
    (wanted,) = numbers([theirs(x)])
    ours = from_keras(theirs)
    assert ours.merge == "sum" and ours.output_size == H
    np.testing.assert_allclose(ours(x)[0].detach().numpy(), wanted, atol=1e-5)
    (data,) = to_keras(ours)
    again = keras.layers.deserialize(data.serialized())
    again.build((None, None, IN))
    again.set_weights(data.weights)
    np.testing.assert_allclose(numbers([again(x)])[0], wanted, atol=1e-5)


@pytest.mark.parametrize(("merge", "wide"), [("concat", 2 * H), ("sum", H)])
def test_keras_stack_becomes_one_layer_each(merge: str, wide: int) -> None:
    ours = nn.LSTM(IN, H, 2, bidirectional=True, batch_first=True, merge=merge)
    x = torch.tensor(randomly(B, T, IN, dtype="float32"))
    value: Any = x.numpy()
    for data, width in zip(to_keras(ours), (IN, wide), strict=True):
        layer = keras.layers.deserialize(data.serialized())
        layer.build((None, None, width))
        layer.set_weights(data.weights)
        value = layer(value)
    np.testing.assert_allclose(numbers([value])[0], ours(x)[0].detach().numpy(), atol=1e-5)


KNOWN: list[tuple[str, dict[str, Any], tuple[int, ...], list[float]]] = [
    ("LSTM", {"units": 3}, (3, 6, 4), [0.6288687, 0.8689916, 0.9460773]),
    ("GRU", {"units": 3}, (3, 6, 4), [0.5217289, 0.6371659, 0.3938496]),
    ("GRU", {"units": 3, "reset_after": False}, (3, 6, 4), [0.5144776, 0.6426879, 0.4020830]),
    ("SimpleRNN", {"units": 4}, (2, 3, 4), [0.405432, 0.7360535]),
    ("LSTM", {"units": 3, "go_backwards": True}, (3, 6, 4), [0.3562217, 0.7478952, 0.8872726]),
]
"""Keras' own tests: all kernels .01, recurrent kernels .02, biases .03 (forget 1),
x = 0, 1, 2, …"""


@pytest.mark.parametrize(("kind", "config", "shape", "answers"), KNOWN, ids=str)
def test_keras_known_answers(
    kind: str, config: dict[str, Any], shape: tuple[int, ...], answers: list[float]
) -> None:
    units = config["units"]
    columns = units * {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[kind]
    bias = (2, columns) if kind == "GRU" and config.get("reset_after", True) else (columns,)
    weights = [
        np.full((shape[2], columns), 0.01),
        np.full((units, columns), 0.02),
        np.full(bias, 0.03),
    ]
    if kind == "LSTM":
        weights[2][units : 2 * units] = 1.0
    complete = {"activation": "tanh", "recurrent_activation": "sigmoid"} | config
    backwards = bool(config.get("go_backwards"))
    layer = from_keras(KerasLayer(kind, complete, weights), flip_input=backwards)
    x = torch.arange(float(np.prod(shape)), dtype=torch.float64).reshape(shape)
    output, _ = layer(x.flip(1) if backwards else x)
    for unit in range(units):
        np.testing.assert_allclose(output[:, -1, unit].detach().numpy(), answers, atol=5e-7)


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("LSTM", {"activation": "gelu"}, {}, "activation: 'gelu' has no equal"),
    ("GRU", {"recurrent_activation": "softmax"}, {}, "recurrent_activation: 'softmax'"),
    ("GRU", {"recurrent_activation": "hard_sigmoid"}, {}, "its gates have the activation sigmoid"),
    ("LSTM", {"go_backwards": True}, {}, "flip_input=True"),
    ("LSTM", {}, {"flip_input": True}, "does not go backwards"),
    ("GRU", {"activation": "hard_sigmoid"}, {"hard_sigmoid_slope": 0.2}, "Keras 2"),
]


@pytest.mark.parametrize(("kind", "options", "arguments", "message"), REFUSED, ids=str)
def test_keras_without_an_equal_is_refused(
    kind: str, options: dict[str, Any], arguments: dict[str, Any], message: str
) -> None:
    layer = made(kind, False, "float32", **options)
    with pytest.raises(ConfigError, match=message):
        from_keras(layer, **arguments)


def test_keras_unbuilt_foreign_and_merged_layers_are_refused() -> None:
    with pytest.raises(ConfigError, match="build the layer first"):
        from_keras(keras.layers.LSTM(3))
    with pytest.raises(ConfigError, match="Dense has no equal here; there are LSTM"):
        from_keras(keras.layers.Dense(3))
    with pytest.raises(ConfigError, match="got str"):
        from_keras("model.keras")
    merged = keras.layers.Bidirectional(keras.layers.GRU(3), merge_mode="ave")
    with pytest.raises(ConfigError, match="merge_mode='ave' has no equal here, only concat and"):
        from_keras(merged)


def test_options_that_keras_lacks_are_named() -> None:
    with pytest.raises(ConfigError, match="peephole"):
        to_keras(nn.LSTM(IN, H, peephole=True))
    with pytest.raises(ConfigError, match="tanh and relu"):
        to_keras(nn.LSTM(IN, H, activations=("sigmoid", "tanh", "relu")))


def test_what_is_around_the_cell_is_named_too() -> None:
    options = {"residual": True, "learn_initial_state": True, "zoneout": 0.1}
    with pytest.raises(ConfigError, match="no residual, learn_initial_state, zoneout"):
        to_keras(nn.RNN(H, H, **options))
    with pytest.raises(ConfigError, match="no preactivation_clip"):
        to_keras(nn.RNN(IN, H, preactivation_clip=0.5))
    with pytest.raises(ConfigError, match="MinGRU is none of LSTM, GRU and RNN"):
        to_keras(nn.Recurrent(cells.MinGRU(), IN, H))
    with pytest.raises(ConfigError, match=r"float64 is expected, got torch\.bfloat16"):
        to_keras(nn.RNN(IN, H, dtype=torch.bfloat16))
