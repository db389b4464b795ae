"""One batch learned by heart, without regularisation: a bug or too little capacity if it fails."""

from __future__ import annotations

import math

import torch
from torch import nn

from longshort.diagnosis.capture import recurrent_layers
from longshort.diagnosis.measured import Curve, Measured, Plot
from longshort.diagnosis.subject import Subject, trainable

_RATE, _CLIP = 0.01, 1.0


def measure(subject: Subject, steps: int = 100) -> Measured:
    """Train on the first batch alone, with Adam and no dropout.

    left: lowest loss over the first.
    """
    losses = []
    with subject.untouched():
        subject.begin()
        subject.module.train()
        without_dropout(subject.module)
        optimizer = torch.optim.Adam(trainable(subject.module), lr=_RATE)
        for _ in range(steps):
            subject.forget()
            optimizer.zero_grad()
            loss = subject.loss(subject.batches[0])
            losses.append(float(loss.detach()))
            if not math.isfinite(losses[-1]):
                break
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(trainable(subject.module), _CLIP)
            optimizer.step()
    finite = [each for each in losses if math.isfinite(each)]
    left = min(finite) / losses[0] if finite and losses[0] > 0 else math.inf
    plot = Plot(
        "step on one batch", "loss", [Curve("one batch", range(len(losses)), losses)], False, True
    )
    said = f"one batch, learned by heart: {left:.1%} of its loss is left after {len(losses)} steps"
    return Measured(said, {"left": left}, plot)


def without_dropout(module: nn.Module) -> None:
    """Put every part whose only effect in training is noise into evaluation mode."""
    for each in module.modules():
        if isinstance(each, (nn.Dropout, nn.RNNBase)):
            each.train(isinstance(each, nn.RNNBase) and not each.dropout)
    for layer in recurrent_layers(module).values():
        if not isinstance(layer, nn.RNNBase):
            layer.eval()
