"""What a network is given and gives, seen and replaced by hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from longshort.diagnosis.subject import Subject
from longshort.nn.recurrent import Recurrent

Replace = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Call:
    """One call of a network: the tensors it was given, the first tensor it gave, and the loss."""

    inputs: list[Tensor]
    output: Tensor
    loss: Tensor

    @property
    def values(self) -> list[Tensor]:
        """The inputs that are data: all but lengths and other vectors of whole numbers."""
        return [x for x in self.inputs if x.is_floating_point() or x.dim() > 1]


def call_of(subject: Subject, batch: Any) -> Call | None:
    """Return the network's first call for the loss of a batch.

    None where the loss does not call the network itself.
    """
    seen: list[tuple[list[Tensor], Any]] = []

    def see(_module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        seen.append((tensors_in((args, kwargs)), output))

    hook = subject.module.register_forward_hook(see, with_kwargs=True)
    try:
        loss = subject.loss(batch)
    finally:
        hook.remove()
    outputs = tensors_in(seen[0][1]) if seen else []
    floats = [each for each in outputs if each.is_floating_point()]
    return Call(seen[0][0], floats[0], loss) if floats else None


@contextmanager
def given(module: nn.Module, change: Replace) -> Iterator[None]:
    """Replace every data tensor that the network is given; lengths stay as they are."""

    def put(_module: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
        return mapped(_data_only(change), args), mapped(_data_only(change), kwargs)

    hook = module.register_forward_pre_hook(put, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


@contextmanager
def without_input(module: nn.Module) -> Iterator[None]:
    """Give the network zeros inside the block."""
    with given(module, zeros):
        yield


@contextmanager
def layers_shuffled(module: nn.Module, *, over_time: bool) -> Iterator[None]:
    """Exchange the steps, or the samples, of what recurrent layers read, anew in every call."""

    def watch(layer: Layer) -> Any:
        axis = 1 if layer.batch_first == over_time else 0

        def put(_module: nn.Module, args: Any) -> Any:
            if not args or not isinstance(args[0], Tensor) or args[0].dim() != 3:
                return args
            order = torch.randperm(args[0].size(axis))
            return (args[0].index_select(axis, order), *args[1:])

        return put

    hooks = [
        each.register_forward_pre_hook(watch(each)) for each in recurrent_layers(module).values()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def zeros(value: Tensor) -> Tensor:
    """Return a tensor of zeros in the place of another."""
    return torch.zeros_like(value)


def _data_only(change: Replace) -> Replace:
    def one(value: Tensor) -> Tensor:
        is_data = value.is_floating_point() or value.dim() > 1
        return change(value) if is_data and value.dtype != torch.bool else value

    return one


def tensors_in(value: Any) -> list[Tensor]:
    """Return all tensors of nested lists, tuples, dictionaries and dataclasses, in order."""
    found: list[Tensor] = []

    def see(each: Tensor) -> Tensor:
        found.append(each)
        return each

    mapped(see, value)
    return found


def mapped(change: Replace, value: Any) -> Any:
    """Return nested containers with every tensor replaced; packed sequences by their values."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, PackedSequence):
        return value._replace(data=change(value.data))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(change, each) for each in value))
    if isinstance(value, (list, tuple)):
        return type(value)(mapped(change, each) for each in value)
    if isinstance(value, dict):
        return {name: mapped(change, each) for name, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: mapped(change, getattr(value, each.name)) for each in fields(value)}
        return replace(value, **parts)
    return value


Layer = nn.RNNBase | Recurrent


def recurrent_layers(module: nn.Module) -> dict[str, Layer]:
    """Return the recurrent layers of a network by name, torch's and our own."""
    found = module.named_modules()
    return {name: each for name, each in found if isinstance(each, (nn.RNNBase, Recurrent))}


def layer_inputs(subject: Subject, batch: Any) -> dict[str, Tensor]:
    """Return the sequence that each recurrent layer reads in the loss of a batch, detached."""
    seen: dict[str, Tensor] = {}

    def watch(name: str) -> Any:
        def see(_module: nn.Module, args: Any, kwargs: Any) -> None:
            found = [x for x in tensors_in((args, kwargs)) if x.is_floating_point()]
            if found and name not in seen:
                seen[name] = found[0].detach()

        return see

    layers = recurrent_layers(subject.module).items()
    hooks = [each.register_forward_pre_hook(watch(n), with_kwargs=True) for n, each in layers]
    try:
        with torch.no_grad():
            subject.loss(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return seen
