"""The output and the loss: softmax twice, squared errors of class numbers, a bounded output."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from longshort.diagnosis.capture import call_of
from longshort.diagnosis.measured import Measured
from longshort.diagnosis.subject import Subject

_BOUNDS = {"Tanh": (-1.0, 1.0), "Sigmoid": (0.0, 1.0), "Relu": (0.0, float("inf"))}


def measure(subject: Subject) -> Measured | None:
    """Compare the loss with what well-known losses of the same output would be.

    double_softmax: 1 where the loss is the cross entropy of probabilities, taken as logits.
    class_numbers: 1 where it is a squared or absolute error of the numbers of classes. outside:
    share of targets that a bounded output cannot reach.
    """
    batch = subject.batches[0]
    targets = subject.targets(batch)
    with subject.untouched():
        subject.module.eval()
        call = call_of(subject, batch)
    if call is None or targets is None:
        return None
    found = {"double_softmax": 0.0, "class_numbers": 0.0, "outside": 0.0}
    output, loss = call.output, float(call.loss.detach())
    if not targets.is_floating_point():
        found["double_softmax"] = float(_is_double(output.detach(), targets, loss))
        found["class_numbers"] = float(_is_of_numbers(output.detach(), targets, loss))
    else:
        found["outside"] = _outside(output, targets)
    said = [name.replace("_", " ") for name, value in found.items() if value]
    words = ", ".join(said) or "is what its output and targets ask for"
    return Measured(f"loss {loss:.4g}: {words}", found)


def _is_double(output: Tensor, targets: Tensor, loss: float) -> bool:
    if output.size(-1) < 2 or output[..., 0].numel() != targets.numel():
        return False
    rows = output.reshape(-1, output.size(-1)).double()
    labels = targets.reshape(-1).long()
    if int(labels.max()) >= rows.size(1):
        return False
    sums = rows.sum(1)
    are_shares = bool((rows >= 0).all()) and bool((sums - 1).abs().max() < 1e-3)
    taken = rows if are_shares else rows.softmax(1)
    twice, once = (float(F.cross_entropy(each, labels)) for each in (taken, taken.log()))
    return _near(twice, loss) and not _near(once, loss)


def _is_of_numbers(output: Tensor, targets: Tensor, loss: float) -> bool:
    if output.numel() != targets.numel() or torch.unique(targets).numel() > 50:
        return False
    error = output.reshape(-1).double() - targets.reshape(-1).double()
    return _near(float(error.square().mean()), loss) or _near(float(error.abs().mean()), loss)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-4 * max(abs(one), abs(other), 1e-6)


def _outside(output: Tensor, targets: Tensor) -> float:
    """Return the share of targets beyond the bounds of the operation that the output ends in."""
    node = output.grad_fn
    while node is not None and _kind(node) in ("Squeeze", "View", "Reshape", "Select", "Unsafe"):
        node = node.next_functions[0][0]
    bounds = None if node is None else _BOUNDS.get(_kind(node))
    if bounds is None:
        return 0.0
    low, high = bounds
    return float(((targets < low) | (targets > high)).double().mean())


def _kind(node: torch.autograd.graph.Node) -> str:
    name = node.name().removesuffix("0").removesuffix("Backward").removesuffix("1")
    kinds = (*_BOUNDS, "Squeeze", "View", "Reshape", "Select", "Unsafe")
    return next((kind for kind in kinds if name.startswith(kind)), name)
