"""Weights and tensors whose memory, place or kind was changed: refused by name, never a crash."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import longshort as ls
from longshort.engine.scan import MISSING
from longshort.errors import ArgumentTypeError, TensorError
from tests.tensors import random

T, B, IN, H = 5, 4, 3, 4
F64 = torch.float64
BACKENDS = [name for name in ("torch", "native") if name not in MISSING]
every_backend = pytest.mark.parametrize("backend", BACKENDS)
WEIGHTS = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hh_l1_reverse"]


def lstm(backend: str = "auto", **options: Any) -> Any:
    torch.manual_seed(3)
    return ls.nn.LSTM(IN, H, dtype=F64, backend=backend, **options)


def shrunk(value: Tensor, size: int = 0) -> Tensor:
    """The tensor, after its storage was made smaller."""
    value.detach().untyped_storage().resize_(size)
    return value


def called(layer: Any, x: Tensor) -> None:
    layer(x)


def recorded_not(layer: Any, x: Tensor) -> None:
    with torch.no_grad():
        layer(x)


def stepped(layer: Any, x: Tensor) -> None:
    with torch.no_grad():
        layer.step(x[0])


def stepped_recording(layer: Any, x: Tensor) -> None:
    layer.step(x[0])


def packed(layer: Any, x: Tensor) -> None:
    layer(pack_padded_sequence(x, torch.tensor([5, 4, 2, 1])))


WAYS = pytest.mark.parametrize(
    "way", [called, recorded_not, stepped, stepped_recording, packed], ids=lambda way: way.__name__
)


# Weights


@every_backend
@WAYS
@pytest.mark.parametrize("size", [0, 8, 8 * 4 * H - 8], ids=["none", "one number", "one less"])
@pytest.mark.parametrize("name", WEIGHTS[:4])
def test_a_weight_without_its_memory_is_named(
    name: str, size: int, way: Callable[..., None], backend: str
) -> None:
    layer = lstm(backend)
    shrunk(getattr(layer, name), size)
    with pytest.raises(TensorError, match=rf"^{name}: its memory has {size} bytes, too few for"):
        way(layer, random(T, B, IN))


def test_any_layer_and_direction_is_named() -> None:
    layer = lstm(num_layers=2, bidirectional=True)
    shrunk(layer.weight_hh_l1_reverse)
    with pytest.raises(TensorError, match=r"^weight_hh_l1_reverse: its memory has 0 bytes"):
        layer(random(T, B, IN))


def test_a_learned_initial_state_without_its_memory_is_named() -> None:
    layer = lstm(learn_initial_state=True)
    shrunk(layer.initial_c_l0)
    with pytest.raises(TensorError, match=r"^initial_c_l0: its memory has 0 bytes"):
        layer(random(T, B, IN))


def test_a_weight_that_is_a_piece_of_a_freed_one_is_named() -> None:
    layer, block = lstm(), torch.zeros(2, 4 * H, H, dtype=F64)
    layer.weight_hh_l0.data = block[1]
    layer(random(T, B, IN))
    block.untyped_storage().resize_(8 * 4 * H * H)
    for way in (called, stepped):
        with pytest.raises(TensorError, match=r"^weight_hh_l0: its memory has 512 bytes"):
            way(layer, random(T, B, IN))


def test_memory_that_is_given_back_is_used_again() -> None:
    layer, x = lstm(), random(T, B, IN)
    want, kept = layer(x)[0].detach(), layer.weight_hh_l0.detach().clone()
    shrunk(layer.weight_hh_l0)
    layer.weight_hh_l0.detach().untyped_storage().resize_(kept.nbytes)
    layer.weight_hh_l0.data.copy_(kept)
    assert torch.equal(layer(x)[0], want)


@every_backend
@WAYS
@pytest.mark.parametrize("name", WEIGHTS[:4])
def test_a_weight_that_is_none_is_named(name: str, way: Callable[..., None], backend: str) -> None:
    layer = lstm(backend)
    setattr(layer, name, None)
    with pytest.raises(ArgumentTypeError, match=rf"^{name}: the layer was built with .* is None"):
        way(layer, random(T, B, IN))


@every_backend
@WAYS
@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda w: w.to("meta"), "is torch.float64 on meta, .*other weights are .* on cpu"),
        (lambda w: w.float(), "is torch.float32 on cpu, .*other weights are torch.float64 on cpu"),
        (lambda w: w.to_sparse(), "a dense weight is expected, got torch.sparse_coo"),
        (lambda w: w[:2], "the layer was built with shape .*, the weight has"),
    ],
    ids=["meta", "float32", "sparse", "shape"],
)
@pytest.mark.parametrize("name", ["weight_ih_l0", "weight_hh_l0", "bias_hh_l0"])
def test_a_weight_unlike_the_others_is_named(
    name: str, other: Callable[[Tensor], Tensor], message: str, way: Any, backend: str
) -> None:
    layer = lstm(backend)
    setattr(layer, name, nn.Parameter(other(getattr(layer, name).detach())))
    with pytest.raises(TensorError, match=rf"^{name}: {message}"):
        way(layer, random(T, B, IN))


def test_a_report_names_a_weight_too() -> None:
    layer = lstm()
    layer.weight_ih_l0 = None
    with pytest.raises(ArgumentTypeError, match=r"weight_ih_l0: .* is None now"):
        layer.backend_report()


@every_backend
@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize(
    "laid",
    [
        lambda w: w.t().contiguous().t() if w.dim() == 2 else torch.stack([w, w], 1)[:, 0],
        lambda w: torch.cat([w, w])[len(w) :],
        lambda w: torch.stack([w, w], -1)[..., 1],
    ],
    ids=["transposed", "piece", "strided"],
)
def test_weights_of_any_layout_compute_the_same(
    laid: Callable[[Tensor], Tensor], recorded: bool, backend: str
) -> None:
    layer, x = lstm(backend), random(T, B, IN)
    other = copy.deepcopy(layer)
    for name, weight in list(other.named_parameters()):
        setattr(other, name, nn.Parameter(laid(weight.detach())))
    with torch.set_grad_enabled(recorded):
        torch.testing.assert_close(other(x)[0], layer(x)[0], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(other.step(x[0])[0], layer.step(x[0])[0], rtol=1e-12, atol=1e-12)


@every_backend
def test_expanded_weights_compute_the_same(backend: str) -> None:
    layer, x = lstm(backend), random(T, B, IN)
    for name, weight in list(layer.named_parameters()):
        one = weight.detach().flatten()[:1]
        setattr(layer, name, nn.Parameter(one.expand(weight.shape)))
    plain = copy.deepcopy(layer)
    for name, weight in list(plain.named_parameters()):
        setattr(plain, name, nn.Parameter(weight.detach().contiguous()))
    torch.testing.assert_close(layer(x)[0], plain(x)[0], rtol=1e-12, atol=1e-12)


@pytest.mark.skipif("native" in MISSING, reason=MISSING.get("native", ""))
@pytest.mark.parametrize("name", WEIGHTS[:4])
def test_memory_that_is_lost_before_the_way_back_is_noticed(name: str) -> None:
    layer = lstm("native")
    loss = layer(random(T, B, IN))[0].sum()
    shrunk(getattr(layer, name))
    with pytest.raises(TensorError, match=r"^backward: the memory of an input, state or"):
        loss.backward()


# What a call is given


@every_backend
@pytest.mark.parametrize("size", [0, 8])
@pytest.mark.parametrize("recorded", [False, True])
def test_an_input_or_state_without_its_memory_is_named(
    recorded: bool, size: int, backend: str
) -> None:
    layer, x = lstm(backend), random(T, B, IN)
    with torch.set_grad_enabled(recorded):
        for call, given in ((layer, x), (layer, x[:, 0].clone()), (layer.step, x[0].clone())):
            with pytest.raises(TensorError, match=rf"^x(_t)?: its memory has {size} bytes"):
                call(shrunk(given.clone(), size))
        for call, given in ((layer, x), (layer.step, x[0].clone())):
            for place, name in enumerate("hc"):
                state = [random(1, B, H), random(1, B, H)]
                shrunk(state[place], size)
                with pytest.raises(TensorError, match=rf"^state {name}: its memory has {size} b"):
                    call(given, tuple(state))


@every_backend
def test_lengths_and_resets_without_their_memory_are_named(backend: str) -> None:
    layer, x = lstm(backend), random(T, B, IN)
    with pytest.raises(TensorError, match=r"^lengths: its memory has 0 bytes"):
        layer(x, lengths=shrunk(torch.ones(B, dtype=torch.int64)))
    with pytest.raises(TensorError, match=r"^reset: its memory has 3 bytes"):
        layer(x, reset=shrunk(torch.zeros(T, B, dtype=torch.bool), 3))


@pytest.mark.parametrize("part", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])
def test_a_packed_sequence_without_its_memory_is_named(part: str) -> None:
    given = pack_padded_sequence(random(T, B, IN), torch.tensor([5, 3, 4, 1]), enforce_sorted=False)
    shrunk(getattr(given, part))
    with pytest.raises(TensorError, match=rf"^x\.{part}: its memory has 0 bytes"):
        lstm()(given)


def test_an_empty_batch_needs_no_memory() -> None:
    layer = lstm()
    assert layer(shrunk(torch.zeros(T, 0, IN, dtype=F64)))[0].shape == (T, 0, H)


def test_transforms_of_torch_have_no_memory_to_look_at() -> None:
    layer, x = lstm(), random(3, T, B, IN)
    found = torch.func.vmap(lambda one: layer(one)[0])(x)
    for one, wanted in zip(found, x, strict=True):
        torch.testing.assert_close(one, layer(wanted)[0], rtol=1e-12, atol=1e-12)
