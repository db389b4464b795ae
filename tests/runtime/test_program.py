"""A function bound once: constants are folded, layers packed, rows independent of each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from longshort.engine.scan import has_native
from longshort.export.network import Recorder, exported
from longshort.nn import LSTM, Recurrent
from longshort.runs.tensors import TorchCalls
from longshort.runtime.binding import bound, row_by_row
from longshort.runtime.network import Network
from longshort.runtime.recurrent import NATIVE, READABLE, Layers
from longshort.runtime.steps import STEPS

DRAW = np.random.default_rng(0)


class Reader(nn.Module):
    def __init__(self, layer: Recurrent) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(layer.output_size, 3)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.head(self.layer(x, lengths=lengths)[0])

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        y, after = self.layer.step(x, state)
        return self.head(y), after


def network_of(layer: Recurrent, layers: Layers | None = None) -> Network:
    torch.manual_seed(0)
    module = Reader(layer)
    recorder = Recorder(TorchCalls(module, "cpu"))
    state = tuple(np.zeros((layer.num_layers, 7, layer.hidden_size), np.float32) for _ in "hc")
    recorder.call("forward", x_of(5, 7), np.array([5, 4, 3, 2, 1, 5, 5]))
    recorder.call("step", x_of(7), state)
    found = exported(module, recorder.calls)
    return Network(found.functions.values(), found.weights, layers)


def x_of(*shape: int) -> Any:
    return DRAW.normal(size=(*shape, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return network_of(LSTM(4, 6, num_layers=2))


def test_the_kernels_run_where_they_are(network: Network) -> None:
    assert network.said == (NATIVE if has_native() else network.said)
    assert network.layers.is_native == has_native()


def test_the_readable_executor_says_why_it_runs(network: Network) -> None:
    other = Network(network.functions.values(), network.weights, Layers(is_native=False))
    assert other.said == f"{READABLE} (asked for)"
    x, lengths = x_of(5, 7), np.array([5, 4, 3, 2, 1, 5, 5])
    np.testing.assert_allclose(
        other.call("forward", x, lengths), network.call("forward", x, lengths), atol=1e-6
    )


def test_layers_are_packed_once_for_all_functions(network: Network) -> None:
    assert network.said
    assert len(network.layers._prepared) == 2


def test_a_sequence_has_the_same_bits_whole_and_step_by_step(network: Network) -> None:
    if not has_native():
        pytest.skip("needs the native extension")
    x = x_of(6, 2)
    state = tuple(np.zeros((2, 2, 6), np.float32) for _ in "hc")
    step = network.bound("step", x[0], state)
    whole = network.bound("forward", x, np.array([6, 6]))
    outputs = []
    for row in x:
        output, *state = step((row, *state))
        outputs.append(output)
    np.testing.assert_array_equal(np.array(outputs), whole((x, np.array([6, 6])))[0])


@pytest.mark.parametrize("count", [1, 2, 5, 33])
def test_a_row_has_the_same_bits_beside_any_others(network: Network, count: int) -> None:
    if not has_native():
        pytest.skip("needs the native extension")
    state = tuple(DRAW.normal(size=(2, count, 6)).astype(np.float32) for _ in "hc")
    x = x_of(count)
    run = network.bound("step", x, state)
    assert run.is_row_exact
    together = run((x, *state))
    for row in range(count):
        alone = run((x[row : row + 1], *(s[:, row : row + 1].copy() for s in state)))
        np.testing.assert_array_equal(alone[0], together[0][row : row + 1])
        np.testing.assert_array_equal(alone[1], together[1][:, row : row + 1])


def test_what_depends_on_weights_alone_is_computed_once() -> None:
    class Halved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3, 4))

        def forward(self, x: Tensor) -> Tensor:
            return x @ (self.weight * 0.5).t()

    recorder = Recorder(TorchCalls(Halved(), "cpu"))
    recorder.call("forward", x_of(3))
    found = exported(recorder.network.network, recorder.calls)  # type: ignore[attr-defined]
    run: Any = found.bound("forward", x_of(3))
    assert len(run._steps) == 1


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("unsqueeze", (0,)),
        ("unsqueeze", (2,)),
        ("unsqueeze", (-1,)),
        ("select.int", (1, 2)),
        ("select.int", (0, -1)),
        ("slice.Tensor", (0, 0, 9223372036854775807)),
        ("slice.Tensor", (1, 1, 3)),
        ("slice.Tensor", (1, 0, 4, 2)),
        ("slice.Tensor", (1,)),
        ("slice.Tensor", (-1, 1, 3)),
    ],
)
def test_bound_steps_are_those_of_the_list(kind: str, arguments: tuple[int, ...]) -> None:
    x = DRAW.normal(size=(3, 4, 5))
    run, left = bound(kind, [x, *arguments], {})
    found = left[0] if run is None else run(*left)
    np.testing.assert_array_equal(found, STEPS[kind](x, *arguments))


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64])
def test_bound_sums_are_those_of_the_list(dtype: Any) -> None:
    a, b = np.arange(6, dtype=np.float32), np.arange(1, 7).astype(dtype)
    for kind in ("add.Tensor", "mul.Tensor", "sub.Tensor"):
        run, left = bound(kind, [a, b], {})
        assert run is not None
        found, expected = run(*left), STEPS[kind](a, b)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_products_row_by_row_are_products() -> None:
    x, weight, bias = x_of(2, 3), x_of(5), DRAW.normal(size=5).astype(np.float32)
    np.testing.assert_allclose(row_by_row(x, weight, bias), x @ weight.T + bias, atol=1e-6)
    np.testing.assert_allclose(row_by_row(x[0], weight), x[0] @ weight.T, atol=1e-6)
