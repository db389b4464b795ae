"""Experiments whose number alone decides: each fault, and its healthy counterpart."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.diagnosis.experiments import (
    alignment,
    inputs,
    leaks,
    mixing,
    modes,
    order,
    output,
    overflow,
    padding,
    past,
    state,
    training_step,
    weights,
)
from longshort.diagnosis.measured import Measured
from tests.diagnosis.subjects import Net, batches, cross_entropy, labels, numbers, squared, subject


def value(found: Measured | None, name: str) -> float:
    assert found is not None
    return found.numbers[name]


class Softmax(Net):
    """Probabilities where logits are expected."""

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return super().forward(x, lengths).softmax(-1)


@pytest.mark.parametrize(("module", "expected"), [(Net(), 0.0), (Softmax(), 1.0)])
def test_a_softmax_before_the_cross_entropy_is_seen(module: Net, expected: float) -> None:
    assert value(output.measure(subject(module)), "double_softmax") == expected


def test_a_softmax_within_the_loss_is_seen() -> None:
    def loss(module: nn.Module, batch: Any) -> Tensor:
        return F.cross_entropy(module(batch[0]).softmax(-1), batch[1])

    assert value(output.measure(subject(loss=loss)), "double_softmax") == 1.0


def test_squared_errors_of_class_numbers_are_seen() -> None:
    found = output.measure(subject(Net(1), squared))
    assert value(found, "class_numbers") == 1.0


def test_targets_beyond_a_bounded_output_are_counted() -> None:
    class Bounded(Net):
        def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
            return super().forward(x, lengths).tanh()

    given = [(numbers(), torch.linspace(-2, 2, 32)) for _ in range(3)]
    assert value(output.measure(subject(Bounded(1), squared, given)), "outside") == 0.5
    assert value(output.measure(subject(Net(1), squared, given)), "outside") == 0.0


@pytest.mark.parametrize(("batch_first", "is_mixed"), [(True, False), (False, True)])
def test_swapped_axes_mix_samples(batch_first: bool, is_mixed: bool) -> None:
    found = value(mixing.measure(subject(Net(batch_first=batch_first))), "mixed")
    assert (found > 1e-3) == is_mixed
    assert found == 0.0 or is_mixed


class Keeps(Net):
    """Hands its state to the next batch, detached or not."""

    def __init__(self, detaches: bool) -> None:
        super().__init__()
        self.state: Any = None
        self.detaches = detaches

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        states, after = self.layer(x, self.state)
        self.state = tuple(s.detach() if self.detaches else s for s in after)
        out: Tensor = self.head(states[:, -1])
        return out


def test_a_state_between_batches_is_seen() -> None:
    assert value(state.measure(subject()), "carried") == 0.0
    assert value(state.measure(subject(Keeps(True))), "carried") > 1e-4
    assert value(state.measure(subject(Keeps(True), carries_state=True)), "kept") > 1e-4
    assert value(state.measure(subject(carries_state=True)), "kept") == 0.0


def test_a_state_that_is_not_detached_lets_the_graph_grow() -> None:
    assert value(state.measure(subject(Keeps(True))), "growth") == pytest.approx(1.0, abs=0.05)
    assert value(state.measure(subject(Keeps(False))), "growth") > 1.2


def padded() -> list[Any]:
    lengths = torch.arange(32) % 6 + 5
    return [(numbers(), labels(), lengths) for _ in range(3)]


def test_answers_read_from_padding_are_seen() -> None:
    class ReadsEnd(Net):
        def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
            return super().forward(x)

    assert value(padding.measure(subject(given=padded())), "read") == 0.0
    assert value(padding.measure(subject(ReadsEnd(), given=padded())), "read") > 1e-3


def test_padding_in_the_loss_is_seen() -> None:
    class ByStep(Net):
        def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
            return super().forward(x)

    def masked(module: nn.Module, batch: Any) -> Tensor:
        x, y, lengths = batch
        known = torch.arange(y.size(1)) < lengths[:, None]
        return F.cross_entropy(module(x, lengths)[known], y[known])

    lengths = torch.arange(32) % 6 + 5
    steps = labels(320).view(32, 10)
    given = [(numbers(), steps, lengths) for _ in range(3)]
    module = ByStep(by_step=True)
    assert value(padding.measure(subject(module, masked, given)), "in_loss") == 0.0
    assert value(padding.measure(subject(module, cross_entropy, given)), "in_loss") > 0.1


class BothEnds(Net):
    """Reads a bidirectional layer at its last step, or each direction at its own."""

    def __init__(self, is_right: bool) -> None:
        super().__init__(bidirectional=True)
        self.is_right = is_right

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        states, _ = self.layer(x)
        right = torch.cat([states[:, -1, :6], states[:, 0, 6:]], 1)
        out: Tensor = self.head(right if self.is_right else states[:, -1])
        return out


@pytest.mark.parametrize("is_right", [True, False])
def test_a_backward_direction_that_has_read_one_step_is_named(is_right: bool) -> None:
    found = past.measure(subject(BothEnds(is_right)))
    assert value(found, "one_step_back") == float(not is_right)
    assert found is not None
    assert found.where["one_step_back"] == ("" if is_right else "layer")


def test_a_state_lost_at_every_step_is_seen() -> None:
    class Loses(Net):
        def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
            steps = [self.layer(x[:, n : n + 1])[0] for n in range(x.size(1))]
            out: Tensor = self.head(torch.cat(steps, 1))
            return out

    given = [(numbers(), labels(320).view(32, 10))] * 3
    assert value(past.measure(subject(Loses(), given=given)), "past_unused") == 1.0
    assert value(past.measure(subject(Net(by_step=True), given=given)), "past_unused") == 0.0


def test_a_causal_network_that_reads_ahead_is_seen() -> None:
    given = [(numbers(), labels(320).view(32, 10))] * 3
    ahead = subject(Net(by_step=True, bidirectional=True), given=given, is_causal=True)
    causal = subject(Net(by_step=True), given=given, is_causal=True)
    assert value(past.measure(ahead), "future_read") > 1e-3
    assert value(past.measure(causal), "future_read") == 0.0


def test_units_that_are_all_alike_are_seen() -> None:
    module = Net()
    for weight in module.parameters():
        nn.init.constant_(weight, 0.1)
    assert value(weights.measure(subject(module)), "alike") == 1.0
    assert value(weights.measure(subject()), "alike") == 0.0


def test_the_first_operation_that_overflows_is_named() -> None:
    class Half(Net):
        def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
            return (super().forward(x).half() * 6e4 * 6e4).float()

    found = overflow.measure(subject(Half()))
    assert (value(found, "overflow"), value(found, "half")) == (1.0, 1.0)
    assert "mul" in found.where["half"]
    assert value(overflow.measure(subject()), "overflow") == 0.0


def test_missing_values_and_scales_are_measured() -> None:
    x = numbers() * 1e5
    x[0, 0, 0] = torch.nan
    found = inputs.measure(subject(Net(1), squared, [(x, torch.full((32,), 100.0))] * 3))
    assert value(found, "missing") == pytest.approx(1 / x.numel())
    assert value(found, "scale") > 1e5
    assert value(found, "target_scale") == pytest.approx(100.0)


def test_duplicates_across_the_split_are_counted() -> None:
    train = batches(4)
    fresh = [(x + 1.0, y) for x, y in batches(2)]
    assert value(leaks.measure(subject(given=train, val_batches=fresh)), "shared") == 0.0
    assert value(leaks.measure(subject(given=train, val_batches=train[:2])), "shared") == 1.0
    stream = subject(given=train, val_batches=train[:2], carries_state=True)
    assert value(leaks.measure(stream), "shared") == 0.0


def test_short_sequences_of_few_symbols_are_equal_by_chance() -> None:
    class Tokens(Net):
        def __init__(self) -> None:
            super().__init__(by_step=True)
            self.vectors = nn.Embedding(2, 2)

        def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
            return super().forward(self.vectors(x))

    draw = torch.Generator().manual_seed(0)
    pairs = [(torch.randint(0, 2, (64, 4), generator=draw),) * 2 for _ in range(6)]
    found = leaks.measure(subject(Tokens(), given=pairs[:4], val_batches=pairs[4:]))
    assert value(found, "shared") <= 0.05


def test_an_input_that_is_the_target_is_seen() -> None:
    x = numbers()
    found = leaks.measure(subject(Net(1), squared, [(x, x[:, -1, 1])] * 2))
    assert value(found, "shown") == 1.0


def test_a_scaler_of_all_splits_is_seen() -> None:
    train, val = numbers(64), numbers(64) * 2.0 + 1.0
    both = torch.cat([train, val]).flatten(0, 1)
    mean, deviation = both.mean(0), both.std(0)

    def made(mean: Tensor, deviation: Tensor) -> float:
        given = [((x - mean) / deviation, torch.arange(64.0)) for x in (train, val)]
        of = subject(Net(1), squared, given[:1], val_batches=given[1:])
        return value(leaks.measure(of), "pooled")

    own = train.flatten(0, 1)
    assert made(mean, deviation) > 20.0
    assert made(own.mean(0), own.std(0)) < 20.0


def test_batches_in_the_order_of_their_labels_are_seen() -> None:
    x = torch.cat([x for x, _ in batches(8)])
    y = torch.cat([y for _, y in batches(8)])
    ordered = y.argsort()
    given = list(zip(x[ordered].split(32), y[ordered].split(32), strict=True))
    assert value(order.measure(subject(given=given)), "sorted") > 0.5
    assert value(order.measure(subject(given=batches(8))), "sorted") < 0.1


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_labels_of_another_step_tell_their_shift(shift: int) -> None:
    x = numbers(64, 20)
    y = (x[:, :, 0] > 0).long() + (x[:, :, 1] > 0).long()
    found = alignment.measure(subject(Net(by_step=True), given=[(x, y.roll(-shift, 1))] * 2))
    assert value(found, "shift") == shift


class Symbols(nn.Module):
    """An LSTM over symbols [B, T], with an output for each of nine at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.Embedding(9, 4)
        self.layer = nn.LSTM(4, 9, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Outputs [B, T, 9]."""
        out: Tensor = self.layer(self.vectors(x))[0]
        return out


@pytest.mark.parametrize(("ahead", "shift"), [(1, 0), (2, 1)])
def test_padding_does_not_hide_that_targets_are_the_next_symbols(ahead: int, shift: int) -> None:
    text = torch.randint(1, 9, (32, 20), generator=torch.Generator().manual_seed(0))
    lengths = torch.arange(32) % 8 + 10
    padded = torch.arange(20) >= lengths[:, None]
    x, y = (each.masked_fill(padded, 0) for each in (text, text.roll(-ahead, 1)))
    found = alignment.measure(subject(Symbols(), given=[(x, y, lengths)] * 2))
    assert value(found, "shift") == shift
    assert value(found, "gain") == shift


def a_step(module: nn.Module, optimizer: torch.optim.Optimizer, zero: bool = True) -> Any:
    def step(batch: Any) -> float:
        if zero:
            optimizer.zero_grad()
        loss = cross_entropy(module, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return float(loss.detach())

    return step


@pytest.mark.parametrize("zero", [True, False])
def test_gradients_that_are_never_zeroed_are_seen(zero: bool) -> None:
    module = Net()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    found = training_step.measure(
        subject(module, step=a_step(module, optimizer, zero), optimizer=optimizer)
    )
    assert value(found, "accumulated") == float(not zero)


def test_weights_that_the_optimizer_lacks_are_named() -> None:
    module = Net()
    optimizer = torch.optim.Adam(module.head.parameters())
    found = training_step.measure(subject(module, step=a_step(module, optimizer)))
    assert found is not None
    assert value(found, "frozen") > 0.9
    assert found.where["frozen"].startswith("layer.weight_ih_l0")


@pytest.mark.parametrize("is_right", [True, False])
def test_validation_in_training_mode_is_seen(is_right: bool) -> None:
    class Drops(Net):
        def __init__(self) -> None:
            super().__init__()
            self.drop = nn.Dropout(0.5)

    module = Drops()

    def validate() -> float:
        module.train(not is_right)
        return float(cross_entropy(module, batches(1)[0]).detach())

    found = value(modes.measure(subject(module, validate=validate)), "in_training")
    assert found == float(not is_right)
