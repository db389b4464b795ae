"""Asking a model many times: answers and their gradients for inputs in batches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from longshort.runs.explaining import Floats, Question

_VALUES = 2_000_000
"""Number of input values in a batch, to bound memory."""
_ROWS = 256


def answers(question: Question, inputs: Floats) -> Floats:
    """Return the answers [N] of inputs [N, T, F]."""
    with torch.no_grad():
        found = [question.answer(part) for part in _parts(question, inputs)]
    return _numbers(torch.cat(found)) if found else np.zeros(0)


def gradients(question: Question, inputs: Floats) -> Floats:
    """Return the gradients [N, T, F] of the answers of inputs [N, T, F]."""
    found = []
    for part in _parts(question, inputs):
        part.requires_grad_()
        with torch.enable_grad():
            whole = question.answer(part).sum()
        (each,) = torch.autograd.grad(whole, [part], allow_unused=True, materialize_grads=True)
        found.append(each)
    return _numbers(torch.cat(found))


def _parts(question: Question, inputs: Floats) -> list[Tensor]:
    rows = max(1, min(_ROWS, _VALUES // max(1, question.inputs.size)))
    whole = torch.from_numpy(np.ascontiguousarray(inputs, np.float64))
    return [part.clone() for part in torch.split(whole, rows)]


def _numbers(values: Tensor) -> Floats:
    found: Floats = values.detach().cpu().double().numpy()
    return found
