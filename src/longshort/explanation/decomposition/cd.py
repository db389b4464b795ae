"""Contextual decomposition for a question: every cell of the input is a phrase of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from longshort.engine.executors.common.contract import Tensors, Trajectory
from longshort.engine.scan import Traced, scan
from longshort.errors import ConfigError
from longshort.explanation.attribution import Attribution
from longshort.explanation.decomposition.scan import decomposed
from longshort.explanation.relevance.mode import relevance, scans_replaced
from longshort.runs.explaining import Question, Subject

_ALIKE, _ADDITIVE = 1e-9, 1e-6
_MOST = 4096


def contextual_decomposition(subject: Subject, question: Question) -> Attribution:
    """Part the answer into what comes from each cell alone and what comes with others.

    The output of the recurrent layers is parted by their equations, with every cell as a phrase;
    what comes after them is linear, or made so as for layer-wise relevance. A cell's value is what
    its phrase gives; interactions of cells, and constants, are the constant. Raises `ConfigError`
    where what comes before the layers is not linear, or lies between them.
    """
    cells = np.flatnonzero(question.exists)
    if len(cells) > _MOST:
        raise ConfigError(
            f"cd: a row of {len(cells):,} cells takes too long, at most {_MOST:,} are parted; use "
            "lrp"
        )
    calls = _Calls(_phrases(subject, question, cells))
    inputs = torch.from_numpy(question.inputs)[None].clone().requires_grad_()
    one = torch.ones(1, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad(), relevance(subject.network, one, calls.run):
        answer = question.answer(inputs).sum()
    leaves = [each.output for each in calls.made]
    slopes, *shares = torch.autograd.grad(answer, [inputs, *leaves], allow_unused=True)
    values = np.zeros(question.inputs.size)
    if slopes is not None:
        values += (slopes * inputs.detach())[0].numpy().reshape(-1)
    for call, share in zip(calls.made, shares, strict=True):
        if share is not None:
            values[cells] += torch.einsum("tnw,tpw->p", share, call.phrase).cpu().numpy()
    values = values.reshape(question.inputs.shape) * question.exists
    score = answer.item()
    return Attribution(
        method="cd",
        baseline="zero",
        values=values,
        score=score,
        reference=0.0,
        constant=score - float(values.sum()),
        note="constant: biases, and what cells do together",
        error=calls.error,
    )


def _phrases(subject: Subject, question: Question, cells: np.ndarray) -> list[Tensor | None]:
    """Return what of every scan's input comes from each cell, [T, P, I].

    None where what the cells give alone does not add up to the input, as in upper layers.
    """
    flat, fixed = question.inputs.reshape(-1), ~question.exists.reshape(-1)
    alone = np.zeros((len(cells) + 2, flat.size))
    alone[np.arange(len(cells)), cells] = flat[cells]
    alone[-1] = flat
    alone[:, fixed] = flat[fixed]
    seen: list[Tensor] = []

    def watched(traced: Traced, parameters: Tensors, x: Tensor, *more: Any, **how: Any) -> Any:
        seen.append(x)
        return scan(traced, parameters, x, *more, **how)

    with torch.no_grad(), scans_replaced(subject.network, watched):
        question.answer(torch.from_numpy(alone).reshape(-1, *question.inputs.shape))
    if not seen or seen[0].size(1) != len(alone):
        raise ConfigError("cd: the network has no recurrent layer that reads the row; use lrp")
    return [_additive(x) for x in seen]


def _additive(x: Tensor) -> Tensor | None:
    """Return what each cell adds; x [T, P + 2, I]: each cell alone, no cell, all cells."""
    none, whole = x[:, -2:-1], x[:, -1:]
    phrases = x[:, :-2] - none
    missing = (none + phrases.sum(1, keepdim=True) - whole).abs().max()
    return phrases if float(missing) <= _ADDITIVE * float(whole.abs().max()) else None


@dataclass
class _Call:
    """One layer in one direction: its input and output, and what of the output comes from cells."""

    x: Tensor
    output: Tensor
    phrase: Tensor


@dataclass
class _Calls:
    """The scans of a network, each parted when it is called."""

    inputs: list[Tensor | None]
    made: list[_Call] = field(default_factory=list)
    error: float = 0.0

    def run(
        self,
        one: Tensor,
        traced: Traced,
        parameters: Tensors,
        x: Tensor,
        state: Tensors,
        **how: Any,
    ) -> Trajectory:
        """Run a scan as it is; its output is a leaf, whose gradient is the share of relevance."""
        del one
        if x.size(1) != 1 or how.get("reset") is not None:
            raise ConfigError("cd: only single sequences that go on are parted; use lrp")
        reverse = bool(how.get("reverse"))
        with torch.no_grad():
            x = x.detach()
            plain = {name: value.detach() for name, value in state.items()}
            phrase = self._phrase(x)
            run = scan(traced, parameters, x, plain, reverse=reverse)
            parted = decomposed(traced, parameters, x, phrase, plain, run.output, reverse=reverse)
        self.error = max(self.error, parted.error)
        output = run.output.detach().requires_grad_()
        self.made.append(_Call(x, output, parted.phrase))
        return Trajectory(output, run.final, {})

    def _phrase(self, x: Tensor) -> Tensor:
        """Return what of the present scan's input comes from each cell."""
        own = self.inputs[len(self.made)]
        if own is not None:
            return own
        for call in reversed(self.made):
            if _is_alike(x, call.output):
                return call.phrase
        for one, other in pairwise(self.made):
            if _is_alike(x, torch.cat([one.output, other.output], -1)):
                return torch.cat([one.phrase, other.phrase], -1)
        raise ConfigError(
            "cd: what comes before a recurrent layer is not linear, or stands between two of them, "
            "as a residual connection does; use lrp"
        )


def _is_alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool((one - other).abs().max() <= _ALIKE)
