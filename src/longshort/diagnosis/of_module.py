"""A torch module of any origin as the subject, with its loss and, where given, its training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from longshort.diagnosis.capture import recurrent_layers
from longshort.diagnosis.repairs import begun_anew, can_be_mixed, mixed, shifted, with_lstm
from longshort.diagnosis.subject import Changes, Course, Seen, Subject, trainable
from longshort.errors import ArgumentError

LossOf = Callable[[nn.Module, Any], Tensor]
Step = Callable[[Any], object]
Part = Callable[[Any], Tensor]

_STRETCHES = 8
_RATE, _CLIP = 0.003, 1.0


class ModuleSubject(Subject):
    """A module as it is before training.

    loss: of (module, batch). step: one training step on a batch; None: loss, backward pass and
    step of the optimizer. targets, lengths: take these out of a batch; without them, a batch that
    is a tuple is (inputs, targets, lengths).
    """

    def __init__(
        self,
        module: nn.Module,
        loss: LossOf,
        batches: Iterable[Any],
        *,
        step: Step | None = None,
        optimizer: Optimizer | None = None,
        val_batches: Iterable[Any] = (),
        validate: Callable[[], float] | None = None,
        targets: Part | None = None,
        lengths: Part | None = None,
        carries_state: bool = False,
        is_causal: bool = False,
        epochs: int = 3,
        most_steps: int | None = None,
        seed: int = 0,
    ) -> None:
        self._module, self._loss, self.seed = module, loss, seed
        self._batches, self._val = list(batches), list(val_batches)
        self.step, self.optimizer, self.validate = step, optimizer, validate
        self._targets, self._lengths = targets, lengths
        self.carries_state, self.is_causal = carries_state, is_causal
        self.epochs, self.most_steps = epochs, most_steps
        self.name = type(module).__name__
        _refuse(self)
        self._states = _plain_states(module)

    @property
    def module(self) -> nn.Module:
        """The module."""
        return self._module

    @property
    def batches(self) -> Sequence[Any]:
        """The training batches, in the order given."""
        return self._batches

    @property
    def val_batches(self) -> Sequence[Any]:
        """The validation batches."""
        return self._val

    def loss(self, batch: Any) -> Tensor:
        """Return the loss of a batch."""
        return self._loss(self._module, batch)

    def begin(self) -> None:
        """Do nothing: the module is given with the weights of before training."""

    def forget(self) -> None:
        """Restore tensors that modules keep as attributes to what they were at the beginning."""
        for owner, name, value in self._states:
            setattr(owner, name, value)

    def targets(self, batch: Any) -> Tensor | None:
        """Return the targets of a batch: the second of a tuple, where nothing says otherwise."""
        if self._targets is not None:
            return self._targets(batch)
        is_pair = isinstance(batch, (tuple, list)) and len(batch) > 1
        return batch[1] if is_pair and isinstance(batch[1], Tensor) else None

    def lengths(self, batch: Any) -> Tensor | None:
        """Return the lengths of a batch: the third of a tuple, where nothing says otherwise."""
        if self._lengths is not None:
            return self._lengths(batch)
        is_triple = isinstance(batch, (tuple, list)) and len(batch) > 2
        found = batch[2] if is_triple else None
        is_vector = isinstance(found, Tensor) and found.dim() == 1 and not found.is_floating_point()
        return found if is_vector else None

    @property
    def settings(self) -> Mapping[str, Any]:
        """What can be changed without the user's code."""
        found: dict[str, Any] = {"epochs": self.epochs, "batch": self._batch_size()}
        rates = [each.p for each in self._module.modules() if isinstance(each, nn.Dropout)]
        if any(rates):
            found["dropout"] = max(rates)
        if self.optimizer is not None:
            group = self.optimizer.param_groups[0]
            found["learning_rate"] = float(group["lr"])
            if group.get("weight_decay"):
                found["weight_decay"] = float(group["weight_decay"])
        layers = recurrent_layers(self._module).values()
        if layers:
            found["width"] = min(each.hidden_size for each in layers)
        if any(isinstance(each, nn.RNN) for each in layers):
            found["cell"] = "rnn"
        return found

    def _batch_size(self) -> int:
        targets = self.targets(self._batches[0])
        return len(targets) if targets is not None and targets.dim() else 0

    def can(self, change: str) -> bool:
        """Whether a training can be changed in this way, beyond `settings`."""
        if change == "init":
            return bool(recurrent_layers(self._module))
        if change == "own_step":
            return self.step is not None
        return change == "shift" or (change == "shuffle" and can_be_mixed(self._batches))

    def changes(self, wanted: Mapping[str, Any]) -> Changes:
        """Return the changes unaltered."""
        return dict(wanted)

    def train(self, changes: Changes, seed: int, seen: Seen | None = None) -> Course:
        """Train by the user's step, or by one of our own where the changes ask for it."""
        view = nullcontext() if seen is None else seen(self._module)
        with self.untouched(), self._changed(changes), view:
            torch.manual_seed(seed)
            try:
                return self._course(changes)
            except RuntimeError as error:  # of the user's own step
                return Course([math.inf], [self.score({}), math.inf], reason=str(error))

    def train_on(self, share: float, seed: int) -> Course | None:
        """Train on the first share of the batches, for as many steps as on all of them."""
        count = int(share * len(self._batches))
        return self.train({"batches": count}, seed) if count else None

    @contextmanager
    def stepping(self) -> Iterator[None]:
        """Let the user's step and validation run inside the block, and undo what they did."""
        with self.untouched(), self._changed({}):
            yield

    def take_step(self, batch: Any) -> None:
        """Take the user's step on a batch, in training mode."""
        self._given_step(batch)

    def learn(self, changes: Changes) -> Course:
        """Train and keep the weights of the best score; the caller restores what was before."""
        with self._changed(changes):
            torch.manual_seed(self.seed)
            return self._course(changes, keep_best=True)

    def steps_of(self, changes: Changes) -> int:
        """Return how many steps a training with these changes has."""
        planned = self.epochs * len(self._batches)
        grown = float(changes.get("epochs", self.epochs)) / self.epochs
        return max(1, round(min(planned, self.most_steps or planned) * grown))

    def _course(self, changes: Changes, *, keep_best: bool = False) -> Course:
        batches = _altered(self._batches, changes, self)
        step = self._stepper(changes)
        total = self.steps_of(changes)
        losses, scores = [], [self.score(changes)]
        best = deepcopy(self._module.state_dict()) if keep_best else {}
        begins = [total * n // _STRETCHES for n in range(_STRETCHES + 1)]
        for begin, end in pairwise(begins):
            if begin == end:
                continue
            seen = [step(batches[n % len(batches)]) for n in range(begin, end)]
            losses.append(sum(seen) / len(seen))
            scores.append(self.score(changes))
            if scores[-1] <= min(scores):
                best = deepcopy(self._module.state_dict()) if keep_best else best
            if not math.isfinite(losses[-1]):
                return Course(losses, scores, reason="the loss became NaN or infinite")
        if keep_best:
            self._module.load_state_dict(best)
        return Course(losses, scores)

    def _stepper(self, changes: Changes) -> Callable[[Any], float]:
        """Return one step of training as a function of the batch; it returns the loss."""
        if changes.get("own_step") or changes.get("cell"):
            rate = changes.get("learning_rate", _RATE)
            own = torch.optim.Adam(trainable(self._module), lr=rate)
            return lambda batch: plain_step(self, batch, own, _CLIP)
        if self.step is not None:
            return self._given_step
        optimizer = self.optimizer or torch.optim.Adam(trainable(self._module), lr=_RATE)
        return lambda batch: plain_step(self, batch, optimizer, changes.get("clip"))

    def _given_step(self, batch: Any) -> float:
        assert self.step is not None
        self._module.train()
        found = self.step(batch)
        if isinstance(found, Tensor):
            return float(found.detach())
        return float(found) if isinstance(found, (int, float)) else 0.0

    def score(self, changes: Changes) -> float:
        """Return the mean loss of the validation batches, or of the first training batches."""
        training = self._module.training
        self._module.eval()
        with torch.no_grad():
            batches = _altered(self._val or self._batches[:4], changes, self)
            losses = [float(self.loss(batch)) for batch in batches]
        self._module.train(training)
        return sum(losses) / len(losses)

    @contextmanager
    def _changed(self, changes: Changes) -> Iterator[None]:
        """Make the changes of module and optimizer, and take them back after the block."""
        drops = [each for each in self._module.modules() if isinstance(each, nn.Dropout)]
        rates = [each.p for each in drops]
        before = deepcopy(self.optimizer.state_dict()) if self.optimizer is not None else {}
        if "dropout" in changes:
            for each in drops:
                each.p = min(each.p, changes["dropout"])
        for group in self.optimizer.param_groups if self.optimizer is not None else ():
            group["lr"] = changes.get("learning_rate", group["lr"])
            if "weight_decay" in group:
                group["weight_decay"] = changes.get("weight_decay", group["weight_decay"])
        if changes.get("init"):
            begun_anew(self._module, self.seed)
        swap = with_lstm(self._module, self.seed) if changes.get("cell") else nullcontext()
        try:
            with swap:
                yield
        finally:
            for each, rate in zip(drops, rates, strict=True):
                each.p = rate
            if self.optimizer is not None:
                self.optimizer.load_state_dict(before)

    def remedy(self, changes: Changes) -> str:
        """Return the changes in words of torch."""
        return "; ".join(_in_torch(name, value) for name, value in changes.items())


def plain_step(
    subject: Subject, batch: Any, optimizer: Optimizer, clip: float | None = None
) -> float:
    """Take one step of training as it should be; returns the loss."""
    subject.module.train()
    optimizer.zero_grad()
    loss = subject.loss(batch)
    torch.autograd.backward(loss)
    if clip is not None:
        nn.utils.clip_grad_norm_(trainable(subject.module), clip)
    optimizer.step()
    return float(loss.detach())


def _altered(batches: Sequence[Any], changes: Changes, subject: ModuleSubject) -> Sequence[Any]:
    if changes.get("shuffle"):
        return mixed(batches, subject.seed)
    if "batches" in changes:
        return batches[: changes["batches"]]
    if "shift" in changes:
        return [shifted(batch, int(changes["shift"])) for batch in batches]
    return batches


def _in_torch(name: str, value: object) -> str:
    written = f"{value:.4g}" if isinstance(value, float) else str(value)
    words = {
        "own_step": "zero the gradients, then loss.backward(), clip_grad_norm_, optimizer.step() "
        "over all parameters",
        "init": "initialise the recurrent layers orthogonally, their forget biases with 1",
        "cell": "nn.LSTM instead of nn.RNN",
        "shuffle": "DataLoader(…, shuffle=True)",
        "shift": f"shift the targets by {written} steps",
        "dropout": f"dropout {written}",
        "epochs": f"train {written} epochs",
        "learning_rate": f"lr={written}",
        "weight_decay": f"weight_decay={written}",
        "clip": f"clip_grad_norm_(parameters, {written})",
    }
    return words.get(name, f"{name}={written}")


def _plain_states(module: nn.Module) -> list[tuple[nn.Module, str, Any]]:
    """Return attributes of modules that hold tensors or None, but for parameters and buffers."""
    found = []
    for each in module.modules():
        for name, value in vars(each).items():
            is_state = value is None or isinstance(value, Tensor) or _are_tensors(value)
            if is_state and not name.startswith("_"):
                found.append((each, name, value))
    return found


def _are_tensors(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(x, Tensor) for x in value)


def _refuse(subject: ModuleSubject) -> None:
    """Raise `ArgumentError` for what cannot be examined."""
    module = subject.module
    if not isinstance(module, nn.Module):
        got = type(module).__name__
        raise ArgumentError(f"module: a torch.nn.Module is expected, got a {got}")
    if not trainable(module):
        raise ArgumentError(
            "module: has no parameter that learns; give the module that is trained (requires_grad)"
        )
    if not subject.batches:
        raise ArgumentError(
            "batches: there are none; give a list of training batches, such as list(loader)"
        )
    if subject.epochs < 1:
        raise ArgumentError(f"epochs: 1 or more, got {subject.epochs}")
    with subject_quiet(subject):
        loss = subject.loss(subject.batches[0])
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else repr(loss)
        raise ArgumentError(f"loss: has to return a scalar tensor, got {what}; take its mean")
    if not loss.requires_grad:
        raise ArgumentError(
            "loss: does not depend on the module's parameters; return the tensor itself, not "
            ".item() or .detach()"
        )


@contextmanager
def subject_quiet(subject: ModuleSubject) -> Iterator[None]:
    """Call the loss once without a trace in the module's states."""
    states = _plain_states(subject.module)
    random = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(random)
        for owner, name, value in states:
            setattr(owner, name, value)
