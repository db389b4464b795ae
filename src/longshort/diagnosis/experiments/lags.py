"""The gradient per lag: how far back a recurrent layer's answer reaches, on the data it reads."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longshort.diagnosis.capture import Layer, layer_inputs, recurrent_layers, tensors_in
from longshort.diagnosis.measured import Curve, Measured, Plot
from longshort.diagnosis.subject import Subject

Floats = NDArray[np.float64]

_ROWS, _FLOOR = 16, 1e-30


def measure(subject: Subject) -> Measured | None:
    """Measure the norm of the gradient of the last output by the input of every earlier step.

    slope: of the natural logarithm of the norm per lag, of the layer that forgets fastest; below 0
    the gradient vanishes, above it explodes. half_life: steps in which the norm halves, infinite
    where it does not fall; steps: length of the sequences; reach: half-life over length; growth:
    norm at the longest lag over that at lag 1.
    """
    layers = recurrent_layers(subject.module)
    with subject.untouched():
        subject.module.eval()
        inputs = layer_inputs(subject, subject.batches[0])
    found = {
        name: norms_per_lag(layers[name], x, subject.seed)
        for name, x in inputs.items()
        if x.dim() == 3 and x.size(1 if layers[name].batch_first else 0) > 7
    }
    found = {name: norms for name, norms in found.items() if norms.any()}
    if not found:
        return None
    slopes = {name: slope_of(norms) for name, norms in found.items()}
    name = min(slopes, key=lambda each: slopes[each])
    steepest = max(slopes, key=lambda each: slopes[each])
    norms, slope = found[name], slopes[name]
    half = math.log(2) / -slope if slope < 0 else math.inf
    other = found[steepest]
    growth = float(other[-1] / max(other[1], _FLOOR))
    numbers = {
        "slope": slope,
        "half_life": half,
        "steps": float(len(norms)),
        "reach": half / len(norms),
        "growth": growth,
    }
    return Measured(
        _said(slope, half), numbers, plot_of(found), {"reach": name, "growth": steepest}
    )


def _said(slope: float, half: float) -> str:
    if slope < 0:
        return f"the gradient vanishes: its norm halves every {half:.3g} steps back"
    doubling = math.log(2) / max(slope, 1e-9)
    return f"the gradient grows: its norm doubles every {doubling:.3g} steps back"


def plot_of(found: dict[str, Floats]) -> Plot:
    """Return the norms per lag as a plot, each over that at lag 0, with half-lives as names."""
    curves = []
    for name, norms in found.items():
        slope = slope_of(norms)
        word = "half-life" if slope < 0 else "doubles in"
        steps = math.log(2) / max(abs(slope), 1e-9)
        shares = norms / max(float(norms[0]), _FLOOR)
        curves.append(
            Curve(f"{name or 'network'} ({word} {steps:.3g})", range(len(norms)), shares.tolist())
        )
    return Plot("lag in steps", "norm of the gradient, over that at lag 0", curves, False, True)


def norms_per_lag(layer: Layer, x: Tensor, seed: int) -> Floats:
    """Return the norm of d(r · h_T) / d x_{T-lag} for lag 0 … T-1, r random, over the batch.

    Of a layer in two directions, the forward one is measured. Lags past a sample's start, which are
    padding at the other end, do not arise: whole rows of the batch are read.
    """
    is_batch_first = layer.batch_first
    rows = x.transpose(0, 1) if is_batch_first else x
    rows = rows[:, :_ROWS].detach().clone().requires_grad_()
    training = layer.training
    layer.eval()
    output = tensors_in(layer(rows.transpose(0, 1) if is_batch_first else rows)[0])[0]
    layer.train(training)
    last = output[:, -1] if is_batch_first else output[-1]
    width = (
        last.size(-1) // 2
        if layer.bidirectional and getattr(layer, "merge", "") != "sum"
        else last.size(-1)
    )
    draw = torch.Generator().manual_seed(seed)
    direction = torch.randn(width, generator=draw).to(last)
    (gradient,) = torch.autograd.grad((last[..., :width] * direction).sum(), rows)
    norms = gradient.square().sum(-1).sqrt().mean(1).flip(0)
    found: Floats = norms.double().numpy()
    return found


def slope_of(norms: Floats) -> float:
    """Return the least-squares slope of the logarithm of the norms from lag 1 on.

    Norms below a millionth of a millionth of the largest count no further: they are rounding.
    """
    least = 1e-12 * float(norms.max())
    far = np.flatnonzero(norms < least)
    end = int(far[0]) if len(far) and far[0] > 3 else len(norms)
    logs = np.log(np.maximum(norms[1:end], _FLOOR))
    return float(np.polyfit(np.arange(1, end), logs, 1)[0]) if end > 2 else -math.inf
