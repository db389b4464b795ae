"""Scans by segments: the same bits with checkpoints, and no gradient across a cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

import longshort as ls
from longshort.cells.named import known_cells
from longshort.engine.scan import has_native

pytestmark = pytest.mark.skipif(not has_native(), reason="needs the native extension")

F32, F64, BF16 = torch.float32, torch.float64, torch.bfloat16
Results = list[Tensor]
RAGGED = torch.tensor([70, 3, 41, 70, 26, 1, 55, 52])


def flat(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    else:
        for each in value:
            yield from flat(each)


def solve(
    cell: Any, steps: int = 70, batch: int = 8, dtype: torch.dtype = F32, **how: Any
) -> Results:
    """Outputs, states and all gradients of a layer in training; the same draws for all options."""
    call = {name: how.pop(name) for name in ("lengths", "reset", "return_states") if name in how}
    torch.manual_seed(1)
    layer = ls.nn.Recurrent(cell, 5, 8, dtype=dtype, **how)
    x = torch.randn(steps, batch, 5, dtype=dtype, requires_grad=True)
    torch.manual_seed(2)
    found = list(flat(layer(x, **call)))
    torch.manual_seed(3)
    loss = torch.stack([(each * torch.randn_like(each)).sum() for each in found]).sum()
    gradients = torch.autograd.grad(loss, [x, *layer.parameters()], allow_unused=True)
    return [*(each.detach() for each in found), *(g for g in gradients if g is not None)]


def same_bits(one: Results, other: Results) -> bool:
    return len(one) == len(other) and all(map(torch.equal, one, other))


@pytest.mark.parametrize("dtype", [F32, F64, BF16], ids=str)
@pytest.mark.parametrize("name", sorted(known_cells()))
def test_gradients_with_checkpoints_have_the_same_bits(name: str, dtype: torch.dtype) -> None:
    cell = known_cells()[name]()
    for batch, segment in ((8, 32), (64, 8)):
        whole = solve(cell, batch=batch, dtype=dtype)
        assert same_bits(solve(cell, batch=batch, dtype=dtype, checkpoint=segment), whole)


VARIATIONS: dict[str, dict[str, Any]] = {
    "ragged": {"lengths": RAGGED},
    "both ways, stacked": {"lengths": RAGGED, "bidirectional": True, "num_layers": 2},
    "restarts": {"reset": torch.rand(70, 8, generator=torch.manual_seed(0)) < 0.1},
    "states of every step": {"lengths": RAGGED, "return_states": True},
    "zoneout and dropout": {"zoneout": 0.2, "recurrent_dropout": 0.2, "weight_dropout": 0.2},
    "learned first states": {
        "learn_initial_state": True,
        "reset": torch.arange(70 * 8).view(70, 8) % 9 == 0,
    },
    "segments of any length": {"checkpoint": True},
    "longer segments than sequences": {"checkpoint": 500},
}


@pytest.mark.parametrize("name", VARIATIONS)
def test_variations_have_the_same_bits(name: str) -> None:
    cell, chosen = ls.cells.LSTM(), {"checkpoint": 9} | VARIATIONS[name]
    whole = {key: value for key, value in chosen.items() if key != "checkpoint"}
    assert same_bits(solve(cell, **chosen), solve(cell, **whole))


def test_a_single_sequence_and_two_threads_have_the_same_bits() -> None:
    whole = solve(ls.cells.LSTM(), 1_100, 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert same_bits(solve(ls.cells.LSTM(), 1_100, 1, checkpoint=256), whole)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    "how", [{}, {"lengths": RAGGED, "return_states": True}], ids=["", "ragged"]
)
@pytest.mark.parametrize("option", [{"checkpoint": 9}, {"truncate": 9}], ids=str)
@pytest.mark.parametrize("peephole", [False, True], ids=["torch's kernel", "equations"])
def test_other_executors_by_segments_are_the_native_scan(
    peephole: bool, option: dict[str, Any], how: dict[str, Any]
) -> None:
    cell = ls.cells.LSTM(peephole=peephole)
    found = solve(cell, dtype=F64, backend="torch", **option, **how)
    for one, other in zip(found, solve(cell, dtype=F64, **option, **how), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_a_checkpoint_keeps_less() -> None:
    kept = {}
    for checkpoint in (False, 32):
        layer = ls.nn.LSTM(5, 7, checkpoint=checkpoint)
        sizes: list[int] = []

        def note(value: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes.append(value.numel())
            return value

        with torch.autograd.graph.saved_tensors_hooks(note, lambda value: value):
            layer(torch.randn(640, 8, 5))
        kept[bool(checkpoint)] = sum(sizes) - 640 * 8 * 5
    states = (640 // 32 - 1) * 8 * 2 * 7
    weights = sum(each.numel() for each in layer.parameters())
    assert kept[True] == states + weights + 2 * 8 * 7
    assert kept[False] > 640 * 8 * 6 * 7


# Truncated


def by_hand(steps: int, segment: int, lengths: Tensor | None = None) -> Results:
    """The same as a loop of whole calls, which hands the states on without gradients."""
    torch.manual_seed(1)
    layer = ls.nn.LSTM(5, 8, 2, dtype=F64)
    x = torch.randn(steps, 8, 5, dtype=F64, requires_grad=True)
    outputs, state, begin = [], None, 0
    for end in [*range(segment, steps - segment + 1, segment), steps]:
        output, after = layer(x[begin:end], state)
        state, begin = tuple(each.detach() for each in after), end
        outputs.append(output)
    found = [torch.cat(outputs), *after]
    torch.manual_seed(3)
    loss = torch.stack([(each * torch.randn_like(each)).sum() for each in found]).sum()
    gradients = torch.autograd.grad(loss, [x, *layer.parameters()])
    return [*(each.detach() for each in found), *gradients]


@pytest.mark.parametrize("steps", [60, 64, 79])
def test_truncated_gradients_are_those_of_calls_without_the_states_gradient(steps: int) -> None:
    found = solve(ls.cells.LSTM(), steps, dtype=F64, num_layers=2, truncate=20)
    for one, other in zip(found, by_hand(steps, 20), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("backend", ["native", "torch"])
def test_no_gradient_reaches_what_lies_before_the_cut(backend: str) -> None:
    """The adding problem over more steps than a segment cannot be learned, by design."""
    layer = ls.nn.LSTM(2, 7, truncate=25, backend=backend)
    x = torch.randn(100, 4, 2, requires_grad=True)
    output, _ = layer(x)
    (gradient,) = torch.autograd.grad(output[-1].sum(), x)
    assert not gradient[:75].any() and gradient[75:].abs().amax((1, 2)).all()


def test_gradients_in_evaluation_mode_are_whole() -> None:
    layer = ls.nn.LSTM(2, 7, truncate=25).eval()
    x = torch.randn(100, 4, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(x)[0][-1].sum(), x)
    assert gradient.abs().amax((1, 2)).all()


def test_ends_of_short_sequences_keep_their_gradients() -> None:
    layer, x = ls.nn.LSTM(2, 7, truncate=25), torch.randn(100, 2, 2, requires_grad=True)
    _, (final, _) = layer(x, lengths=torch.tensor([100, 30]))
    (gradient,) = torch.autograd.grad(final.sum(), x)
    reached = gradient.abs().amax(2) > 0
    assert reached[:, 0].nonzero().min() == 75 and reached[:, 0].nonzero().max() == 99
    assert reached[:, 1].nonzero().min() == 25 and reached[:, 1].nonzero().max() == 29


# What torch does with it


@pytest.mark.parametrize("option", [{"checkpoint": 9}, {"truncate": 9}], ids=str)
def test_second_derivatives(option: dict[str, Any]) -> None:
    layer = ls.nn.RNN(2, 3, dtype=F64, **option)
    x = torch.randn(24, 2, 2, dtype=F64, requires_grad=True)
    output, _ = layer(x)
    (first,) = torch.autograd.grad(output.square().sum(), x, create_graph=True)
    plain = ls.nn.RNN(2, 3, dtype=F64)
    plain.load_state_dict(layer.state_dict())
    parts = [x] if "checkpoint" in option else [x[:9], x[9:]]
    state, outputs = None, []
    for part in parts:
        each, state = plain(part, state)
        state = state.detach()
        outputs.append(each)
    (other,) = torch.autograd.grad(torch.cat(outputs).square().sum(), x, create_graph=True)
    torch.testing.assert_close(first, other)
    second = [torch.autograd.grad(g.square().sum(), x)[0] for g in (first, other)]
    torch.testing.assert_close(*second)


@pytest.mark.parametrize("option", [{"checkpoint": 8}, {"truncate": 9}], ids=str)
def test_a_compiled_layer_has_the_same_bits(option: dict[str, Any]) -> None:
    layer = ls.nn.LSTM(2, 3, **option)
    x = torch.randn(90, 64, 2, requires_grad=True)
    found = []
    for run in (torch.compile(layer, backend="aot_eager", fullgraph=True), layer):
        output, _ = run(x)
        found.append(
            [output, *torch.autograd.grad(output.square().sum(), [x, *layer.parameters()])]
        )
    assert same_bits(*found)


def test_inference_is_not_by_segments() -> None:
    layer, x = ls.nn.LSTM(2, 3, checkpoint=8), torch.randn(90, 64, 2)
    with torch.no_grad():
        assert torch.equal(layer(x)[0], ls_copy(layer)(x)[0])


def ls_copy(layer: ls.nn.LSTM) -> ls.nn.LSTM:
    plain = ls.nn.LSTM(2, 3)
    plain.load_state_dict(layer.state_dict())
    return plain


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"checkpoint": 1}, "checkpoint: a number of steps from 2 is expected, got 1"),
        ({"truncate": 2.5}, "truncate: a number of steps from 2 is expected, got 2.5"),
        ({"checkpoint": True, "truncate": 9}, "give one of the two"),
    ],
    ids=str,
)
def test_wrong_options_are_refused(option: dict[str, Any], message: str) -> None:
    with pytest.raises(ls.errors.ArgumentError, match=message):
        ls.nn.LSTM(2, 3, **option)
