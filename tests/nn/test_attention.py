"""Attention, and decoders that use it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from longshort.cells import LSTM
from longshort.cells.named import build_cell
from longshort.errors import ArgumentError
from longshort.nn.blocks.attention import SCORES, Attention
from longshort.nn.blocks.bridge import Bridge
from longshort.nn.blocks.decoder import PLACEMENTS, Decoder
from longshort.nn.blocks.embedding import Embedding
from longshort.nn.blocks.encoder import Encoder
from longshort.nn.recurrent import Recurrent

T, S, B, H, E, V = 5, 7, 3, 6, 4, 11
LENGTHS = torch.tensor([7, 4, 1])
UNKNOWN: Any = "cosine"
scores = pytest.mark.parametrize("score", SCORES)
placements = pytest.mark.parametrize("placement", PLACEMENTS)


def attention(score: Any, coverage: bool = False) -> Attention:
    torch.manual_seed(0)
    return Attention(H, H, score, coverage=coverage)


@scores
def test_the_context_is_the_mean_of_the_memory_under_the_weights(score: Any) -> None:
    torch.manual_seed(1)
    query, memory = torch.randn(T, B, H), torch.randn(S, B, H)
    own = attention(score)
    context, weights = own(query, own.prepare(memory, LENGTHS))
    assert torch.allclose(weights.sum(-1), torch.ones(T, B))
    assert not weights[:, 1, 4:].any() and not weights[:, 2, 1:].any()
    torch.testing.assert_close(context, torch.einsum("tbs,sbm->tbm", weights, memory))
    torch.testing.assert_close(context[:, 2], memory[0, 2].expand(T, H))


def test_scores_are_those_of_the_papers() -> None:
    torch.manual_seed(2)
    query, memory = torch.randn(1, 1, H), torch.randn(S, 1, H)
    q, h = query[0, 0], memory[:, 0]
    own: Any = {each: attention(each) for each in SCORES}
    dot, general, additive = own.values()
    expected = {
        dot: h @ q,
        general: h @ general.keys.weight.T @ q,
        additive: torch.tanh(additive.query(q) + additive.keys(h)) @ additive.vector,
    }
    for own, values in expected.items():
        _, weights = own(query, own.prepare(memory, torch.tensor([S])))
        torch.testing.assert_close(weights[0, 0], values.softmax(0))


@scores
def test_padding_of_the_memory_changes_nothing(score: Any) -> None:
    torch.manual_seed(3)
    query, memory = torch.randn(T, B, H), torch.randn(S, B, H)
    wider = torch.cat([memory, torch.full((4, B, H), 1e6)])
    own = attention(score)
    context, weights = own(query, own.prepare(memory, LENGTHS))
    more, longer = own(query, own.prepare(wider, LENGTHS))
    assert torch.equal(longer[..., :S], weights) and not longer[..., S:].any()
    torch.testing.assert_close(more, context, rtol=1e-6, atol=1e-6)


def test_coverage_moves_the_attention_away() -> None:
    own = attention("additive", coverage=True)
    with torch.no_grad():
        own.covered.copy_(-5 * own.vector.sign())
    memory = own.prepare(torch.randn(S, 1, H), torch.tensor([S]))
    query = torch.randn(1, 1, H)
    _, first = own(query, memory, torch.zeros(1, S))
    _, second = own(query, memory, first[0])
    seen = int(first.argmax())
    assert second[0, 0, seen] < first[0, 0, seen]


def decoder(placement: Any = "after", score: Any = "general", **options: Any) -> Decoder:
    torch.manual_seed(4)
    more = {"after": 0, "feeding": E, "before": H}[placement]
    own = Attention(H, H, score, coverage=options.pop("coverage", False))
    layers = Recurrent(LSTM(), E + more, H)
    return Decoder(Embedding(V, E), layers, own, H, placement=placement, **options)


def begun(own: Decoder) -> Any:
    torch.manual_seed(5)
    assert own.attention is not None
    memory = own.attention.prepare(torch.randn(S, B, H), LENGTHS)
    return own.begin((torch.randn(1, B, H).tanh(), torch.randn(1, B, H)), memory)


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "copying": {"copying": True},
    "covering": {"score": "additive", "coverage": True},
}


@placements
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_steps_are_the_whole_target(placement: Any, options: dict[str, Any]) -> None:
    own = decoder(placement, **options).eval()
    numbers, source = torch.randint(4, V, (T, B)), torch.randint(4, V, (S, B))
    whole = own(numbers, begun(own))
    expected = own.log_probs(whole, source)
    state = begun(own)
    for t in range(T):
        found, state = own.step(numbers[t], state)
        torch.testing.assert_close(own.log_probs(found, source)[0], expected[t])
    assert whole.weights is not None and whole.weights.shape == (T, B, S)
    torch.testing.assert_close(expected.exp().sum(-1), torch.ones(T, B))


@placements
def test_taken_states_go_on_as_their_samples(placement: Any) -> None:
    own = decoder(placement, score="additive", coverage=True).eval()
    numbers = torch.randint(4, V, (T, B))
    _, state = own.step(numbers[0], begun(own))
    rows = torch.tensor([2, 0, 0])
    alone, _ = own.step(numbers[1], state)
    taken, _ = own.step(numbers[1][rows], state.take(rows))
    torch.testing.assert_close(taken.outputs, alone.outputs[:, rows])


def test_a_copied_token_gets_the_attention_on_all_its_places() -> None:
    own = decoder(copying=True).eval()
    assert own.gate is not None
    with torch.no_grad():
        own.gate.weight.zero_()
        own.gate.bias.fill_(50.0)  # always copies
    source = torch.full((S, B), 7)
    source[1:, 0] = 9
    found = own(torch.randint(4, V, (T, B)), begun(own))
    probs = own.log_probs(found, source).exp()
    assert found.weights is not None
    torch.testing.assert_close(probs[:, 0, 7], found.weights[:, 0, 0])
    torch.testing.assert_close(probs[:, 0, 9], found.weights[:, 0, 1:].sum(-1))


def test_the_coverage_loss_is_the_attention_that_steps_get_again() -> None:
    own = decoder(score="additive", coverage=True).eval()
    found = own(torch.randint(4, V, (T, B)), begun(own))
    assert found.weights is not None and found.unspread is not None
    before = found.weights.cumsum(0) - found.weights
    torch.testing.assert_close(found.unspread, torch.minimum(found.weights, before).sum(-1))


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_a_bridge_leads_from_any_cell_to_any_other(name: str) -> None:
    source = Recurrent(build_cell(name, {}), E, H, num_layers=2, bidirectional=True)
    _, last = Encoder(source)(torch.randn(S, B, E), LENGTHS)
    for other in ("lstm", "gru"):
        target = Recurrent(build_cell(other, {}), E, H + 2, num_layers=3)
        first = Bridge(source, target)(last)
        states = first if isinstance(first, tuple) else (first,)
        assert [tuple(each.shape) for each in states] == [(3, B, H + 2)] * len(states)
        assert target(torch.randn(T, B, E), first)[0].shape == (T, B, H + 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Attention(4, 5, "dot"), "one size, got 4 and 5"),
        (lambda: Attention(4, 4, UNKNOWN), "allowed: dot, general, additive"),
        (lambda: Attention(4, 4, "dot", coverage=True), "needs score='additive'"),
        (
            lambda: Decoder(Embedding(V, E), Recurrent(LSTM(), E, H), None, copying=True),
            "needs an attention",
        ),
        (
            lambda: Decoder(
                Embedding(V, E), Recurrent(LSTM(), E, H), Attention(H, H), H, placement="feeding"
            ),
            "input_size must be 8",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        make()
    assert message in str(caught.value)


def test_a_decoder_that_copies_needs_the_source() -> None:
    own = decoder(copying=True)
    with pytest.raises(ArgumentError, match="needs the numbers of the source"):
        own.log_probs(own(torch.ones(1, B, dtype=torch.long), begun(own)))


def whole(own: Decoder, numbers: Tensor) -> Tensor:
    found: Tensor = own(numbers, begun(own)).outputs
    return found


@placements
def test_a_target_is_read_in_order(placement: Any) -> None:
    own = decoder(placement).eval()
    numbers = torch.randint(4, V, (T, B))
    changed = numbers.clone()
    changed[3:] = 4
    assert torch.equal(whole(own, numbers)[:3], whole(own, changed)[:3])
