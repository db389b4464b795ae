"""Each step against torch's operator of the same name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from longshort.export.network import Recorder, exported
from longshort.runs.tensors import TorchCalls
from longshort.runtime.network import is_array
from longshort.runtime.steps import STEPS
from longshort.runtime.tree import flatten

aten = torch.ops.aten
DRAW = torch.Generator().manual_seed(0)
X = torch.randn(3, 4, 5, generator=DRAW)
Y = torch.randn(3, 4, 5, generator=DRAW)
M = torch.randn(4, 5, generator=DRAW)
IMAGE = torch.randn(2, 4, 8, 7, generator=DRAW)
NUMBERS = torch.tensor([[0, 2, 1], [3, 3, 0]])
MASK = X > 0
FILTERS = torch.randn(6, 4, 3, generator=DRAW)
FILTERS_2D = torch.randn(6, 2, 3, 3, generator=DRAW)
BIAS = torch.randn(6, generator=DRAW)

CASES: list[tuple[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
    ("abs", aten.abs, (X,), {}),
    ("add.Tensor", aten.add.Tensor, (X, Y), {"alpha": 2}),
    ("add.Tensor", aten.add.Tensor, (NUMBERS, 1.5), {}),
    ("addmm", aten.addmm, (M[0, :4], M.T[:, :3] @ M[:3, :4].contiguous(), M[:, :4]), {}),
    ("amax", aten.amax, (X, [1], True), {}),
    ("amin", aten.amin, (X, [0, 2]), {}),
    ("arange", aten.arange, (4,), {}),
    ("argmax", aten.argmax, (X, 1), {}),
    ("bitwise_not", aten.bitwise_not, (MASK,), {}),
    ("bmm", aten.bmm, (X, Y.transpose(1, 2)), {}),
    ("cat", aten.cat, ([X, Y], 1), {}),
    ("clamp", aten.clamp, (X, -0.5, 0.5), {}),
    ("clamp_min", aten.clamp_min, (NUMBERS, 1), {}),
    ("constant_pad_nd", aten.constant_pad_nd, (X, [1, 2, -1, 0], 3.0), {}),
    ("conv1d", aten.conv1d, (IMAGE[:, :, 0], FILTERS, BIAS, [2], [1], [2]), {}),
    ("conv2d", aten.conv2d, (IMAGE, FILTERS_2D, BIAS, [2, 1], [1, 0], [1, 2], 2), {}),
    ("div.Tensor", aten.div.Tensor, (NUMBERS, 2), {}),
    ("div.Tensor", aten.div.Tensor, (X, NUMBERS[0, 1]), {}),
    ("div.Tensor", aten.div.Tensor, (X[0, :2, :3], NUMBERS + 1), {}),
    ("mul.Tensor", aten.mul.Tensor, (X[0, :2, :3], NUMBERS), {}),
    ("div.Tensor_mode", aten.div.Tensor_mode, (NUMBERS, 2), {"rounding_mode": "floor"}),
    ("embedding", aten.embedding, (M, NUMBERS, 0), {}),
    ("exp", aten.exp, (X,), {}),
    ("expand", aten.expand, (X[:1], [6, -1, 5]), {}),
    ("flatten.using_ints", aten.flatten.using_ints, (X, 1, 2), {}),
    ("flip", aten.flip, (X, [0, 2]), {}),
    ("full", aten.full, ([2, 3], 1.5), {}),
    ("full_like", aten.full_like, (NUMBERS, 7), {}),
    ("gather", aten.gather, (M, 1, NUMBERS), {}),
    ("ge.Scalar", aten.ge.Scalar, (X, 0.1), {}),
    ("index.Tensor", aten.index.Tensor, (X, [None, NUMBERS[0], NUMBERS[1]]), {}),
    ("index_select", aten.index_select, (X, 1, NUMBERS[0]), {}),
    ("layer_norm", aten.layer_norm, (X, [5], M[0], M[1], 1e-3), {}),
    ("linear", aten.linear, (X, M, M[:, 0]), {}),
    ("log1p", aten.log1p, (X.abs(),), {}),
    ("log_softmax.int", aten.log_softmax.int, (X, 1), {}),
    ("logsumexp", aten.logsumexp, (X, [1, 2], True), {}),
    ("masked_fill.Scalar", aten.masked_fill.Scalar, (X, MASK, -float("inf")), {}),
    ("matmul", aten.matmul, (X, M.T), {}),
    ("max.dim", aten.max.dim, (X, 1), {}),
    ("max_pool2d", aten.max_pool2d, (IMAGE, [2, 3], [2, 1], [1, 1]), {}),
    ("maximum", aten.maximum, (X, Y), {}),
    ("mean.dim", aten.mean.dim, (X, [0, 1]), {}),
    ("mul.Tensor", aten.mul.Tensor, (X, MASK), {}),
    ("new_zeros", aten.new_zeros, (NUMBERS, [2, 2]), {}),
    ("pad", aten.pad, (X, [2, 0, 0, 1], "constant", 1.0), {}),
    ("permute", aten.permute, (X, [2, 0, 1]), {}),
    ("pow.Tensor_Scalar", aten.pow.Tensor_Scalar, (X, 2), {}),
    ("relu", aten.relu, (X,), {}),
    ("repeat", aten.repeat, (M, [2, 1, 3]), {}),
    ("rsqrt", aten.rsqrt, (X.abs() + 1,), {}),
    ("rsub.Scalar", aten.rsub.Scalar, (NUMBERS, 5), {}),
    ("scatter_add", aten.scatter_add, (X, 2, NUMBERS.repeat(1, 1, 1)[:1], Y), {}),
    ("select.int", aten.select.int, (X, -2, -1), {}),
    ("sigmoid", aten.sigmoid, (X,), {}),
    ("slice.Tensor", aten.slice.Tensor, (X, 1, 1, -1, 2), {}),
    ("softmax.int", aten.softmax.int, (X, -1), {}),
    ("sort", aten.sort, (X, 1, True), {}),
    ("split.Tensor", aten.split.Tensor, (X, 3, 1), {}),
    ("split_with_sizes", aten.split_with_sizes, (X, [1, 3, 1], 2), {}),
    ("squeeze.dims", aten.squeeze.dims, (X[:1, :1], [0, 2]), {}),
    ("stack", aten.stack, ([X, Y], 2), {}),
    ("sub.Tensor", aten.sub.Tensor, (X, Y), {"alpha": 0.5}),
    ("sum", aten.sum, (MASK,), {}),
    ("sum.dim_IntList", aten.sum.dim_IntList, (X, [0], True), {}),
    ("tanh", aten.tanh, (X,), {}),
    ("transpose.int", aten.transpose.int, (X, 0, 2), {}),
    ("unbind.int", aten.unbind.int, (X, 1), {}),
    ("unflatten.int", aten.unflatten.int, (X.reshape(3, 20), 1, [4, 5]), {}),
    ("var.correction", aten.var.correction, (X, [1]), {"correction": 0}),
    ("where.self", aten.where.self, (MASK, X, Y), {}),
]


def plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.numpy()
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize(
    ("kind", "operator", "given", "more"), CASES, ids=lambda each: str(each)[:24]
)
def test_a_step_does_what_torch_does(
    kind: str, operator: Callable[..., Any], given: tuple[Any, ...], more: dict[str, Any]
) -> None:
    expected = operator(*given, **more)
    found = STEPS[kind](*plain(given), **more)
    wanted = expected if isinstance(expected, tuple | list) else [expected]
    results = found if isinstance(found, tuple | list) else [found]
    for own, theirs in zip(results, wanted, strict=True):
        assert own.dtype == theirs.numpy().dtype
        np.testing.assert_allclose(own, theirs.numpy(), rtol=1e-5, atol=1e-6)


def test_a_row_with_nothing_left_has_no_probability() -> None:
    nothing = np.full((1, 3), -np.inf, np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert np.isnan(STEPS["softmax.int"](nothing, 1)).all()
        assert np.isneginf(STEPS["logsumexp"](nothing, [1])).all()


def test_a_bag_is_a_weighted_sum() -> None:
    weight = M.clone()
    numbers, begins = torch.tensor([1, 3, 2]), torch.tensor([0, 2, 2])
    shares = torch.tensor([0.5, 2.0, 1.0])
    expected = nn.functional.embedding_bag(
        numbers, weight, begins, mode="sum", per_sample_weights=shares
    )
    found, *_ = STEPS["embedding_bag"](
        *plain([weight, numbers, begins]), False, 0, False, shares.numpy()
    )
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6)


class Small(nn.Module):
    """A network with what an export must keep: weights, constants, and a nested answer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 2)
        self.register_buffer("shift", torch.arange(2.0))

    def forward(self, x: Tensor, more: dict[str, Tensor] | None) -> tuple[Tensor, dict[str, Any]]:
        found = self.layer(x) + self.shift
        if more is not None:
            found = found + more["y"]
        return found.masked_fill(found < 0, -torch.inf), {"sizes": [x.sum(0)], "none": None}


def test_a_network_answers_for_other_sizes() -> None:
    network = Small()
    recorder = Recorder(TorchCalls(network, "cpu"))
    recorder.call("forward", X[:, 0].numpy(), None)
    recorder.call("forward", X[:, 0].numpy(), {"y": X[:, 1, :2].numpy()})
    found = exported(network, recorder.calls)
    for rows in (M.numpy(), M[:1].numpy()):
        for more in (None, {"y": rows[:, :2].copy()}):
            expected = TorchCalls(network, "cpu").call("forward", rows, more)
            own, structure = flatten(found.call("forward", rows, more), is_array)
            wanted, same = flatten(expected, is_array)
            assert structure == same
            for a, b in zip(own, wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-6)
