"""A user's own training step: whether it moves every weight, by the gradient of this batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from longshort.diagnosis.measured import Measured
from longshort.diagnosis.of_module import ModuleSubject
from longshort.diagnosis.subject import Subject, trainable


def measure(subject: Subject) -> Measured | None:
    """Take steps and compare what they do with what a step should do.

    frozen: share of the weights, those with a gradient, that no step changed. accumulated: 1 where
    the gradient of the second step is that of both batches. in_evaluation: 1 where the network is
    in evaluation mode during the step.
    """
    if not isinstance(subject, ModuleSubject) or subject.step is None or len(subject.batches) < 2:
        return None
    with subject.stepping():
        still, total, names = _unmoved(subject)
    with subject.stepping():
        accumulated = _is_accumulated(subject)
    with subject.stepping():
        in_evaluation = _is_in_evaluation(subject)
    frozen = still / total
    said = (
        f"three steps leave {frozen:.0%} of the weights with a gradient unchanged; the second "
        f"step's gradient is that of {'both batches' if accumulated else 'its batch'}"
    )
    numbers = {
        "frozen": frozen,
        "accumulated": float(accumulated),
        "in_evaluation": float(in_evaluation),
    }
    shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return Measured(said, numbers, where={"frozen": shown})


def _unmoved(subject: ModuleSubject) -> tuple[int, int, list[str]]:
    """Return how many weights of how many stay as they are, and their names."""
    module = subject.module
    before = {name: weight.detach().clone() for name, weight in module.named_parameters()}
    gradients = _gradients(subject, subject.batches[0])
    for batch in (*subject.batches, *subject.batches)[:3]:
        subject.take_step(batch)
    moving = {
        name: weight
        for name, weight in module.named_parameters()
        if name in gradients and bool(gradients[name].any())
    }
    still = [name for name, weight in moving.items() if torch.equal(weight, before[name])]
    total = sum(weight.numel() for weight in moving.values())
    return sum(moving[name].numel() for name in still), max(1, total), still


def _is_accumulated(subject: ModuleSubject) -> bool:
    """Whether the gradient after the second step is closer to the sum of both than to its own."""
    one, two = subject.batches[:2]
    subject.take_step(one)
    left = _present(subject)
    own = _flat(_gradients(subject, two), subject)
    torch.manual_seed(subject.seed)
    subject.take_step(two)
    seen = _present(subject)
    if not bool(left.any()) or not bool(seen.any()):
        return False
    alone, both = (float(F.cosine_similarity(seen, each, 0)) for each in (own, own + left))
    return both > 0.99 and both > alone + 1e-3


def _is_in_evaluation(subject: ModuleSubject) -> bool:
    modes: list[bool] = []
    hook = subject.module.register_forward_pre_hook(
        lambda module, _args: modes.append(module.training)
    )
    subject.take_step(subject.batches[0])
    subject.take_step(subject.batches[1])
    hook.remove()
    return bool(modes) and not any(modes)


def _gradients(subject: ModuleSubject, batch: object) -> dict[str, Tensor]:
    """Return the gradient of a batch's loss by name, in training mode."""
    torch.manual_seed(subject.seed)
    subject.module.train()
    named = [(name, w) for name, w in subject.module.named_parameters() if w.requires_grad]
    loss = subject.loss(batch)
    found = torch.autograd.grad(loss, [w for _, w in named], allow_unused=True)
    pairs = zip(named, found, strict=True)
    return {name: gradient for (name, _), gradient in pairs if gradient is not None}


def _flat(gradients: dict[str, Tensor], subject: Subject) -> Tensor:
    named = [(n, w) for n, w in subject.module.named_parameters() if w.requires_grad]
    return torch.cat([gradients.get(n, torch.zeros_like(w)).flatten() for n, w in named])


def _present(subject: Subject) -> Tensor:
    weights = trainable(subject.module)
    parts = [torch.zeros_like(w) if w.grad is None else w.grad.detach() for w in weights]
    return torch.cat([part.flatten() for part in parts]).clone()
