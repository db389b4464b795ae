"""Scheduled sampling: no own words change nothing, own words alone are those of greedy decoding."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from longshort.nn.blocks.decoder import Decoder
from longshort.nn.blocks.own_words import read_own_words
from tests.nn.test_attention import OPTIONS, B, S, T, V, begun, decoder

kinds = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
placements = pytest.mark.parametrize("placement", ["after", "feeding", "before"])
SEED = 11


def tokens() -> tuple[Tensor, Tensor]:
    """What is read, and the source."""
    draw = torch.Generator().manual_seed(SEED)
    return torch.randint(4, V, (T, B), generator=draw), torch.randint(4, V, (S, B), generator=draw)


@placements
@kinds
def test_a_share_of_0_is_one_call_to_the_bit(placement: Any, options: dict[str, Any]) -> None:
    own, (read, source) = decoder(placement, dropout=0.3, **options), tokens()
    torch.manual_seed(SEED)
    expected = own(read, begun(own))
    torch.manual_seed(SEED)
    found = read_own_words(own, read, begun(own), 0.0, source)
    for one, other in zip(found, expected, strict=True):
        assert (
            one is other is None or torch.testing.assert_close(one, other, rtol=0, atol=0) is None
        )


@placements
@kinds
def test_true_words_step_by_step_are_the_whole_target(
    placement: Any, options: dict[str, Any]
) -> None:
    own, (read, source) = decoder(placement, **options).eval(), tokens()
    found = read_own_words(own, read, begun(own), 1e-12, source)
    for one, other in zip(found, own(read, begun(own)), strict=True):
        assert one is other is None or torch.testing.assert_close(one, other) is None


def greedily(own: Decoder, first: Tensor, source: Tensor) -> Tensor:
    """The most probable tokens one after another, the first one included, [T, B]."""
    state, numbers = begun(own), [first]
    for _ in range(T - 1):
        found, state = own.step(numbers[-1], state)
        numbers.append(own.log_probs(found, source)[0].argmax(-1))
    return torch.stack(numbers)


@placements
@kinds
def test_a_share_of_1_reads_its_own_words_alone(placement: Any, options: dict[str, Any]) -> None:
    own, (read, source) = decoder(placement, **options).eval(), tokens()
    written = greedily(own, read[0], source)
    assert not torch.equal(written[1:], read[1:])
    found = read_own_words(own, read, begun(own), 1.0, source)
    for one, other in zip(found, own(written, begun(own)), strict=True):
        assert one is other is None or torch.testing.assert_close(one, other) is None


def test_gradients_reach_every_weight() -> None:
    own, (read, source) = decoder("before", copying=True), tokens()
    found = read_own_words(own, read, begun(own), 0.5, source)
    torch.autograd.backward(own.log_probs(found, source).sum())
    assert all(weight.grad is not None for weight in own.parameters())
