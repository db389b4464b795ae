"""Small tasks in plain torch whose training can be broken in every way that a setup names."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from longshort.diagnosis.repairs import begun_anew

TRAIN, VAL, TEST = 512, 256, 512


@dataclass(frozen=True)
class Setup:
    """A training in plain torch; the defaults are healthy. `task` is a key of `DATA`."""

    task: str = "classes"
    optimizer: str = "adam"
    lr: float = 0.01
    weight_decay: float = 0.0
    dropout: float = 0.0
    hidden: int = 24
    epochs: int = 20
    batch: int = 32
    clip: float | None = 1.0
    rows: int = TRAIN
    cell: str = "lstm"
    bidirectional: bool = False
    zero_grad: bool = True
    is_frozen: bool = False
    softmax: bool = False
    squared: bool = False
    noise: float = 0.0
    shift: int = 0
    input_scale: float = 1.0
    target_scale: float = 1.0
    is_missing: bool = False
    is_swapped: bool = False
    is_sorted: bool = False
    keeps_state: bool = False
    detaches: bool = True
    forgets_steps: bool = False
    streams: bool = False
    drops_state: bool = False
    has_lengths: bool = False
    masks: bool = True
    reads_end: bool = False
    reads_last_of_both: bool = False
    forget_bias: float | None = None
    recurrent_scale: float = 1.0
    scaler_of_all: bool = False
    shows_target: bool = False
    duplicates: float = 0.0
    trains_in_validation: bool = False
    rare: bool = False
    has_no_signal: bool = False
    bounded: bool = False
    is_alike: bool = False
    is_half: bool = False
    is_weighted: bool = False
    is_begun_anew: bool = False


@dataclass
class Made:
    """A setup made: what `longshort.diagnose` is given, and clean test data."""

    setup: Setup
    module: nn.Module
    loss: Callable[[nn.Module, Any], Tensor]
    batches: list[Any]
    val_batches: list[Any]
    test: Any
    step: Callable[[Any], float]
    optimizer: torch.optim.Optimizer
    validate: Callable[[], float]
    more: dict[str, Any] = field(default_factory=dict)


Arrays = tuple[Tensor, Tensor]


def adding(count: int, draw: np.random.Generator) -> Arrays:
    """Adding problem with 20 steps: the sum of two marked numbers, less its mean."""
    x = np.zeros((count, 20, 2), np.float32)
    x[:, :, 0] = draw.uniform(-1, 1, (count, 20))
    for row in x:
        row[draw.choice(20, 2, replace=False), 1] = 1.0
    return torch.from_numpy(x), torch.from_numpy((x[:, :, 0] * x[:, :, 1]).sum(1) * 1.2)


def classes(count: int, draw: np.random.Generator) -> Arrays:
    """Four classes of noisy waves by their frequency, 24 steps."""
    labels = draw.integers(0, 4, count)
    speed = np.array([0.25, 0.45, 0.75, 1.2])[labels]
    phase = draw.uniform(0, 2 * math.pi, count)
    x = np.sin(speed[:, None] * np.arange(24) + phase[:, None]) + draw.normal(0, 0.4, (count, 24))
    return torch.from_numpy(x[:, :, None].astype(np.float32)), torch.from_numpy(labels)


def sine(count: int, draw: np.random.Generator) -> Arrays:
    """Waves of unknown frequency and phase with noise; the value two steps ahead, 24 steps."""
    speed, phase = draw.uniform(0.2, 1.0, count), draw.uniform(0, 2 * math.pi, count)
    waves = np.sin(speed[:, None] * np.arange(26) + phase[:, None])
    x = (waves[:, :24] + draw.normal(0, 0.1, (count, 24)))[:, :, None].astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy((1.4 * waves[:, 25]).astype(np.float32))


def orders(count: int, draw: np.random.Generator) -> Arrays:
    """Four classes by the signs of two early pulses among noise, 24 steps."""
    labels = draw.integers(0, 4, count)
    x = draw.normal(0, 0.2, (count, 24, 1)).astype(np.float32)
    rows = np.arange(count)
    x[rows, draw.integers(0, 5, count), 0] += np.where(labels % 2, 2.0, -2.0)
    x[rows, draw.integers(6, 11, count), 0] += np.where(labels // 2, 2.0, -2.0)
    return torch.from_numpy(x), torch.from_numpy(labels)


def tags(count: int, draw: np.random.Generator) -> Arrays:
    """A tag of each token, by the token and the one before: 16 steps, 20 tokens, 3 tags."""
    x = draw.integers(2, 22, (count, 16))
    before = np.concatenate([np.zeros((count, 1), int), x[:, :-1]], 1)
    return torch.from_numpy(x), torch.from_numpy((x % 3 + (before % 5 == 0)) % 3)


def chars(count: int, draw: np.random.Generator) -> Arrays:
    """Next symbol of a chain of second order: 24 steps, 12 symbols."""
    table = np.random.default_rng(7).dirichlet(np.full(12, 0.12), (12, 12))
    text = draw.integers(0, 12, (count, 25))
    for n in range(2, 25):
        ranks = table[text[:, n - 2], text[:, n - 1]].cumsum(1)
        text[:, n] = np.minimum((draw.random((count, 1)) > ranks).sum(1), 11)
    return torch.from_numpy(text[:, :-1]), torch.from_numpy(text[:, 1:])


def largest(count: int, draw: np.random.Generator) -> Arrays:
    """The largest of five marked numbers among 20, less its mean."""
    x = np.zeros((count, 20, 2), np.float32)
    x[:, :, 0] = draw.uniform(-1, 1, (count, 20))
    for row in x:
        row[draw.choice(20, 5, replace=False), 1] = 1.0
    found = np.where(x[:, :, 1] > 0, x[:, :, 0], -1.0).max(1)
    return torch.from_numpy(x), torch.from_numpy((3.0 * (found - 0.66)).astype(np.float32))


def shapes(count: int, draw: np.random.Generator) -> Arrays:
    """Four classes of 24 noisy steps: rising, falling, a peak, or a dip, at any place."""
    labels = draw.integers(0, 4, count)
    begin = draw.integers(2, 14, count)
    x = draw.normal(0, 0.4, (count, 24, 1)).astype(np.float32)
    ramp = np.linspace(-1.5, 1.5, 9)
    curves = np.stack([ramp, -ramp, 1.5 - np.abs(ramp) * 2, np.abs(ramp) * 2 - 1.5])
    for row, label, at in zip(x, labels, begin, strict=True):
        row[at : at + 9, 0] += curves[label]
    return torch.from_numpy(x), torch.from_numpy(labels)


def melody(count: int, draw: np.random.Generator) -> Arrays:
    """Next symbol of 24: that of a chain of first order, every third one that three before."""
    table = np.random.default_rng(17).dirichlet(np.full(10, 0.15), 10)
    text = draw.integers(0, 10, (count, 25))
    for n in range(3, 25):
        ranks = table[text[:, n - 1]].cumsum(1)
        text[:, n] = np.minimum((draw.random((count, 1)) > ranks).sum(1), 9)
        if n % 3 == 0:
            text[:, n] = text[:, n - 3]
    return torch.from_numpy(text[:, :-1]), torch.from_numpy(text[:, 1:])


DATA: dict[str, Callable[[int, np.random.Generator], Arrays]] = {
    "adding": adding,
    "classes": classes,
    "sine": sine,
    "orders": orders,
    "tags": tags,
    "chars": chars,
    "largest": largest,
    "shapes": shapes,
    "melody": melody,
}
OUTPUTS = {
    "adding": 1,
    "classes": 4,
    "sine": 1,
    "orders": 4,
    "tags": 3,
    "chars": 12,
    "largest": 1,
    "shapes": 4,
    "melody": 10,
}
TOKENS = {"tags": 22, "chars": 12, "melody": 10}


class Net(nn.Module):
    """A recurrent network with the faults of its setup."""

    def __init__(self, setup: Setup, features: int) -> None:
        super().__init__()
        self.setup = setup
        tokens = TOKENS.get(setup.task)
        self.embedding = nn.Embedding(tokens, 12) if tokens else None
        width = 12 if tokens else features
        kind = {"lstm": nn.LSTM, "rnn": nn.RNN, "gru": nn.GRU}[setup.cell]
        self.layer = kind(
            width, setup.hidden, batch_first=not setup.is_swapped, bidirectional=setup.bidirectional
        )
        outputs = 1 if setup.squared else OUTPUTS[setup.task]
        self.drop = nn.Dropout(setup.dropout)
        self.head = nn.Linear(setup.hidden * (2 if setup.bidirectional else 1), outputs)
        self.state: Any = None
        self.is_by_step = setup.task in TOKENS
        with torch.no_grad():
            if setup.forget_bias is not None:
                hidden = setup.hidden
                self.layer.bias_ih_l0[hidden : 2 * hidden] = setup.forget_bias
            self.layer.weight_hh_l0 *= setup.recurrent_scale
            if setup.is_alike:
                for weight in self.parameters():
                    weight.fill_(0.1)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return outputs [B, T, K] of every step, or [B, K] of a sequence."""
        values = x if self.embedding is None else self.embedding(x)
        states = self._states(values)
        if not self.is_by_step:
            states = self._end(states, lengths)
        states = self.drop(states)
        if self.setup.is_half:
            states = ((states * 3e4).half() * 4).float() / 1.2e5
        out = self.head(states)
        if self.setup.softmax:
            out = out.softmax(-1)
        if self.setup.bounded:
            out = out.tanh()
        return out.squeeze(-1) if out.size(-1) == 1 else out

    def _states(self, values: Tensor) -> Tensor:
        if self.setup.forgets_steps:
            return torch.cat(
                [self.layer(values[:, n : n + 1])[0] for n in range(values.size(1))], 1
            )
        given = self.state if self._is_fitting(values) else None
        states, after = self.layer(values, given)
        if self.setup.keeps_state or self.setup.streams:
            is_kept = not self.setup.drops_state
            detached = mapped(after) if self.setup.detaches else after
            self.state = detached if is_kept else None
        return states

    def _is_fitting(self, values: Tensor) -> bool:
        if self.state is None:
            return False
        first = self.state[0] if isinstance(self.state, tuple) else self.state
        return first.size(1) == len(values)

    def _end(self, states: Tensor, lengths: Tensor | None) -> Tensor:
        if self.setup.reads_last_of_both or (not self.setup.bidirectional and lengths is None):
            return states[:, -1]
        if lengths is not None and not self.setup.reads_end:
            return states[torch.arange(len(states)), lengths - 1]
        if lengths is not None:
            return states[:, -1]
        hidden = self.setup.hidden
        return torch.cat([states[:, -1, :hidden], states[:, 0, hidden:]], 1)


def mapped(state: Any) -> Any:
    """Return the state detached."""
    return tuple(x.detach() for x in state) if isinstance(state, tuple) else state.detach()


def loss_of(setup: Setup) -> Callable[[nn.Module, Any], Tensor]:
    """Return the loss of a batch of the setup."""

    def loss(module: nn.Module, batch: Any) -> Tensor:
        x, y, *lengths = batch
        out = module(x, *lengths)
        if setup.squared:
            return F.mse_loss(out, y.float())
        if y.is_floating_point():
            return F.mse_loss(out, y)
        weights = torch.tensor([1.0, 60.0]) if setup.is_weighted else None
        if out.dim() == 2:
            return F.cross_entropy(out, y, weights)
        each = F.cross_entropy(out.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)
        if lengths and setup.masks:
            known = torch.arange(y.size(1)) < lengths[0][:, None]
            return each[known].mean()
        return each.mean()

    return loss


def make(setup: Setup, seed: int = 0) -> Made:
    """Make the training of a setup."""
    torch.manual_seed(seed)
    train, val, test = splits_of(setup, seed)
    module = Net(setup, train[0].size(-1) if train[0].dim() == 3 else 0)
    if setup.rare:
        module.head = nn.Linear(setup.hidden, 2)
    if setup.is_begun_anew:
        begun_anew(module, seed)
    loss = loss_of(setup)
    weights = list(module.head.parameters()) if setup.is_frozen else list(module.parameters())
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    how = {"momentum": 0.9} if setup.optimizer == "sgd" else {}
    optimizer = kinds[setup.optimizer](weights, lr=setup.lr, weight_decay=setup.weight_decay, **how)

    def step(batch: Any) -> float:
        if setup.zero_grad:
            optimizer.zero_grad()
        found = loss(module, batch)
        found.backward(retain_graph=not setup.detaches)
        if setup.clip is not None:
            nn.utils.clip_grad_norm_(module.parameters(), setup.clip)
        optimizer.step()
        return float(found.detach())

    val_batches = batches_of(val, 64, setup)

    def validate() -> float:
        if not setup.trains_in_validation:
            module.eval()
        with torch.no_grad():
            return float(np.mean([float(loss(module, batch)) for batch in val_batches]))

    more: dict[str, Any] = {"epochs": setup.epochs}
    if setup.streams:
        more["carries_state"] = True
    if setup.task in ("chars", "melody"):
        more["is_causal"] = True
    batches = batches_of(train, setup.batch, setup)
    return Made(setup, module, loss, batches, val_batches, test, step, optimizer, validate, more)


def splits_of(setup: Setup, seed: int) -> tuple[Any, Any, Any]:
    """Return training and validation with the setup's faults, and a clean test split."""
    draw = np.random.default_rng(seed + 11)
    train, val, test = (spoilt_rare(setup, n, draw) for n in (setup.rows, VAL, TEST))
    if setup.has_no_signal:
        train, val, test = ((x, y[torch.randperm(len(y))]) for x, y in (train, val, test))
    if setup.duplicates:
        count = int(setup.duplicates * VAL)
        val = tuple(torch.cat([t[:count], v[count:]]) for t, v in zip(train, val, strict=True))
    train, val = (spoilt(setup, each, draw) for each in (train, val))
    test = scaled(setup, *test)
    if setup.scaler_of_all and train[0].is_floating_point():
        both = torch.cat([train[0], val[0]]).flatten(0, 1)
        mean, deviation = both.mean(0), both.std(0)
        train, val, test = (((x - mean) / deviation, *rest) for x, *rest in (train, val, test))
    if setup.shows_target:
        train, val = (shown(each) for each in (train, val))
        hidden = torch.zeros(len(test[0]), test[0].size(1), 1)
        test = (torch.cat([test[0], hidden], 2), test[1])
    if setup.has_lengths:
        train, val, test = (with_lengths(each, draw) for each in (train, val, test))
    if setup.is_sorted:
        order = train[1].flatten(1)[:, 0].argsort() if train[1].dim() > 1 else train[1].argsort()
        train = tuple(part[order] for part in train)
    return train, val, test


def spoilt_rare(setup: Setup, count: int, draw: np.random.Generator) -> Arrays:
    """Return samples; with `rare` two classes, of which one has a two-hundredth."""
    if not setup.rare:
        return DATA[setup.task](count, draw)
    x, y = DATA[setup.task](count * 8, draw)
    label = (y if y.dim() == 1 else y[:, -1]) == 0
    few = label.nonzero().flatten()[: max(4, count // 200)]
    many = (~label).nonzero().flatten()[: count - len(few)]
    order = torch.cat([few, many])[torch.randperm(count)]
    return x[order], (~label[order]).long()


def spoilt(setup: Setup, given: Any, draw: np.random.Generator) -> Any:
    """Return samples with the faults of a setup."""
    x, y = given
    if setup.noise:
        chosen = torch.from_numpy(draw.random(len(y)) < setup.noise)
        y = y.clone()
        y[chosen] = y[chosen][torch.randperm(int(chosen.sum()))]
    if setup.shift:
        y = y.roll(setup.shift, 1)
    x, y = scaled(setup, x, y)
    if setup.is_missing:
        x = x.clone()
        x[5, 3] = float("nan")
    return x, y


def scaled(setup: Setup, x: Tensor, y: Tensor) -> Arrays:
    """Return inputs and targets in the unit of the setup; whole numbers stay."""
    x = x * setup.input_scale if x.is_floating_point() else x
    return x, y * setup.target_scale + setup.target_scale - 1.0 if y.is_floating_point() else y


def shown(given: Any) -> Any:
    """Return samples with the target as a further feature of the last step."""
    x, y = given
    column = torch.zeros(len(x), x.size(1), 1)
    column[:, -1, 0] = y.float()
    return torch.cat([x, column], 2), y


def with_lengths(given: Any, draw: np.random.Generator) -> Any:
    """Return samples of different lengths, padded with what looks like data."""
    x, y = given
    lengths = torch.from_numpy(draw.integers(x.size(1) // 2, x.size(1) + 1, len(x)))
    padded = torch.arange(x.size(1)) >= lengths[:, None]
    x = x.clone()
    if x.is_floating_point():
        x[padded] = 0.0
    else:
        x[padded] = 0
    if y.dim() == 2:
        y = y.clone()
        y[padded] = 0
    return x, y, lengths


def batches_of(given: Any, size: int, setup: Setup) -> list[Any]:
    """Return batches; of streams, one chunk after another of the same rows."""
    if setup.streams:
        steps = given[0].size(1)
        return [
            tuple(part[begin : begin + size, n : n + steps // 3] for part in given[:2])
            for begin in range(0, len(given[0]), size)
            for n in range(0, steps, steps // 3)
        ]
    return list(zip(*(part.split(size) for part in given), strict=True))


def trained_score(setup: Setup, seed: int = 0) -> tuple[float, float]:
    """Train as the setup says; return the loss of the clean test split, and its own validation.

    Of labels the first is one minus the balanced accuracy, of numbers the mean squared error over
    the targets' variance.
    """
    made = make(setup, seed)
    torch.manual_seed(seed)
    best, kept, own = math.inf, None, math.inf
    for epoch in range(setup.epochs):
        made.module.train()
        order = (
            range(len(made.batches)) if setup.is_sorted or setup.streams else shuffled(made, epoch)
        )
        for n in order:
            if not math.isfinite(made.step(made.batches[n])):
                break
        own = made.validate()
        if own < best:
            best = own
            kept = {k: v.clone() for k, v in made.module.state_dict().items()}
    if kept is not None:
        made.module.load_state_dict(kept)
    return tested(made), best


def shuffled(made: Made, epoch: int) -> list[int]:
    """Return the batches' numbers in random order."""
    draw = torch.Generator().manual_seed(epoch)
    return torch.randperm(len(made.batches), generator=draw).tolist()


def tested(made: Made) -> float:
    """Return the error on clean test data."""
    made.module.eval()
    made.module.state = None
    x, y, *lengths = made.test
    with torch.no_grad():
        out = made.module(x, *lengths)
    if not bool(out.isfinite().all()):
        return 1.0
    if y.is_floating_point():
        return min(1.0, float(F.mse_loss(out, y) / y.var()))
    answer = out.round().clamp(min=0).long() if made.setup.squared else out.argmax(-1)
    if lengths and y.dim() == 2:
        known = torch.arange(y.size(1)) < lengths[0][:, None]
        answer, y = answer[known], y[known]
    rights = [(answer[y == k] == k).double().mean() for k in torch.unique(y)]
    return 1.0 - float(torch.stack(rights).mean())
