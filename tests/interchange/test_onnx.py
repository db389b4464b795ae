"""LSTM, GRU and RNN nodes of ONNX models as layers, against ONNX Runtime."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longshort import nn
from longshort.errors import ConfigError
from tests.tensors import parts

onnx = pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")
pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
run = import_module("longshort.engine.executors.onnx").run
from_onnx = import_module("longshort.interchange.onnx").from_onnx
helper, numpy_helper = onnx.helper, onnx.numpy_helper

T, B, IN, H = 6, 4, 3, 5
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
Array = np.ndarray[Any, Any]
NODES: list[tuple[str, str, dict[str, Any]]] = [
    ("LSTM", "WR", {}),
    ("LSTM", "WRBP", {"direction": "bidirectional"}),
    ("LSTM", "WRBPhc", {"input_forget": 1, "direction": "reverse"}),
    ("LSTM", "WRBh", {"clip": 0.5}),
    ("LSTM", "WRc", {"activations": ["HardSigmoid", "Relu", "Affine"],
                     "activation_alpha": [1 / 6, 1.0], "activation_beta": [0.5, 0.0]}),
    ("GRU", "WR", {}),
    ("GRU", "WRBh", {"linear_before_reset": 1, "direction": "bidirectional"}),
    ("GRU", "WRB", {"linear_before_reset": 0, "direction": "reverse"}),
    ("GRU", "WRB", {"activations": ["Sigmoid", "Relu"]}),
    ("GRU", "WRB", {"clip": 0.3}),
    ("GRU", "WRBh", {"clip": 0.3, "linear_before_reset": 1, "direction": "bidirectional"}),
    ("RNN", "WRB", {"clip": 0.3}),
    ("RNN", "WRBh", {"direction": "bidirectional", "activations": ["Relu", "Relu"]}),
    ("RNN", "WR", {}),
]  # fmt: skip
"""Operator, the inputs that are given (h, c: initial states), attributes."""


def randomly(*shape: int, seed: int = 0) -> Array:
    return 0.6 * np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def stored(op: str, given: str, directions: int) -> dict[str, Array]:
    rows = GATES[op] * H
    shapes = {
        "W": (directions, rows, IN),
        "R": (directions, rows, H),
        "B": (directions, 2 * rows),
        "h": (directions, B, H),
        "c": (directions, B, H),
        "P": (directions, 3 * H),
    }
    return {key: randomly(*shapes[key], seed=k) for k, key in enumerate("WRBhcP") if key in given}


def built(op: str, given: str, attributes: dict[str, Any], constant: str = "") -> Any:
    """A model of one node; the weights in `constant` are Constant nodes, not initialisers."""
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    arrays = stored(op, given, directions)
    order = ["W", "R", "B", "lengths", "h", "c", "P"] if op == "LSTM" else ["W", "R", "B", "", "h"]
    names = ["x", *(key if key in arrays else "" for key in order)]
    results = ["Y", "Y_h", "Y_c"] if op == "LSTM" else ["Y", "Y_h"]
    tensors = [numpy_helper.from_array(a, key) for key, a in arrays.items() if key not in constant]
    nodes = [
        helper.make_node("Constant", [], [key], value=numpy_helper.from_array(arrays[key]))
        for key in constant
    ]
    nodes.append(helper.make_node(op, names, results, "cell", hidden_size=H, **attributes))
    real = onnx.TensorProto.FLOAT
    x = helper.make_tensor_value_info("x", real, [None, None, IN])
    outputs = [helper.make_tensor_value_info(name, real, None) for name in results]
    graph = helper.make_graph(nodes, "one", [x], outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("constant", ["", "WR"])
@pytest.mark.parametrize(("op", "given", "attributes"), NODES, ids=str)
def test_node_as_layer(op: str, given: str, attributes: dict[str, Any], constant: str) -> None:
    model = built(op, given, attributes, constant)
    x = randomly(T, B, IN, seed=9)
    wanted = run(model, {"x": x})
    backwards = attributes.get("direction") == "reverse"
    found = from_onnx(model, "cell", flip_input=backwards)
    assert (found.state is not None) == bool({"h", "c"} & set(given))
    seen = torch.tensor(x)
    output, final = found.layer(seen.flip(0) if backwards else seen, found.state)
    output = output.flip(0) if backwards else output
    y = wanted["Y"].swapaxes(1, 2).reshape(T, B, -1)
    np.testing.assert_allclose(output.detach().numpy(), y, rtol=0, atol=2e-6)
    for got, name in zip(parts(final), ("Y_h", "Y_c"), strict=False):
        np.testing.assert_allclose(got.detach().numpy(), wanted[name], rtol=0, atol=2e-6)


def test_batchwise_layout_is_batch_first() -> None:
    plain = from_onnx(built("GRU", "WRB", {}))
    other = from_onnx(built("GRU", "WRB", {"layout": 1}))
    x = torch.tensor(randomly(T, B, IN))
    assert other.layer.batch_first
    output = other.layer(x.transpose(0, 1))[0]
    np.testing.assert_allclose(
        output.transpose(0, 1).detach().numpy(), plain.layer(x)[0].detach().numpy(), atol=1e-6
    )


def node_test(op: str, x: list[list[float]], hidden: int, weight: float, **more: Any) -> Array:
    """The last outputs of a node of the ONNX node tests: all weights equal."""
    gates, size = GATES[op], len(x[0])
    arrays = {
        "W": np.full((1, gates * hidden, size), weight, np.float32),
        "R": np.full((1, gates * hidden, hidden), weight, np.float32),
    }
    if "bias" in more:
        bias = np.zeros((1, 2 * gates * hidden), np.float32)
        bias[:, : gates * hidden] = more["bias"]
        arrays["B"] = bias
    if "peephole" in more:
        arrays["B"] = np.zeros((1, 2 * gates * hidden), np.float32)
        arrays["P"] = np.full((1, 3 * hidden), more["peephole"], np.float32)
    names = ["x", "W", "R", "B" if "B" in arrays else "", "", "", ""]
    names = [*names, "P"] if "P" in arrays else names[:4]
    node = helper.make_node(op, names, ["Y"], hidden_size=hidden)
    tensors = [numpy_helper.from_array(array, key) for key, array in arrays.items()]
    model = helper.make_model(helper.make_graph([node], "one", [], [], tensors))
    output, _ = from_onnx(model).layer(torch.tensor([x]))
    return output[0].detach().numpy()


TWO = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
THREE = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]
LONG = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]
ANSWERS: list[tuple[str, list[list[float]], int, float, dict[str, Any], list[float]]] = [
    ("LSTM", TWO, 3, 0.1, {}, [0.0952412, 0.2560644, 0.4032377]),
    ("LSTM", THREE, 4, 0.1, {"bias": 0.1}, [0.2560644, 0.5367278, 0.6672133]),
    ("LSTM", LONG, 3, 0.1, {"peephole": 0.1}, [0.3750691, 0.6801309]),
    ("GRU", TWO, 5, 0.1, {}, [0.1239703, 0.2005366, 0.1999165]),
    ("GRU", THREE, 3, 0.1, {"bias": 0.1}, [0.2005366, 0.1548234, 0.0748428]),
]
"""The ONNX node tests; all units of a row are equal."""


@pytest.mark.parametrize(("op", "x", "hidden", "weight", "more", "answers"), ANSWERS, ids=str)
def test_known_answers_of_the_onnx_node_tests(
    op: str,
    x: list[list[float]],
    hidden: int,
    weight: float,
    more: dict[str, Any],
    answers: list[float],
) -> None:
    got = node_test(op, x, hidden, weight, **more)
    np.testing.assert_allclose(got, np.repeat(np.array(answers)[:, None], hidden, 1), atol=1e-6)


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("LSTM", {"activations": ["Sigmoid", "Elu", "Tanh"]}, {}, "activation Elu has no equal"),
    ("LSTM", {"activations": ["HardSigmoid", "Tanh", "Tanh"]}, {}, r"alpha=0\.2, beta=0\.5"),
    ("GRU", {"activations": ["Tanh", "Tanh"]}, {}, "gates have the activation sigmoid"),
    ("RNN", {"direction": "reverse"}, {}, "flip_input=True"),
    ("RNN", {}, {"flip_input": True}, "runs forward"),
    ("RNN", {}, {"node": "other"}, r"there is no 'other'; .*: cell \(RNN\)"),
    ("RNN", {"direction": "bidirectional", "activations": ["Tanh", "Relu"]}, {}, "different"),
]


@pytest.mark.parametrize(("op", "attributes", "arguments", "message"), REFUSED, ids=str)
def test_what_has_no_equal_is_refused(
    op: str, attributes: dict[str, Any], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        from_onnx(built(op, "WRB", attributes), **arguments)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_text("hello")
    with pytest.raises(ConfigError, match=r"broken\.onnx cannot be read as an ONNX model"):
        from_onnx(path)
    with pytest.raises(ConfigError, match="or the path of one is expected, got NoneType"):
        from_onnx(None)


def test_models_without_a_choice_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"there is no file none\.onnx"):
        from_onnx("none.onnx")
    model = built("RNN", "WR", {})
    model.graph.node.append(helper.make_node("RNN", ["x", "W", "R"], ["Z"], hidden_size=H))
    with pytest.raises(ConfigError, match=r"say which one; .*: cell \(RNN\), Z \(RNN\)"):
        from_onnx(model)
    assert isinstance(from_onnx(model, "Z").layer, nn.RNN)
    model.graph.initializer.pop(0)
    with pytest.raises(ConfigError, match="its W is computed in the model"):
        from_onnx(model, "cell")
