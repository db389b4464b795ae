"""Layer-wise relevance propagation for a question."""

from __future__ import annotations

import torch

from longshort.explanation.attribution import Attribution
from longshort.explanation.relevance.mode import relevance
from longshort.runs.explaining import Question, Subject


def layer_wise_relevance(subject: Subject, question: Question) -> Attribution:
    """Share the answer among the inputs, from the last operation back to the first.

    Its baseline is the input 0, whatever other methods compare with. Constants, such as biases,
    have a share of their own. Raises `ConfigError` for a network with a function without a rule.
    """
    inputs = torch.from_numpy(question.inputs)[None].clone().requires_grad_()
    one = torch.ones(1, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad(), relevance(subject.network, one):
        answer = question.answer(inputs).sum()
    slopes, constant = torch.autograd.grad(answer, [inputs, one], allow_unused=True)
    values = torch.zeros_like(inputs) if slopes is None else slopes * inputs.detach()
    return Attribution(
        method="lrp",
        baseline="zero",
        values=values[0].detach().numpy() * question.exists,
        score=answer.item(),
        reference=0.0,
        constant=0.0 if constant is None else constant.item(),
        note="gates take nothing; constants are biases and what activations give at 0",
    )
